"""Whose version is live, what others changed, who scaled: on histories that Nomad might keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from toolkit.clients.nomad import Nomad
from toolkit.errors import DeniedError, ServerError, ToolkitError
from toolkit.rollout import drift, drift_counts, read
from toolkit.rollout.memory import recall, remember
from toolkit.rollout.world import World
from toolkit.spec.plan import DiffLine, Drift, Memory, ScaledCount, VersionMark
from toolkit.spec.target import Endpoint, Target

TARGET = Target(
    "dev",
    Endpoint("Nomad", "http://127.0.0.1:9", "test"),
    Endpoint("Consul", "http://127.0.0.1:9", "test"),
)
SECRET = "correct horse"
OWN = "battery staple"
"""A secret of the job that its job file does not name."""


def source(version: int | None, release: str = "1.0.0") -> dict[str, Any]:
    """What Nomad keeps of a version that we registered."""
    return {"Source": remember("job {}", Memory(release, {"web": 2}, release, version))}


THEIRS = {"Source": "job {}"}


def version(number: int, release: str = "1.0.0", count: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "ID": "shop", "Type": "service", "Version": number, "SubmitTime": (number + 1) * 10**9,
        "Meta": {"release": release}, "TaskGroups": [{"Name": "web", "Count": count}], **more,
    }  # fmt: skip


def edited(*fields: str) -> dict[str, Any]:
    """A diff of Nomad's; a secret in every value."""
    found = [{"Type": "Edited", "Name": f, "Old": SECRET, "New": OWN} for f in fields]
    return {"Type": "Edited" if found else "None", "Fields": found}


@dataclass
class History:
    """A Nomad that keeps these versions, newest first, and these sources."""

    kept: list[dict[str, Any]]
    sources: dict[int, dict[str, Any]] = field(default_factory=dict)
    diffs: dict[int, dict[str, Any]] = field(default_factory=dict)
    """From that version to the live one."""
    error: ToolkitError | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.error is not None:
            raise self.error

    def versions(self, _id: str, *, since: int | None = None) -> list[dict[str, Any]]:
        self._called(f"versions {since}")
        if since is None:
            return self.kept
        return [{**raw, "Diff": self.diffs.get(since, edited())} for raw in self.kept]

    def variables(self, prefix: str) -> list[dict[str, Any]]:
        return [{"Path": prefix}]

    def variable(self, _path: str) -> dict[str, Any]:
        return {"Items": {"db_password": OWN}}

    def submission(self, _id: str, number: int) -> dict[str, Any] | None:
        self._called(f"submission {number}")
        return self.sources.get(number)

    def scale_status(self, _id: str) -> dict[str, Any]:
        self._called("scale")
        return {"TaskGroups": {"web": {"Events": self.events}}}

    def world(self) -> World:
        return World(TARGET, cast(Nomad, self), cast(Any, None))

    def drift(self, live: int) -> Drift:
        raw = next(each for each in self.kept if each["Version"] == live)
        found = read.live_job(raw)
        return drift.since_ours(self.world(), found, self.sources.get(live), [SECRET])


def test_ours_costs_no_call() -> None:
    history = History([version(7), version(6)], {7: source(7)})
    found = history.drift(7)
    assert (found.state, found.since, history.calls) == ("none", VersionMark(7, "1.0.0", 8.0), [])


def test_a_version_that_we_named_is_ours_without_its_source() -> None:
    history = History([version(7, VersionTag={"Name": "1.0.0-v7"})], {7: THEIRS})
    assert (history.drift(7).state, history.calls) == ("none", [])
    # A name of somebody else's, or of another version, says nothing.
    for name in ("1.0.0-v6", "1.1.0-v7", "golden"):
        history = History([version(7, VersionTag={"Name": name})], {7: THEIRS})
        assert history.drift(7).state != "none"


def test_a_memory_of_before_there_were_versions_belongs_to_its_release() -> None:
    assert History([version(7)], {7: source(None)}).drift(7).state == "none"
    assert History([version(7, "2.0.0")], {7: source(None)}).drift(7).state == "unseen"


def test_another_source_is_measured_from_our_newest() -> None:
    history = History(
        [version(9), version(8), version(7), version(6)],
        {9: THEIRS, 8: THEIRS, 7: source(7), 6: source(6)},
        {7: edited("Priority", "Stop")},
    )
    found = history.drift(9)
    assert (found.state, found.since, found.live.version) == (
        "changed",
        VersionMark(7, "1.0.0", 8.0),
        9,
    )
    # That it was stopped the plan says itself, and a secret is said by nobody.
    assert found.changes == (DiffLine("Priority", "Edited", "***", "***"),)
    assert history.calls == ["versions None", "submission 8", "submission 7", "versions 7"]


