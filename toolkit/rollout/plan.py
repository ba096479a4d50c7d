"""Nomad's own parser, validator and scheduler dry run; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from toolkit.clients.texts import advice
from toolkit.errors import ConfigError, InvalidRequestError, RefusedError
from toolkit.render import map_hcl_error
from toolkit.rollout import (
    diff,
    drift,
    drift_counts,
    images,
    lint,
    made,
    memory,
    placement,
    read,
    variables,
)
from toolkit.rollout.canaries import with_canaries
from toolkit.rollout.secrets import scrub
from toolkit.rollout.world import World
from toolkit.spec.plan import GroupPlan, LiveJob, Memory, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.target import Secret


def make_plan(
    world: World,
    rendered: RenderedJob,
    *,
    reset_count: bool = False,
    release_chosen: bool = False,
    allow: Collection[str] = (),
    canaries: int | None = None,
) -> Plan:
    """The plan for a rendered job; at most six calls while the live version is one of ours.

    One more for each taken port, and each missing driver, that keeps it from being placed.

    `canaries`: of its last step, where the command line says so. `release_chosen` says that the
    user named the release on the command line. Raises RenderError for HCL that Nomad cannot parse,
    InvalidRequestError for a job that it refuses, RefusedError for a missing secret or another
    type of job under the same name.
    """
    job = parse(world, rendered)
    secrets = known_secrets(world, job["ID"], rendered.spec.secrets)
    secrets += variables.secret_values(rendered.spec.variables)
    live = registered(world, job)
    said = file_memory(job, rendered)
    submission = None
    if live is not None:
        submission = world.nomad.submission(str(live.raw["ID"]), live.version)
        secrets += variables.submitted(submission)
    stopped = live is None or live.stopped
    before = None if stopped or live is None else memory.recall(submission, live.release)
    kept = _keep_counts(job, rendered, live, before, reset=reset_count)
    table = rendered.spec.canary
    canaries = canaries or (table.steps[-1] if table is not None and table.steps else None)
    if canaries is not None and job.get("Type") == "service":
        job = with_canaries(job, canaries)
    question = None if release_chosen else _question(live, before, said)
    question = question or images.moved(live, job)
    plan = plan_job(world, rendered, job, live, secrets=secrets, allow=allow)
    if live is not None:
        found = drift.since_ours(world, live, submission, secrets)
        scaled = drift_counts.scaled_counts(world, live, said.counts, kept, found, secrets)
        told = {group.group for group in scaled if group.at is not None}
        plan = replace(plan, drift=drift.without_counts(found, told), scaled=scaled)
    notes = tuple(kept.values())
    return replace(plan, notes=notes, remembered=said, question=question)


def registered(world: World, job: Mapping[str, Any]) -> LiveJob | None:
    """The job under that id, if there is one; RefusedError when it is of another type."""
    raw = world.nomad.job(job["ID"])
    live = read.live_job(raw) if raw else None
    if live and live.kind and live.kind != job.get("Type"):
        raise RefusedError(
            f"job {job['ID']} is registered as type {live.kind}, the job file says {job['Type']}",
            hint=f"Nomad never changes a job's type: `toolkit stop {job['ID']} --purge` first, "
            "or use another name",
        )
    return live


def plan_job(
    world: World,
    rendered: RenderedJob,
    job: dict[str, Any],
    live: LiveJob | None,
    *,
    secrets: Collection[str] = (),
    allow: Collection[str] = (),
) -> Plan:
    """The plan for a job as Nomad's parser gave it, or as Nomad has it in an older version."""
    spec = rendered.spec
    checked = world.nomad.validate(job)
    problems = checked.get("ValidationErrors") or []
    if not problems and checked.get("Error"):
        problems = [checked["Error"]]
    if problems:
        raise InvalidRequestError(
            f"{spec.source}: Nomad refuses the job: " + "; ".join(map(str, problems)),
            system="Nomad",
            hint=advice(" ".join(map(str, problems))) or "`toolkit render` shows what was sent",
        )
    answer = world.nomad.plan(job)
    annotations = answer.get("Annotations") or {}
    planned = tuple(
        _group(name, updates, job)
        for name, updates in sorted((annotations.get("DesiredTGUpdates") or {}).items())
    )
    body = answer.get("Diff") or {}
    if body.get("Type") == "None":
        # Nomad counts the tag of the live version as a change of the job, and shows none.
        planned = tuple(replace(g, in_place=0, ignore=g.ignore + g.in_place) for g in planned)
    return Plan(
        rendered=rendered,
        job=job,
        check_index=int(answer.get("JobModifyIndex") or 0),
        live=live,
        groups=planned,
        diff=diff.lines(body, secrets),
        lint=lint.check(
            job,
            live,
            planned,
            allow=(*spec.lint_allow, *allow),
            dns=spec.dns is not None,
            identities=[identity.name for identity in spec.identities],
        ),
        warnings=tuple(scrub(text, secrets) for text in _warnings(checked, answer)),
        unplaced=placement.explained(world, answer.get("FailedTGAllocs"), job),
        changed=live is None or live.stopped or body.get("Type") != "None",
        secrets=tuple(Secret(value) for value in secrets),
        environment=world.target.environment,
        address=world.target.nomad.address,
        namespace=world.target.namespace,
        made_at=world.now(),
    )


