"""Steps of canaries that are cut short: by us, by others, by a later step that is bad."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.agents.shop import Said
from tests.edge.canaries import CANARY, deployed, write
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

STEPS = f"{CANARY}steps = [1, 2]\n"
UNJUDGED = (*("--release", "1.1.0"), "--no-analyse")
WORDS = ("again", "attached", "overtaken", "worse")


@pytest.fixture(scope="module")
def names(front: Front) -> dict[str, str]:
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda word: deployed(front, f"steps-{word}", more=STEPS), WORDS)
        return dict(zip(WORDS, made, strict=True))


def interrupt() -> None:
    raise KeyboardInterrupt


def cut(front: Front, name: str) -> Said:
    """Ctrl-C while the canary of the first step is compared."""
    write(front, name, release="1.1.0", more=STEPS)
    return front.deploy(name, on={"1 canary beside": interrupt})


def assert_went_on(front: Front, name: str, said: Said) -> None:
    """Deployed by the second step, the first one not registered anew."""
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    assert [step["canaries"] for step in report["analysis"]["steps"]] == [1, 2]
    assert (report["version"], report["previous_release"]) == (2, "1.0.0")
    statuses = {d["JobVersion"]: d["Status"] for d in front.deployments(name)}
    assert statuses == {0: "successful", 1: "cancelled", 2: "successful"}
    assert front.serves(name) == ["1.1.0", "1.1.0"]


def test_an_interrupted_rollout_goes_on_with_its_step(
    front: Front, names: Mapping[str, str]
) -> None:
    def again() -> Said:
        return front.deploy(names["again"])

    def attached() -> Said:
        return front.toolkit("attach", names["attached"], "--json")

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(lambda word: cut(front, names[word]), ("again", "attached")))
    for said in left:
        assert said.code == 130, said.out + said.err
        assert "version 1 of" in said.error["message"]
        assert "--analyse, or the same command again" in said.error["hint"]
    went_on = front.at_once({"again": again, "attached": attached})
    for word, said in went_on.items():
        assert_went_on(front, names[word], said)


def test_somebody_who_registers_between_two_steps_is_not_overwritten(
    front: Front, names: Mapping[str, str]
) -> None:
    name = names["overtaken"]

    def other() -> None:
        raw = front.job(name)
        raw["Meta"] = {"release": "2.0.0"}
        front.nomad("/v1/jobs", {"Job": raw})

    said = front.deploy(name, *UNJUDGED, on={"step 2 of 2": other})
    assert (said.code, said.report["verdict"]) == (7, "superseded"), said.out + said.err
    assert front.release(name) == "2.0.0"
    assert said.report["version"] == 1


def test_a_later_step_goes_back_to_what_was_stable_before_the_first(
    front: Front, names: Mapping[str, str]
) -> None:
    """Good alone, and bad from the moment that there are two."""
    name = names["worse"]
    before = {a["ID"] for a in front.running(name)}
    flag = front.root / f"{name}.bad"

    def spoil() -> None:
        flag.touch()

    said = front.deploy(
        name, "--release", "1.1.0", "--var", f"environment.FLAG={flag}",
        on={"step 2 of 2": spoil},
    )  # fmt: skip
    report = said.report
    assert (said.code, report["verdict"]) == (8, "reverted"), said.out + said.err
    assert [step["word"] for step in report["analysis"]["steps"]] == ["passed", "failed"]
    assert (report["serving"], report["version"]) == ("1.0.0", 2)
    assert {a["ID"] for a in front.running(name)} == before == front.instance_of(name)
    assert front.release(name) == "1.0.0"
    verdicts = [row["verdict"] for row in _tags(front, name)]
    assert verdicts[:2] == ["step", "reverted"]


def _tags(front: Front, name: str) -> list[dict[str, str]]:
    """What our tags of versions 1 and 2 say."""
    rows = front.toolkit("history", name, "--json").report["versions"]
    found = {row["version"]: row["provenance"] for row in rows}
    return [found[1], found[2]]
