"""The edge itself: a system job, whose only instance is not closed without being told to."""

from __future__ import annotations

import pytest

from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

SLOWER = ("--var", "throttle=150ms")


def test_verify_wants_one_instance_on_each_node(front: Front) -> None:
    said = front.toolkit("verify", "traefik", "--json")
    report = said.report
    assert (said.code, report["verdict"]) == (0, "unchanged"), said.out
    nodes = [n for n in front.nomad("/v1/nodes") if n["SchedulingEligibility"] == "eligible"]
    verification = report["verification"]
    assert verification["expected"] == verification["verified"] == len(nodes)
    assert {row["node"] for row in verification["instances"]} == {n["Name"] for n in nodes}
    # It has services and no route of its own: the chain is shorter, and says so.
    assert said.link("consul")["state"] == "holds"
    for name in ("traefik", "edge"):
        assert said.link(name)["state"] == "absent", said.link(name)


def test_the_only_edge_is_not_closed_unasked(front: Front) -> None:
    before = front.job("traefik")
    [instance] = front.running("traefik")
    planned = front.toolkit("plan", "traefik", *SLOWER, "--json")
    assert planned.code == 1
    [group] = planned.report["groups"]
    assert (group["place"], group["replace"]) == (0, 1)
    [finding] = [f for f in planned.report["lint"] if f["level"] == "refused"]
    assert (finding["rule"], finding["allowed"]) == ("edge-restart", False)
    said = front.deploy("traefik", *SLOWER)
    assert said.code == 1
    assert "the only Traefik" in said.error["message"]
    assert "--allow-edge-restart" in said.error["hint"]
    assert front.job("traefik")["JobModifyIndex"] == before["JobModifyIndex"]
    assert [a["ID"] for a in front.running("traefik")] == [instance["ID"]]


def test_an_allowed_restart_of_the_edge_is_verified_on_each_node(front: Front) -> None:
    name = front.deployed(name=front.name("behind"), route=True)
    [before] = front.running("traefik")
    said = front.deploy("traefik", *SLOWER, "--allow-edge-restart")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (0, "deployed", 0), said.err
    assert report["verification"]["expected"] == report["verification"]["verified"] == 1
    [after] = front.running("traefik")
    assert after["ID"] != before["ID"]
    assert front.instance_of("traefik-api") == front.instance_of("traefik") == {after["ID"]}
    arguments = front.job("traefik")["TaskGroups"][0]["Tasks"][0]["Config"]["args"]
    assert "--providers.providersThrottleDuration=150ms" in arguments
    # What is behind it is served again.
    front.until("the route is back", lambda: front.through(name) == "1.0.0")
    assert front.toolkit("verify", name, "--json").code == 0


def test_an_edge_that_does_not_start_is_brought_back(front: Front) -> None:
    before = front.job("traefik")["Version"]
    said = front.deploy("traefik", "--var", "throttle=soon", "--allow-edge-restart")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (8, "reverted", 8), said.err
    cause = report["causes"][0]
    assert (cause["kind"], cause["task"]) == ("crash", "traefik")
    assert any("soon" in line for line in cause["evidence"]), cause
    assert front.job("traefik")["Version"] == before + 2
    assert "revert" in said.stages()
    [instance] = front.running("traefik")
    assert front.instance_of("traefik-api") == {instance["ID"]}
    arguments = front.job("traefik")["TaskGroups"][0]["Tasks"][0]["Config"]["args"]
    assert "--providers.providersThrottleDuration=soon" not in arguments
