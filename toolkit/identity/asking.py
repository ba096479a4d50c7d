"""Nomad asked by many threads, and left alone for a moment when it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Full, LifoQueue
from typing import TypeVar

from toolkit.clients.nomad_identity import NomadIdentity
from toolkit.errors import ApiError, ServerError, UnreachableError

T = TypeVar("T")


_MOST_IDLE = 8
"""Connections kept for the next callers."""


class Asker:
    """Clients for one kind of question, each lent to one thread at a time."""

    def __init__(
        self,
        connect: Callable[[], NomadIdentity],
        *,
        pause: float,
        clock: Callable[[], float],
    ) -> None:
        """`pause`: seconds for which a Nomad that did not answer is not asked again."""
        self._connect = connect
        self._pause = pause
        self._clock = clock
        self._idle: LifoQueue[NomadIdentity] = LifoQueue(_MOST_IDLE)
        self._down: tuple[float, ApiError] | None = None

    def ask(self, call: Callable[[NomadIdentity], T]) -> T:
        """What `call` answers; an UnreachableError or ServerError stands for the whole pause.

        Otherwise each request would wait for a Nomad that is down, and soon all threads would.
        """
        down = self._down
        if down is not None:
            since, error = down
            if self._clock() < since + self._pause:
                raise _again(error)
            # This thread tries; until it knows, the others need not wait for the same.
            self._down = (self._clock(), error)
        try:
            client = self._idle.get_nowait()
        except Empty:
            client = self._connect()
        try:
            answer = call(client)
        except (UnreachableError, ServerError) as exc:
            self._down = (self._clock(), exc)
            client.close()
            raise
        except BaseException:
            self._keep(client)
            raise
        self._down = None
        self._keep(client)
        return answer

    def _keep(self, client: NomadIdentity) -> None:
        try:
            self._idle.put_nowait(client)
        except Full:
            client.close()

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return


def _again(error: ApiError) -> ApiError:
    """The same error for another thread: one exception raised twice would mix their tracebacks."""
    return type(error)(
        error.message,
        system=error.system,
        address=error.address,
        status=error.status,
        hint=error.hint,
    )
