"""The release that was last verified to serve, kept in a Nomad variable of ours.

A task's own identity reads only `nomad/jobs/JOB`, so that no task can say of itself that it was
verified. No verdict depends on this variable: whoever may not read or write it is told so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from toolkit.errors import ApiError, ConflictError, DeniedError
from toolkit.rollout.variable_path import path_below
from toolkit.rollout.world import World
from toolkit.spec.provenance import LastVerified

PREFIX = "toolkit/last-verified/"

TRIES = 4
"""Each conflict means that another writer was faster, so somebody always gets on."""


def path_of(job_id: str) -> str:
    """Where the variable of a job is."""
    return path_below(PREFIX, job_id)


def read(world: World, job_id: str) -> LastVerified | None:
    """What was verified last; None where nothing was, or what is there is not ours.

    One call. ApiError (DeniedError without the right) where it cannot be read.
    """
    return decoded(job_id, world.nomad.variable(path_of(job_id)))


def look(world: World, job_id: str) -> tuple[LastVerified | None, str | None]:
    """The same, and instead of an error a sentence that says why it cannot be seen."""
    try:
        return read(world, job_id), None
    except ApiError as exc:
        return None, f"what was verified last cannot be seen: {why(exc)}"


def write(world: World, verified: LastVerified) -> str | None:
    """Write down what was verified; a sentence where that was not possible, else None.

    At most two calls without a rival. A version that was registered after this one and is verified
    already stays.
    """
    path = path_of(verified.job)
    try:
        for attempt in range(TRIES):
            kept = world.nomad.variable(path)
            known = decoded(verified.job, kept)
            if known is not None and known.index and known.index >= verified.index > 0:
                return None
            index = int((kept or {}).get("ModifyIndex") or 0)
            try:
                world.nomad.put_variable(path, encoded(verified), check_index=index)
                return None
            except ConflictError:
                if attempt == TRIES - 1:
                    raise
    except ApiError as exc:
        return f"not written down as last verified: {why(exc)}"
    return None


def why(error: ApiError) -> str:
    """What kept us from a variable, in a few words."""
    if isinstance(error, DeniedError):
        return f'the Nomad token has no right on the variables "{PREFIX}*"'
    return error.message


def encoded(verified: LastVerified) -> dict[str, str]:
    """The items of the variable: text, as Nomad wants it."""
    items = {
        "job": verified.job,
        "version": str(verified.version),
        "index": str(verified.index),
        "at": f"{verified.at:.3f}",
        "actor": verified.actor,
        "release": verified.release or "",
        "tag": verified.tag or "",
    }
    return {key: value for key, value in items.items() if value}


def decoded(job_id: str, variable: Mapping[str, Any] | None) -> LastVerified | None:
    """What a variable says; None for none, and for one that somebody else wrote."""
    items = (variable or {}).get("Items") or {}
    try:
        at = float(items.get("at") or 0.0)
        return LastVerified(
            job=job_id,
            release=items.get("release") or None,
            version=int(items["version"]),
            at=at if math.isfinite(at) else 0.0,
            tag=items.get("tag") or None,
            actor=str(items.get("actor") or ""),
            index=int(items.get("index") or 0),
        )
    except (KeyError, TypeError, ValueError):
        return None
