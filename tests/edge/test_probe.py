"""A probed rollout: what its clients lose decides, while Nomad rolls and after it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.agents.shop import Said
from tests.edge.front import Front
from tests.edge.orders import PROBE, Orders

pytestmark = [pytest.mark.agents, pytest.mark.edge]

SHARE = PROBE + 'failed = "60%"\n'
GAP = PROBE.replace('"50s"', '"3s"') + 'failed = "100%"\n'
LATENCY = PROBE + 'failed = "100%"\nlatency = "400ms"\npercentile = 90\n'
ONE_OF_THREE = {"[rollout]": "[rollout]\ncanaries = 1"}
WATCHED = {'min_healthy_time = "500ms"': 'min_healthy_time = "5s"'}
"""For a canary that is asked for some time before Nomad calls it healthy."""
HASTY = {'healthy_deadline = "50s"': 'healthy_deadline = "12s"', '"90s"': '"20s"'}
"""For instances that never become healthy."""

FIRST: dict[str, dict[str, Any]] = {
    "within": {"count": 2}, "promoted": {"count": 2}, "rolling": {"count": 3}, "early": {},
    "share": {}, "gap": {}, "latency": {}, "kept": {}, "twice": {"mode": "ages", "change": HASTY},
    "lost": {}, "raced": {}, "left": {},
}  # fmt: skip


def interrupted() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def orders(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Orders:
    return Orders(front, tmp_path_factory.mktemp("orders"))


@pytest.fixture(scope="module")
def names(orders: Orders) -> dict[str, str]:
    """One job for each story, deployed at release 1.0.0 and probed as it is."""
    made = {story: orders.write(**how) for story, how in FIRST.items()}
    said = orders.front.at_once({story: _deploy(orders, name) for story, name in made.items()})
    for story, each in said.items():
        assert each.code == 0, f"{story}: {each.out}{each.err}"
        probe = each.report["probe"]
        # A first deploy can lose nothing before it answers.
        assert (probe["failed"], probe["over"]) == (0, None), story
        assert probe["requests"] > 0
    return made


def _deploy(orders: Orders, name: str) -> Callable[[], Said]:
    return lambda: orders.front.deploy(name)


@pytest.fixture(scope="module")
def told(orders: Orders, names: Mapping[str, str]) -> dict[str, Said]:
    """Every story's second release, all at the same time: most of a rollout is waiting."""
    stories: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
        "within": ((), {"count": 2}),
        "promoted": ((), {"count": 2, "mode": "fades"}),
        "rolling": ((), {"count": 3, "mode": "fades", "change": ONE_OF_THREE}),
        "early": ((), {"mode": "broken", "change": WATCHED}),
        "share": ((), {"mode": "flaky", "probe": SHARE}),
        "gap": ((), {"mode": "fades", "probe": GAP}),
        "latency": ((), {"mode": "slow", "probe": LATENCY, "change": WATCHED}),
        "kept": (("--no-revert",), {"mode": "fades"}),
        "twice": ((), {"mode": "fades", "change": HASTY}),
        "raced": ((), {"mode": "fades"}),
        "left": ((), {}),
    }
    fading = {story for story, (_, how) in stories.items() if how.get("mode") == "fades"}

    def second(story: str) -> Callable[[], Said]:
        arguments, how = stories[story]
        name = names[story]
        on = orders.raising(name) if story in fading else {}
        if story == "raced":
            on |= {"· back to": lambda: orders.registered_by_hand(name)}
        if story == "left":
            on |= {"asks on for": interrupted}
        return lambda: orders.bump(name, *arguments, on=on, **how)

    return orders.front.at_once({story: second(story) for story in stories})


def assert_gone_back(front: Front, name: str, said: Said, count: int) -> None:
    """Release 1.0.0 serves alone, by the report and by all that can be asked."""
    report = said.report
    assert (said.code, report["verdict"], report["serving"]) == (8, "reverted", "1.0.0"), said.err
    assert report["verification"]["holds"]
    assert report["verification"]["verified"] == count
    cause = report["causes"][0]
    assert cause["kind"] == "probe"
    assert cause["summary"].startswith("the probe's budget is spent: ")
    assert report["probe"]["over"] in cause["summary"]
    assert front.release(name) == "1.0.0"
    assert front.serves(name) == ["1.0.0"] * count
    assert front.through(name) == "1.0.0"


