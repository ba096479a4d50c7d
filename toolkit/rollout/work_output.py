"""What the tasks of work write, from the first byte to the last, as it comes.

Each task has two streams. While it runs a stream is followed on a thread; once it is dead another
thread takes over where that one is and reads what is left, until nothing more comes. A stream
knows how far it is in the log files that Nomad rotates, so that a lost connection costs nothing
but time, unless Nomad deleted a file meanwhile: then that is said.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout.work_inbox import BACKOFF, Inbox, Remark
from toolkit.rollout.world import World
from toolkit.spec.work import Stream, Written

FOLLOWED = 40
"""Streams followed at once: Nomad takes a hundred connections of one address. The others are read
when their task has ended."""
READ_AT_ONCE = 8
SETTLE = 0.6
"""Seconds without anything new after which a dead task's log is whole: Nomad's log collector
writes to its file ten times a second."""
STEP = 0.2
PATIENCE = 20.0
"""Seconds to try to read what is left of a stream while Nomad does not answer."""

Key = tuple[str, str, Stream]


@dataclass
class _Place:
    """How far a stream was read; touched under its lock only."""

    sizes: dict[int, int] = field(default_factory=dict)
    """Bytes read of each log file, by its number."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    """The task is dead: whoever follows leaves the rest to whoever reads it to the end."""
    followed: bool = False


class Outputs:
    """The streams of one work; used by the thread that takes from the inbox."""

    def __init__(self, world: World, inbox: Inbox, *, alone: bool) -> None:
        self._world, self._inbox, self._alone = world, inbox, alone
        self._places: dict[Key, _Place] = {}
        self._reading = threading.Semaphore(READ_AT_ONCE)
        self._followed = 0
        self.open: set[Key] = set()
        """Streams of which the end was not read yet."""

    def look(self, allocations: Iterable[dict[str, Any]]) -> None:
        """Follow what has started, and read to the end what is dead."""
        for raw in allocations:
            for task, state in (raw.get("TaskStates") or {}).items():
                if not state or str(state.get("StartedAt") or "0001-").startswith("0001-"):
                    continue
                for stream in ("stdout", "stderr"):
                    self._see((str(raw["ID"]), task, stream), dead=state.get("State") == "dead")

    @property
    def finishing(self) -> bool:
        """True while some stream of a dead task was not read to its end."""
        return any(self._places[key].over.is_set() for key in self.open)

    def close_up(self) -> None:
        """Nothing more will run: read every stream to its end."""
        for key in [key for key in self._places if key in self.open]:
            self._see(key, dead=True)

    def ended(self, piece: Written) -> bool:
        """Note the end of a stream; True when `piece` is one."""
        if piece.data:
            return False
        self.open.discard((piece.allocation, piece.task, piece.stream))
        return True

    def _see(self, key: Key, *, dead: bool) -> None:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place()
            self.open.add(key)
        if dead and not place.over.is_set():
            place.over.set()
            self._followed -= place.followed
            self._inbox.start(f"work-end-{key[0][:8]}", lambda: self._finish(key, place))
        elif not dead and not place.followed and self._followed < FOLLOWED:
            place.followed = True
            self._followed += 1
            self._inbox.start(f"work-{key[0][:8]}", lambda: self._follow(key, place))

    # On threads of their own.

    def _follow(self, key: Key, place: _Place) -> None:
        nomad, tries = self._world.nomad.clone(), 0
        try:
            while not (self._inbox.closed.is_set() or place.over.is_set()):
                try:
                    for number, data in self._frames(nomad, key, place, follow=True):
                        if not self._pass_on(key, place, number, data, following=True):
                            return
                        tries = 0
                except DeniedError as exc:
                    self._remark(key, f"may not be read: {exc.message}")
                    return
                except ApiError:
                    # Also "not started yet": the list of allocations may be ahead of the node.
                    tries += 1
                self._inbox.closed.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])
        finally:
            nomad.close()

    def _finish(self, key: Key, place: _Place) -> None:
        with self._reading:
            nomad = self._world.nomad.clone()
            try:
                self._read_rest(nomad, key, place)
            finally:
                nomad.close()
        self._inbox.put(Written(*key, b"", self._alone))

    def _read_rest(self, nomad: Nomad, key: Key, place: _Place) -> None:
        well = quiet = self._world.clock()
        while not self._inbox.closed.is_set():
            came, error = False, None
            try:
                for number, data in self._frames(nomad, key, place, follow=False):
                    came = came or bool(data)
                    if not self._pass_on(key, place, number, data, following=False):
                        return
            except (DeniedError, NotFoundError) as exc:
                self._remark(key, f"cannot be read: {exc.message}")
                return
            except ApiError as exc:
                error = exc
            now = self._world.clock()
            if error is None or came:
                well = now
            elif now - well > PATIENCE:
                self._remark(key, f"could not be read to its end: {error.message}")
                return
            if error is not None or came:
                quiet = now
            elif now - quiet >= SETTLE:
                return
            self._world.sleep(STEP)

    def _frames(
        self, nomad: Nomad, key: Key, place: _Place, *, follow: bool
    ) -> Iterator[tuple[int, bytes]]:
        """Pieces from where we are, each with the number of its file; heartbeats are empty."""
        offset, last = _offset(nomad, key, place)
        # An offset counts from the oldest file: in the first one it holds while that is kept.
        fresh = last == 0
        for file, data in nomad.log_frames(*key, offset=offset, follow=follow):
            number = _number(file) if data else last
            gone = data and fresh and number > 0 and _first(nomad, key) > 0
            fresh = fresh and not data
            if gone or number > last + 1:
                self._remark(key, "is not whole: Nomad deleted a log file before it was read")
            if gone:
                with place.lock:
                    place.sizes.clear()
                yield from self._frames(nomad, key, place, follow=follow)
                return
            last = number
            yield number, data

    def _pass_on(
        self, key: Key, place: _Place, number: int, data: bytes, *, following: bool
    ) -> bool:
        """Put one piece into the inbox; False when this thread has to stop."""
        with place.lock:
            if self._inbox.closed.is_set() or (following and place.over.is_set()):
                return False
            if data:
                place.sizes[number] = place.sizes.get(number, 0) + len(data)
                self._inbox.put(Written(*key, data, self._alone))
        return True

    def _remark(self, key: Key, text: str) -> None:
        allocation, task, stream = key
        self._inbox.put(Remark(f"{stream} of task {task} in {allocation[:8]} {text}"))


def _offset(nomad: Nomad, key: Key, place: _Place) -> tuple[int, int]:
    """Bytes from the start of what Nomad still keeps to where we are, and the file we are in.

    -1 where nothing was read yet.
    """
    with place.lock:
        sizes = dict(place.sizes)
    last = max(sizes, default=-1)
    first = _first(nomad, key) if last > 0 else 0
    return sum(size for number, size in sizes.items() if number >= first), last


def _first(nomad: Nomad, key: Key) -> int:
    """The number of the oldest log file that is kept."""
    with closing(nomad.log_frames(*key, follow=False)) as frames:
        return next((_number(file) for file, data in frames if data), 0)


def _number(file: str) -> int:
    """Of `alloc/logs/app.stdout.3`."""
    digits = file.rpartition(".")[2]
    return int(digits) if digits.isdigit() else 0