def test_the_source_of_an_older_version_is_no_proof() -> None:
    """Registered without a source, and Nomad shows that of another version of ours."""
    history = History(
        [version(8), version(7), version(3)],
        {8: source(3), 7: source(7), 3: source(3)},
        {3: edited("Priority", "Region"), 7: edited("Priority")},
    )
    found = history.drift(8)
    assert (found.state, found.since and found.since.version) == ("changed", 7)
    assert [line.path for line in found.changes] == ["Priority"]


def test_the_same_again_is_a_revert_and_changes_nothing() -> None:
    history = History(
        [version(9), version(8, "1.1.0"), version(7)],
        {9: source(7), 8: source(8, "1.1.0"), 7: source(7)},
    )
    assert history.drift(9) == Drift(
        "reverted", VersionMark(9, "1.0.0", 10.0), VersionMark(7, "1.0.0", 8.0)
    )
    # The version right after ours that differs in nothing is ours, stopped or started.
    history = History([version(8, Stop=True), version(7)], {8: source(7), 7: source(7)})
    assert history.drift(8).state == "none"


@pytest.mark.parametrize("reverts", [source(0), None])
def test_an_edit_after_a_revert_is_measured_from_what_was_put_back(
    reverts: dict[str, Any] | None,
) -> None:
    """1.3.0 failed and Nomad put 1.0.0 back, with its source or without: that is nobody's edit."""
    kept = [
        version(4, Priority=70), version(3, JobModifyIndex=90, Stable=True),
        version(2, "1.3.0"), version(1, JobModifyIndex=20), version(0, "0.9.0"),
    ]  # fmt: skip
    sources = {4: THEIRS, 2: source(2, "1.3.0"), 1: source(1), 0: source(0, "0.9.0")}
    if reverts is not None:
        sources[3] = source(1)
    history = History(
        kept, sources, {2: edited("Priority", "Meta[release]"), 1: edited("Priority")}
    )
    found = history.drift(4)
    assert (found.state, found.since) == ("changed", VersionMark(1, "1.0.0", 2.0))
    assert [line.path for line in found.changes] == ["Priority"]
    assert found.detail == ""


def test_what_others_put_back_of_their_own_is_still_measured_from_ours() -> None:
    kept = [version(4, Priority=70), version(3), version(2, "1.3.0"), version(1)]
    sources = {4: THEIRS, 3: THEIRS, 2: source(2, "1.3.0"), 1: THEIRS}
    found = History(kept, sources, {2: edited("Priority")}).drift(4)
    assert (found.state, found.since and found.since.version) == ("changed", 2)


def test_a_revert_to_a_version_that_is_gone_is_nobodys_change() -> None:
    """Three failed deploys after one that serves: Nomad drops the version that serves again."""
    history = History(
        [version(8), version(7, "1.3.0"), version(6), version(5, "1.1.0")],
        {8: source(0), 7: source(7, "1.3.0"), 6: source(0), 5: source(5, "1.1.0")},
    )
    found = history.drift(8)
    assert (found.state, found.changes) == ("unseen", ())
    assert found.detail == "version 0 is no longer kept"


@pytest.mark.parametrize(
    ("kept", "sources", "state", "detail"),
    [
        ([version(1), version(0)], {1: THEIRS, 0: THEIRS}, "never", ""),
        (
            [version(9), version(8)], {9: THEIRS, 8: THEIRS}, "unseen",
            "Nomad keeps nothing before version 8, and none of the kept ones is ours",
        ),
        (
            [version(9), version(8)], {9: source(3), 8: THEIRS}, "unseen",
            "version 3 is no longer kept",
        ),
        (
            [version(2), version(1), version(0)], {2: THEIRS, 0: THEIRS}, "unseen",
            "version 1 may be ours too, without a source to tell",
        ),
        (
            [version(2), version(1), version(0)], {0: THEIRS}, "unseen",
            "versions 1 and 2 may be ours too, without a source to tell",
        ),
        ([version(2)], {}, "unseen", "version 2 may be ours too, without a source to tell"),
    ],
)  # fmt: skip
def test_a_history_that_is_partly_gone(
    kept: list[dict[str, Any]], sources: dict[int, dict[str, Any]], state: str, detail: str
) -> None:
    found = History(kept, sources).drift(kept[0]["Version"])
    assert (found.state, found.detail, found.changes) == (state, detail, ())


def test_a_version_without_a_source_above_ours_is_said_beside_the_change() -> None:
    history = History(
        [version(9), version(8), version(7)], {9: THEIRS, 7: source(7)}, {7: edited("Priority")}
    )
    found = history.drift(9)
    assert (found.state, found.since and found.since.version) == ("changed", 7)
    assert found.detail == "version 8 may be ours too, without a source to tell"


def test_only_the_newest_sources_are_read() -> None:
    many = [version(number) for number in range(60, 0, -1)]
    history = History(many, dict.fromkeys(range(1, 61), THEIRS))
    found = history.drift(60)
    assert found.state == "unseen"
    assert found.detail == "versions 1 to 53 may be ours too, without a source to tell"
    assert len(history.calls) == 1 + drift.LOOKS


