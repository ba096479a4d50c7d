"""Lets names follow jobs: one turn after the other, in a thread of its own.

A turn reads the cluster and the zones, decides, notes what is leaving, and hands its wishes to the
writer. News is waited for, not polled; what comes together is one turn. Of a cluster that cannot be
read whole nothing is concluded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kick.reconciler_memory import Audited, Memory, Perform
from kick.reconciler_metrics import ReconcilerMetrics
from toolkit.dns.desired import desired
from toolkit.dns.plan import plan
from toolkit.dns.reconcile_hold import Holds, next_change
from toolkit.dns.reconcile_listed import listed_of, step_holds
from toolkit.dns.reconcile_points import Group, Points, Zones, candidates
from toolkit.dns.standing import Standing
from toolkit.errors import ApiError, ToolkitError, UnavailableError
from toolkit.serving.log import Log
from toolkit.spec.discovery import JobKey, Kept, Step, Turn, TurnReport, View
from toolkit.spec.dns import Order, RemoveRecord, Written, Zone
from toolkit.spec.kick import KickConfig

REFRESH = 300.0
"""Seconds after which the zones are read anew, for what others did there."""
IDLE = 60.0
"""Seconds after which a turn is taken without any news."""
PAUSE = (2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds after a turn of which something failed."""
BLIND = 10.0
"""Seconds after which a cluster that could not be read is looked at again without news of it."""


class Cluster(Protocol):
    """What is read of Nomad and Consul."""

    def start(self) -> None:
        """Begin to follow."""

    def close(self) -> None:
        """End."""

    def view(self) -> View:
        """The newest view, whole; raises a ToolkitError when it cannot be had."""

    def ended(self, job: JobKey) -> float | None:
        """Since when a job is certainly over; None when it is not, or cannot be told."""


class Writes(Protocol):
    """The writer, as far as it is used here."""

    def standings(self, zone: Zone) -> Sequence[Standing]:
        """Every name of a zone that has anything."""

    def refresh(self, zone: Zone) -> None:
        """Read a zone anew."""

    def write_many(self, orders: Sequence[Order]) -> Sequence[Written | ToolkitError]:
        """Grant many, each answered by itself."""

    @property
    def perform(self) -> Perform:
        """Do something that is not DNS, with the audit around it."""


