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
from toolkit.spec.analysis import AnalysedStep, AnalysisReport, AnalysisSettings
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import Plan
from toolkit.spec.report import DeployReport

UNDER_WAY = "its canaries took part before anybody looked"


@dataclass(frozen=True, slots=True)
class Canaries:
    """What was chosen for the canaries of one rollout."""

    steps: tuple[int, ...] = ()
    """Canaries of each step; none: as the job says."""
    compared: AnalysisSettings | None = None
    """How they are compared with stable instances; None: they are not."""


def canaries_of(
    spec: JobSpec, canary: tuple[int, ...] = (), analyse: bool | None = None
) -> Canaries:
    """What the command line says, over what the job file says."""
    table = spec.canary
    steps = canary or (table.steps if table is not None else ())
    wanted = table is not None if analyse is None else analyse
    if not wanted:
        return Canaries(steps)
    return Canaries(steps, table.analysis if table is not None else AnalysisSettings())


def fitting(canaries: Canaries, plan: Plan) -> Canaries:
    """The same for a job that somebody scaled below the steps of its file."""
    most = max(counts(plan.job).values(), default=0)
    if most == 0 and plan.job.get("Type") == "service":
        # Nothing runs that could be a canary.
        return Canaries()
    steps = tuple(dict.fromkeys(min(step, most) for step in canaries.steps))
    return Canaries(steps, canaries.compared)


def refuse_canaries(plan: Plan, canaries: Canaries, timeout: float) -> None:
    """RefusedError where canaries could not be had, or not be compared, as asked."""
    steps, settings = canaries.steps, canaries.compared
    if not steps and settings is None:
        return
    kind = plan.job.get("Type")
    if kind != "service":
        raise RefusedError(
            f"{plan.job_id} is a {kind} job, which has no canaries; nothing was changed",
            hint="leave out --canary and --analyse",
        )
    if wrong := wrong_steps(steps, max(counts(plan.job).values(), default=0)):
        raise RefusedError(
            f"--canary {','.join(map(str, steps))}: {wrong[0]}; nothing was changed",
            hint=wrong[1],
        )
    if settings is not None:
        _refuse_comparison(plan, settings, max(len(steps), 1), timeout)


def _refuse_comparison(plan: Plan, settings: AnalysisSettings, steps: int, timeout: float) -> None:
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
    if settings.deadline * steps >= timeout:
        raise RefusedError(
            f"comparing the canaries may take {settings.deadline * steps:g} s, and the rollout "
            f"has {timeout:g} s; nothing was changed",
            hint="raise --timeout or rollout.timeout, or lower canary.deadline",
        )


def not_compared(plan: Plan, canaries: Canaries, *, detached: bool) -> list[str]:
    """What was asked of the canaries and does not take place, and why."""
    notes = []
    if detached and len(canaries.steps) > 1:
        notes.append(f"no steps: nobody watches a detached rollout; {canaries.steps[-1]} canaries")
    if canaries.compared is None:
        return notes
    if detached:
        notes.append("canaries are not compared: nobody watches a detached rollout")
    elif plan.live is None or plan.live.stopped:
        notes.append("no canaries are compared: there is no version beside which they could be")
    elif not any(group.canary for group in plan.groups):
        notes.append("no canaries are compared: this change needs none")
    return notes


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

    def hinted(self, report: DeployReport) -> DeployReport:
        """The report, whose next command compares the canaries too where it goes on with them."""
        going_on = report.next == f"toolkit attach {report.job}"
        if self.settings is None or not going_on:
            return report
        return replace(report, next=f"{report.next} --analyse")

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
