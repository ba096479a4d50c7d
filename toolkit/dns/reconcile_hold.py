"""Which instances a record lists, when their checks come and go; pure.

An instance joins when it passes for the first time. It leaves at once when Nomad stops it, but when
only its check fails it stays for the hold: a check that fails now and then would otherwise change
the record each time. Once it has left, it comes back no sooner than the hold allows either, unless
nobody else is left to answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Shown:
    """One instance, as far as the record goes; times by one clock, in seconds."""

    listed: bool
    since: float
    """When that began."""
    passed: float
    """When it was last seen to pass; of one that never was, when it was first seen."""


Holds = Mapping[str, Shown]
"""By instance, of one service."""

LONG_AGO = float("-inf")


def hold(
    before: Holds,
    passing: Mapping[str, bool],
    now: float,
    seconds: float,
    *,
    listed: Collection[str] = (),
) -> Holds:
    """What becomes of the instances of one service, each with whether it passes.

    `listed`: instances that the record has although nothing is known of them, after a restart.
    """
    after = {
        key: _step(before.get(key), passes, now, seconds, known=key in listed)
        for key, passes in passing.items()
    }
    if not any(shown.listed for shown in after.values()):
        # Whoever left a moment ago and is back is better than whoever is not there at all.
        for key, passes in passing.items():
            if passes:
                after[key] = Shown(listed=True, since=now, passed=now)
    return after


def _step(shown: Shown | None, passes: bool, now: float, seconds: float, *, known: bool) -> Shown:
    if shown is None:
        return Shown(passes or known, now if passes or known else LONG_AGO, now)
    if passes:
        shown = replace(shown, passed=now)
        joins = not shown.listed and now - shown.since >= seconds
        return replace(shown, listed=True, since=now) if joins else shown
    leaves = shown.listed and now - shown.passed >= seconds
    return replace(shown, listed=False, since=now) if leaves else shown


def next_change(holds: Holds, passing: Mapping[str, bool], seconds: float) -> float | None:
    """When `hold` would next answer something else without any news; None: never."""
    due = []
    for key, shown in holds.items():
        if shown.listed and not passing.get(key, False):
            due.append(shown.passed + seconds)
        elif not shown.listed and passing.get(key, False):
            due.append(shown.since + seconds)
    return min(due, default=None)
