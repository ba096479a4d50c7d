"""Values for tests of the machine, and a driver that only keeps its book: no I/O, its own clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.rollout.feed import Kind, Update
from toolkit.rollout.machine import (
    Ask,
    Decision,
    End,
    Explain,
    Fail,
    Follow,
    GateAnswer,
    Look,
    Promote,
    Proof,
    Registered,
    Wait,
    Watched,
    decide,
    verdict_of,
)
from toolkit.rollout.state import State
from toolkit.rollout.verdict import Judged
from toolkit.spec.cause import Cause
from toolkit.spec.chain import InstanceChain, Link, LinkState, Verification
from toolkit.spec.observed import (
    AllocationView,
    DeploymentView,
    EvaluationView,
    GroupDeployment,
    TaskEvent,
    TaskView,
)
from toolkit.spec.plan import LiveJob

OURS, INDEX = 4, 100
"""Version and JobModifyIndex of the registration that every test follows."""
LINKS = ("nomad", "consul", "traefik", "release", "edge")


def job(
    kind: str = "service",
    *,
    count: int = 1,
    groups: Sequence[str] = ("web",),
    max_parallel: int = 1,
    checked: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """A job as Nomad has it registered."""
    service = {"Name": "web", "Checks": [{"Type": "http"}] if checked else None}
    update = {"MaxParallel": max_parallel, "MinHealthyTime": 2_000_000_000}
    return {
        "ID": "shop", "Type": kind, "Meta": {"release": "1.1.0"},
        "TaskGroups": [
            {"Name": name, "Count": count, "Services": [service],
             "Update": update if kind in {"service", "system"} else None,
             "Tasks": [{"Name": "app", "Driver": "raw_exec"}]}
            for name in groups
        ],
        **more,
    }  # fmt: skip


def watched(raw: dict[str, Any] | None = None, **how: Any) -> Watched:
    """What is followed; the evaluation of our registration is `e1`."""
    how = {"evaluation": "e1", "deadline": 600.0, **how}
    return Watched(raw or job(), OURS, INDEX, served=None, **how)


def live(version: int = OURS, index: int = INDEX, **how: Any) -> LiveJob:
    """The job as registered."""
    how = {"stopped": False, "stable": False, "raw": job(), **how}
    return LiveJob(version, index, "service", "1.1.0", counts={}, **how)


def deployment(
    status: str,
    description: str = "",
    *,
    version: int = OURS,
    index: int = INDEX,
    groups: Sequence[GroupDeployment] = (),
) -> DeploymentView:
    """One deployment; the revert's has another version and index."""
    return DeploymentView(f"d{version}", version, index, status, description, tuple(groups))


def group(name: str = "web", total: int = 1, **how: Any) -> GroupDeployment:
    """One group of a deployment, placed and not promoted."""
    how = {
        "desired_canaries": 0, "placed": total, "healthy": 0, "unhealthy": 0, "promoted": False,
        "auto_revert": True, **how,
    }  # fmt: skip
    return GroupDeployment(name, total, **how)


def allocation(name: str = "a", status: str = "running", **how: Any) -> AllocationView:
    """One allocation of our version that runs."""
    state = {"running": "running", "pending": "pending"}.get(status, "dead")
    given = how.pop("group", "web")
    how = {
        "id": name * 8, "name": f"shop.{given}[{name}]", "group": given, "job_version": OURS,
        "node": "node-1", "node_id": "n1", "desired_status": "run", "create_index": INDEX + 1,
        "tasks": (TaskView("app", state, status == "failed", 0),), **how,
    }  # fmt: skip
    return AllocationView(client_status=status, **how)


def crash(at: float, code: str = "1") -> TaskEvent:
    """A task's end with that exit code."""
    return TaskEvent("Terminated", at, f"Exit Code: {code}", {"exit_code": code, "signal": "0"})


def evaluation(status: str = "complete", name: str = "e1", **how: Any) -> EvaluationView:
    """One evaluation, of our registration unless said otherwise."""
    how = {
        "description": "", "triggered_by": "job-register", "job_modify_index": INDEX,
        "create_index": INDEX, **how,
    }  # fmt: skip
    return EvaluationView(name, status, **how)


FULL = {"web": {"NodesEvaluated": 1, "DimensionExhausted": {"memory": 1}}}
"""Nomad's metric for what had no room."""


def chain(release: str = "1.1.0", serves: str = "1.1.0", **states: LinkState) -> Verification:
    """The chain of one instance; every link holds unless said otherwise."""
    links = tuple(Link(name, states.get(name, "holds"), f"{name} said") for name in LINKS)  # type: ignore[arg-type]
    row = InstanceChain("a" * 36, "node-1", "web", "healthy", "passing", "up", serves, "h:1")
    return Verification(links, (row,), expected=1, release=release)


