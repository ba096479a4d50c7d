"""The probe of a job file: what cannot be meant together, and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from toolkit.config.combinations import table_mistake
from toolkit.config.durations import parse_duration
from toolkit.config.kinds import parse_share
from toolkit.config.layers import Layer, leaf, table
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.probe import ProbeBudget, ProbeSettings


def check_probe(job: Layer, file: Source) -> Iterator[Mistake]:
    """A probe needs a route to ask through, and a gap that its rate can tell from one request."""
    if table(job, "probe") is None:
        return
    if table(job, "route") is None:
        message, hint = "needs a route to ask through", "add [route], or remove [probe]"
        yield table_mistake(job, ("probe",), file, message, hint)
    yield from check_gap(job)


def check_gap(job: Layer) -> Iterator[Mistake]:
    """The time between two requests is no gap."""
    gap, rate = leaf(job, "probe", "budget", "gap"), leaf(job, "probe", "rate")
    if gap is None:
        return
    between = 1 / (rate.value if rate else ProbeSettings().rate)
    if parse_duration(gap.value) < between:
        message = f"must not be shorter than the time between two requests ({between:.3g} s)"
        yield gap.mistake(message, "ask more often, or allow more")


def settings(values: dict[str, Any] | None) -> ProbeSettings | None:
    """What is asked, and how much; None without a `[probe]`."""
    if values is None:
        return None
    said = {name: value for name, value in values.items() if name != "budget"}
    for name in {"timeout", "settle"} & set(said):
        said[name] = parse_duration(said[name])
    for name in {"paths", "methods", "expect"} & set(said):
        said[name] = tuple(dict.fromkeys(said[name]))
    made = ProbeSettings(**said)
    return replace(made, budget=_budget(values.get("budget", {}), made.rate))


def _budget(values: dict[str, Any], rate: float) -> ProbeBudget:
    said = dict(values)
    for name in {"gap", "latency"} & set(said):
        said[name] = parse_duration(said[name])
    if "failed" in said:
        said["failed"] = parse_share(said["failed"])
    # Two requests one after the other make a gap at any rate.
    said.setdefault("gap", max(ProbeBudget().gap or 0.0, 2 / rate))
    return ProbeBudget(**said)
