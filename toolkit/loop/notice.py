"""Notices that files change: the only place that knows how the system tells.

Two watches. One looks into the watched folders; the other at the folders above them, without
looking into those, so that a watched folder that is deleted and made again is watched again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from toolkit.errors import RefusedError
from toolkit.loop.affected import affected
from toolkit.loop.settle import Settling

STEP = 0.03
"""Seconds without a change after which the changes so far are told."""
BATCH = 1.0
"""Seconds after which they are told although more come."""
TICK = 1.0
"""Seconds after which a watch that hears nothing asks whether it is still wanted."""
DELETED = 3
"""How watchfiles counts the kinds of change."""

Places = Mapping[str, Sequence[str]]
"""Job -> folders and files inside the project that concern it."""


class Inbox:
    """The change that has not been looked at yet; however long nobody looks, it is one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._news: Settling | None = None
        self._error: BaseException | None = None

    def put(self, jobs: frozenset[str], paths: int, *, silent: bool = False) -> None:
        """Paths that concern these jobs have changed, or may have, if `silent`."""
        with self._changed:
            self._news = self._news or Settling()
            self._news.note(jobs, paths, self._clock(), silent=silent)
            self._changed.notify()

    def fail(self, error: BaseException) -> None:
        """Nothing will be noticed any more."""
        with self._changed:
            self._error = error
            self._changed.notify()

    def take(self) -> Settling:
        """The next change, once it pauses; raises what keeps changes from being noticed."""
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                if self._news is None:
                    # A wait without an end is one that Ctrl-C ends only on some systems.
                    self._changed.wait(TICK)
                    continue
                wait = self._news.wait(self._clock())
                if wait <= 0:
                    news, self._news = self._news, None
                    return news
                self._changed.wait(wait)

    @property
    def waiting_since(self) -> float | None:
        """When the change was seen last that nobody has looked at; None: there is none."""
        with self._changed:
            return None if self._news is None else self._news.last


class Notice:
    """Watches places until closed; `watch` may be called again for others."""

    def __init__(self, root: Path, inbox: Inbox) -> None:
        self._root, self._inbox = root, inbox
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._places: Places = {}

    def watch(self, places: Places) -> None:
        """Watch these from now on, instead of what was watched.

        RefusedError where the system cannot watch that much, or a folder may not be read.
        """
        with self._lock:
            self._stop.set()
            self._stop = threading.Event()
            self._places = dict(places)
            self._begin(self._stop)

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            self._stop.set()

    def _begin(self, stop: threading.Event) -> None:
        wanted = outermost(place for each in self._places.values() for place in each)
        above = {str(parent) for place in wanted for parent in Path(place).parents} | {"."}
        while True:
            known = self._identities({*wanted, *above})
            inside = [place for place in wanted if known[place]]
            outside = sorted(place for place in above if known[place])
            notifies: list[RustNotify] = []
            try:
                notifies += [self._notify(outside, deep=False)]
                notifies += [self._notify(inside, deep=True)] if inside else []
            except FileNotFoundError:
                continue
            finally:
                same = known == self._identities(known)
                for notify in notifies if not same else ():
                    notify.close()
            # A folder that came or went before its watch began would never be told of.
            if same:
                break
        for notify, folders in zip(notifies, (known, None), strict=False):
            threading.Thread(
                target=self._follow,
                args=(notify, stop, folders),
                name="watch-inside" if folders is None else "watch-above",
                daemon=True,
            ).start()

    def _notify(self, places: Iterable[str], *, deep: bool) -> RustNotify:
        paths = [str(self._root / place) for place in places]
        try:
            # Permission errors ignored would mean the limits of the system ignored as well.
            return RustNotify(paths, False, False, 300, deep, False)
        except FileNotFoundError:
            raise
        except (OSError, WatchfilesRustInternalError) as exc:
            raise refusal(exc, [str(Path(path).relative_to(self._root)) for path in paths]) from exc

    def _follow(
        self,
        notify: RustNotify,
        stop: threading.Event,
        known: Mapping[str, tuple[int, int] | None] | None,
    ) -> None:
        try:
            while not stop.is_set():
                found = notify.watch(int(BATCH * 1000), int(STEP * 1000), int(TICK * 1000), stop)
                if isinstance(found, str):
                    continue
                self._tell({self._inside(path) for _, path in found})
                # A folder that was made again may have the number of the one that was deleted.
                gone = {self._inside(path) for kind, path in found if kind == DELETED}
                if known is not None and (gone & set(known) or known != self._identities(known)):
                    self._again(stop)
                    return
        except BaseException as exc:  # noqa: BLE001 - a loop that hears nothing must not go on
            if not stop.is_set():
                self._inbox.fail(exc)
        finally:
            notify.close()

    def _tell(self, paths: set[str]) -> None:
        jobs, number = affected(paths, self._places)
        if jobs:
            self._inbox.put(jobs, number)

    def _again(self, stop: threading.Event) -> None:
        """Watch anew, because folders are others than they were; all jobs may be concerned."""
        with self._lock:
            if stop.is_set():
                return
            stop.set()
            self._stop = threading.Event()
            self._begin(self._stop)
        # Only now: what changed before the new watch began is seen by a look after it.
        self._inbox.put(frozenset(self._places), 1, silent=True)

    def _identities(self, places: Iterable[str]) -> dict[str, tuple[int, int] | None]:
        """Which folder each place is: one of the same name may be another one; None: none."""
        return {place: _identity(self._root / place) for place in places}

    def _inside(self, path: str) -> str:
        return os.path.relpath(path, self._root)


def outermost(places: Iterable[str]) -> list[str]:
    """The places that lie in none of the others."""
    found = set(places)
    return sorted(
        place for place in found if not any(str(above) in found for above in Path(place).parents)
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if path.is_dir() else None


def refusal(error: Exception, places: Sequence[str]) -> RefusedError:
    """What the system will not do, in a sentence and a hint."""
    said, where = str(error), ", ".join(places)
    if "watch limit" in said or "No space left" in said:
        return RefusedError(
            f"{where} have more folders than this system lets one user watch",
            hint="sudo sysctl fs.inotify.max_user_watches=524288, or name narrower folders: "
            "[build] watch in the job file",
        )
    if "Too many open files" in said:
        return RefusedError(
            "this system lets one user watch no more: other programs watch already",
            hint="sudo sysctl fs.inotify.max_user_instances=512",
        )
    if isinstance(error, PermissionError) or "ermission denied" in said:
        return RefusedError(
            f"something in {where} may not be read, so it cannot be watched",
            hint="name narrower folders: [build] watch in the job file",
        )
    return RefusedError(f"{where} cannot be watched: {said.splitlines()[0]}")
