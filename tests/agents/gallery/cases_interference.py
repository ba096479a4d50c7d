"""Somebody else acts while we roll, or there is nothing to do, or a person has to go on."""

from __future__ import annotations

from typing import Any

from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import (
    block,
    group,
    job,
    network,
    server,
    service,
    short_update,
    task,
    web,
    work,
)
from tests.agents.gallery.stage import Stage

REVERTS = short_update(canary=1, revert=True)
SLOWLY = short_update(canary=1, revert=True, steady="25s")
"""Time for somebody else to act in, also on a busy machine."""
BY_HAND = block(
    "update", canary=1, max_parallel=1, min_healthy_time="500ms", healthy_deadline="40s",
    progress_deadline="60s", auto_promote=False, auto_revert=True,
)  # fmt: skip


def _tagged(*tags: str) -> str:
    """A service with these tags, which Nomad changes in place."""
    asks = block("check", type="http", path="/health", interval="1s", timeout="1s")
    has = block("service", asks, name="@NAME@", port="http", tags=list(tags))
    return job(group(network(), has, server()))


def _until_rolling(stage: Stage, name: str) -> dict[str, Any]:
    """Wait until the second version rolls, with an instance; its deployment."""
    found: list[dict[str, Any]] = []

    def rolls() -> bool:
        deployments = stage.nomad(f"/v1/job/{name}/deployments") or []
        found[:] = [d for d in deployments if d["JobVersion"] == 1 and d["Status"] == "running"]
        there = stage.nomad(f"/v1/job/{name}/allocations") or []
        new = [a for a in there if a["JobVersion"] == 1 and a["ClientStatus"] == "running"]
        return bool(found and new)

    stage.shop.until(f"version 1 of {name} rolls", rolls)
    return found[0]


def _register(stage: Stage, name: str) -> None:
    _until_rolling(stage, name)
    theirs = stage.shop.job(name)
    theirs["Meta"] = {"owner": "somebody"}
    stage.shop.nomad("/v1/jobs", {"Job": theirs})


def _pause(stage: Stage, name: str) -> None:
    ours = _until_rolling(stage, name)["ID"]
    stage.shop.nomad(f"/v1/deployment/pause/{ours}", {"DeploymentID": ours, "Pause": True})


def _fail(stage: Stage, name: str) -> None:
    ours = _until_rolling(stage, name)["ID"]
    stage.shop.nomad(f"/v1/deployment/fail/{ours}", {"DeploymentID": ours})


def _stop(stage: Stage, name: str) -> None:
    _until_rolling(stage, name)
    stage.leave(name)


def _purge(stage: Stage, name: str) -> None:
    _stop(stage, name)

    def evaluated() -> bool:
        found = stage.nomad(f"/v1/job/{name}/evaluations") or []
        return all(each["Status"] != "pending" for each in found)

    stage.shop.until("its stop is evaluated", evaluated)
    stage.shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")


def _during(name: str, verdict: str, code: int, mode: int | None, act: Any, **how: Any) -> Case:
    return Case(
        name, job(group(task("exec sleep 3601"), update=SLOWLY)), verdict, code, mode,
        before=job(group(task(), update=REVERTS)), meanwhile=act, **how,
    )  # fmt: skip


CASES = (
    Case("by-nobody", job(web()), "unchanged", 0, 22, before=job(web())),
    Case("by-in-place", _tagged("team=blue"), "deployed", 0, 22, before=_tagged("team=red")),
    Case(
        "by-tag-alone", _tagged("version=2"), "refused", 1, 22, before=_tagged("version=1"),
        says=r"no process is replaced",
    ),
    Case(
        "by-a-person", job(group(task("exec sleep 3601"), update=BY_HAND)), "held", 9, 23,
        before=job(group(task())), options=("--no-promote",),
    ),
    _during("by-a-newer", "superseded", 7, 24, _register),
    _during("by-a-pause", "held", 9, 25, _pause),
    _during("by-a-stop", "held", 9, None, _stop),
    _during("by-a-purge", "held", 9, None, _purge),
    _during(
        "by-a-hand", "reverted", 8, 16, _fail, kind="aborted", says=r"somebody marked deployment",
        never=r"exited|health",
    ),
    Case(
        "by-another-type", work("true"), "refused", 1, 43, before=job(web()),
        says=r"type service.*batch",
    ),
    Case(
        "by-two-of-a-name", job(group(network(), service(), service(), server())), "refused", 1, 33,
        says=r"Services are not unique: \[group->@NAME@:http\]$",
    ),
)  # fmt: skip
