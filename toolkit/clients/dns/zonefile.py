"""Zones in files of one folder, for development and for tests: what Route 53 is, on one machine.

A batch is refused for the same reasons as there, done whole or not at all, and on the disk when
`apply` returns; it is in sync at once. `nameserver.py` of the kick server answers from the
snapshots.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock

from toolkit.clients.dns.provider import BatchRefusedError, BusyError, deletes_first
from toolkit.clients.dns.rules import MOST_CHANGES, is_name, judge
from toolkit.clients.dns.snapshot import Snapshot
from toolkit.clients.dns.zonelog import FOLD_ABOVE, SYSTEM, ZoneLog
from toolkit.errors import InvalidRequestError, ServerError
from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone

Listener = Callable[[Snapshot], None]
"""Told of every new snapshot, in the thread that made it: it must be quick and must not fail."""

LOOK_AGAIN = 0.05
"""Seconds between two looks at a folder that another process has."""


class ZoneFiles:
    """A provider whose zones are files `NAME.VISIBILITY.zone` of a folder that it has to itself."""

    def __init__(
        self,
        folder: Path,
        *,
        wait: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        fold_above: int = FOLD_ABOVE,
    ) -> None:
        """`wait`: seconds in which another process may let go of the folder, at the first call.

        `fold_above`: changes that a file keeps in batches at least, before it is written anew.
        """
        self._folder, self._fold_above = folder, fold_above
        self._wait, self._clock, self._sleep = wait, clock, sleep
        self._guard = RLock()
        self._logs: dict[Zone, ZoneLog] = {}
        self._listeners: list[Listener] = []
        self._told: dict[Zone, Snapshot] = {}
        self._lock = -1

    @property
    def most_changes(self) -> int:
        """As many as in Route 53."""
        return MOST_CHANGES

    def records(self, zone: Zone) -> Iterator[Record]:
        """Every record of the zone as it is now, by name from the apex down."""
        return self.snapshot(zone).records()

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        """The records at these names, of every type."""
        snapshot = self.snapshot(zone)
        return tuple(record for name in sorted(set(names)) for record in snapshot.at(name))

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        """Do a batch; BatchRefusedError says why not, with the reason for each change at fault.

        BusyError while another process has the folder, ServerError when the disk takes nothing
        more, InvalidRequestError for an empty batch or a file that a person broke.
        """
        if not changes:
            raise InvalidRequestError("a batch without changes", system=SYSTEM)
        ordered = deletes_first(changes)
        with self._guard:
            log = self._log(zone)
            before = log.current()
            faults = judge(zone, before.names, ordered)
            if faults:
                reasons = [fault.reason for fault in faults]
                raise BatchRefusedError(
                    f"the zone {zone} takes none of the {len(changes)} changes: {reasons[0]}",
                    system=SYSTEM,
                    reasons=reasons,
                    blamed=[fault.key for fault in faults if fault.key[0]],
                    status=400,
                )
            after = log.append(before, ordered, comment)
            self._tell(after)
        return Submitted(f"{zone.name}.{zone.visibility}.{after.serial}", "INSYNC")

    def state(self, change: str) -> ChangeState:  # noqa: ARG002
        """A file that is written is in sync."""
        return "INSYNC"

    def snapshot(self, zone: Zone) -> Snapshot:
        """The zone as it is now, what somebody wrote into its file by hand included."""
        with self._guard:
            snapshot = self._log(zone).current()
            self._tell(snapshot)
        return snapshot

    def subscribe(self, listener: Listener) -> None:
        """Tell somebody of every new snapshot from now on."""
        with self._guard:
            self._listeners.append(listener)

    def close(self) -> None:
        """Fold the batches into records and let go of the folder."""
        with self._guard:
            for log in self._logs.values():
                log.close()
            self._logs.clear()
            if self._lock >= 0:
                os.close(self._lock)
            self._lock = -1

    def _tell(self, snapshot: Snapshot) -> None:
        if self._told.get(snapshot.zone) is snapshot:
            return
        self._told[snapshot.zone] = snapshot
        for listener in self._listeners:
            listener(snapshot)

    def _log(self, zone: Zone) -> ZoneLog:
        if not is_name(zone.name):
            raise InvalidRequestError(f"{zone.name!r} is not a zone's name", system=SYSTEM)
        self._hold()
        if zone not in self._logs:
            self._logs[zone] = ZoneLog(self._folder, zone, self._fold_above)
        return self._logs[zone]

    def _hold(self) -> None:
        """Have the folder to ourselves: what we know of a zone must be what its file says."""
        if self._lock >= 0:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            message = f"the folder of zones {self._folder} cannot be used: {exc.strerror}"
            raise ServerError(message, system=SYSTEM) from exc
        try:
            self._lock_by(lock, self._clock() + self._wait)
        except BaseException:
            # Whoever waits may be told to stop.
            os.close(lock)
            raise
        self._lock = lock
        with suppress(OSError):
            # Only for what the next one is told; a full disk has no room for it.
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)

    def _lock_by(self, lock: int, until: float) -> None:
        """Lock the folder before that time; BusyError when somebody else keeps it."""
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                left = until - self._clock()
                if left > 0:
                    self._sleep(min(LOOK_AGAIN, left))
                    continue
                holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
                raise BusyError(
                    f"another process{f' ({holder})' if holder else ''} has the zones in "
                    f"{self._folder}",
                    system=SYSTEM,
                    hint="stop it first, or give this one a folder of its own",
                ) from exc
            return
