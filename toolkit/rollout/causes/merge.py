"""Causes in order of time, each once, without secrets; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from toolkit.rollout.secrets import scrub
from toolkit.spec.cause import Cause

_NUMBER = re.compile(r"[0-9][0-9a-f.:]*")


def merge(
    found: Iterable[Cause], secrets: Collection[str] = (), *, newest_first: bool = False
) -> tuple[Cause, ...]:
    """The first in time first; the same cause of several instances once, with their number."""
    result: dict[tuple[object, ...], Cause] = {}
    for cause in sorted(found, key=in_time, reverse=newest_first):
        key = likeness(cause)
        known = result.get(key)
        result[key] = cause if known is None else replace(known, count=known.count + cause.count)
    return tuple(without(cause, secrets) for cause in result.values())


def in_time(cause: Cause) -> float:
    """When it happened; what has no time comes last."""
    return cause.at or float("inf")


def likeness(cause: Cause) -> tuple[object, ...]:
    """What makes the causes of two instances the same one: all but ports, ids and times."""
    return cause.kind, cause.group, cause.task, _NUMBER.sub("#", cause.summary)


def without(cause: Cause, secrets: Collection[str]) -> Cause:
    """The cause without the values in `secrets`."""
    return replace(
        cause,
        summary=scrub(cause.summary, secrets),
        evidence=tuple(scrub(line, secrets) for line in cause.evidence),
        advice=None if cause.advice is None else scrub(cause.advice, secrets),
    )
