"""Nomad's signing keys, read when needed and remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from toolkit.errors import ApiError, ServerError, UnreachableError
from toolkit.identity.asking import Asker
from toolkit.identity.keys import Key, read_keys
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import refusal


@dataclass(frozen=True, slots=True)
class _Read:
    keys: Mapping[str, Key]
    at: float


class Keyring:
    """Keys by their ids; for many threads."""

    def __init__(self, asker: Asker, limits: Limits, clock: Callable[[], float]) -> None:
        self._asker = asker
        self._limits = limits
        self._fresh = min(limits.keys_fresh, limits.keys_stale)
        self._clock = clock
        self._last: _Read | None = None
        self._reading = Lock()

    def key(self, id_: str) -> Key:
        """The key of that id.

        Raises IdentityError `unknown-key`, or an ApiError while Nomad cannot say whether there is
        one: before the first reading, and once what was read is too old.
        """
        last = self._last
        if last is None:
            last = self._read_after(None)
        age = self._clock() - last.at
        if id_ in last.keys and age > self._fresh:
            last = self._renewed(last)
        elif id_ not in last.keys and age > self._limits.keys_pause:
            last = self._read_after(last)
        try:
            return last.keys[id_]
        except KeyError:
            raise refusal("unknown-key") from None

    def _renewed(self, last: _Read) -> _Read:
        """The keys of now where they can be had, else the last ones while they are good."""
        if not self._reading.acquire(blocking=False):
            # Somebody reads already: nobody else has to wait for it.
            return self._still_good(last, None)
        try:
            return self._read()
        except (UnreachableError, ServerError) as exc:
            return self._still_good(last, exc)
        finally:
            self._reading.release()

    def _still_good(self, last: _Read, why_not: ApiError | None) -> _Read:
        if self._clock() - last.at <= self._limits.keys_stale:
            return last
        if why_not is not None:
            raise why_not
        return self._read_after(last)

    def _read_after(self, last: _Read | None) -> _Read:
        """A reading later than `last`: another thread's, or our own."""
        with self._reading:
            if self._last is not None and self._last is not last:
                return self._last
            return self._read()

    def _read(self) -> _Read:
        try:
            published = self._asker.ask(lambda nomad: nomad.signing_keys())
        except UnreachableError as exc:
            exc.hint = exc.hint or "no token can be verified until Nomad's keys are read"
            raise
        self._last = _Read(read_keys(published), self._clock())
        return self._last
