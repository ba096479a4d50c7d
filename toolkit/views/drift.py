"""What others did to a job since our last deploy, and who scaled it."""

from __future__ import annotations

from typing import Any

from toolkit.spec.plan import Drift, Plan, ScaledCount, VersionMark
from toolkit.views.text import staged
from toolkit.views.when import ago

SIGNS = {"Added": "+", "Deleted": "-", "Edited": "~"}


def lines(plan: Plan) -> list[str]:
    """The drift in a sentence and field by field, then who scaled; nothing where nobody did."""
    result: list[str] = []
    said = sentence(plan)
    if said is not None and plan.drift is not None:
        result += staged("drift", said)
        for line in plan.drift.changes:
            result += staged("", changed(line.kind, line.path, line.old, line.new))
    for group in plan.scaled:
        if group.at is not None:
            result += staged("scaled", scaled(group, plan.made_at))
    return result


def sentence(plan: Plan) -> str | None:
    """The drift in a sentence; None where there is none, or no deploy of ours to measure it by."""
    drift, now = plan.drift, plan.made_at
    if drift is None:
        return None
    live = f"version {drift.live.version}{_when(drift.live, now)}"
    match drift.state:
        case "changed":
            by = f"since our deploy of {_ours(drift, now)} others changed it: {live}"
            return f"{by}; {drift.detail}" if drift.detail else by
        case "reverted":
            if drift.since is not None and drift.live.at == drift.since.at:
                # Nomad gives a version that it put back the time of the one that it copies.
                live = f"version {drift.live.version}"
            comma = "," if ", " in live else ""
            again = f"{live}{comma} is our deploy of {_ours(drift, now)} again"
            return f"{again}: Nomad or somebody put it back"
        case "unseen":
            since = "" if drift.since is None else f" of {_ours(drift, now)}"
            return f"cannot tell what others changed since our deploy{since}: {drift.detail}"
        case _:
            return None


def _ours(drift: Drift, now: float) -> str:
    if drift.since is None:
        return "it"
    number = f"version {drift.since.version}{_when(drift.since, now)}"
    return number if drift.since.release is None else f"{drift.since.release} ({number})"


def _when(mark: VersionMark, now: float) -> str:
    return "" if mark.at is None else f", {ago(mark.at, now)}"


def scaled(group: ScaledCount, now: float) -> str:
    """`group web 2 → 4 by nomad job scale, 3 h ago; the job file says 2`."""
    before = "" if group.previous is None else f"{group.previous} → "
    said = [f"group {group.group} {before}{group.live}"]
    if group.by is not None:
        said.append(f"by {group.by}")
    text = " ".join(said) + ("" if group.at is None else f", {ago(group.at, now)}")
    if group.message:
        text += f": {group.message}"
    return text if group.live == group.asked else f"{text}; the job file says {group.asked}"


def changed(kind: str, path: str, old: str, new: str) -> str:
    """`~ path: old → new`, `+ path = new`, `- path = old`."""
    match kind:
        case "Added":
            return f"{SIGNS[kind]} {path} = {new}"
        case "Deleted":
            return f"{SIGNS[kind]} {path} = {old}"
        case _:
            return f"{SIGNS[kind]} {path}: {old} → {new}"


def document(drift: Drift) -> dict[str, Any]:
    """The drift for programs."""
    return {
        "state": drift.state,
        "since": None if drift.since is None else _mark(drift.since),
        "live": _mark(drift.live),
        "changes": [
            {"path": line.path, "kind": line.kind, "old": line.old, "new": line.new}
            for line in drift.changes
        ],
        "detail": drift.detail,
    }


def _mark(mark: VersionMark) -> dict[str, Any]:
    return {"version": mark.version, "release": mark.release, "at": mark.at}


def scaled_document(group: ScaledCount) -> dict[str, Any]:
    """One scaled group for programs."""
    return {
        "group": group.group,
        "live": group.live,
        "asked": group.asked,
        "kept": group.kept,
        "previous": group.previous,
        "by": group.by,
        "at": group.at,
        "message": group.message,
    }
