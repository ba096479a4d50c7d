"""Every job of a stack rendered and planned, and all that is wrong said; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from toolkit.clients.nomad import Nomad
from toolkit.config.settings import Settings
from toolkit.errors import (
    ConfigError,
    InvalidRequestError,
    Mistake,
    NotFoundError,
    RefusedError,
    RenderError,
    ToolkitError,
)
from toolkit.rollout import direct
from toolkit.rollout.declared import TRAEFIK_API, addressed, services
from toolkit.rollout.halt import Halt
from toolkit.rollout.plan import make_plan
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.stack import StackJob, StackRow
from toolkit.workflows import batch_again, proof
from toolkit.workflows.deploy import DeployOptions, allowed, refuse_lint, refuse_without_consul
from toolkit.workflows.image.pin import pinned
from toolkit.workflows.render import render_job
from toolkit.workflows.run import refuse_empty, refuse_running
from toolkit.workflows.session import Session
from toolkit.workflows.stack import order, rows
from toolkit.workflows.stack.perform import all_at_once

Todo = Literal["deploy", "run", "attach", "keep"]
"""What a job's turn is: a rollout, a run of its work, to follow work under way, or only a look."""

SAID = (InvalidRequestError, NotFoundError, RefusedError, RenderError, ConfigError)
"""Errors that are of one job; any other is of the cluster, and would be said once for each."""


@dataclass(frozen=True)
class Prepared:
    """One job of a stack, ready for its turn."""

    job: StackJob
    session: Session
    """Its own: clients are of one thread at a time."""
    rendered: RenderedJob
    plan: Plan
    todo: Todo
    target: LiveJob | None = None
    """The version to go back to, where that is what it is about."""

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.job.name

    @property
    def before(self) -> LiveJob | None:
        """What was registered before the start."""
        return self.plan.live

    @property
    def changes(self) -> bool:
        """True when its turn changes something."""
        return self.todo == "run" or self.plan.changed


@dataclass(frozen=True)
class Refusal:
    """Why a job could not have its turn."""

    name: str
    error: ToolkitError
    unplaced: Plan | None = None
    """The plan that does not fit, where that is why."""


@dataclass(frozen=True)
class Ready:
    """A whole stack, ready or not."""

    jobs: tuple[StackJob, ...]
    prepared: Mapping[str, Prepared]
    refusals: tuple[Refusal, ...]


def stack_of(settings: Settings) -> tuple[str, ...]:
    """The names in `[stack] jobs`; RefusedError where there are none."""
    project = settings.project
    names = project.file.stack if project is not None else ()
    if not names:
        raise RefusedError(
            "toolkit.toml names no jobs of a stack",
            hint='[stack] jobs = ["database", "backend"] says what --all means',
        )
    return names


def limit_of(settings: Settings, given: int | None) -> int:
    """How many jobs may have their turn at a time."""
    assert settings.project is not None  # noqa: S101 - stack_of refused before
    return settings.project.file.parallel if given is None else given


def rendered_stack(settings: Settings, names: Sequence[str]) -> dict[str, RenderedJob]:
    """Every job of the stack rendered; ConfigError with the mistakes of all, else RenderError."""
    jobs: dict[str, RenderedJob] = {}
    mistakes: list[Mistake] = []
    broken: RenderError | None = None
    for name in names:
        try:
            jobs[name] = render_job(settings, name)
        except ConfigError as exc:
            mistakes += exc.mistakes
        except RenderError as exc:
            broken = broken or exc
    mistakes += order.mistakes(names, jobs)
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))
    if broken is not None:
        raise broken
    return jobs


def prepare(session: Session, options: DeployOptions, limit: int, halt: Halt) -> Ready:
    """Render and plan every job of the stack, on up to `limit` threads.

    ConfigError and RenderError for the files. What Nomad or a rule of ours says no to is kept by
    job; an API that does not answer is raised.
    """
    names = stack_of(session.settings)
    rendered = rendered_stack(session.settings, names)
    sessions = {name: own(session, halt, min(limit, len(names))) for name in names}

    def look(name: str) -> Plan | Refusal:
        try:
            return planned(sessions[name], with_images(session, name, rendered[name]), options)
        except SAID as exc:
            return Refusal(name, exc)

    looked = all_at_once(names, look, limit)
    plans = {name: plan for name, plan in looked.items() if isinstance(plan, Plan)}
    jobs = order.arrange(names, rendered, edges_first(plans))

    def judge(name: str) -> Prepared | Refusal:
        plan = plans[name]
        job = next(job for job in jobs if job.name == name)
        try:
            todo = todo_of(sessions[name], plan)
            made = Prepared(job, sessions[name], plan.rendered, plan, todo)
            if made.changes:
                made = replace(made, session=unasked(made.session))
            if (short := refuse(made, options)) is not None:
                return short
        except SAID as exc:
            return Refusal(name, exc)
        return made

    judged = all_at_once(tuple(plans), judge, limit)
    refusals = [found for found in looked.values() if isinstance(found, Refusal)]
    refusals += [found for found in judged.values() if isinstance(found, Refusal)]
    ready = {name: found for name, found in judged.items() if isinstance(found, Prepared)}
    return Ready(jobs, ready, tuple(refusals))


