"""One push, from its first ref line to the end of its deployment's log."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hook.gate.checking import Checked
from hook.gate.checks import Checks
from hook.gate.ears import GoneError, Heard, Say
from hook.gate.slots import Slots, Turns
from toolkit.errors import RefusedError, ToolkitError, UnavailableError
from toolkit.repos import refs
from toolkit.repos.git import Quarantine
from toolkit.serving.bounded import bounded, unsecret
from toolkit.spec.audit import Result
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.hook import HookConfig
from toolkit.spec.repo import RefChange, Repo
from toolkit.spec.tree import Tree

if TYPE_CHECKING:
    from hook.ledger import Ledger
    from hook.who import Who

LINES = 200
"""Lines that one answer of ours has at most; a file can be wrong in very many places."""
WAITS = 4
"""Whole checks of others that a push waits for, at their slowest, before it is refused."""
TURN = 120.0
"""Seconds that a push waits for another one of the same repository to move its ref."""


class CheckedTree(Tree, Protocol):
    """A commit's files, and a walk that refuses what may not be deployed."""

    def check(self) -> object:
        """RefusedError: links, submodules, too many or too large files, odd paths."""


class Opens(Protocol):
    """What the gate asks of a repository's data; blocking."""

    def is_ancestor(self, repo: Repo, old: str, new: str, quarantine: Quarantine | None) -> bool:
        """True when everything that led to `old` also led to `new`."""

    def tree(
        self, repo: Repo, commit: str, quarantine: Quarantine | None
    ) -> AbstractContextManager[CheckedTree]:
        """The files of a commit."""

    def head(self, repo: Repo) -> str | None:
        """The commit that the deployed branch is at."""

    def path(self, repo: Repo) -> Path:
        """The bare repository."""


class Deploys(Protocol):
    """Deployments, as far as a push needs them."""

    def intend(
        self, repo: str, change: RefChange, who: Who, *, digest: str = "", hooks: str = ""
    ) -> str:
        """Keep what is about to be done, durable."""

    def drop(self, intent: str) -> None:
        """The ref did not move."""

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
        """The ref has moved."""

    def follow(self, repo: str, number: int, after: int = 0) -> Iterator[LogLine]:
        """The log, until it is over."""


RunHooks = Callable[[Repo, str, bytes, Mapping[str, str], Callable[[str], None]], int]
"""`Scripts.run_hooks`."""


class Parts(Protocol):
    """What a push works with: the gate."""

    config: HookConfig
    checks: Checks
    slots: Slots
    turns: Turns
    opens: Opens
    deploys: Deploys
    run_hooks: RunHooks
    version_of: Callable[[Repo], str]
    given: Callable[[Repo, str], dict[str, Any]]
    ledger: Ledger

    def bug(self, exc: BaseException) -> None:
        """Log an error of our own."""

    def fault(self, repo: str, message: str) -> None:
        """Log that a child broke."""

    def ended(self, repo: str, who: str, source: str, result: str) -> None:
        """Log how a push ended."""

    def check_open(self) -> None:
        """UnavailableError when no more pushes are taken."""


