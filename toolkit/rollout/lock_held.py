"""A lock that is ours: renewed on a thread of its own, and honest about its loss."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from toolkit.errors import ApiError, ConflictError, LockedError, NotFoundError
from toolkit.rollout import lock
from toolkit.rollout.world import World
from toolkit.spec.lock import Holder, LockReport

BEAT = 7.0
"""Seconds between renewals: a rollout of eight seconds makes one."""
FRESH = 1.0
"""Seconds in which nobody is likely to have broken it: a registration right after the lock was
taken asks no second time."""
AGAIN = 1.0
"""Seconds before another try, once a renewal got no answer."""


class Held:
    """The lock of one job from its taking to its release; made by `toolkit.workflows.locking`.

    Everything but the renewals happens on the caller's thread, what is said included: `news` has
    what the renewals found out.
    """

    def __init__(
        self,
        world: World,
        job_id: str,
        holder: Holder | None,
        *,
        why: str = "",
        waited: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`holder` None: there is no lock to hold, and `why`.

        Not the world's clock: that one may raise Ctrl-C, which is not for the renewals' thread.
        """
        self._world, self._job_id, self._holder = world, job_id, holder
        self.waited = waited
        """Seconds until it was ours; more than 0: somebody else changed the job meanwhile."""
        self._why = why
        self._clock = clock
        self._lost = ""
        self._news: deque[str] = deque()
        self._unsure = False
        self._renewed = clock()
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to renew it."""
        if self._holder is None:
            return
        nomad = self._world.nomad.clone()
        world = replace(self._world, nomad=nomad)

        def beat() -> None:
            pause: float | None = BEAT
            with nomad:
                while pause is not None and not self._closed.wait(pause):
                    pause = self.renew(world)

        self._thread = threading.Thread(target=beat, daemon=True, name="lock-renewal")
        self._thread.start()

    def renew(self, world: World) -> float | None:
        """Renew it once; seconds until the next time, None when it is lost for good."""
        if self._holder is None:
            return None
        with self._turn:
            if self._lost or self._closed.is_set():
                return None
            asked = self._clock()
            try:
                world.nomad.renew_lock(lock.path_of(self._job_id), self._holder.id)
            except (ConflictError, NotFoundError):
                self._lost = self._who_took_it(world)
                self._news.append(f"{self._lost}; what is registered is followed to its end")
                return None
            except ApiError as exc:
                # Not lost yet for certain: the next answer tells. But nothing is certain either.
                if self._clock() - self._renewed >= lock.TTL and not self._unsure:
                    self._unsure = True
                    self._news.append(f"{self._overdue()}: {exc.message}")
                return AGAIN
            if self._unsure:
                self._news.append("the deploy lock is renewed: nobody took it meanwhile")
            self._renewed, self._unsure = asked, False
            return BEAT

    def news(self) -> tuple[str, ...]:
        """What became of the lock that was not told yet."""
        # Without the turn: a renewal that gets no answer must not hold up whoever listens.
        told = []
        while self._news:
            told.append(self._news.popleft())
        return tuple(told)

    def assure(self) -> None:
        """Return when a registration is covered by the lock, or there is none to have.

        LockedError when it was lost, or cannot be shown to be ours still. To be asked right
        before each registration.
        """
        if self._holder is None:
            return
        if self._clock() - self._renewed >= FRESH:
            self.renew(self._world)
        if self._lost:
            self._news.clear()  # said by the error
            raise LockedError(
                f"{self._lost}; nothing more was registered",
                hint=f"toolkit status {self._job_id} shows what is there",
            )
        if self._clock() - self._renewed >= lock.TTL:
            raise LockedError(
                f"{self._overdue()}; nothing more was registered",
                hint="run the same command again when Nomad answers",
            )

    def covering(self, world: World) -> World:
        """The world in which each registration is made sure of first."""
        return replace(world, covered=self.assure)

    def close(self) -> str | None:
        """Stop renewing and free it; a sentence where it could not be freed."""
        self._closed.set()
        if self._holder is None:
            return None
        # After a renewal that is on its way, which would take what we freed for somebody's deed.
        with self._turn:
            said = None if self._lost else lock.release(self._world, self._job_id, self._holder)
        if self._thread is not None:
            self._thread.join(lock.TTL)
        return said

    def report(self) -> LockReport:
        """How it stands."""
        path = lock.path_of(self._job_id)
        if self._holder is None:
            return LockReport("none", path, self._why)
        if self._lost:
            return LockReport("lost", path, self._lost, self.waited)
        if self._clock() - self._renewed >= 2 * lock.TTL:
            return LockReport("lost", path, self._overdue(), self.waited)
        return LockReport("held", path, waited=self.waited)

    def _overdue(self) -> str:
        seconds = self._clock() - self._renewed
        return (
            f"the deploy lock of {self._job_id} could not be renewed for {seconds:.0f} s, so that "
            "somebody else may have it"
        )

    def _who_took_it(self, world: World) -> str:
        """Why the lock is not ours, as far as it can be seen."""
        ours = self._holder.id if self._holder else ""
        try:
            now = lock.look(world, self._job_id)
        except ApiError:
            now = None
        name = f"the deploy lock of {self._job_id}"
        if now is not None and now.id != ours:
            return f"{name} is not ours any more: {lock.whose(now, world.now())} has it"
        if now is not None and now.broken_by:
            return f"{name} was broken by {now.broken_by}: {now.broken_why}"
        return f"{name} ended before it was renewed"
