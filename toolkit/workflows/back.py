"""The plan to go back: an older version, registered again as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from toolkit.rollout import memory, read
from toolkit.rollout.plan import known_secrets, plan_job, recall
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import LiveJob, Memory, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows.session import Session
from toolkit.workflows.tagging import origin_again


def plan_back(
    session: Session,
    spec: JobSpec,
    live: LiveJob,
    target: LiveJob,
    allow: Sequence[str],
    *,
    keep_counts: bool = True,
) -> Plan:
    """The plan to register the version `target` again in place of `live`.

    The live counts stay, unless the version is wanted exactly as it was.
    """
    world = session.world
    job = read.registration(target.raw)
    notes = _keep_counts(job, live) if keep_counts else []
    source = (session.nomad.submission(spec.name, target.version) or {}).get("Source") or ""
    rendered = RenderedJob(spec=spec, hcl=memory.without(str(source)), lines=(), sources={})
    before = recall(world, live)
    secrets = known_secrets(world, spec.name, spec.secrets)
    plan = plan_job(world, rendered, job, live, secrets=secrets, allow=allow)
    said = Memory(
        release=spec.release if spec.file_release is None else spec.file_release,
        counts=before.counts if before else {},
    )
    origin = origin_again(session, target.raw)
    return replace(plan, remembered=said, notes=tuple(notes), origin=origin)


def _keep_counts(job: dict[str, Any], live: LiveJob) -> list[str]:
    notes = []
    for group in read.groups(job):
        running = live.counts.get(group["Name"])
        if running is None or running == group.get("Count"):
            continue
        notes.append(f"count of group {group['Name']} stays {running} (it was {group['Count']})")
        update = group.get("Update") or {}
        if update.get("Canary") and update["Canary"] == group["Count"]:
            update["Canary"] = running
        group["Count"] = running
    return notes
