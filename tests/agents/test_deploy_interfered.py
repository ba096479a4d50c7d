"""Somebody else acts during our rollout: `superseded` (7), `held` (9), interrupted (130)."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop

pytestmark = pytest.mark.agents

WORDS = ("superseded", "held", "paused", "stopped", "early", "late", "detached")


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "interfered")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def base(shop: Shop) -> dict[str, str]:
    """A service at 1.0.0 for every test."""
    names = {word: shop.name(word) for word in WORDS}
    shop.all_deployed({"name": name} for name in names.values())
    return names


def bump(shop: Shop, name: str, *more: str, **how: Any) -> Said:
    return shop.deploy(name, "--release", "1.1.0", *more, **how)


def latest(shop: Shop, name: str) -> dict[str, Any]:
    return shop.deployments(name)[-1]


def promoted(deployment: dict[str, Any]) -> bool:
    return any(group["Promoted"] for group in deployment["TaskGroups"].values())


def test_a_newer_version_of_somebody_else(shop: Shop, base: dict[str, str]) -> None:
    name = base["superseded"]

    def register() -> None:
        job = shop.job(name)
        job["Meta"]["release"] = "2.0.0"
        shop.nomad("/v1/jobs", {"Job": job})

    said = bump(shop, name, on={"canary ": register})
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (7, "superseded", 7), said.err
    assert "newer version" in report["sentence"]
    assert report["serving"] is None
    assert report["next"] == f"toolkit status {name}"
    # Theirs is left alone.
    job = shop.job(name)
    assert (job["Meta"]["release"], job["Version"]) == ("2.0.0", report["version"] + 1)
    assert latest(shop, name)["JobVersion"] == job["Version"]


def test_promotion_is_left_to_a_person_who_then_promotes(shop: Shop, base: dict[str, str]) -> None:
    name = base["held"]
    before = {a["ID"] for a in shop.running(name)}
    said = bump(shop, name, "--no-promote")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (9, "held", 9), said.err
    assert "wait for promotion" in report["sentence"]
    assert report["next"] == f"toolkit promote {name}"
    assert "promotion is left to you" in said.told("gate")[-1]
    deployment = latest(shop, name)
    assert (deployment["Status"], promoted(deployment)) == ("running", False)
    assert before < {a["ID"] for a in shop.running(name)}
    assert shop.serves(name) == ["1.0.0", "1.1.0"]
    done = shop.toolkit("promote", name, "--json")
    assert (done.code, done.report["verdict"]) == (0, "promoted"), done.err
    assert shop.serves(name) == ["1.1.0"]
    assert before.isdisjoint(shop.instance_of(name))


def test_a_rollout_that_somebody_pauses(shop: Shop, base: dict[str, str]) -> None:
    name = base["paused"]

    def pause() -> None:
        ours = latest(shop, name)["ID"]
        shop.nomad(f"/v1/deployment/pause/{ours}", {"DeploymentID": ours, "Pause": True})

    said = bump(shop, name, on={"canary ": pause})
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (9, "held", 9), said.err
    assert "paused" in report["sentence"]
    assert report["next"] == f"toolkit resume {name}"
    assert latest(shop, name)["Status"] == "paused"
    assert "1.0.0" in shop.serves(name)


def test_a_job_that_somebody_stops(shop: Shop, base: dict[str, str]) -> None:
    name = base["stopped"]

    def stop() -> None:
        shop.nomad(f"/v1/job/{name}", method="DELETE")

    said = bump(shop, name, on={"canary ": stop})
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (9, "held", 9), said.err
    assert "stopped" in report["sentence"]
    assert report["next"] == f"toolkit status {name}"
    assert shop.job(name)["Stop"] is True


# Interrupted.


def test_interrupted_before_anything_was_submitted(shop: Shop, base: dict[str, str]) -> None:
    name = base["early"]
    before = shop.job(name)["JobModifyIndex"]

    def press() -> None:
        raise KeyboardInterrupt

    said = bump(shop, name, on={"plan ": press})
    assert (said.code, said.error["code"]) == (130, 130), said.err
    assert "before" in said.error["message"]
    assert "submit" in said.error["message"]
    assert shop.job(name)["JobModifyIndex"] == before
    assert shop.release(name) == "1.0.0"


def test_interrupted_while_watching_and_attached_again(shop: Shop, base: dict[str, str]) -> None:
    name = base["late"]
    process = subprocess.Popen(
        shop.command("deploy", name, "--release", "1.1.0", "--json"),
        cwd=shop.root, env=shop.environ(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("canary"):
            process.send_signal(signal.SIGINT)
            break
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    error = json.loads(out)["error"]
    assert "version 1" in error["message"]
    assert name in error["message"]
    assert "goes on" in error["message"]
    assert error["hint"].startswith(f"toolkit attach {name}")
    # Nobody promotes it until somebody attaches.
    assert shop.release(name) == "1.1.0"
    assert not promoted(latest(shop, name))
    said = shop.toolkit("attach", name, "--json")
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert said.report["previous_release"] == "1.0.0"
    assert (said.report["release"], said.report["serving"]) == ("1.1.0", "1.1.0")
    assert shop.serves(name) == ["1.1.0"]
    assert promoted(latest(shop, name))


# Submitted.


def test_detached_says_only_that_it_was_submitted(shop: Shop, base: dict[str, str]) -> None:
    name = base["detached"]
    said = bump(shop, name, "--detach")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (0, "submitted", 0), said.err
    assert report["verification"] is None
    assert report["serving"] is None
    assert "nobody watches it" in report["sentence"]
    assert report["next"] == f"toolkit attach {name}"
    assert shop.release(name) == "1.1.0"
    assert shop.job(name)["Version"] == report["version"] == 1
    # A person may attach and still leave the promotion to another one.
    held = shop.toolkit("attach", name, "--no-promote", "--json")
    assert (held.code, held.report["verdict"]) == (9, "held"), held.err
    assert not promoted(latest(shop, name))
    done = shop.toolkit("attach", name, "--json")
    assert (done.code, done.report["verdict"]) == (0, "deployed"), done.err
    assert shop.serves(name) == ["1.1.0"]