class Push:
    """What is known of one push; its hooks come one after the other, on threads of their own."""

    def __init__(
        self,
        gate: Parts,
        repo: Repo,
        who: Who,
        source: str,
        arrived: Callable[[], None] = lambda: None,
    ):
        self.repo = repo
        self._gate = gate
        self._who = who
        self._source = source
        self._arrived = arrived
        self._lock = threading.Lock()
        self._heard: set[str] = set()
        self._changes: tuple[RefChange, ...] = ()
        """All that were agreed to."""
        self._change: RefChange | None = None
        self._noted: list[str] = []
        """What the pusher was warned of."""
        self._intent = ""
        self._entry: Any = None
        self._accepted = False
        self._result = "not done"

    def answer(self, heard: Heard, say: Say) -> int:
        """What a hook of this push is to exit with; each speaks once, and in git's order."""
        with self._lock:
            again = heard.hook in self._heard
            self._heard.add(heard.hook)
        if again or heard.hook not in {"pre-receive", "post-receive"}:
            return 1
        if heard.hook == "pre-receive":
            return self._before(heard, say)
        return self._after(heard, say) if self._accepted else 1

    # Before the refs move.

    def _before(self, heard: Heard, say: Say) -> int:
        try:
            self._accept(heard, say)
        except ToolkitError as exc:
            self._refuse(exc, say)
            return 1
        self._accepted = True
        return 0

    def _accept(self, heard: Heard, say: Say) -> None:
        gate, repo = self._gate, self.repo
        gate.check_open()
        limits = gate.config.limits
        if heard.count > limits.refs:
            raise RefusedError(
                f"the push names {heard.count:,} refs, and {limits.refs:,} are the most",
                hint="push branches by their names, or in several pushes",
            )
        changes = refs.read_lines(heard.lines)
        aimed = next((each for each in changes if each.name == self._branch), None)
        if aimed is not None and not aimed.deletes:
            # At once: whoever pushes sees that somebody is there, long before there is a plan.
            say(f"{repo.name} {aimed.new[:7]} → checking")
        found = Quarantine.of(heard.environ, gate.opens.path(repo)) if heard.environ else None
        change = refs.judge(
            repo, changes, limits, lambda old, new: gate.opens.is_ancestor(repo, old, new, found)
        )
        checked = None
        if change is None:
            others = ", ".join(
                bounded(each.name.removeprefix(refs.HEADS), 60) for each in changes[:5]
            )
            verb = "is" if len(changes) == 1 else "are"
            say(f"{repo.name}: {others} {verb} not {repo.branch}, so that nothing is deployed")
        else:
            checked = self._check(change, found, say)
        self._run("pre-receive", heard, change, say)
        self._run("update", heard, change, say)
        self._write_down(changes, change, checked)

    @property
    def _branch(self) -> str:
        return f"{refs.HEADS}{self.repo.branch}"

    def _check(self, change: RefChange, quarantine: Quarantine | None, say: Say) -> Checked:
        gate, repo = self._gate, self.repo
        with gate.opens.tree(repo, change.new, quarantine) as tree:
            tree.check()
            patience = WAITS * gate.config.limits.check_seconds
            with gate.slots.take(str(self._who.caller), patience):
                checked = gate.checks.check(
                    tree,
                    self._who.token,
                    given=gate.given(repo, change.new),
                    on_fault=lambda message: gate.fault(repo.name, message),
                )
        say(f"{repo.name} {change.new[:7]} → plan: {self._clean(checked.sentence)}")
        self._noted = [self._clean(line) for line in checked.lines[:LINES]]
        for line in self._noted:
            say(f"note: {line}")
        return checked

    def _run(self, hook: str, heard: Heard, change: RefChange | None, say: Say) -> None:
        """The repository's own script of that name, which may say no."""
        said = {
            "TOOLKIT_BRANCH": self.repo.branch,
            "TOOLKIT_COMMIT": "" if change is None else change.new,
            "TOOLKIT_PUSHER": bounded(str(self._who.caller)),
            **heard.environ,
        }
        code = self._gate.run_hooks(self.repo, hook, heard.lines, said, say)
        if code:
            raise RefusedError(
                f"the hook {hook} of {self.repo.name} refused the push with exit code {code}",
                hint=f"toolkit hook show {self.repo.name}",
            )

    def _write_down(
        self, changes: Sequence[RefChange], change: RefChange | None, checked: Checked | None
    ) -> None:
        """The audit's entry, then the intent: both on disk before git moves anything."""
        gate, repo = self._gate, self.repo
        if change is not None:
            gate.turns.take(repo.name, self, TURN)
            at = gate.opens.head(repo)
            if at != (None if change.creates else change.old):
                raise RefusedError(
                    f"{repo.branch} moved to {(at or 'nothing')[:7]} during this push",
                    hint="git pull, then push again",
                )
        self._entry = gate.ledger.intend(
            "push", self._who.caller, repo.name, before=_olds(changes), after=_news(changes)
        )
        self._changes = tuple(changes)
        if change is None or checked is None:
            return
        try:
            self._intent = gate.deploys.intend(
                repo.name, change, self._who, digest=checked.digest, hooks=gate.version_of(repo)
            )
        except OSError as exc:
            raise UnavailableError(
                f"the server cannot write down what it would do: {exc.strerror}", after=30.0
            ) from exc
        self._change = change

    def _refuse(self, exc: ToolkitError, say: Say) -> None:
        gate, name = self._gate, self.repo.name
        gate.turns.leave(name, self)
        lines = [self._clean(line) for line in exc.message.splitlines()]
        if len(lines) > LINES:
            lines = [*lines[:LINES], f"… and {len(lines) - LINES} more lines"]
        # Where there is no room to write that nothing was done, nothing was done all the same.
        with contextlib.suppress(ToolkitError):
            detail = " · ".join(lines[:5])
            if self._entry is None:
                self._result = "refused"
                gate.ledger.note("push", self._who.caller, name, "refused", detail)
            else:
                self._conclude("refused", detail)
        with contextlib.suppress(GoneError):
            for line in lines:
                say(line)
            if exc.hint:
                say(f"hint: {self._clean(exc.hint)}")
            say(f"refused: {name} stays as it is")

    # After they moved.

    def _after(self, heard: Heard, say: Say) -> int:
        gate, repo = self._gate, self.repo
        self._arrived()
        moved = refs.read_lines(heard.lines)
        record = self._begin(moved)
        self._conclude(*self._outcome(moved))
        if record is None:
            self._run_after(heard, say)
            return 0
        say(f"deployment {record.id} of {repo.name} · toolkit repo log {repo.name} {record.id}")
        for line in gate.deploys.follow(repo.name, record.id):
            # The deployment plans again and warns of the same, for whoever reads its log alone.
            if f"{line.job}: {line.text}" not in self._noted:
                say(f"{line.job}  {line.text}" if line.job else line.text)
        return 0

    def _begin(self, moved: Sequence[RefChange]) -> Deployment | None:
        """The record, where the branch that is deployed is among what moved; once."""
        if (change := self._taken(lambda change: change in moved)) is None:
            return None
        return self._recorded(change)

    def _outcome(self, moved: Sequence[RefChange]) -> tuple[Result, str]:
        """Of what was agreed to, what git did: without `atomic` it may be a part."""
        done = [each.name for each in self._changes if each in moved]
        if len(done) == len(self._changes):
            return "done", ""
        if not done:
            return "not done", "git moved none of them"
        names = ", ".join(bounded(name, 60) for name in done[:5])
        return "done", f"in part: git moved {len(done)} of {len(self._changes)}, {names}"

    def _taken(self, fits: Callable[[RefChange], bool]) -> RefChange | None:
        """What was announced and not begun yet, for one thread alone."""
        with self._lock:
            change = self._change
            if change is None or not fits(change):
                return None
            self._change = None
            return change

    def _recorded(self, change: RefChange) -> Deployment:
        try:
            return self._gate.deploys.begin(self.repo.name, change, self._who, intent=self._intent)
        finally:
            self._gate.turns.leave(self.repo.name, self)

    def _run_after(self, heard: Heard, say: Say) -> None:
        """Of a push that deploys nothing; of others they run when the verdict is there."""
        for hook in ("post-receive", "post-update"):
            try:
                self._run(hook, heard, None, say)
            except ToolkitError as exc:
                say(f"note: {self._clean(exc.message)}")

    # The end.

    def close(self) -> None:
        """Git has ended, however that came: what is left open is closed. Blocking."""
        gate, repo = self._gate, self.repo
        change = self._taken(lambda _change: True)
        try:
            if change is None:
                self._conclude("unknown" if self._accepted else "not done", "git ended early")
            elif gate.opens.head(repo) == change.new:
                # Git moved the ref, and was ended before it could tell.
                self._recorded(change)
                others = len(self._changes) > 1
                self._conclude("done", f"in part: {self._branch} is sure" if others else "")
            else:
                gate.deploys.drop(self._intent)
                self._conclude("not done", "git did not move the ref")
        except (ToolkitError, OSError) as exc:
            gate.bug(exc)
        finally:
            gate.turns.leave(repo.name, self)
            gate.ended(repo.name, str(self._who.caller), self._source, self._result)

    def _conclude(self, result: Result, detail: str) -> None:
        with self._lock:
            entry, self._entry = self._entry, None
        if entry is not None:
            self._result = result
            self._gate.ledger.conclude(entry, result, detail)

    def _clean(self, text: str) -> str:
        """Text of others as one line: no control characters, and no token."""
        token = self._who.token.reveal()
        return bounded(unsecret(text.replace(token, "***") if token else text), 1000)


def _olds(changes: Sequence[RefChange]) -> dict[str, str]:
    return {bounded(each.name, 300): each.old for each in changes}


def _news(changes: Sequence[RefChange]) -> dict[str, str]:
    return {bounded(each.name, 300): each.new for each in changes}
