"""Whether and how the canaries of a rollout are compared, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.config.canary import wrong_steps
from toolkit.errors import RefusedError
from toolkit.rollout.analysis import metrics
from toolkit.rollout.analysis.analyst import Analyst
from toolkit.rollout.analysis.metrics import Reading
from toolkit.rollout.analysis.targets import asked, routed
from toolkit.rollout.canaries import number_of
from toolkit.rollout.direct import counts
from toolkit.rollout.outside import Outside
from toolkit.rollout.world import World
from toolkit.spec.analysis import AnalysedStep, AnalysisReport, AnalysisSettings, CanarySettings
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import Plan

UNDER_WAY = "its canaries took part before anybody looked"


def settings_of(spec: JobSpec, analyse: bool | None) -> AnalysisSettings | None:
    """How canaries are compared; None: they are not."""
    wanted = spec.canary is not None if analyse is None else analyse
    if not wanted:
        return None
    return spec.canary.analysis if spec.canary is not None else AnalysisSettings()


def with_canary(spec: JobSpec, canary: tuple[int, ...]) -> JobSpec:
    """The job file as if it said these steps; unchanged without any."""
    if not canary:
        return spec
    found = replace(spec.canary or CanarySettings(), steps=canary)
    rollout = replace(spec.rollout, canaries=canary[-1])
    # A table that is only there because of `--canary` asks for no analysis.
    return replace(spec, rollout=rollout, canary=None if spec.canary is None else found)


def refuse(
    plan: Plan, steps: tuple[int, ...], settings: AnalysisSettings | None, timeout: float
) -> None:
    """RefusedError where canaries could not be had, or not be compared, as asked."""
    if not steps and settings is None:
        return
    kind = plan.job.get("Type")
    if kind != "service":
        raise RefusedError(
            f"{plan.job_id} is a {kind} job, which has no canaries; nothing was changed",
            hint="leave out --canary and --analyse",
        )
    if wrong := wrong_steps(steps, max(counts(plan.job).values(), default=0)):
        raise RefusedError(f"canaries {_listed(steps)}: {wrong[0]}", hint=wrong[1])
    if settings is None:
        return
    if not asked(plan.job):
        raise RefusedError(
            f"{plan.job_id} has no Consul service with a port, so its canaries cannot be asked; "
            "nothing was changed",
            hint="leave out --analyse, or give the job a service",
        )
    if not number_of(plan.job):
        raise RefusedError(
            f"{plan.job_id} is deployed without canaries, so nothing could be compared; "
            "nothing was changed",
            hint="--canary 1, or [rollout] canaries in the job file",
        )
    need = settings.deadline * max(len(steps), 1)
    if need >= timeout:
        raise RefusedError(
            f"comparing the canaries may take {need:g} s, and the rollout has {timeout:g} s",
            hint="raise --timeout (or rollout.timeout), or lower canary.deadline",
        )


def what_is_missing(plan: Plan) -> str | None:
    """Why an analysis that was asked for will not take place; None: it will."""
    if plan.live is None or plan.live.stopped:
        return "nothing is compared: no version runs that the canaries could be compared with"
    if plan.changed and not any(group.canary for group in plan.groups):
        return "nothing is compared: this change needs no canary"
    return None


def _listed(steps: tuple[int, ...]) -> str:
    return ",".join(map(str, steps))


@dataclass
class Comparison:
    """The analysis of one rollout, a step at a time; without settings it does nothing."""

    world: World
    settings: AnalysisSettings | None
    outside: Outside
    before: Reading = field(default_factory=Reading)
    """Traefik's counts from before the canaries took part."""
    steps: list[AnalysedStep] = field(default_factory=list)
    analyst: Analyst | None = None

    def begin(self, job: Mapping[str, Any]) -> None:
        """A step begins: whoever watches it can have its canaries compared."""
        self.outside.forget("analysis")
        if self.settings is None:
            return
        self.analyst = Analyst(
            self.world, job, self.settings, self.before,
            lambda opinion: self.outside.tell("analysis", opinion),
        )  # fmt: skip
        self.outside.compare = self.analyst.compare

    def end(self) -> None:
        """The step is over, whatever became of it."""
        self.outside.compare = None
        analyst, self.analyst = self.analyst, None
        if analyst is not None and (step := analyst.close()) is not None:
            self.steps.append(step)

    @property
    def report(self) -> AnalysisReport | None:
        """What was found; None where nothing was compared."""
        if self.settings is None or not self.steps:
            return None
        return AnalysisReport(self.settings, tuple(self.steps))


def comparison(
    world: World,
    job: Mapping[str, Any],
    settings: AnalysisSettings | None,
    outside: Outside,
    *,
    under_way: bool,
) -> Comparison:
    """Read what Traefik counted so far; `under_way`: canaries may be there already."""
    if settings is None:
        return Comparison(world, None, outside)
    services = routed(job)
    if not services:
        before = Reading(unseen="the job has no route")
    elif under_way:
        before = Reading(unseen=UNDER_WAY)
    else:
        before = metrics.read(world, services)
    return Comparison(world, settings, outside, before)
