"""`deployed` and `unchanged` of the shipped jobs, from the allocation to the served page."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.agents.shop import Said, header, page
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

CALLS = 25
"""The most HTTP calls to Nomad in a bump of two instances, expired waits deducted."""


@pytest.fixture(scope="module")
def first(front: Front) -> dict[str, Said]:
    """The first deploys of the two shipped services."""
    names = ("backend", "frontend")
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(front.deploy, names), strict=True))


def assert_chain(front: Front, name: str, said: Said, release: str) -> None:
    """Two instances along the whole chain, by the report and by all that can be asked."""
    report = said.report
    verification = report["verification"]
    assert verification["holds"]
    assert (verification["expected"], verification["verified"]) == (2, 2)
    assert {link["name"]: link["state"] for link in verification["links"]} == dict.fromkeys(
        ("nomad", "consul", "traefik", "release", "edge"), "holds"
    )
    assert verification["extras"] == []
    assert report["serving"] == release
    running = front.running(name)
    rows = {row["allocation"]: row for row in verification["instances"]}
    assert set(rows) == {a["ID"] for a in running} == front.instance_of(name)
    assert {row["serves"] for row in rows.values()} == {release}
    places = set(front.passing(name).values())
    assert {row["address"] for row in rows.values()} == places
    assert front.servers(name) == dict.fromkeys(places, "UP")
    assert front.serves(name) == [release, release]
    assert front.through(name) == release


@pytest.mark.parametrize("name", ["backend", "frontend"])
def test_a_first_deploy(front: Front, first: Mapping[str, Said], name: str) -> None:
    said = first[name]
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (0, "deployed", 0), said.err
    assert report["sentence"].startswith(f"{name} 1.0.0, 2 of 2 verified, in ")
    assert "Nomad's own clock" in report["sentence"]
    assert (report["previous_release"], report["version"]) == (None, 0)
    assert report["causes"] == []
    assert "old" not in said.stages()
    assert_chain(front, name, said, "1.0.0")


def test_nothing_changed_is_verified_and_not_submitted(
    front: Front, first: Mapping[str, Said]
) -> None:
    before = front.job("frontend")
    said = front.deploy("frontend")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (0, "unchanged", 0), said.err
    assert report["sentence"] == "frontend 1.0.0, 2 of 2 verified"
    assert "submit" not in said.stages()
    assert front.job("frontend")["JobModifyIndex"] == before["JobModifyIndex"]
    assert_chain(front, "frontend", said, "1.0.0")
    same = front.toolkit("verify", "frontend", "--json")
    assert (same.code, same.report["verdict"]) == (0, "unchanged")
    assert same.link("edge")["detail"].count("1.0.0") == 1


def test_a_bump_that_nobody_notices(front: Front, first: Mapping[str, Said]) -> None:
    before = {a["ID"] for a in front.running("backend")}
    with front.visited("backend") as answers:
        said = front.deploy("backend", "--release", "1.1.0")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (0, "deployed", 0), said.err
    assert (report["release"], report["previous_release"]) == ("1.1.0", "1.0.0")
    assert said.told("plan") == ["1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits"]
    assert said.told("gate")[-1] == "Nomad 2/2 · Consul 2/2 · Traefik 2/2 · promoted"
    assert sum("serves 1.1.0" in line for line in said.told("canary")) == 2
    assert said.told("old")[-1] == "2 left Consul, left Traefik, stopping"
    assert_chain(front, "backend", said, "1.1.0")
    assert before.isdisjoint(front.instance_of("backend"))
    deployment = front.deployments("backend")[-1]
    assert (deployment["ID"], deployment["Status"]) == (report["deployment"], "successful")
    assert all(group["Promoted"] for group in deployment["TaskGroups"].values())
    assert set(answers) == {"1.0.0", "1.1.0"}
    assert report["calls"] - report["expired_waits"] <= CALLS
    # The other service was not touched, and its page names the new release.
    assert "1.1.0" in page(front.public, "frontend.localhost")
    assert header(front.public, "frontend.localhost") == "1.0.0"


def test_the_verdict_for_people(front: Front, first: Mapping[str, Said]) -> None:
    said = front.toolkit("deploy", "frontend", "--release", "1.0.0")
    assert said.code == 0
    assert said.out.splitlines() == ["unchanged  frontend 1.0.0, 2 of 2 verified"]
    assert said.err.splitlines()[0].endswith("namespace default")
    quiet = front.toolkit("verify", "frontend", "--quiet")
    assert quiet.err == ""
    assert quiet.out.splitlines()[-1] == "unchanged  frontend 1.0.0, 2 of 2 verified"