@pytest.mark.parametrize(
    "error",
    [DeniedError("no", system="Nomad", status=403), ServerError("no leader", system="Nomad")],
)
def test_a_history_that_may_not_be_read_stops_no_plan(error: ToolkitError) -> None:
    found = History([version(7)], {7: THEIRS}, error=error).drift(7)
    assert found.state == "unseen"
    assert found.detail == f"cannot see the history: {error.message}"


def test_what_came_meanwhile_is_not_our_subject() -> None:
    history = History(
        [version(10), version(9), version(7)], {9: THEIRS, 7: source(7)}, {7: edited("Priority")}
    )
    assert history.drift(9).live.version == 9
    # Purged between two calls: nothing is kept, and nothing is guessed.
    gone = History([version(9)], {9: THEIRS})
    live = read.live_job(gone.kept.pop())
    assert drift.since_ours(gone.world(), live, THEIRS, []).state == "unseen"


def test_what_we_remember_says_its_version_and_older_ones_are_still_read() -> None:
    said = Memory("1.0.0", {"web": 2}, "1.1.0", 7)
    assert recall({"Source": remember("job {}", said)}, "1.1.0") == said
    old = '# toolkit: {"counts": {"web": 2}, "deployed": "1.1.0", "release": "1.0.0"}'
    assert recall({"Source": old}, "1.1.0") == Memory("1.0.0", {"web": 2}, "1.1.0", None)
    for wrong in ('"seven"', "[]", "{}"):
        bad = old.replace('"release"', f'"version": {wrong}, "release"')
        assert recall({"Source": bad}, "1.1.0") is None


# Counts.

NONE = Drift("none", VersionMark(7, "1.0.0"), VersionMark(7, "1.0.0"))


def event(count: int | None, previous: int, at: int, **more: Any) -> dict[str, Any]:
    return {"Count": count, "PreviousCount": previous, "Time": at * 10**9, **more}


def scaled(history: History, count: int, asked: int = 2, **how: Any) -> tuple[ScaledCount, ...]:
    live = read.live_job(version(7, count=count, **how))
    kept = {"web"} if count != asked else ()
    return drift_counts.scaled_counts(history.world(), live, {"web": asked}, kept, NONE, [SECRET])


def test_a_count_of_the_files_own_costs_no_call() -> None:
    history = History([])
    assert (scaled(history, 2), history.calls) == ((), [])


@pytest.mark.parametrize(
    ("more", "by", "message"),
    [
        ({"Message": "toolkit scale"}, "toolkit scale", ""),
        ({"Message": "submitted using the Nomad CLI"}, "nomad job scale", ""),
        ({"Message": "up", "Meta": {"nomad_policy_id": "x"}}, "an autoscaler", "up"),
        ({"Message": "u", "Meta": {"nomad_autoscaler.count.capped": 1}}, "an autoscaler", "u"),
        ({"Message": f"by  hand\n{SECRET}", "Meta": {"who": "me"}}, None, "by hand ***"),
        ({}, None, ""),
    ],
)
def test_who_scaled(more: dict[str, Any], by: str | None, message: str) -> None:
    events = [event(3, 2, 1), event(5, 3, 2, **more), event(None, 5, 3, Message="not now")]
    assert scaled(History([], events=events), 5) == (
        ScaledCount("web", 5, 2, True, 3, by, 2.0, message),
    )


def test_an_event_of_another_count_or_that_failed_explains_nothing() -> None:
    bare = (ScaledCount("web", 5, 2, True),)
    assert scaled(History([], events=[]), 5) == bare
    assert scaled(History([], events=[event(5, 2, 1), event(4, 5, 2)]), 5) == bare
    assert scaled(History([], events=[event(5, 2, 1, Error=True)]), 5) == bare
    denied = DeniedError("no", system="Nomad", status=403)
    assert scaled(History([], error=denied), 5) == bare


def test_a_stopped_job_and_one_without_counts_were_not_scaled() -> None:
    events = [event(5, 2, 1)]
    assert scaled(History([], events=events), 5, Stop=True) == ()
    assert scaled(History([], events=events), 5, Type="system") == ()


def test_a_scaled_count_is_not_told_twice() -> None:
    count = DiffLine("group[web].Count", "Edited", "2", "5")
    other = DiffLine("Priority", "Edited", "50", "60")
    live, ours = VersionMark(8, "1.0.0"), VersionMark(7, "1.0.0")
    both = Drift("changed", live, ours, (count, other))
    assert drift.without_counts(both, {"web"}) == Drift("changed", live, ours, (other,))
    assert drift.without_counts(both, {"db"}) == both
    only = Drift("changed", live, ours, (count,))
    assert drift.without_counts(only, {"web"}) == Drift("none", live, ours)
