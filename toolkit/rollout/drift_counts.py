"""Counts that somebody scaled: who and when, from the scaling events that Nomad keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import read
from toolkit.rollout.secrets import scrub
from toolkit.rollout.world import World
from toolkit.spec.plan import Drift, LiveJob, ScaledCount

TOOLKIT = "toolkit scale"
NOMAD = "nomad job scale"
AUTOSCALER = "an autoscaler"

# What `nomad job scale` says when its user says nothing, and how the Autoscaler signs its events.
_NOMADS_MESSAGE = "submitted using the Nomad CLI"
_AUTOSCALERS_KEYS = ("nomad_autoscaler", "nomad_policy_id")


def scaled_counts(
    world: World,
    live: LiveJob,
    asked: Mapping[str, int],
    kept: Collection[str],
    drift: Drift,
    secrets: Collection[str],
) -> tuple[ScaledCount, ...]:
    """The groups that were scaled: kept ones, and those that a scaling event explains.

    `asked` are the job file's counts. One call, and none when every live count is the file's own.
    """
    drifted = {line.path for line in drift.changes}
    open_ = [
        name
        for name, count in live.counts.items()
        if name in asked
        and (name in kept or count != asked[name] or f"group[{name}].Count" in drifted)
    ]
    if not open_ or live.stopped or live.kind not in {"service", "batch"}:
        return ()
    try:
        groups = world.nomad.scale_status(str(live.raw["ID"])).get("TaskGroups") or {}
    except ApiError:
        # Who it was is good to know and stops nobody: the counts themselves are the plan's.
        groups = {}
    found = []
    for name in open_:
        event = last_event(groups.get(name) or {}, live.counts[name])
        if name in kept or event is not None:
            found.append(_scaled(name, live, asked[name], event, secrets, kept=name in kept))
    return tuple(found)


def last_event(group: Mapping[str, Any], count: int) -> Mapping[str, Any] | None:
    """The newest event that set a count, if it is the one that made `count`."""
    events = [
        event
        for event in group.get("Events") or []
        if event.get("Count") is not None and not event.get("Error")
    ]
    newest = max(events, key=lambda event: int(event.get("Time") or 0), default=None)
    return newest if newest is not None and int(newest["Count"]) == count else None


def _scaled(
    name: str,
    live: LiveJob,
    asked: int,
    event: Mapping[str, Any] | None,
    secrets: Collection[str],
    *,
    kept: bool,
) -> ScaledCount:
    if event is None:
        return ScaledCount(name, live.counts[name], asked, kept)
    message = " ".join(str(event.get("Message") or "").split())
    previous = event.get("PreviousCount")
    return ScaledCount(
        group=name,
        live=live.counts[name],
        asked=asked,
        kept=kept,
        previous=None if previous is None else int(previous),
        by=scaler(message, event.get("Meta") or {}),
        at=(event.get("Time") or 0) / read.NANO or None,
        message="" if message in {TOOLKIT, _NOMADS_MESSAGE} else scrub(message, secrets),
    )


def scaler(message: str, meta: Mapping[str, Any]) -> str | None:
    """Who scaled, by what was left with the event."""
    if any(str(key).startswith(_AUTOSCALERS_KEYS) for key in meta):
        return AUTOSCALER
    return {TOOLKIT: TOOLKIT, _NOMADS_MESSAGE: NOMAD}.get(message)