def test_a_bump_within_its_budget(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["within"], names["within"]
    report, probe = said.report, said.report["probe"]
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    assert (probe["failed"], probe["over"], probe["failures"]) == (0, None, [])
    assert probe["requests"] >= 5
    assert f"0 of {probe['requests']} requests failed" in report["sentence"]
    assert probe["host"] == f"{name}.localhost"
    assert probe["began"] < probe["first_new"] <= probe["last_new"] <= probe["ended"]
    assert probe["last_old"] < probe["ended"]
    assert probe["mixed"] == pytest.approx(max(probe["last_old"] - probe["first_new"], 0))
    rows = probe["seconds"]
    assert {row["release"] for row in rows} == {"1.0.0", "1.1.0"}
    assert sum(row["requests"] for row in rows) == probe["requests"]
    assert front.through(name) == "1.1.0"


def test_what_goes_wrong_after_promotion_is_taken_back_by_a_revert_of_ours(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["promoted"], names["promoted"]
    assert_gone_back(front, name, said, 2)
    # Nomad's own deployment had ended well: there was nothing left to fail.
    assert [d["Status"] for d in front.deployments(name)] == ["successful"] * 3
    assert front.job(name)["Version"] == 2
    assert "HTTP 500 of 1.1.0 at " in said.report["causes"][0]["evidence"][0]
    assert any("back to version 0, release 1.0.0" in line for line in said.told("revert"))
    assert f"{said.report['probe']['failed']} of" in said.report["sentence"]
    kept = front.nomad(f"/v1/var/toolkit/last-verified/{name}")["Items"]
    assert (kept["release"], kept["version"]) == ("1.0.0", "2")


def test_what_goes_wrong_while_it_rolls_is_failed_through_nomad(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["rolling"], names["rolling"]
    assert_gone_back(front, name, said, 3)
    assert [d["Status"] for d in front.deployments(name)] == ["successful", "failed", "successful"]
    assert any("deployment failed now" in line for line in said.told("fail"))


def test_a_canary_that_loses_requests_is_never_promoted(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["early"], names["early"]
    assert_gone_back(front, name, said, 1)
    failed = front.deployments(name)[1]
    assert failed["Status"] == "failed"
    assert not any(group["Promoted"] for group in failed["TaskGroups"].values())


def test_a_share_of_failures_that_may_be(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said = told["share"]
    report, probe = said.report, said.report["probe"]
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    assert 0 < probe["failed"] < probe["requests"] * 0.6
    assert f"{probe['failed']} of {probe['requests']} requests failed" in report["sentence"]
    assert {failure["release"] for failure in probe["failures"]} == {"1.1.0"}
    assert front.through(names["share"]) in {"1.1.0", "HTTP 500"}


@pytest.mark.parametrize(("story", "words"), [("gap", "no good answer for"), ("latency", "longer")])
def test_a_budget_of_another_kind(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said], story: str, words: str
) -> None:
    assert_gone_back(front, names[story], told[story], 1)
    assert words in told[story].report["probe"]["over"]


def test_no_revert_leaves_it_and_says_so(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["kept"], names["kept"]
    report = said.report
    assert (said.code, report["verdict"]) == (6, "unverified"), said.out + said.err
    assert "but the probe's budget is spent: " in report["sentence"]
    assert "it stays as asked" in report["sentence"]
    assert report["causes"][0]["kind"] == "probe"
    assert report["next"] == f"toolkit rollback {name}"
    assert front.release(name) == "1.1.0"


def test_a_rollback_is_probed_for_what_it_goes_to(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    """What serves fails every request, which is why one goes back."""
    assert told["kept"].code == 6
    said = front.toolkit("rollback", names["kept"], "--probe", "--json")
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    assert said.report["probe"]["failed"] == 0
    assert said.report["probe"]["requests"] > 0
    assert "GET /orders: HTTP 500" in " ".join(said.told("note"))
    assert "counted once the release is proven" in said.told("probe")[0]


def test_a_revert_that_does_not_take_either_says_what_serves(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["twice"], names["twice"]
    report = said.report
    assert (said.code, report["verdict"]) == (3, "failed"), said.out + said.err
    assert report["sentence"].startswith(f"{name} 1.1.0 did not take: ")
    assert "the revert to 1.0.0 did not take either (reverted)" in report["sentence"]
    [running] = front.running(name)
    assert (
        f"now 1 instance of 1.1.0 (version {running['JobVersion']}) runs, 1 of 1 verified"
        in report["sentence"]
    )
    assert report["causes"][0]["kind"] == "probe"


def test_somebody_who_is_faster_than_the_revert_has_the_last_word(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["raced"], names["raced"]
    report = said.report
    assert (said.code, report["verdict"]) == (7, "superseded"), said.out + said.err
    assert "requests failed, 0 may" in report["sentence"]
    assert "registered by somebody else" in report["sentence"]
    assert front.release(name) == "2.0.0-by-hand"
    assert report["next"] == f"toolkit status {name}"


def test_an_interruption_of_the_end_says_that_the_release_is_out(
    front: Front, names: Mapping[str, str], told: Mapping[str, Said]
) -> None:
    said, name = told["left"], names["left"]
    assert said.code == 130
    assert f"version 1 of {name} is rolled out and its chain holds" in said.error["message"]
    assert said.error["hint"] == f"toolkit verify {name}"
    assert front.through(name) == "1.1.0"


def test_what_serves_now_fails_already(orders: Orders, names: Mapping[str, str]) -> None:
    front, name = orders.front, names["lost"]
    before = front.job(name)["JobModifyIndex"]
    elsewhere = PROBE.replace("/orders", "/nowhere")
    said = orders.bump(name, probe=elsewhere)
    assert said.code == 1
    assert "GET /nowhere: HTTP 500" in said.error["message"]
    assert "nothing was changed" in said.error["message"]
    assert "--no-probe" in said.error["hint"]
    assert front.job(name)["JobModifyIndex"] == before


def test_nothing_rolls_so_nothing_is_probed(orders: Orders, names: Mapping[str, str]) -> None:
    name = names["within"]
    orders.write(name, release="1.1.0", count=2)
    said = orders.front.deploy(name)
    assert (said.code, said.report["probe"]) == (0, None), said.err
    assert "not probed: nothing rolls" in said.told("note")


def test_a_job_without_a_route_cannot_be_probed(front: Front) -> None:
    name = front.write()
    said = front.deploy(name, "--probe")
    assert said.code == 1
    assert "no route" in said.error["message"]
    assert front.nomad(f"/v1/job/{name}") is None
