"""How far the last change of each name has got, asked of the provider as rarely as will do."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.clients.dns.provider import Provider
from toolkit.errors import ApiError, NotFoundError
from toolkit.spec.dns import ChangeState, Submitted, Zone

MOST = 10_000
"""Names that are remembered, the newest."""
ASK_AGAIN = 2.0
"""Seconds between two questions about one batch."""
SURELY = 120.0
"""Seconds after which a change without an id is taken for being everywhere; usually it takes 60."""


@dataclass(frozen=True, slots=True)
class _Sent:
    id: str
    since: float


class States:
    """Changes that were not everywhere yet; for several threads."""

    def __init__(self, providers: Mapping[str, Provider], clock: Callable[[], float]):
        self._providers = providers
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: OrderedDict[tuple[Zone, str], _Sent] = OrderedDict()
        self._asked: OrderedDict[str, tuple[ChangeState, float]] = OrderedDict()

    def recalled(self, pending: Mapping[tuple[Zone, str], str]) -> None:
        """Changes of the last run of the server."""
        now = self._clock()
        with self._lock:
            for place, change in pending.items():
                self._pending[place] = _Sent(change, now)

    def sent(self, zone: Zone, name: str, submitted: Submitted) -> None:
        """A name was changed."""
        with self._lock:
            self._pending.pop((zone, name), None)
            if submitted.state == "PENDING":
                self._pending[zone, name] = _Sent(submitted.id, self._clock())
                if len(self._pending) > MOST:
                    self._pending.popitem(last=False)

    def of(self, zone: Zone, name: str, *, ask: bool = True) -> ChangeState:
        """The state of a name's last change; PENDING while the provider cannot be asked.

        Without `ask` it is what was heard last.
        """
        with self._lock:
            sent = self._pending.get((zone, name))
        if sent is None:
            return "INSYNC"
        state = self._ask(zone, sent) if ask else self._heard(sent)
        if state == "INSYNC":
            with self._lock:
                if self._pending.get((zone, name)) == sent:
                    del self._pending[zone, name]
        return state

    def _heard(self, sent: _Sent) -> ChangeState:
        with self._lock:
            return self._asked.get(sent.id, ("PENDING", 0.0))[0]

    def _ask(self, zone: Zone, sent: _Sent) -> ChangeState:
        now = self._clock()
        if not sent.id:
            return "INSYNC" if now - sent.since > SURELY else "PENDING"
        with self._lock:
            state, asked = self._asked.get(sent.id, ("PENDING", float("-inf")))
            if state == "INSYNC" or now - asked < ASK_AGAIN:
                return state
            self._asked[sent.id] = (state, now)
            if len(self._asked) > MOST:
                self._asked.popitem(last=False)
        try:
            state = self._providers[zone.provider].state(sent.id)
        except NotFoundError:
            # The provider forgets a change long after it is everywhere.
            state = "INSYNC"
        except ApiError:
            return "PENDING"
        with self._lock:
            self._asked[sent.id] = (state, now)
        return state
