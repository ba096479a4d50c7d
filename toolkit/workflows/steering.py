"""What the operations on a running job share: find it, follow what Nomad does, prove the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.errors import LockedError, NotFoundError
from toolkit.rollout import read
from toolkit.rollout.lock_held import Held
from toolkit.rollout.state import Watched
from toolkit.rollout.watch import watch
from toolkit.rollout.world import World
from toolkit.spec.chain import Verification
from toolkit.spec.events import Event, OnEvent, Stage
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import OperateReport, OperateVerdict
from toolkit.spec.observed import AllocationView
from toolkit.spec.outcome import Outcome
from toolkit.spec.report import Verdict
from toolkit.workflows import locking
from toolkit.workflows.history import secret_values
from toolkit.workflows.names import find
from toolkit.workflows.proof import along
from toolkit.workflows.session import Session

TIMEOUT = 600.0
"""Seconds for an operation on a job without a job file of ours."""
PROOF = 90.0
"""The most seconds that the chain may take to hold after Nomad is done: leaving instances wait
their shutdown delay and their kill timeout."""
WAIT = 10.0
"""Seconds that one blocking query stays open."""
OVER = {"complete", "failed", "lost"}
"""Client statuses of an allocation that has ended."""


@dataclass(frozen=True)
class Deed:
    """One operation: on what, and what was said on the way."""

    session: Session
    action: str
    job_id: str
    spec: JobSpec | None
    raw: Mapping[str, Any]
    """The job as registered when we came."""
    started: float
    deadline: float
    """On the world's clock."""
    on_event: OnEvent
    events: list[Event] = field(default_factory=list)

    @property
    def world(self) -> World:
        """Clients and clocks."""
        return self.session.world

    def say(self, stage: Stage, text: str) -> None:
        """Tell one transition, and keep it for the report."""
        self.tell(Event(stage, text, self.world.now()))

    def tell(self, event: Event) -> None:
        """An `OnEvent` for the stages of a rollout."""
        if event.text:
            self.events.append(event)
        self.on_event(event)

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self.deadline - self.world.clock(), 0.0)


def begin(
    session: Session, job: str, action: str, on_event: OnEvent, timeout: float | None
) -> Deed:
    """The registered job to act on; NotFoundError when Nomad does not know it."""
    found = find(session, job, whole=True)
    target = session.target
    raw = session.nomad.job(found.id)
    if raw is None:
        raise NotFoundError(
            f"job {found.id} is not deployed in namespace {target.namespace}",
            system="Nomad",
            address=target.nomad.address,
            hint=f"toolkit deploy {found.id}"
            if found.spec
            else "`toolkit deploy` it in its project; toolkit status lists what is here",
        )
    limit = timeout or (found.spec.rollout.timeout if found.spec else TIMEOUT)
    now = session.world.clock()
    deed = Deed(
        session=session,
        action=action,
        job_id=found.id,
        spec=found.spec,
        raw=raw,
        started=now,
        deadline=now + limit,
        on_event=on_event,
    )
    deed.say("target", target.headline())
    return deed


def locked(deed: Deed, work: Callable[[Held], OperateReport]) -> OperateReport:
    """Do the work while nobody else changes the job; LockedError while somebody does."""
    session = deed.session
    with locking.held(session, deed.job_id, deed.action, None, deed.say) as lock:
        report = work(lock)
    # What became of the lock belongs to it.
    return replace(report, events=tuple(deed.events))


def lost(deed: Deed, lock: Held) -> str | None:
    """Why nothing more may be done to the job; None: the lock is still ours, or there is none.

    Asked of Nomad: no check index stands behind what comes next.
    """
    lock.renew(deed.world)
    try:
        lock.assure()
    except LockedError as exc:
        return exc.message
    return None


def follow(
    deed: Deed, raw: Mapping[str, Any], *, evaluation: str | None = None, promote: bool = False
) -> Outcome:
    """Watch what Nomad does with the job as registered in `raw`, a revert included."""
    spec = deed.spec
    watched = Watched(
        job=raw,
        version=int(raw.get("Version") or 0),
        modify_index=int(raw.get("JobModifyIndex") or 0),
        evaluation=evaluation,
        served=spec.served if spec else None,
        deadline=deed.deadline,
        promote=promote,
        fail_fast=spec.rollout.fail_fast if spec else True,
        secrets=secret_values(deed.session, deed.job_id),
    )
    return watch(deed.world, watched, deed.tell)


def prove(deed: Deed, raw: Mapping[str, Any], *, wait: float = PROOF) -> Verification:
    """The whole chain of the job as registered in `raw`, once its leaving instances are gone."""
    served = deed.spec.served if deed.spec else None
    version = int(raw.get("Version") or 0)
    wait = min(wait, deed.left())
    return along(deed.session, raw, {version}, served, wait=wait).verification


def ended(deed: Deed) -> tuple[AllocationView, ...]:
    """Wait until every instance of the job has ended; those that had not at the deadline."""
    index = 0
    while True:
        page = deed.session.nomad.allocations(
            deed.job_id, index=index, wait=min(WAIT, deed.left()) if index else 0.0
        )
        index = page.index
        views = read.allocations(page.value or [])
        alive = tuple(view for view in views if view.client_status not in OVER)
        if not alive or deed.left() == 0.0:
            return alive


def finish(
    deed: Deed,
    verdict: OperateVerdict,
    sentence: str,
    *,
    raw: Mapping[str, Any] | None = None,
    deployment: str | None = None,
    verification: Verification | None = None,
    notes: tuple[str, ...] = (),
    next_step: str | None = None,
) -> OperateReport:
    """The report, with the release of the job as registered at the end."""
    target = deed.session.target
    seconds = deed.world.clock() - deed.started
    return OperateReport(
        verdict=verdict,
        sentence=f"{sentence}, in {seconds:.1f} s",
        action=deed.action,
        job=deed.job_id,
        environment=target.environment,
        address=target.nomad.address,
        namespace=target.namespace,
        release=read.live_job(raw).release if raw else None,
        deployment=deployment,
        verification=verification,
        notes=notes,
        next=next_step,
        events=tuple(deed.events),
        seconds=seconds,
    )


def word_of(verdict: Verdict) -> OperateVerdict:
    """A rollout's word as an operation's; `deployed` never comes here."""
    match verdict:
        case "deployed" | "completed" | "submitted":
            raise AssertionError(verdict)
        case _:
            return verdict


def proven(verification: Verification) -> tuple[OperateVerdict | None, str]:
    """None when the chain holds, else the word for what it does; and half a sentence."""
    if (link := verification.first_broken) is not None:
        return "unverified", f"{link.name}: {link.detail}"
    if (link := verification.first_unseen) is not None:
        return "unknown", f"{link.name}: {link.detail}"
    return None, f"{verification.verified} of {verification.expected} verified"
