"""Nomad asked by many threads, and left alone for a moment when it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Full, LifoQueue
from typing import TypeVar

from toolkit.clients.nomad_identity import NomadIdentity
from toolkit.errors import ApiError, DeniedError, ServerError, UnreachableError

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
        client, used = self._borrow()
        try:
            answer = self._try(client, call)
        except DeniedError:
            if not used:
                raise
            # It may have begun with a token of ours that was renewed since.
            answer = self._try(self._connect(), call)
        self._down = None
        return answer

    def _borrow(self) -> tuple[NomadIdentity, bool]:
        """A client, and whether it was used before."""
        try:
            return self._idle.get_nowait(), True
        except Empty:
            return self._connect(), False

    def _try(self, client: NomadIdentity, call: Callable[[NomadIdentity], T]) -> T:
        try:
            answer = call(client)
        except BaseException as exc:
            client.close()
            # The others are as old as this one.
            self.close()
            if isinstance(exc, UnreachableError | ServerError):
                self._down = (self._clock(), exc)
            raise
        try:
            self._idle.put_nowait(client)
        except Full:
            client.close()
        return answer

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
