"""Follow Nomad's own revert of a failed deployment to its end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.errors import ApiError
from toolkit.rollout import gate
from toolkit.rollout.declared import services
from toolkit.rollout.feed import Feed
from toolkit.rollout.state import State, Watched
from toolkit.rollout.world import World
from toolkit.spec.events import OnEvent
from toolkit.spec.observed import DeploymentView
from toolkit.spec.outcome import End

# Nomad's words: nomad/structs/deployment.go.
_ROLLING_BACK = re.compile(r"rolling back to job version (\d+)")

APPEARS = 20.0
"""Seconds in which the revert's deployment must appear."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the revert ended."""

    end: End
    detail: str
    version: int
    """The job version that counts now."""


def target_version(description: str) -> int | None:
    """The job version that Nomad says it goes back to; None when it does not."""
    match = _ROLLING_BACK.search(description)
    return int(match.group(1)) if match else None


def follow(
    world: World,
    feed: Feed,
    state: State,
    watched: Watched,
    failed: DeploymentView,
    on_event: OnEvent,
) -> Ended:
    """Wait for the follow-up deployment of a revert, promote it through the gate if it asks."""
    target = target_version(failed.description)
    if target is None:
        return Ended("failed", failed.description, watched.version)
    world.say(on_event, "revert", f"Nomad goes back to version {target}")
    appears_by = world.clock() + APPEARS
    gated: set[str] = set()
    while world.clock() < watched.deadline:
        if error := state.denied.get("Nomad"):
            return Ended("lost", f"Nomad tells us nothing more: {error.message}", watched.version)
        following = _following(state, failed)
        if following is None:
            if (version := _replaced(state, watched, failed)) is not None:
                return Ended("reverted", failed.description, version)
            if "Nomad" in state.lost:
                appears_by = world.clock() + APPEARS
            elif world.clock() >= appears_by:
                return Ended("failed", "the revert made no deployment", watched.version)
        else:
            match following.status:
                case "successful":
                    return Ended("reverted", failed.description, following.job_version)
                case "failed":
                    detail = f"the revert failed too: {following.description}"
                    return Ended("failed", detail, following.job_version)
                case "cancelled":
                    return Ended("superseded", following.description, following.job_version)
            due = following.id not in gated and gate.is_due(following, state.allocations)
            if due and _promote(world, state, watched, following, on_event):
                gated.add(following.id)
        update = feed.next(0.25 if following is not None and following.needs_promotion else 1.0)
        while update is not None:
            state.take(update)
            update = feed.next(0)
    return Ended("undecided", "the revert was not over at the deadline", watched.version)


def _following(state: State, failed: DeploymentView) -> DeploymentView | None:
    """The first deployment of a later job version."""
    later = [d for d in state.deployments if d.job_version > failed.job_version]
    return min(later, key=lambda deployment: deployment.job_version) if later else None


def _replaced(state: State, watched: Watched, failed: DeploymentView) -> int | None:
    """The version whose instances run again where Nomad makes no deployment: of a system job.

    Nomad tracks the health of such instances late or never; what they serve is verified after
    this, so running is enough where Consul has a check to say more.
    """
    if watched.job.get("Type") != "system":
        return None
    later = [
        a
        for a in state.allocations
        if a.job_version > failed.job_version and a.desired_status == "run"
    ]
    checked = any(service.checked for service in services(watched.job))
    if later and all(a.client_status == "running" and (checked or a.healthy) for a in later):
        return max(a.job_version for a in later)
    return None


def _promote(
    world: World,
    state: State,
    watched: Watched,
    deployment: DeploymentView,
    on_event: OnEvent,
) -> bool:
    try:
        raw = world.nomad.job(str(watched.job["ID"])) or watched.job
        answer = gate.check(world, raw, deployment, state.allocations, watched.served)
        if not answer.open:
            return False
        world.nomad.promote(deployment.id)
    except ApiError:
        return False
    world.say(on_event, "gate", f"{answer.reason} · revert promoted")
    return True