def own(session: Session, halt: Halt, crowd: int = 1) -> Session:
    """A session for one job's thread: its own connections and count of calls."""
    world = session.world
    nomad = Nomad(world.nomad.endpoint, namespace=world.nomad.namespace, region=world.nomad.region)
    mine = replace(
        world,
        nomad=nomad,
        consul=world.consul.clone(),
        clock=halt.clock(world.clock),
        crowd=crowd,
        halt=halt,
    )
    return replace(session, world=mine)


def unasked(session: Session) -> Session:
    """The same, which asks no more: it is asked once, for all that changes, before any begins."""
    world = session.world
    return replace(session, world=replace(world, target=replace(world.target, protected=False)))


def with_images(session: Session, name: str, rendered: RenderedJob) -> RenderedJob:
    """The same job, its image by the digest that its release has now."""
    if session.target.registry is None:
        return rendered
    return render_job(session.settings, name, placed=pinned)


def planned(session: Session, rendered: RenderedJob, options: DeployOptions) -> Plan:
    """The plan of a job as `deploy` makes it."""
    plan = make_plan(
        session.world, rendered, reset_count=options.reset_count, allow=allowed(options)
    )
    if session.target.pushed:
        refuse_addresses(plan)
    return plan


def refuse_addresses(plan: Plan) -> None:
    """RefusedError for a service that is to be asked somewhere else than at its instances."""
    for name, address in addressed(plan.job):
        raise RefusedError(
            f"service {name} says that it is at {address}, and what is pushed has no say in whom"
            " the server asks",
            hint="leave the service's address out: Nomad registers that of its node",
        )


def todo_of(session: Session, plan: Plan) -> Todo:
    """What a job's turn is.

    Work that is done is not done again while its job file is the same; work that failed is.
    """
    if not direct.is_work(plan.job):
        return "deploy"
    if plan.changed or plan.live is None:
        return "run"
    end = proof.of_work(session, plan.live).end
    if end == "completed":
        return "keep"
    return "attach" if end == "undecided" else "run"


def refuse(made: Prepared, options: DeployOptions) -> Refusal | None:
    """What keeps a job from its turn; RefusedError for what a rule of ours says no to."""
    plan, session = made.plan, made.session
    if not made.changes:
        return None
    refuse_lint(plan)
    unplaced = plan.unplaced
    if made.todo == "run":
        refuse_running(plan)
        refuse_empty(plan)
        unplaced = unplaced or batch_again.would_not_fit(session.world, plan)
    else:
        refuse_without_consul(session, plan)
    if unplaced and options.wait_capacity is None:
        error = RefusedError(unplaced[0].summary, hint=f"toolkit why-not {plan.job_id}")
        return Refusal(made.name, error, replace(plan, unplaced=unplaced))
    return None


def edges_first(plans: Mapping[str, Plan]) -> dict[str, tuple[str, ...]]:
    """Routed jobs wait for the edge of their stack: nothing else could prove their routes."""
    edge = tuple(
        name
        for name, plan in plans.items()
        if any(service.name == TRAEFIK_API for service in services(plan.job))
    )
    return {
        name: tuple(other for other in edge if other != name)
        for name, plan in plans.items()
        if any(service.routes for service in services(plan.job))
    }


def refused_rows(ready: Ready) -> list[StackRow]:
    """The rows of a stack that may not begin: every reason at once."""
    why = {each.name: each for each in ready.refusals}
    found = []
    for job in ready.jobs:
        if job.name not in why:
            found.append(rows.row(job, None, None))
            continue
        refusal = why[job.name]
        row = rows.row(job, refusal.error, None)
        if refusal.unplaced is not None:
            row = replace(row, verdict="unplaced", error=None, plan=refusal.unplaced)
        found.append(row)
    return found
