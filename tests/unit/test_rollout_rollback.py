"""Which version a rollback goes to, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolkit.errors import RefusedError
from toolkit.rollout.read import live_job
from toolkit.spec.plan import LiveJob
from toolkit.spec.provenance import LastVerified
from toolkit.workflows.rollback_target import choose, put_back


def version(
    number: int,
    release: str | None,
    *,
    stable: bool = True,
    verdict: str | None = "",
    of: int | None = None,
    count: int = 2,
    stopped: bool = False,
    **env: str,
) -> LiveJob:
    """A version; with a `verdict` other than "" it carries our tag, `of`: one written for that."""
    raw: dict[str, Any] = {
        "ID": "shop", "Type": "service", "Version": number, "JobModifyIndex": 100 + number,
        "Stable": stable, "Stop": stopped,
        "Meta": {"release": release} if release else None,
        "TaskGroups": [
            {"Name": "shop", "Count": count, "Update": {"Canary": count, "MaxParallel": 1},
             "Tasks": [{"Name": "app", "Env": {"RELEASE": release, **env}}]}
        ],
    }  # fmt: skip
    if verdict != "":
        about = number if of is None else of
        said = {"toolkit": "0.1.0", "version": about, "verdict": verdict}
        raw["VersionTag"] = {"Name": f"{release}-v{about}", "Description": json.dumps(said)}
    return live_job(raw)


def last(number: int, release: str | None = "1.1.0", index: int | None = None) -> LastVerified:
    return LastVerified(
        "shop", release, number, 1.0, index=100 + number if index is None else index
    )


HISTORY = [
    version(5, "1.3.0"),
    version(4, "1.3.0"),  # scaled
    version(3, "1.2.0", stable=False),  # failed
    version(2, "1.1.0"),
    version(1, "1.0.0"),
    version(0, "1.0.0", stable=False),
]


@pytest.mark.parametrize(
    ("to", "number"),
    [
        (None, 2),
        ("1.0.0", 1),
        ("1.2.0", 3),  # named by a person: taken although it failed
        ("0", 0),
        ("4", 4),
        ("1.3.0", 5),
    ],
)
def test_the_version_that_is_meant(to: str | None, number: int) -> None:
    assert choose(HISTORY, to, "shop").version.version == number


def test_a_release_that_looks_like_a_version_is_a_release_first() -> None:
    history = [version(7, "12"), version(3, "2"), version(2, "3")]
    assert choose(history, "3", "shop").version.version == 2


def test_without_releases_the_last_stable_version_that_is_another_job() -> None:
    history = [version(3, None), version(2, None, stable=False, A="x"), version(1, None, A="y")]
    assert choose(history, None, "shop").version.version == 1
    same = [version(3, None), version(2, None, count=7), version(1, None, A="y")]
    assert choose(same, None, "shop").version.version == 1


@pytest.mark.parametrize(
    "history",
    [
        [version(0, "1.0.0")],
        [version(1, "1.0.0"), version(0, "1.0.0")],
        [version(1, "1.1.0"), version(0, "1.0.0", stable=False)],
        [version(0, None)],
        [version(1, None, count=1), version(0, None, count=2)],
        # Nomad calls it stable, and we found that it does not serve.
        [version(1, "1.1.0", verdict="deployed"), version(0, "1.0.0", verdict="unverified")],
        [version(1, "1.1.0"), version(0, "1.0.0", stopped=True)],
    ],
)
def test_nothing_to_go_back_to(history: list[LiveJob]) -> None:
    with pytest.raises(RefusedError, match="no older release that was verified") as error:
        choose(history, None, "shop")
    assert "toolkit history shop" in str(error.value.hint)


@pytest.mark.parametrize("to", ["9", "2.0.0", "", "1.0", "²", "1.0.0-v1"])
def test_what_nomad_does_not_have_any_more(to: str) -> None:
    with pytest.raises(RefusedError) as error:
        choose(HISTORY, to, "shop")
    assert "5 (1.3.0)" in str(error.value.hint)


def test_to_the_release_that_was_verified_last_over_those_that_were_not() -> None:
    history = [
        version(4, "1.3.0", verdict="unknown"),
        version(3, "1.2.0", verdict="unverified"),
        version(2, "1.1.0", verdict="deployed"),
        version(1, "1.0.0", verdict="deployed"),
    ]
    found = choose(history, None, "shop", last(2))
    assert (found.version.version, found.why) == (2, "was verified last")
    # Its tag says the same where the variable cannot be read.
    assert choose(history, None, "shop").version.version == 2


def test_the_same_release_counts_where_it_is_another_job() -> None:
    history = [
        version(2, "1.1.0", verdict="unverified", MODE="broken"),
        version(1, "1.1.0", verdict="deployed"),
        version(0, "1.0.0", verdict="deployed"),
    ]
    assert choose(history, None, "shop", last(1)).version.version == 1


@pytest.mark.parametrize("count", [2, 5])
def test_from_the_last_verified_one_to_the_verified_release_before_it(count: int) -> None:
    history = [
        version(4, "1.2.0", verdict="deployed", of=3, count=count),  # scaled, or put back by Nomad
        version(3, "1.2.0", verdict="deployed"),
        version(2, "1.1.0", verdict="unverified"),
        version(1, "1.0.0", verdict="deployed"),
    ]
    found = choose(history, None, "shop", last(3, "1.2.0"))
    assert (found.version.version, found.why) == (1, "was verified before the live one")
    assert choose(history[1:], None, "shop", last(3, "1.2.0")).version.version == 1
    assert choose(history[1:], None, "shop").version.version == 1


def test_a_stopped_job_goes_back_to_what_was_verified_last() -> None:
    history = [
        version(2, "1.1.0", verdict="deployed", of=1, stopped=True),
        version(1, "1.1.0", verdict="deployed"),
        version(0, "1.0.0", verdict="deployed"),
    ]
    assert choose(history, None, "shop", last(1)).version.version == 1
    assert choose(history, None, "shop").version.version == 1


def test_a_number_of_before_the_job_was_purged_is_another_version() -> None:
    history = [version(1, "1.2.0", verdict="deployed"), version(0, "1.1.0", verdict="unverified")]
    with pytest.raises(RefusedError, match=r"release 1.1.0.*verified last, is no lon"):
        choose(history, None, "shop", last(0, index=7))


def test_versions_of_before_there_were_tags_are_stable_at_least_and_that_is_said() -> None:
    history = [version(2, "1.2.0", verdict="deployed"), version(1, "1.1.0"), version(0, "1.0.0")]
    found = choose(history, None, "shop", last(2, "1.2.0"))
    assert found.version.version == 1
    assert "stable" in found.why


def test_a_tag_that_nomad_copied_is_that_of_the_version_it_was_given_to() -> None:
    history = [
        version(3, "1.1.0", verdict="deployed", of=1, count=5),
        version(2, "1.2.0", verdict="failed"),
        version(1, "1.1.0", verdict="deployed"),
    ]
    assert choose(history, "1.1.0-v1", "shop").version.version == 1


def test_what_was_verified_last_and_is_put_back_is_known_until_it_is_proven() -> None:
    good, bad = version(1, "1.1.0"), version(2, "1.2.0", verdict="unverified")
    again = version(3, "1.1.0", stable=False)
    assert put_back([again, bad, good], last(1))
    assert not put_back([version(3, "1.1.0"), bad, good], last(1))  # Nomad is done with it
    assert not put_back([version(3, "1.1.0", stable=False, count=4), bad, good], last(1))  # scaled
    assert not put_back([version(3, "1.1.0", stable=False, stopped=True), bad, good], last(1))
    assert not put_back([bad, good], last(1))
    assert not put_back([version(1, "1.1.0", stable=False)], last(1))
    assert not put_back([again, bad, good], None)
