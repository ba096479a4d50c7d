"""What a plan decides by itself: counts that stay, questions, numbers of a system job.

Nomad is replaced by one that answers what a test says; all of it is asked for in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from toolkit.clients.nomad import Nomad
from toolkit.errors import InvalidRequestError, RefusedError
from toolkit.rollout.memory import remember
from toolkit.rollout.plan import make_plan
from toolkit.rollout.world import World
from toolkit.spec.jobspec import JobSpec, Origin
from toolkit.spec.plan import Memory, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.target import Endpoint, Target

SPEC = JobSpec("shop", "service", "jobs/shop/job.toml", "t", release="1.0.0", count=2)


def job(
    count: int | None = 2, release: str = "1.0.0", kind: str = "service", **more: Any
) -> dict[str, Any]:
    group = {"Name": "web", "Count": count, "Update": {"Canary": 2, "MaxParallel": 2}}
    meta = {"release": release}
    return {"ID": "shop", "Type": kind, "Meta": meta, "TaskGroups": [group], **more}


def live(version: int = 3, **how: Any) -> dict[str, Any]:
    return job(**how) | {"Version": version, "JobModifyIndex": 7, "Stable": True}


@dataclass
class Answers:
    """What Nomad says."""

    parsed: dict[str, Any] = field(default_factory=job)
    live: dict[str, Any] | None = None
    source: str = ""
    validation: Mapping[str, Any] = field(default_factory=dict)
    updates: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, str] | None = None
    planned: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] | None = None

    def parse(self, _hcl: str, _variables: str = "") -> dict[str, Any]:
        return deepcopy(self.parsed)

    def job(self, _name: str) -> dict[str, Any] | None:
        return self.live

    def variable(self, _path: str) -> dict[str, Any] | None:
        return None if self.items is None else {"Items": dict(self.items)}

    def variables(self, prefix: str) -> list[dict[str, Any]]:
        return [] if self.items is None else [{"Path": prefix}]

    def submission(self, _name: str, _version: int) -> dict[str, Any]:
        return {"Source": self.source}

    def versions(self, _name: str, **_how: Any) -> list[dict[str, Any]]:
        return [self.live] if self.live else []

    def scale_status(self, _name: str) -> dict[str, Any]:
        return {"TaskGroups": {"web": {"Events": self.events}}}

    def validate(self, _job: dict[str, Any]) -> Mapping[str, Any]:
        return self.validation

    def plan(self, made: dict[str, Any]) -> dict[str, Any]:
        self.planned.append(deepcopy(made))
        return {
            "JobModifyIndex": 7 if self.live else 0,
            "Annotations": {"DesiredTGUpdates": {"web": dict(self.updates)}},
            "Diff": {"Type": "Edited"},
        }


def plan(answers: Answers, spec: JobSpec = SPEC, **how: Any) -> Plan:
    target = Target(
        "dev",
        Endpoint("Nomad", "http://127.0.0.1:9", "test"),
        Endpoint("Consul", "http://127.0.0.1:9", "test"),
    )
    world = World(target, cast(Nomad, answers), cast(Any, None))
    made = make_plan(world, RenderedJob(spec, "", (), {}), **how)
    assert made.job == answers.planned[-1]
    return made


def remembered(release: str = "1.0.0", count: int = 2, deployed: str = "1.0.0") -> str:
    return remember("", Memory(release, {"web": count}, deployed))


def update(made: Plan) -> tuple[int, int, int]:
    group = made.job["TaskGroups"][0]
    return group["Count"], group["Update"]["Canary"], group["Update"]["MaxParallel"]


def test_a_scaled_count_stays_with_a_canary_for_each_instance() -> None:
    made = plan(Answers(live=live(count=5), source=remembered()))
    assert update(made) == (5, 5, 5)
    assert made.notes == (
        "count of group web stays 5 as scaled (the file says 2; --reset-count applies it)",
    )
    # What the file says is kept for the next deploy, not what stays.
    assert made.remembered.counts == {"web": 2}


def test_a_number_of_canaries_that_somebody_chose_stays() -> None:
    chosen = replace(SPEC, rollout=replace(SPEC.rollout, canaries=1))
    parsed = job()
    parsed["TaskGroups"][0]["Update"] = {"Canary": 1, "MaxParallel": 1}
    made = plan(Answers(parsed, live=live(count=5), source=remembered()), chosen)
    assert update(made) == (5, 1, 1)


@pytest.mark.parametrize(
    ("answers", "how"),
    [
        (Answers(), {}),  # nothing is registered
        (Answers(live=live(count=5, Stop=True), source=remembered()), {}),
        (Answers(live=live(count=5)), {}),  # somebody else's: nothing is remembered
        (Answers(live=live(count=5), source=remembered(count=1)), {}),  # the file was edited
        (Answers(live=live(count=2), source=remembered()), {}),
        (Answers(live=live(count=5), source=remembered()), {"reset_count": True}),
    ],
)
def test_the_files_count_is_taken(answers: Answers, how: dict[str, Any]) -> None:
    made = plan(answers, **how)
    assert update(made) == (2, 2, 2)
    assert made.notes == ()


def test_a_count_that_is_left_out_is_one() -> None:
    answers = Answers(job(None), live=live(count=4), source=remembered(count=1))
    assert plan(answers).job["TaskGroups"][0]["Count"] == 4


# The question.


def test_a_release_chosen_by_hand_is_asked_about() -> None:
    answers = Answers(live=live(release="2.0.0"), source=remembered(deployed="2.0.0"))
    question = plan(answers).question
    assert question is not None
    assert "release 2.0.0" in question
    assert "change it to 1.0.0" in question
    assert plan(answers, release_chosen=True).question is None


@pytest.mark.parametrize(
    "answers",
    [
        Answers(),
        Answers(live=live(release="1.0.0"), source=remembered()),
        Answers(live=live(release="2.0.0", Stop=True), source=remembered(deployed="2.0.0")),
        Answers(live=live(release="2.0.0"), source="# somebody else's"),
        # The file said 0.9.0 then and says 1.0.0 now: the file is meant.
        Answers(live=live(release="2.0.0"), source=remembered("0.9.0", deployed="2.0.0")),
    ],
)
def test_nothing_to_ask(answers: Answers) -> None:
    assert plan(answers).question is None


def test_a_release_from_the_command_line_is_not_what_the_file_says() -> None:
    flagged = replace(
        SPEC, release="3.0.0", file_release="1.0.0", release_origin=Origin("--release")
    )
    assert plan(Answers(), flagged, release_chosen=True).remembered.release == "1.0.0"
    assert plan(Answers()).remembered.release == "1.0.0"


# Numbers.


@pytest.mark.parametrize(
    ("kind", "updates", "expected"),
    [
        ("service", {"Place": 1, "DestructiveUpdate": 1}, (1, 1)),
        ("system", {"Place": 1, "DestructiveUpdate": 1}, (0, 1)),
        ("system", {"Place": 3, "DestructiveUpdate": 1}, (2, 1)),
        ("system", {"Place": 2}, (2, 0)),
        ("system", {"DestructiveUpdate": 1}, (0, 1)),
    ],
)
def test_a_replaced_instance_of_a_system_job_is_not_placed_too(
    kind: str, updates: dict[str, int], expected: tuple[int, int]
) -> None:
    [group] = plan(Answers(job(kind=kind), updates=updates)).groups
    assert (group.place, group.replace) == expected


# Refusals.


def test_another_type_under_that_name() -> None:
    with pytest.raises(RefusedError, match="type batch, the job file says service") as error:
        plan(Answers(live=live(kind="batch")))
    assert "--purge" in str(error.value.hint)


@pytest.mark.parametrize("items", [None, {}, {"other": "x"}])
def test_a_secret_that_is_not_set(items: dict[str, str] | None) -> None:
    with pytest.raises(RefusedError, match="db_password") as error:
        plan(Answers(items=items), replace(SPEC, secrets=("db_password",)))
    assert error.value.hint == "toolkit secret set shop db_password"


def test_secrets_are_known_and_never_printed() -> None:
    answers = Answers(items={"db_password": "tr0ub4dor"})
    made = plan(answers, replace(SPEC, secrets=("db_password",)))
    assert [secret.reveal() for secret in made.secrets] == ["tr0ub4dor"]
    assert "tr0ub4dor" not in repr(made)


@pytest.mark.parametrize(
    "validation",
    [{"ValidationErrors": ["no task", "no group"]}, {"Error": "no task; no group"}],
)
def test_what_nomads_validator_says(validation: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="no task; no group") as error:
        plan(Answers(validation=validation))
    assert "jobs/shop/job.toml" in error.value.message


@pytest.mark.parametrize(("key", "word"), [("Namespace", "namespace"), ("Region", "region")])
def test_a_job_that_names_another_place(key: str, word: str) -> None:
    with pytest.raises(RefusedError, match=f"names {word} elsewhere"):
        plan(Answers({**job(), key: "elsewhere"}))
