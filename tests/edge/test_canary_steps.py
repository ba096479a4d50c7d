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


def cut(front: Front, name: str) -> None:
    """Ctrl-C while the canary of the first step is compared."""
    write(front, name, release="1.1.0", more=STEPS)
    left = front.deploy(name, on={"1 canary beside": interrupt})
    assert left.code == 130, left.out + left.err
    assert "version 1 of" in left.error["message"]
    assert "--analyse, or the same command again" in left.error["hint"]


@pytest.fixture(scope="module")
def old(front: Front, names: Mapping[str, str]) -> set[str]:
    """What ran before the release that turns bad."""
    return {a["ID"] for a in front.running(names["worse"])}


@pytest.fixture(scope="module")
def ends(front: Front, names: Mapping[str, str], old: set[str]) -> dict[str, Said]:
    assert len(old) == 2
    flag = front.root / "orders.bad"

    def again() -> Said:
        cut(front, names["again"])
        return front.deploy(names["again"])

    def attached() -> Said:
        cut(front, names["attached"])
        return front.toolkit("attach", names["attached"], "--json")

    def overtaken() -> Said:
        def other() -> None:
            raw = front.job(names["overtaken"])
            raw["Meta"] = {"release": "2.0.0"}
            front.nomad("/v1/jobs", {"Job": raw})

        return front.deploy(names["overtaken"], *UNJUDGED, on={"step 2 of 2": other})

    def worse() -> Said:
        spoils = ("--var", f"environment.FLAG={flag}")
        name = names["worse"]
        return front.deploy(name, "--release", "1.1.0", *spoils, on={"step 2 of 2": flag.touch})

    return front.at_once(
        {"again": again, "attached": attached, "overtaken": overtaken, "worse": worse}
    )


@pytest.mark.parametrize("word", ["again", "attached"])
def test_an_interrupted_rollout_goes_on_with_its_step(
    front: Front, names: Mapping[str, str], ends: Mapping[str, Said], word: str
) -> None:
    """Deployed by the second step, the first one not registered anew."""
    said, name = ends[word], names[word]
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    assert [step["canaries"] for step in report["analysis"]["steps"]] == [1, 2]
    assert (report["version"], report["previous_release"]) == (2, "1.0.0")
    statuses = {d["JobVersion"]: d["Status"] for d in front.deployments(name)}
    assert statuses == {0: "successful", 1: "cancelled", 2: "successful"}
    assert front.serves(name) == ["1.1.0", "1.1.0"]


def test_somebody_who_registers_between_two_steps_is_not_overwritten(
    front: Front, names: Mapping[str, str], ends: Mapping[str, Said]
) -> None:
    said = ends["overtaken"]
    assert (said.code, said.report["verdict"]) == (7, "superseded"), said.out + said.err
    assert front.release(names["overtaken"]) == "2.0.0"
    assert said.report["version"] == 1


def test_a_later_step_goes_back_to_what_was_stable_before_the_first(
    front: Front, names: Mapping[str, str], ends: Mapping[str, Said], old: set[str]
) -> None:
    """Good alone, and bad from the moment that there are two."""
    said, name = ends["worse"], names["worse"]
    report = said.report
    assert (said.code, report["verdict"]) == (8, "reverted"), said.out + said.err
    assert [step["word"] for step in report["analysis"]["steps"]] == ["passed", "failed"]
    assert (report["serving"], report["version"]) == ("1.0.0", 2)
    assert {a["ID"] for a in front.running(name)} == old == front.instance_of(name)
    assert front.release(name) == "1.0.0"
    rows = front.toolkit("history", name, "--json").report["versions"]
    tags = {row["version"]: row["provenance"]["verdict"] for row in rows if row["provenance"]}
    assert (tags[1], tags[2]) == ("step", "reverted")
