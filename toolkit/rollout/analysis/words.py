"""What the analysis says: how it begins, where it stands, and why it is bad; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.analysis.judge import Side, milliseconds
from toolkit.rollout.analysis.targets import Target, Targets
from toolkit.spec.analysis import AnalysisFailure, AnalysisSettings, EdgeComparison
from toolkit.spec.cause import Cause

ALONE = "there is no stable instance to compare with: canaries are judged beside no failure at all"
MANY = 0.5
"""Share of failed requests to stable instances from which nothing can be told of canaries."""


def begins(settings: AnalysisSettings, targets: Targets) -> str:
    """`1 canary beside 3 stable instances · / · 20 requests/s each, for 20 s at least`."""
    here, there = len(targets.canaries), len(targets.stable)
    return " · ".join(
        [
            f"{here} canar{'y' if here == 1 else 'ies'} beside {there} stable "
            f"instance{'' if there == 1 else 's'}",
            " ".join(settings.paths),
            f"{settings.rate:g} requests/s to each side, {settings.samples} at least, "
            f"for {settings.hold:g} s to {settings.deadline:g} s",
        ]
    )


def stands(
    settings: AnalysisSettings, canary: Side, stable: Side, edge: EdgeComparison, elapsed: float
) -> str:
    """`canary 0/240 failed, p95 12 ms · stable 0/240 failed, p95 11 ms · 8 s of 20 s`."""
    of = f" of {settings.hold:g} s" if elapsed < settings.hold else ""
    return " · ".join(
        [
            f"canary {_side(settings, canary)}",
            f"stable {_side(settings, stable)}",
            *_edge(edge),
            f"{elapsed:.0f} s{of}",
        ]
    )


def _side(settings: AnalysisSettings, side: Side) -> str:
    latency = milliseconds(side.at(settings.percentile))
    return f"{side.failed}/{side.requests} failed, p{settings.percentile:g} {latency}"


def _edge(edge: EdgeComparison) -> list[str]:
    if edge.unseen or edge.before is None or edge.since is None:
        return []
    return [f"edge {edge.since.failed}/{edge.since.requests} failed"]


def unseen(edge: EdgeComparison) -> str | None:
    """That Traefik's counts had no part in it, and why; None: they had."""
    return f"judged without Traefik's own counts: {edge.unseen}" if edge.unseen else None


def too_few(settings: AnalysisSettings, canary: Side, stable: Side, elapsed: float) -> str:
    """Why it stays open, half a sentence."""
    return (
        f"too few requests to judge the canaries in {elapsed:.0f} s: {canary.requests} to them "
        f"and {stable.requests} to stable instances, {settings.samples} are wanted of each"
    )


def unreached(canary: Side, stable: Side) -> str | None:
    """That nobody can be asked from here; None: somebody answered."""
    if any(side.requests > side.unanswered for side in (canary, stable)):
        return None
    return (
        f"no instance answers at its own address: {canary.requests} requests to canaries and "
        f"{stable.requests} to stable instances brought nothing back"
    )


def helpless(stable: Side) -> str | None:
    """That nothing could be told apart, because stable instances fail themselves; None: it can."""
    if not stable.requests or stable.failed / stable.requests < MANY:
        return None
    return (
        f"stable instances failed {stable.failed} of {stable.requests} requests themselves, so "
        "little could be told of the canaries: look at canary.paths"
    )


def cause(
    kind: str,
    why: str,
    targets: Sequence[Target],
    failures: Sequence[AnalysisFailure],
    at: float,
) -> Cause:
    """Why canaries are given up, with what they answered."""
    first = next((f for f in failures if f.side == "canary"), None)
    known = next((t for t in targets if first is None or t.allocation == first.allocation), None)
    evidence = [
        f"asked: {f.path} of {f.allocation[:8]}: {f.what}" for f in failures if f.side == "canary"
    ]
    few = (
        "raise canary.rate or canary.deadline, or lower canary.samples; the instances must be "
        "reachable from here"
    )
    look = "look at what the canaries log, then deploy a release that answers as well as this one"
    return Cause(
        kind=kind,
        summary=why,
        group=known.group if known else None,
        allocation=known.allocation if known else None,
        node=known.node if known else None,
        evidence=tuple(dict.fromkeys(evidence))[:3],
        advice=few if kind == "inconclusive" else look,
        at=at,
    )
