"""How a job that has ended, or was stopped, is started again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from toolkit.errors import RefusedError
from toolkit.rollout import direct, memory, read, secrets
from toolkit.rollout.plan import plan_job
from toolkit.rollout.world import World
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.rendered import RenderedJob


def dispatch_command(job_id: str, parameters: Mapping[str, Any]) -> str:
    """`toolkit dispatch` with what a parameterized job requires."""
    keys = "".join(f" --meta {key}=…" for key in parameters.get("MetaRequired") or [])
    payload = " --payload FILE" if parameters.get("Payload") == "required" else ""
    return f"toolkit dispatch {job_id}{keys}{payload}"


def how(raw: Mapping[str, Any], *, filed: bool = True) -> str:
    """What to type to have the registered job run again; `filed`: its job file is here.

    A child is not started again itself: its parent makes another one.
    """
    job_id, parent = str(raw["ID"]), raw.get("ParentID")
    if parent and raw.get("Dispatched"):
        command = dispatch_command(str(parent), raw.get("ParameterizedJob") or {})
        return f"`{command}` starts another one"
    if parent:
        return f"`toolkit run {parent}` launches another one"
    if direct.is_work(raw):
        return f"`toolkit run {job_id}` runs it again"
    return f"`toolkit deploy {job_id}`{'' if filed else ' in its project'} starts it again"


def plan_registered(world: World, live: LiveJob, *, allow: Collection[str] = ()) -> Plan:
    """The plan of a job as it is registered, for a job that has no job file here.

    RefusedError for a child of another job: its name is of one run.
    """
    job_id = str(live.raw["ID"])
    if live.raw.get("ParentID"):
        raise RefusedError(f"{job_id} is one run of another job", hint=how(live.raw))
    given = world.nomad.submission(job_id, live.version) or {}
    hcl = given.get("Format") == "hcl2"
    said = memory.recall(given, live.release)
    place = f"version {live.version} in Nomad"
    rendered = RenderedJob(
        spec=JobSpec(job_id, "batch", place, place, plain=True, release=live.release),
        hcl=memory.without(str(given.get("Source") or "")) if hcl else "",
        lines=(),
        sources={},
        variables=str(given.get("Variables") or "") if hcl else "",
    )
    known = secrets.stored(world, job_id)
    plan = plan_job(world, rendered, read.registration(live.raw), live, secrets=known, allow=allow)
    return plan if said is None else replace(plan, remembered=said)
