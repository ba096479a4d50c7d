"""What `plan` and `up` work with: the cluster file, the project around it, AWS, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from toolkit.agents.interrupts import Check, never
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.errors import going_on
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.stacks import Stacks
from toolkit.cluster.ending import is_ours
from toolkit.cluster.keeping import data_volumes, kept_slots
from toolkit.cluster.stack.statuses import Standing, standing
from toolkit.cluster.template import render_template
from toolkit.config.clusterfile import ClusterFile
from toolkit.config.project import Project
from toolkit.errors import (
    AgentError,
    ApiError,
    ExitCode,
    InterruptedRolloutError,
    RefusedError,
    ToolkitError,
)
from toolkit.spec.aws import STACK_TAG, VolumeView
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_template import Template
from toolkit.spec.equip import Equipment
from toolkit.spec.events import Event, OnEvent, Stage, ignore
from toolkit.spec.jobspec import EMPTY
from toolkit.workflows.cluster.apply.filling import Filling
from toolkit.workflows.cluster.apply.naming import is_our_draft
from toolkit.workflows.cluster.equip import equipment
from toolkit.workflows.cluster.files import account_of, need_project, open_cluster
from toolkit.workflows.cluster.preflight import preflight
from toolkit.workflows.cluster.template import dns_rights
from toolkit.workflows.protection import Confirm, unanswered

if TYPE_CHECKING:
    from toolkit.spec.preflight import Preflight

TIMEOUT = 2700.0
"""Seconds; a first `up` of three servers and a balancer takes ten to fifteen minutes in AWS."""


def open_cloud(cluster: Cluster) -> Cloud:
    """AWS in the cluster's region, for its account only."""
    return Cloud(cluster.region, account=cluster.account)