@dataclass
class Play:
    """Decisions performed on paper: updates come one a second, deeds only enter the book."""

    watched: Watched
    updates: list[tuple[float, Update]] = field(default_factory=list)
    """Each with the time at which it comes, in time."""
    registered: Callable[[float], Registered | None] = lambda _: live()
    """What Nomad says is registered, at a time; None: it does not answer."""
    gate: Callable[[float], GateAnswer] = lambda _: GateAnswer(True, chain(), "all agree")
    proof: Proof | None = None
    now: float = 0.0
    told: list[tuple[float, Update]] = field(default_factory=list)
    """Every update that there ever was, for what reads instead of waiting to be told."""
    done: list[tuple[float, Decision]] = field(default_factory=list)
    state: State = field(default_factory=State)

    def says(self, at: float, kind: Kind, *value: Any) -> Play:
        """An update that comes at a time; the values are one list."""
        self.told.append((at, Update(kind, tuple(value))))
        self.told.sort(key=lambda pair: pair[0])
        self.updates.append((at, Update(kind, tuple(value))))
        self.updates.sort(key=lambda pair: pair[0])
        return self

    def run(self) -> End:
        """Play to the end."""
        for _ in range(5000):
            decision = decide(self.watched, self.state.answers(self.watched, self.now))
            self.done.append((self.now, decision))
            if isinstance(decision, End):
                return decision
            self._do(decision)
        raise AssertionError(f"no end by {self.now}: {decision}")

    def judged(self) -> Judged:
        """The word for what is known now."""
        answers = replace(self.state.answers(self.watched, self.now), proof=self.proof)
        return verdict_of(self.watched, answers)

    def deeds(self) -> list[str]:
        """What was done, without the waiting."""
        return [type(d).__name__ for _, d in self.done if not isinstance(d, Wait | Ask | Look)]

    def asked(self) -> list[str]:
        """What was asked."""
        return [d.what for _, d in self.done if isinstance(d, Ask)]

    def _do(self, decision: Decision) -> None:
        state = self.state
        match decision:
            case Wait(until=until):
                state.gate = None
                if self.updates and self.updates[0][0] <= until:
                    at, update = self.updates.pop(0)
                    self.now = max(self.now, at)
                    state.take(update, self.now)
                else:
                    assert until > self.now, f"waits for {decision.what} without end"
                    self.now = until
            case Ask(what="evaluations"):
                lists = [u for at, u in self.told if u.kind == "evaluations" and at <= self.now]
                if not lists:
                    self._did(read_again=self.now + 0.5)
                else:
                    state.list_evaluations(lists[-1].value)
            case Ask():
                found = self.registered(self.now)
                state.registered = found
                since = state.did.asking_since
                since = (self.now if since is None else since) if found is None else None
                self._did(ask_again=self.now + 0.5, asking_since=since, asked_error="no leader")
            case Look():
                answer = self.gate(self.now)
                state.look(answer, self.now)
                if not answer.open:
                    state.gate_said = answer.reason
                    self._did(gate_again=self.now + 0.5)
            case Promote(revert=revert):
                state.gate = None
                if not revert:
                    self._did(promoted_at=self.now)
                else:
                    self._did(gate_again=self.watched.deadline)
            case Fail(why=why, causes=causes):
                state.causes = causes or (Cause("crash", "task app exited 1"),)
                self._did(failed=True, explained=True, gave_up=why == "unplaced")
            case Explain(causes=causes):
                state.causes = state.causes or causes or (Cause("crash", "task app exited 1"),)
                self._did(explained=True)
            case Follow():
                self._did(following=self.now)

    def _did(self, **what: Any) -> None:
        self.state.did = replace(self.state.did, **what)


def rolls(*, raw: dict[str, Any] | None = None, **how: Any) -> Play:
    """A job whose deployment runs."""
    found = Play(watched(raw, **how))
    found.says(0.0, "allocations", allocation("o", job_version=3), allocation())
    return found.says(0.1, "deployments", deployment("running", groups=[group()]))


def direct(raw: dict[str, Any], *those: Any, **how: Any) -> Play:
    """A job without a deployment, whose evaluation is complete."""
    found = Play(watched(raw, **how), registered=lambda _: live(raw=raw))
    found.says(0.0, "allocations", *those)
    found.says(0.0, "deployments")
    return found.says(0.5, "evaluations", evaluation())


def blocked(play: Play, at: float = 1.0) -> Play:
    """The scheduler has no room, and an evaluation waits for it."""
    first = evaluation(failed=FULL, blocked="e2")
    second = evaluation("blocked", "e2", create_index=INDEX + 1)
    return play.says(at, "evaluations", first, second)
