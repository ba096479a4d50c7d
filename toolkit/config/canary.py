"""The `[canary]` table: what cannot be meant together, and the values that it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from toolkit.config.durations import format_duration, parse_duration
from toolkit.config.kinds import parse_share
from toolkit.config.layers import Layer, leaf, plain, table
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.analysis import AnalysisSettings, CanarySettings
from toolkit.spec.jobspec import JobKind, JobSpec, RolloutSettings

DURATIONS = {"hold", "deadline", "timeout", "latency_least"}


def check_canary(
    job: Layer, kind: JobKind, file: Source, *, plain_job: bool = False
) -> Iterator[Mistake]:
    """Canaries are a service's; steps grow up to its count; an analysis can come to an end.

    The count of a plain job is its own affair.
    """
    if table(job, "canary") is None:
        return
    if kind != "service":
        yield file.mistake(
            ("canary",), f"a {kind} job has no canaries to compare", "only services have; remove it"
        )
        return
    count = leaf(job, "count")
    known = None if plain_job else 1 if count is None else int(count.value)
    yield from _check_steps(job, file, known)
    yield from _check_clocks(job, file)


def _check_steps(job: Layer, file: Source, count: int | None) -> Iterator[Mistake]:
    steps = leaf(job, "canary", "steps")
    canaries = leaf(job, "rollout", "canaries")
    if steps is None:
        if canaries and canaries.value == 0:
            yield file.mistake(
                ("canary",), "nothing is compared: rollout.canaries is 0", "remove one of the two"
            )
        return
    if wrong := wrong_steps(steps.value, count):
        yield steps.mistake(*wrong)
    elif canaries and canaries.source is steps.source and canaries.value != steps.value[-1]:
        yield canaries.mistake(
            f"contradicts canary.steps, which end with {steps.value[-1]}", "remove it"
        )


def wrong_steps(steps: list[int] | tuple[int, ...], count: int | None) -> tuple[str, str] | None:
    """What is wrong with steps for that many instances, and what to do; None: nothing."""
    if any(later <= sooner for sooner, later in pairwise(steps)):
        return "each step must have more canaries than the one before", "such as 1,3"
    if count is not None and steps and steps[-1] > count:
        return (
            f"{steps[-1]} canaries are more than its count of {count}",
            f"at most {count}",
        )
    return None


def _check_clocks(job: Layer, file: Source) -> Iterator[Mistake]:
    """An analysis that can never have enough requests, or time, would only ever abort."""
    found = settings(plain(table(job, "canary") or {}))
    analysis, steps = found.analysis, max(len(found.steps), 1)
    place = leaf(job, "canary", "deadline") or leaf(job, "canary", "hold")
    where = place.mistake if place else lambda *said: file.mistake(("canary",), *said)
    if analysis.hold >= analysis.deadline:
        yield where(
            f"deadline ({format_duration(analysis.deadline)}) must be longer than hold "
            f"({format_duration(analysis.hold)})"
        )
    elif analysis.rate * analysis.deadline < analysis.samples:
        yield where(
            f"{analysis.rate:g} requests a second for {format_duration(analysis.deadline)} are "
            f"never {analysis.samples} samples",
            "raise rate or deadline, or lower samples",
        )
    timeout = leaf(job, "rollout", "timeout")
    limit = parse_duration(timeout.value) if timeout else RolloutSettings().timeout
    if analysis.deadline * steps >= limit:
        times = f" {steps} times" if steps > 1 else ""
        yield where(
            f"deadline ({format_duration(analysis.deadline)}){times} must be shorter than "
            f"rollout.timeout ({format_duration(limit)})"
        )


def settings(values: dict[str, Any]) -> CanarySettings:
    """The settings that the table's values are."""
    given: dict[str, Any] = {
        name: parse_duration(value) if name in DURATIONS else value
        for name, value in values.items()
        if name != "steps"
    }
    given |= {"errors": parse_share(given["errors"])} if "errors" in given else {}
    for field in fields(AnalysisSettings):
        if field.type == "float" and field.name in given:
            given[field.name] = float(given[field.name])
    if "paths" in given:
        given["paths"] = tuple(given["paths"])
    return CanarySettings(steps=tuple(values.get("steps", ())), analysis=AnalysisSettings(**given))


def with_canary(spec: JobSpec, canary: tuple[int, ...]) -> JobSpec:
    """The job file as if it had said these steps; as it is without any."""
    if not canary:
        return spec
    rollout = replace(spec.rollout, canaries=canary[-1])
    # Without its table in the job file, steps alone ask for no analysis.
    found = None if spec.canary is None else replace(spec.canary, steps=canary)
    return replace(spec, rollout=rollout, canary=found)


def with_steps(rollout: RolloutSettings, found: CanarySettings | None) -> RolloutSettings:
    """The last step is what a version has in the end."""
    if found is None or not found.steps:
        return rollout
    return replace(rollout, canaries=found.steps[-1])
