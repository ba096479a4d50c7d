"""One change of a job at a time: commands that register a job hold its lock meanwhile.

Those that steer a rollout (`promote`, `abort`, `pause`, `resume`) take none: a person must be able
to while a deploy runs. `dispatch` makes a new job each time, and takes none either.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from toolkit.rollout import lock
from toolkit.rollout.lock_held import Held
from toolkit.spec.events import Stage
from toolkit.spec.lock import Holder
from toolkit.workflows.session import Session

Say = Callable[[Stage, str], None]


@contextmanager
def held(
    session: Session,
    job_id: str,
    command: str,
    release: str | None,
    say: Say,
    *,
    wait: float | None = None,
) -> Iterator[Held]:
    """Hold the lock of a job; somebody else's is waited for, `wait` seconds at most.

    LockedError names the holder. Where no lock is to be had (no right, no such API) it is said,
    once, and the change goes on without one.
    """
    ours = _taken(session, job_id, command, release, say, wait)
    try:
        ours.start()
        yield ours
    finally:
        _free(ours, say)


def covered(session: Session, lock: Held) -> Session:
    """The session in which nothing is registered once the lock is lost."""
    return replace(session, world=lock.covering(session.world))


@contextmanager
def when_needed(session: Session, job_id: str, command: str, say: Say) -> Iterator[Session]:
    """For who only follows a rollout: the lock is taken before the first registration, if any.

    LockedError from that registration where somebody else holds it.
    """
    ours: Held | None = None

    def cover() -> None:
        nonlocal ours
        if ours is None:
            ours = _taken(session, job_id, command, None, say, None)
            ours.start()
        ours.assure()

    try:
        yield replace(session, world=replace(session.world, covered=cover))
    finally:
        if ours is not None:
            _free(ours, say)


def _free(ours: Held, say: Say) -> None:
    unfreed = ours.close()
    for text in (*ours.news(), *([unfreed] if unfreed else [])):
        say("note", text)


def _taken(
    session: Session,
    job_id: str,
    command: str,
    release: str | None,
    say: Say,
    wait: float | None,
) -> Held:
    world = session.world
    actor, host = session.settings.actor, socket.gethostname()
    holder = Holder(str(uuid.uuid4()), actor, host, command, release, world.now())
    waited = False

    def tell(other: Holder | None) -> None:
        nonlocal waited
        waited = True
        who = "somebody" if other is None else lock.whose(other, world.now())
        say("hold", f"waiting up to {wait:g} s for the lock of {who}")

    begun = world.clock()
    try:
        got = lock.take(world, job_id, holder, wait=wait, on_wait=tell)
        seconds = world.clock() - begun if waited else 0.0
    except KeyboardInterrupt:
        # In the middle of it, perhaps: nobody shall wait for a lock that nobody renews.
        lock.release(world, job_id, holder)
        raise
    if got.state == "none":
        say("note", f"without a deploy lock: {got.reason}")
        return Held(world, job_id, None, why=got.reason)
    return Held(world, job_id, holder, waited=seconds)
