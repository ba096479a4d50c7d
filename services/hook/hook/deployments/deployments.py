"""All deployments of a server: begun, queued, followed, gone back to, repaired."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hook.deployments import choosing
from hook.deployments.book import Book
from hook.deployments.reconciling import Repos, reconcile
from hook.deployments.turn import Ending, Perform, Turn
from toolkit.errors import ToolkitError, UnavailableError
from toolkit.repos.record_logs import Logs, Place
from toolkit.repos.records import Records
from toolkit.serving.bounded import bounded
from toolkit.spec.deployment import Deployment, Kind, LogLine
from toolkit.spec.identity import Person
from toolkit.spec.repo import RefChange, Repo

if TYPE_CHECKING:
    from hook.who import Who

STOP = 15.0
"""Seconds that the server's end waits for deployments to let go of what they hold: more than a
child's grace, less than the task's `kill_timeout`."""

WAITING = 100
"""Deployments of a repository that wait for their turn; each has a token in memory."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    who: Who


@dataclass
class _Line:
    """Who waits for a repository, and who has the turn."""

    waiting: list[_Waiting] = field(default_factory=list)
    running: int | None = None
    thread: threading.Thread | None = None


class Deployments:
    """One for the process; for several threads."""

    def __init__(
        self,
        records: Records,
        logs: Logs,
        *,
        repos: Repos,
        perform: Perform,
        head: Callable[[Repo], str | None],
        hooks: Callable[[str], str] = lambda _repo: "",
        halt: Callable[[], None] = lambda: None,
        on_bug: Callable[[BaseException], None] = lambda _exc: None,
        on_end: Callable[[Deployment], None] = lambda _record: None,
        kept: int = choosing.KEPT,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ):
        """What it works with.

        `head`: the commit that a repository's deploy branch is at. `hooks`: the current version of
        a repository's hooks. `halt`: makes what is being performed end soon. `on_end`: told of each
        that came to its verdict, or needs a token. `kept`: deployments of a repository that are
        over.
        """
        self._records = records
        self._logs = logs
        self._repos = repos
        self._perform = perform
        self._head = head
        self._hooks = hooks
        self._halt = halt
        self._on_bug = on_bug
        self._now = now
        self._clock = clock
        self._book = Book(records, logs, kept=kept, on_end=on_end, now=now)
        self._lock = threading.RLock()
        self._lines: dict[str, _Line] = {}
        self._stopping = False

    # Looking.

    def get(self, repo: str, number: int) -> Deployment:
        """One record; AbsentError."""
        return self._records.get(repo, number)

    def all(self, repo: str) -> tuple[Deployment, ...]:
        """The records of a repository, the oldest first."""
        return self._records.all(repo)

    def follow(self, repo: str, number: int, after: int = 0) -> Iterator[LogLine]:
        """The log beyond the line number `after`, until the verdict or until a token is needed.

        Blocks the thread that asks. When it is over, `get` knows the state that it ended in.
        """
        self._records.get(repo, number)
        return self._logs.follow(repo, number, after)

    def is_live(self, repo: str, number: int) -> bool:
        """True while lines may come."""
        return self._logs.is_live(repo, number)

    def read(self, repo: str, number: int, place: Place) -> tuple[list[LogLine], Place]:
        """Some lines of a log from `place` on; does not block."""
        return self._logs.read(repo, number, place)

    def wait(self, repo: str, number: int, lines: int, seconds: float) -> None:
        """Block until a log has more than so many lines, or ends, or for so many seconds."""
        self._logs.wait(repo, number, lines, seconds)

    def busy(self, repo: str) -> int | None:
        """The deployment that is performed now, or else the first that waits."""
        with self._lock:
            line = self._lines.get(repo)
            if line is None or line.running is not None:
                return None if line is None else line.running
            return line.waiting[0].number if line.waiting else None

    def forget(self, repo: str) -> None:
        """Know nothing more of a repository: its folder was taken away."""
        self._records.forget(repo)

    # Pushes.

    def intend(
        self, repo: str, change: RefChange, who: Who, *, digest: str = "", hooks: str = ""
    ) -> str:
        """Keep, durable, what the push of `change` is about to do; the name for `begin` or `drop`.

        To be done before the ref moves: UnavailableError (the disk is full, the server stops)
        refuses the push.
        """
        self._check_open(repo)
        with _on_disk(repo):
            return self._records.intend(self._of_push(repo, change, who, digest, hooks))

    def drop(self, intent: str) -> None:
        """The ref did not move."""
        self._records.drop(intent)

    def begin(
        self,
        repo: str,
        change: RefChange,
        who: Who,
        *,
        digest: str = "",
        hooks: str = "",
        intent: str = "",
    ) -> Deployment:
        """The ref has moved: its record, durable, and a place in the queue.

        With an `intent` the record is what was intended. Also while the server stops: then the
        record waits for `resume`.
        """
        with self._lock:
            if intent:
                record = self._records.adopt(intent)
            else:
                record = self._records.add(self._of_push(repo, change, who, digest, hooks))
            return self._enqueue(record, who)

    def _of_push(
        self, repo: str, change: RefChange, who: Who, digest: str, hooks: str
    ) -> Deployment:
        at = self._now()
        return Deployment(
            id=0,
            repo=repo,
            commit=change.new,
            before=None if change.creates else change.old,
            pusher=_named(who),
            accessor=_accessor(who),
            hooks=hooks,
            digest=digest,
            created=at,
            changed=at,
        )

    # Asked for by name.

    def redeploy(self, repo: str, number: int | None, who: Who) -> Deployment:
        """The commit of a deployment (None: the latest) once more; the branch stays where it is."""
        with self._lock:
            self._check_open(repo)
            records = self._records.all(repo)
            of = choosing.latest(records, repo) if number is None else self.get(repo, number)
            return self._again(of, "redeploy", who)

    def rollback(self, repo: str, to: int | None, who: Who) -> Deployment:
        """The commit that was deployed before (or that of `to`); the branch stays where it is."""
        with self._lock:
            self._check_open(repo)
            if to is None:
                of = choosing.back_to(self._records.all(repo), repo)
            else:
                of = self.get(repo, to)
                choosing.check_took(of)
            return self._again(of, "rollback", who)

    def resume(self, repo: str, number: int, who: Who) -> Deployment:
        """Go on with a deployment that needs a token, with that of `who`."""
        with self._lock:
            self._check_open(repo)
            record = self.get(repo, number)
            choosing.check_resumable(record, self._records.all(repo))
            record = self._book.changed(record, "waiting", f"resumed by {_named(who)}")
            record = replace(record, resumed_by=_named(who))
            with _on_disk(repo):
                self._records.write(record)
            return self._enqueue(record, who, said=f"resumed by {_named(who)}")

    def _again(self, of: Deployment, kind: Kind, who: Who) -> Deployment:
        repo = self._repos.get(of.repo)
        at = self._now()
        record = Deployment(
            id=0,
            repo=repo.name,
            commit=of.commit,
            before=choosing.latest(self._records.all(repo.name), repo.name).commit,
            pusher=_named(who),
            accessor=_accessor(who),
            kind=kind,
            of=of.id,
            hooks=self._hooks(repo.name),
            created=at,
            changed=at,
        )
        with _on_disk(repo.name):
            record = self._records.add(record)
        joint = "to" if kind == "rollback" else "of"
        what = f"{kind} {joint} deployment {of.id}: {of.commit[:7]}"
        said = f"{what}, while {repo.branch} stays as it is"
        return self._enqueue(record, who, said=said)

    # The queue.

    def _enqueue(self, record: Deployment, who: Who, *, said: str = "") -> Deployment:
        repo, number = record.repo, record.id
        self._logs.open(repo, number)
        if said:
            self._book.say(record, said, stage="note")
        if self._stopping:
            self._book.need_token(record, "the server stops, so its turn does not come")
            return self.get(repo, number)
        line = self._lines.setdefault(repo, _Line())
        if self._order(repo) == "newest":
            for waiting in line.waiting:
                self._book.supersede(self.get(repo, waiting.number), number)
            line.waiting.clear()
        line.waiting.append(_Waiting(number, who))
        if line.running is not None:
            self._book.say(record, f"waits for deployment {line.running}", stage="hold")
        if line.thread is None:
            thread = threading.Thread(
                target=self._work, args=(repo, line), name=f"deploys-{repo}", daemon=True
            )
            # Where the machine has no thread left, the next push begins one for both.
            thread.start()
            line.thread = thread
        return record

    def _order(self, repo: str) -> str:
        try:
            return self._repos.get(repo).order
        except ToolkitError:
            return "queue"

    def _work(self, repo: str, line: _Line) -> None:
        while True:
            with self._lock:
                line.running = None
                if self._stopping or not line.waiting:
                    line.thread = None
                    return
                turn = line.waiting.pop(0)
                line.running = turn.number
            try:
                self._take_turn(repo, turn)
            except Exception as exc:  # noqa: BLE001  the next one has its turn all the same
                self._on_bug(exc)
                with contextlib.suppress(ToolkitError, OSError):
                    record = self.get(repo, turn.number)
                    self._book.end(record, Ending("unknown", "an error of our own"))

    def _take_turn(self, name: str, turn: _Waiting) -> None:
        record = self.get(name, turn.number)
        try:
            repo = self._repos.get(name)
        except ToolkitError as exc:
            self._book.end(record, Ending("refused", exc.message))
            return
        for each in self._records.all(name):
            if each.id < record.id and each.state == "needs-token":
                self._book.supersede(each, record.id)
        ending = self._perform(
            Turn(
                deployment=record,
                repo=repo,
                who=turn.who,
                say=lambda text, *, stage="", job="", at=None: self._book.say(
                    record, text, stage=stage, job=job, at=at
                ),
                reach=lambda state: self._book.reach(name, record.id, state),
                stopping=lambda: self._stopping,
            )
        )
        if ending.state == "needs-token":
            self._book.need_token(self.get(name, record.id), ending.sentence)
            return
        self._book.end(self.get(name, record.id), ending)

    # Beginning and end of the server.

    def reconcile(self) -> tuple[Deployment, ...]:
        """Repair what a crash left between refs, records and registrations; what was changed.

        To be called once, before the first push is taken.
        """
        with self._lock:
            return reconcile(self._book, self._repos, self._head, self._on_bug)

    def stop(self, *, patience: float = STOP) -> None:
        """Take no more turns, tell those under way to let go; what is open needs a token then."""
        with self._lock:
            self._stopping = True
            threads = []
            for repo, line in self._lines.items():
                for waiting in line.waiting:
                    self._book.need_token(
                        self.get(repo, waiting.number), "the server stopped before its turn came"
                    )
                line.waiting.clear()
                if line.thread is not None:
                    threads.append(line.thread)
        self._halt()
        deadline = self._clock() + patience
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock()))

    def _check_open(self, repo: str) -> None:
        if self._stopping:
            raise UnavailableError("the server stops, and begins no more deployments", after=5.0)
        line = self._lines.get(repo)
        if line is not None and len(line.waiting) >= WAITING:
            raise UnavailableError(
                f"{WAITING} deployments of {repo} wait already",
                after=60.0,
                hint=f"toolkit repo show {repo}; with --order newest only the last one waits",
            )


@contextlib.contextmanager
def _on_disk(repo: str) -> Iterator[None]:
    """What cannot be written down is not begun."""
    try:
        yield
    except OSError as exc:
        raise UnavailableError(
            f"no deployment of {repo} can be written down: {(exc.strerror or 'disk').lower()}; "
            "nothing was changed",
            after=60.0,
            hint="free some space on the hook server's disk",
        ) from exc


def _named(who: Who) -> str:
    return bounded(str(who.caller))


def _accessor(who: Who) -> str:
    return who.caller.accessor if isinstance(who.caller, Person) else ""
