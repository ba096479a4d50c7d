"""Register a plan, once, and read back what is there; a lost reply is resolved by reading."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ApiError, ConflictError, ExitCode, StalePlanError, UnreachableError
from toolkit.rollout import memory, read
from toolkit.rollout.world import World
from toolkit.spec.plan import LiveJob, Plan, Submission

SETTLE = 5.0
"""Seconds in which a request whose reply was lost may still be committed."""
READ_STEP = 0.5
"""Seconds between tries to read back what was registered."""


def submit(world: World, plan: Plan) -> Submission:
    """Register the plan's job against its check index.

    Raises StalePlanError when somebody registered in between, and ApiError when nothing was
    registered; with exit code 5 when it cannot be found out. LockedError where the job's lock is
    lost.
    """
    world.covered()
    at = world.now()
    evaluation, index, resolved = None, 0, False
    try:
        answer = world.nomad.register(
            plan.job, check_index=plan.check_index, submission=_source(plan)
        )
        evaluation, index = answer.get("EvalID") or None, int(answer.get("JobModifyIndex") or 0)
    except ConflictError as exc:
        raise stale(world, plan) from exc
    except UnreachableError as exc:
        if not exc.lost_reply:
            raise
        index, resolved = _resolve(world, plan, exc), True
    live = _read_back(world, plan, index)
    version = live.version
    if index and live.modify_index != index and not _is_noop(plan, live):
        version = _version_at(world, plan, index)
    return Submission(
        job_id=plan.job_id,
        version=version,
        modify_index=index,
        evaluation=evaluation,
        check_index=plan.check_index,
        submitted_at=at,
        previous=plan.live,
        release=plan.release,
        unchanged=_is_noop(plan, live),
        resolved=resolved,
    )


def stale(world: World, plan: Plan) -> StalePlanError:
    """Who was faster, as far as Nomad can tell."""
    try:
        raw = world.nomad.job(plan.job_id)
    except ApiError:
        raw = {}
    if raw == {}:
        text = f"job {plan.job_id} was changed by somebody else between plan and submit"
    elif raw is None:
        text = f"job {plan.job_id} was removed between plan and submit"
    else:
        live = read.live_job(raw)
        release = f", release {live.release}" if live.release else ""
        text = (
            f"job {plan.job_id} was registered by somebody else between plan and submit "
            f"(version {live.version}{release})"
        )
    return StalePlanError(text, hint="nothing was changed; look at `toolkit status`, then again")


def _source(plan: Plan) -> dict[str, object]:
    rendered = plan.rendered
    # Nomad counts by one, and the check index keeps others from coming in between.
    version = 0 if plan.live is None else plan.live.version + 1
    said = replace(plan.remembered, deployed=plan.release, version=version)
    return {
        "Source": memory.remember(rendered.hcl, said),
        "Format": "hcl2",
        "Variables": rendered.variables,
        "VariableFlags": {},
    }


def _is_noop(plan: Plan, live: LiveJob) -> bool:
    return plan.live is not None and live.version == plan.live.version


def _read_back(world: World, plan: Plan, index: int) -> LiveJob:
    """The job as it is now; patient, because from here on "nothing was changed" would be a lie."""
    deadline = world.clock() + SETTLE
    while True:
        try:
            raw = world.nomad.job(plan.job_id)
            break
        except ApiError as exc:
            if world.clock() >= deadline:
                raise UnreachableError(
                    f"{plan.job_id} was registered (index {index}), and then Nomad could not be "
                    f"asked what became of it: {exc.message}",
                    system="Nomad",
                    address=exc.address,
                    hint=f"when Nomad answers again: toolkit attach {plan.job_id}",
                    code=ExitCode.UNKNOWN,
                ) from exc
            world.sleep(READ_STEP)
    if raw is None:
        raise ApiError(
            f"job {plan.job_id} was registered, and is gone",
            system="Nomad",
            hint="somebody purged it",
            code=ExitCode.SUPERSEDED,
        )
    return read.live_job(raw)


def _version_at(world: World, plan: Plan, index: int) -> int:
    """The version that our registration became, although a newer one is already there."""
    for raw in world.nomad.versions(plan.job_id):
        if int(raw.get("JobModifyIndex") or 0) == index:
            return int(raw.get("Version") or 0)
    return (plan.live.version + 1) if plan.live else 0


def _resolve(world: World, plan: Plan, lost: UnreachableError) -> int:
    """The modify index of a registration whose reply was lost, found out by reading.

    Raises StalePlanError when somebody else was there first, UnreachableError when nothing was
    registered; with exit code 5 when Nomad does not tell.
    """
    deadline = world.clock() + SETTLE
    pause = 0.1
    while True:
        try:
            raw = world.nomad.job(plan.job_id)
            live = read.live_job(raw) if raw else None
            if live is not None and live.modify_index != plan.check_index:
                ours = _ours(world, plan)
                if ours is None:
                    raise stale(world, plan) from lost
                return ours
            answered = True
        except ApiError:
            answered = False
        if world.clock() >= deadline:
            break
        world.sleep(pause)
        pause = min(pause * 2, 1.0)
    if answered:
        raise UnreachableError(
            f"the connection to Nomad broke while registering {plan.job_id}; "
            "reading back shows that nothing was registered",
            system="Nomad",
            address=lost.address,
            hint="run the same command again",
        ) from lost
    raise UnreachableError(
        f"the connection to Nomad broke while registering {plan.job_id}, "
        "and Nomad does not answer: it may or may not be registered",
        system="Nomad",
        address=lost.address,
        hint=f"when Nomad answers again: toolkit attach {plan.job_id}",
        code=ExitCode.UNKNOWN,
    ) from lost


def _ours(world: World, plan: Plan) -> int | None:
    """The modify index of the version that was registered from our source since the plan."""
    source = _source(plan)["Source"]
    # Oldest first: a version registered without a source shows the one of the version before it.
    for raw in reversed(world.nomad.versions(plan.job_id)):
        index = int(raw.get("JobModifyIndex") or 0)
        if index <= plan.check_index:
            continue
        kept = world.nomad.submission(plan.job_id, int(raw.get("Version") or 0))
        if kept is None:
            # Nomad keeps no source above its size limit: then the job itself has to tell.
            if (world.nomad.plan(plan.job).get("Diff") or {}).get("Type") == "None":
                return index
        elif kept.get("Source") == source:
            return index
    return None