def parse(world: World, rendered: RenderedJob) -> dict[str, Any]:
    """The job as Nomad's parser reads it, in the environment's namespace and region.

    ConfigError where it is not the kind of job that the job file says.
    """
    try:
        job = world.nomad.parse(rendered.hcl, rendered.variables)
    except InvalidRequestError as exc:
        raise map_hcl_error(rendered, exc.message) from exc
    mistakes = list(
        made.contradictions(
            rendered,
            str(job.get("Type") or "service"),
            periodic=bool(job.get("Periodic")),
            parameterized=bool(job.get("ParameterizedJob")),
        )
    )
    if mistakes:
        raise ConfigError(mistakes)
    target = world.target
    for key, wanted, default in (
        ("Namespace", target.namespace, "default"),
        ("Region", target.region, "global"),
    ):
        found = job.get(key) or default
        if found not in {wanted, default}:
            raise RefusedError(
                f"{rendered.spec.source}: the job names {key.lower()} {found}, "
                f"environment {target.environment} has {wanted}",
                hint=f"leave {key.lower()} out of the job file, or choose another environment",
            )
        job[key] = wanted
    return job


def known_secrets(world: World, job_id: str, keys: Collection[str]) -> list[str]:
    """Values of the job's secrets, for redaction only; RefusedError for a key that is not set."""
    if not keys:
        return []
    items: Mapping[str, str] = (world.nomad.variable(f"nomad/jobs/{job_id}") or {}).get(
        "Items"
    ) or {}
    missing = [key for key in keys if key not in items]
    if missing:
        raise RefusedError(
            f"secret {', '.join(missing)} of job {job_id} is not set",
            hint=f"toolkit secret set {job_id} {missing[0]}",
        )
    return [str(value) for value in items.values()]


def file_memory(job: Mapping[str, Any], rendered: RenderedJob) -> Memory:
    """What the job file itself says: its counts, and its release where it was not overridden."""
    origin = rendered.spec.release_origin
    by_flag = origin is not None and origin.source.startswith("--")
    return Memory(
        release=rendered.spec.file_release if by_flag else rendered.spec.release,
        counts={group["Name"]: _count(group) for group in read.groups(job)},
    )


def recall(world: World, live: LiveJob | None) -> Memory | None:
    """What the job file said when the live version was deployed by us."""
    if live is None or live.stopped:
        return None
    submission = world.nomad.submission(str(live.raw["ID"]), live.version)
    return memory.recall(submission, live.release)


def _count(group: Mapping[str, Any]) -> int:
    return 1 if group.get("Count") is None else int(group["Count"])


def _keep_counts(
    job: dict[str, Any],
    rendered: RenderedJob,
    live: LiveJob | None,
    before: Memory | None,
    *,
    reset: bool,
) -> dict[str, str]:
    """Keep the live count where the job file's did not change since our last deploy.

    What to say of each group whose count is kept.
    """
    if live is None or live.stopped or reset or before is None or job.get("Type") != "service":
        return {}
    notes = {}
    for group in read.groups(job):
        name, asked = group["Name"], _count(group)
        running = live.counts.get(name)
        if running is None or running == asked or before.counts.get(name) != asked:
            continue
        group["Count"] = running
        update = group.get("Update") or {}
        if (
            rendered.spec.rollout.canaries == "all"
            and update.get("Canary")
            and not rendered.spec.plain
        ):
            update["Canary"] = running
            update["MaxParallel"] = max(running, 1)
        notes[name] = (
            f"count of group {name} stays {running} as scaled "
            f"(the file says {asked}; --reset-count applies it)"
        )
    return notes


def _question(live: LiveJob | None, before: Memory | None, said: Memory) -> str | None:
    """What to ask before a release that somebody chose by hand is replaced by the file's."""
    if live is None or live.stopped or before is None or live.release is None:
        return None
    if said.release in {None, live.release} or before.release != said.release:
        return None
    return (
        f"release {live.release} was put there by --release or a rollback, "
        f"and this would change it to {said.release}"
    )


def _group(name: str, updates: Mapping[str, Any], job: Mapping[str, Any]) -> GroupPlan:
    def number(key: str) -> int:
        return int(updates.get(key) or 0)

    place, replace = number("Place"), number("DestructiveUpdate")
    if job.get("Type") == "system":
        # Of a system job Nomad 1.11 counts what it replaces as placed too.
        place = max(place - replace, 0)
    return GroupPlan(
        group=name,
        place=place,
        canary=number("Canary"),
        replace=replace,
        in_place=number("InPlaceUpdate"),
        stop=number("Stop"),
        migrate=number("Migrate"),
        preempt=number("Preemptions"),
        ignore=number("Ignore"),
    )


def _warnings(*answers: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for answer in answers:
        text = str(answer.get("Warnings") or "").strip()
        if text and text not in found:
            found.append(text)
    return tuple(found)