class Reconciler:
    """One for the process; `sync` and `preview` may be called by any thread."""

    def __init__(
        self,
        config: KickConfig,
        *,
        cluster: Callable[[Callable[[], None]], Cluster],
        writer: Writes,
        audit: Audited,
        clock: Callable[[], float],
        now: Callable[[], float],
        log: Log,
        metrics: ReconcilerMetrics,
    ):
        """`cluster` is made with what is to be called when there is news."""
        self._config = config
        self._cluster = cluster(self._heard)
        self._writer = writer
        self._clock = clock
        self._now = now
        self._log = log
        self._metrics = metrics
        self._memory = Memory(audit, config.zones, config.cluster)
        self._turning = threading.Lock()
        self._condition = threading.Condition()
        self._news: float | None = None
        self._stopping = False
        self._holds: dict[Group, Holds] = {}
        self._edges: Mapping[str, tuple[str, ...]] | None = None
        self._refreshed = clock()
        self._began = float("-inf")
        self._next = clock() + IDLE
        self._failures = 0
        self._blind = ""
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    # --- from outside ---

    def start(self) -> None:
        """Begin to follow the cluster."""
        self._cluster.start()
        self._thread.start()

    def stop(self, patience: float = 30.0) -> bool:
        """End after the turn that is being taken; False when it did not end in time."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._cluster.close()
        if self._thread.ident is not None:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def preview(self, patience: float = 30.0) -> TurnReport:
        """What a turn would do now; nothing is changed. Raises a ToolkitError when it is blind."""
        with self._alone(patience):
            self._refresh(self._config.reconcile.interval)
            return self._plan(keep=False)[0]

    def sync(self, patience: float = 30.0) -> TurnReport:
        """Take a turn now; raises a ToolkitError when it is blind."""
        with self._alone(patience):
            self._refresh(self._config.reconcile.interval)
            return self._turn()

    def edge(self, zone: Zone) -> Collection[str] | None:
        """Addresses of the zone's edge, where it is a job, as of the last turn; None before it."""
        return None if self._edges is None else self._edges.get(zone.visibility, ())

    # --- the thread ---

    def _heard(self) -> None:
        with self._condition:
            if self._news is None:
                self._news = self._clock()
            self._condition.notify_all()

    def _run(self) -> None:
        while self._wait():
            with self._turning:
                try:
                    self._refresh(REFRESH)
                    self._turn()
                except ToolkitError as error:
                    self._fail(error.message)
                except Exception as error:  # noqa: BLE001  a bug must not end all following
                    self._log.bug(error)
                    self._fail("an error of our own")

    def _wait(self) -> bool:
        """Until a turn is due; False at the end."""
        with self._condition:
            while not self._stopping:
                left = self._due() - self._clock()
                if left <= 0:
                    self._news = None
                    return True
                self._condition.wait(left)
        return False

    def _due(self) -> float:
        """When the next turn is to be taken, by the clock."""
        wanted = self._next
        if self._news is not None:
            wanted = min(wanted, self._news + self._config.reconcile.settle)
        earliest = self._began + self._config.reconcile.interval
        if self._failures:
            earliest = max(earliest, self._began + PAUSE[min(self._failures, len(PAUSE)) - 1])
        return max(wanted, earliest)

    def _alone(self, patience: float) -> _Alone:
        return _Alone(self._turning, patience)

    def _refresh(self, oldest: float) -> None:
        """Read the zones anew, unless that was not long ago."""
        if self._clock() - self._refreshed < oldest:
            return
        for zone in self._config.zones:
            self._writer.refresh(zone)
        self._refreshed = self._clock()

    def _fail(self, why: str) -> None:
        self._metrics.turns.labels("blind").inc()
        if why != self._blind:
            self._log.say("reconcile", result="blind", detail=why)
        self._blind = why
        self._began = self._clock()
        self._next = self._began + BLIND

    # --- one turn ---

    def _turn(self) -> TurnReport:
        began = self._clock()
        report, running = self._plan(keep=True)
        self._memory.note(report.turn.leftovers, self._writer.perform)
        answers = self._writer.write_many([step.order for step in report.turn.steps])
        failed = {
            number: answer.message
            for number, answer in enumerate(answers)
            if isinstance(answer, ToolkitError)
        }
        report = TurnReport(
            report.turn, failed, done=True, seconds=self._clock() - began, at=report.at,
            jobs=report.jobs, instances=report.instances,
        )  # fmt: skip
        self._account(report, began, running)
        return report

    def _account(
        self, report: TurnReport, began: float, running: Mapping[Group, Mapping[str, bool]]
    ) -> None:
        """Count and log a turn, and say when the next one is due without news."""
        self._metrics.took(report, self._now())
        self._blind = ""
        for number, why in report.failed.items():
            step = report.turn.steps[number]
            self._log.say("reconcile", result="failed", name=step.order.wish.name, detail=why)
        if report.turn.steps:
            self._log.say(
                "reconcile",
                result="failed" if report.failed else "done",
                changes=len(report.turn.steps) - len(report.failed),
                failed=len(report.failed),
                seconds=round(report.seconds, 3),
            )
        self._began = began
        if report.failed:
            self._failures += 1
            self._next = began
            return
        self._failures = 0
        due = [began + IDLE]
        for group, holds in self._holds.items():
            change = next_change(holds, running.get(group, {}), self._config.reconcile.hold)
            due += [change] if change is not None else []
        if report.turn.steps:
            # What went may make room for whoever else asks.
            due.append(began + self._config.reconcile.interval)
        for leftover in report.turn.leftovers:
            left = leftover.due - report.at
            # What was due is gone, or Nomad does not say yet that it may go.
            due.append(began + (left if left > 0 else self._config.reconcile.grace))
        self._next = min(due)

    def _plan(self, *, keep: bool) -> tuple[TurnReport, Mapping[Group, Mapping[str, bool]]]:
        """What is to be done; with `keep` the holds go on from here."""
        began, at = self._clock(), self._now()
        view = self._cluster.view()
        zones: Zones = {
            zone: {there.name: there for there in self._writer.standings(zone)}
            for zone in self._config.zones
        }
        running = candidates(view, self._config)
        holds = step_holds(self._holds, running, view, self._config, zones, began)
        listed = listed_of(holds)
        if keep:
            self._holds = holds
        self._edges = Points(view, self._config, listed).edges()
        want = desired(view, self._config, zones, listed)
        turn = plan(view, want, zones, self._config, self._memory.known(), at)
        turn = self._confirmed(turn, view, at)
        asking = sum(1 for job in view.jobs.values() if job.alive and job.declared)
        report = TurnReport(
            turn, seconds=self._clock() - began, at=at, jobs=asking,
            instances=len(view.instances),
        )  # fmt: skip
        return report, running

    def _confirmed(self, turn: Turn, view: View, at: float) -> Turn:
        """The turn without removals for jobs of which Nomad does not say that they are over.

        What ended later than it was noted is leaving still: its grace counts from the end.
        """
        due: dict[JobKey, float | None] = {}
        steps: list[Step] = []
        kept: list[Kept] = list(turn.kept)
        for step in turn.steps:
            wish = step.order.wish
            key = (wish.owner.namespace, wish.owner.job)
            job = view.jobs.get(key)
            if isinstance(wish, RemoveRecord) and (job is None or not job.alive):
                if key not in due:
                    due[key] = self._due_of(key)
                when = due[key]
                if when is None:
                    said = f"Nomad does not say that {key[0]}/{key[1]} is over"
                    kept.append(Kept(wish.name, wish.owner, "unread", said, wish.zone))
                if when is None or when > at:
                    continue
            steps.append(step)
        leftovers = tuple(
            replace(each, due=max(each.due, due.get((each.owner.namespace, each.owner.job)) or 0.0))
            for each in turn.leftovers
        )
        return Turn(tuple(steps), tuple(kept), leftovers, turn.unchanged)

    def _due_of(self, job: JobKey) -> float | None:
        """When the grace of a job that is over ends; None when Nomad does not say that it is."""
        try:
            ended = self._cluster.ended(job)
        except ApiError:
            return None
        return None if ended is None else ended + self._config.reconcile.grace


class _Alone:
    """The turn's lock, with a deadline."""

    def __init__(self, lock: threading.Lock, patience: float):
        self._lock = lock
        self._patience = patience

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._patience):
            raise UnavailableError("a turn of the reconciler takes too long", after=5)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
