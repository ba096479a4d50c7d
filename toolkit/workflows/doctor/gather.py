"""Facts asked for by a few threads, each once what it builds on is there; in bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout.health.look import Look, failed, saw
from toolkit.workflows.session import Session

THREADS = 6

Looks = Mapping[str, Look[Any]]

Ask = Callable[[Session, Looks], Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to be asked for once, whoever needs it."""

    name: str
    ask: Ask
    """Gives a value, or raises; handed a session of its thread and the facts named in `after`."""
    after: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    """Also after these, and in vain when they were not seen, or know no leader."""
    leaderless: bool = False
    """Answered without a leader too."""


def closure(facts: Sequence[Fact], wanted: Iterable[str]) -> tuple[Fact, ...]:
    """The wanted facts and all that they build on, in the order of `facts`."""
    by_name = {fact.name: fact for fact in facts}
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += (*by_name[name].after, *by_name[name].alive)
    return tuple(fact for fact in facts if fact.name in needed)


def gather(
    session: Session,
    facts: Sequence[Fact],
    *,
    timeout: float,
    threads: int = THREADS,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Look[Any]]:
    """A look for every fact; what has not come after `timeout` seconds is `late`."""
    work = _Work(facts)
    deadline = clock() + timeout
    for number in range(min(threads, len(facts))):
        # Daemons: one that waits for an answer must not outlast the command.
        threading.Thread(
            target=_run, args=(session, work), name=f"doctor-{number}", daemon=True
        ).start()
    with work.changed:
        work.changed.wait_for(
            lambda: work.bug is not None or len(work.done) == len(facts),
            timeout=max(0.0, deadline - clock()),
        )
        work.over = True
        work.changed.notify_all()
        done = dict(work.done)
    if work.bug is not None:
        raise work.bug
    late: Look[Any] = Look("late", problem=f"no answer within {timeout:g} s")
    return {fact.name: done.get(fact.name, late) for fact in facts}


class _Work:
    """What is left to ask, shared by the threads."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.changed = threading.Condition()
        self.left = list(facts)
        self.done: dict[str, Look[Any]] = {}
        self.over = False
        self.bug: BaseException | None = None

    def take(self) -> Fact | None:
        """The next fact that can be asked for; None when there is none any more."""
        with self.changed:
            while not self.over and self.left:
                for fact in self.left:
                    if all(name in self.done for name in (*fact.after, *fact.alive)):
                        self.left.remove(fact)
                        return fact
                self.changed.wait()
            return None

    def put(self, fact: Fact, look: Look[Any]) -> None:
        """A fact is there; those that build on it can be asked for."""
        with self.changed:
            self.done[fact.name] = look
            self.changed.notify_all()

    def give_up(self, bug: BaseException) -> None:
        """A mistake of our own ends all of it."""
        with self.changed:
            self.bug = bug
            self.over = True
            self.changed.notify_all()


def _run(session: Session, work: _Work) -> None:
    world = session.world
    own = replace(
        session,
        world=replace(world, nomad=world.nomad.clone(), consul=world.consul.clone()),
    )
    try:
        while (fact := work.take()) is not None:
            work.put(fact, _ask(own, fact, work.done))
    except BaseException as exc:  # noqa: BLE001 - raised again in the thread that waits
        work.give_up(exc)
    finally:
        own.close()


def _ask(session: Session, fact: Fact, done: Looks) -> Look[Any]:
    for name in fact.alive:
        system = name.partition("_")[0].capitalize()
        voice = done[name]
        if voice.value is None:
            problem = f"{system} does not answer, see the check {system.lower()}"
            return Look("unreachable", problem=problem)
        if not voice.value.leader and not fact.leaderless:
            problem = f"{system} has no leader, see the check {system.lower()}-servers"
            return Look("broken", problem=problem)
    try:
        return saw(fact.ask(session, done))
    except ApiError as error:
        return failed(error)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # An answer of a shape that we do not know: the other checks go on.
        problem = f"the answer is not as expected ({type(error).__name__}: {error})"
        return Look("broken", problem=problem)