@dataclass(frozen=True)
class Tools:
    """What the caller hands in: whom to ask and tell, clocks, and the seams of tests."""

    environ: Mapping[str, str] = EMPTY
    """The command's own; for equipment."""
    confirm: Confirm = unanswered
    on_event: OnEvent = ignore
    timeout: float = TIMEOUT
    """Seconds until what is not over is left to go on without us."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    nonce: Callable[[], str] = lambda: token_hex(8)
    """Text that no other request has."""
    cloud: Callable[[Cluster], Cloud] = open_cloud
    preflight: Callable[..., Preflight] = preflight
    equipment: Callable[..., Equipment] = equipment
    filling: Filling = field(default_factory=Filling)
    """How a cluster whose machines run is reached, begun, waited for and equipped."""

    def say(self, stage: Stage, text: str) -> None:
        """Tell it."""
        self.on_event(Event(stage, text, self.now()))


@dataclass(frozen=True)
class Work:
    """One call of `plan` or `up`, opened."""

    file: ClusterFile
    project: Project
    equipment: Equipment
    cloud: Cloud
    tools: Tools
    began: float
    """By `Tools.clock`."""
    check: Check = never
    """Raises KeyboardInterrupt when somebody wants us to end."""

    @property
    def cluster(self) -> Cluster:
        """As the file says."""
        return self.file.cluster

    @property
    def name(self) -> str:
        """Of the cluster and of its stack."""
        return self.file.cluster.name

    @property
    def root(self) -> Path:
        """The project's folder."""
        if self.project.root is None:
            raise RefusedError("a cluster needs a project in a folder of this machine")
        return self.project.root.resolve()

    @property
    def proxy(self) -> str | None:
        """The way to the cluster's machines that toolkit.toml says."""
        environment = self.project.file.environments.get(self.name)
        return None if environment is None else environment.proxy

    @property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        return Stacks(self.cloud)

    @property
    def left(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self.began + self.tools.timeout - self.tools.clock())

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.tools.clock() - self.began

    def say(self, stage: Stage, text: str) -> None:
        """Tell it."""
        self.tools.say(stage, text)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the deadline."""
        self.check()
        self.tools.sleep(min(seconds, self.left))
        self.check()

    def from_now(self) -> Work:
        """The same, with all of its time before it."""
        return replace(self, began=self.tools.clock())

    def checked_by(self, check: Check) -> Work:
        """The same, interruptible."""
        return replace(self, check=check)


@contextmanager
def opened(folder: Path, name: str, tools: Tools) -> Iterator[Work]:
    """Everything that needs no network is checked first; AWS is closed at the end.

    ConfigError with every mistake of the cluster file, or of the jobs that are its equipment.
    """
    project = need_project(folder)
    file = open_cluster(folder, name, complete=True)
    found = tools.equipment(folder, file.cluster, environ=tools.environ)
    with account_of(file), closing(tools.cloud(file.cluster)) as cloud:
        yield Work(file, project, found, cloud, tools, tools.clock())


def find_stack(work: Work) -> tuple[StackView | None, Standing]:
    """The stack of the cluster's name, and what to do about it; RefusedError if it is not ours."""
    stack = work.stacks.find(work.name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return None, standing(None)
    if not is_ours(stack, work.cluster) and not is_our_draft(work.stacks, stack):
        raise RefusedError(
            f"there is a stack {work.name} in {work.cluster.region} that no cluster file made: it"
            f" has no tag toolkit:cluster = {work.name}",
            hint="nothing of it is touched: give the cluster another name",
        )
    return stack, standing(stack.status)


def refuse_standing(work: Work, found: Standing) -> None:
    """RefusedError where the stack is for `down`, or for a person."""
    if found.way == "refuse":
        first, *others = found.next_for(work.name)
        more = f", or {others[0]}" if others else ""
        raise RefusedError(
            f"the stack {work.name} is {found.word}: {found.sentence}", hint=f"{first}{more}"
        )


def make_template(work: Work, stack: StackView | None) -> Template:
    """The template as it is to be, beside volumes of an earlier stack; one call, or two."""
    volumes = data_volumes(work.cluster, Machines(work.cloud).volumes(work.name))
    made = _made_by(work, stack, volumes) if stack else frozenset()
    kept = kept_slots(work.cluster, volumes, made)
    if kept and stack is None:
        slots = ", ".join(sorted(kept))
        work.say("note", f"kept data volumes are used again: {slots}")
    policy = dns_rights(work.project.tree, work.name)
    return render_template(work.cluster, policy, kept=kept)


def _made_by(work: Work, stack: StackView, volumes: Iterable[VolumeView]) -> frozenset[str]:
    """Ids of the volumes that are this stack's; CloudFormation says so by a tag."""
    ours = frozenset(each.id for each in volumes if each.tags.get(STACK_TAG) == stack.id)
    if all(each.id in ours for each in volumes):
        return ours
    return frozenset(each.physical for each in work.stacks.resources(stack.id))


@contextmanager
def not_begun(work: Work) -> Iterator[None]:
    """What an interruption means while nothing of the stack is changed."""
    try:
        yield
    except KeyboardInterrupt as exc:
        raise InterruptedRolloutError(
            f"interrupted; nothing of the stack {work.name} was changed",
            hint=f"toolkit cluster up {work.name}: what was made before it is found and used",
        ) from exc


@contextmanager
def under_way(
    work: Work, goes_on: str = "", errors: tuple[type[ToolkitError], ...] = (ApiError, AgentError)
) -> Iterator[None]:
    """What an interruption, or an API that is lost, means once CloudFormation is at it.

    `goes_on`: what is so without us, unless that is CloudFormation; `errors`: those that leave open
    how it ends.
    """
    goes_on = goes_on or f"CloudFormation goes on with the stack {work.name} without us"
    again = f"toolkit cluster up {work.name}"
    try:
        yield
    except KeyboardInterrupt as exc:
        raise InterruptedRolloutError(
            f"interrupted; {goes_on}",
            hint=f"{again} attaches and does the rest, toolkit cluster status {work.name} looks",
        ) from exc
    except errors as exc:
        if exc.code is ExitCode.REFUSED:
            exc.code = ExitCode.UNKNOWN
            exc.message = f"{exc.message}; {goes_on}"
            exc.hint = going_on(exc.hint, again)
        raise
