"""Do the clocks agree: ours, Nomad's, Consul's and Traefik's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from toolkit.rollout.health.facts import Voice
from toolkit.rollout.health.look import Look
from toolkit.spec.doctor import Check

BREAKS = 30.0
"""Seconds; beyond what receivers of identity tokens allow for."""
WORTH_SAYING = 5.0


def interval(date: float | None, asked_at: float, answered_at: float) -> tuple[float, float] | None:
    """Between which seconds the other clock lies from ours: a date is cut to a whole second."""
    if date is None:
        return None
    return date - answered_at, date + 1.0 - asked_at


def judge(name: str, voices: Mapping[str, Look[Voice]]) -> Check:
    """The differences, surely at least so large as said; resolution one second."""
    spans = {
        who: look.value.behind
        for who, look in voices.items()
        if look.value is not None and look.value.behind is not None
    }
    silent = [who for who in voices if who not in spans]
    if not spans:
        return Check(name, "could not tell", f"no clock was told by {' or '.join(silent)}")
    evidence = tuple(f"{who}: {_said(span)}" for who, span in spans.items())
    notes = tuple(f"{who} did not tell its clock" for who in silent)
    worst = max(spans, key=lambda who: _least(spans[who]))
    least = _least(spans[worst])
    between = _between(spans)
    if least > BREAKS or between > BREAKS:
        which = (
            f"{worst}'s clock and ours are {least:.0f} s apart"
            if least > BREAKS
            else f"the agents' clocks are {between:.0f} s apart"
        )
        return Check(
            name, "failed", f"{which}: identities, tokens and certificates are refused", evidence,
            notes, "set the clocks by NTP, on this machine and on the agents'",
        )  # fmt: skip
    if least > WORTH_SAYING:
        notes = (f"{worst}'s clock and ours are {least:.0f} s apart", *notes)
    return Check(
        name, "passed",
        f"{', '.join(spans)} within {_most(spans.values())} s of this machine",
        evidence if notes else (), notes,
    )  # fmt: skip


def _least(span: tuple[float, float]) -> float:
    """The smallest difference that fits."""
    low, high = span
    return 0.0 if low <= 0.0 <= high else min(abs(low), abs(high))


def _most(spans: Iterable[tuple[float, float]]) -> int:
    """The largest difference that fits, in whole seconds; a date tells no finer."""
    return max(1, *(round(max(abs(low), abs(high))) for low, high in spans))


def _between(spans: Mapping[str, tuple[float, float]]) -> float:
    """The largest sure difference between two of the others."""
    return max(low for low, _high in spans.values()) - min(high for _low, high in spans.values())


def _said(span: tuple[float, float]) -> str:
    if _least(span) == 0.0:
        return "as ours"
    low, _high = span
    return f"{_least(span):.0f} s {'ahead of' if low > 0 else 'behind'} ours"
