"""What came before: the version that failed and made Nomad go back; pure."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.rollout.events import failures
from toolkit.rollout.hopeless import suspects
from toolkit.rollout.revert import target_version
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.workflows.explain import why
from toolkit.workflows.explain.deployment import BY_HAND
from toolkit.workflows.explain.look import JobSeen


@dataclass(frozen=True, slots=True)
class Past:
    """A version that failed, and what Nomad did then."""

    version: int
    release: str | None
    rollout: DeploymentView
    went_back_to: int | None
    """The version that Nomad registered again; None: it did not."""
    suspects: tuple[AllocationView, ...]
    """Allocations of it that may have been why; empty: Nomad keeps none."""


def current(seen: JobSeen) -> tuple[AllocationView, ...]:
    """Allocations of the registered version that count: those that no other one replaced."""
    mine = seen.of_version(seen.live.version)
    return tuple(
        each
        for each in mine
        if each.next_allocation is None and (each.desired_status != "stop" or _has_a_story(each))
    )


def _has_a_story(allocation: AllocationView) -> bool:
    """True of one that was stopped for more than a newer version or a smaller count."""
    if allocation.client_status in {"failed", "lost"} or allocation.healthy is False:
        return True
    return why.was_moved(allocation)


def failed_before(seen: JobSeen) -> Past | None:
    """The failed version that the registered one is the revert of; None when it is none."""
    live = seen.live.version
    failed = [d for d in seen.deployments if d.status == "failed" and d.job_version == live - 1]
    if not failed:
        return None
    rollout = failed[-1]
    target = target_version(rollout.description)
    if target is None:
        return None
    version = seen.version(rollout.job_version)
    return Past(
        version=rollout.job_version,
        release=version.release if version is not None else None,
        rollout=rollout,
        went_back_to=target,
        suspects=tuple(
            each
            for each in suspects(seen.allocations, rollout.job_version)
            if each.healthy is not True or failures(each)
        ),
    )


def aborted(seen: JobSeen, past: Past | None) -> tuple[Cause, ...]:
    """That the rollout was failed from outside, where nothing about its instances says why."""
    rollout = past.rollout if past is not None else seen.rollout(seen.live.version)
    if rollout is None or rollout.status != "failed":
        return ()
    if not rollout.description.startswith(BY_HAND):
        return ()
    well = any(group.healthy for group in rollout.groups)
    well = well and not any(group.unhealthy for group in rollout.groups)
    return (
        Cause(
            "aborted",
            f"somebody or toolkit marked deployment {rollout.short} of version"
            f" {rollout.job_version} as failed{' while its instances were healthy' * well}",
            evidence=(f"deployment: {rollout.description}",),
            advice=f"`toolkit history {seen.id}` has the versions; where a deploy gave it up, as"
            " canaries of another release, its own report says why",
        ),
    )


def forgotten(seen: JobSeen, past: Past | None) -> tuple[str, ...]:
    """What is gone of the version before the registered one."""
    before = seen.live.version - 1
    if past is not None and not seen.of_version(past.version):
        return (f"the allocations of version {past.version}: Nomad no longer keeps them",)
    if seen.rollout(before + 1) is None or before < 0 or seen.rollout(before) is not None:
        return ()
    return (f"how version {before} went: Nomad no longer keeps its deployment",)
