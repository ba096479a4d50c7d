"""The gate: pushes are admitted one by one, and their hooks find them by a nonce."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hook.gate import script
from hook.gate.checks import Checks
from hook.gate.ears import Ears, Heard, Say
from hook.gate.push import Deploys, Opens, Push, RunHooks
from hook.gate.slots import Slots, Turns
from toolkit.errors import UnavailableError
from toolkit.spec.hook import HookConfig
from toolkit.spec.repo import Repo

if TYPE_CHECKING:
    from hook.children.children import Children
    from hook.ledger import Ledger
    from hook.who import Who
    from toolkit.serving.log import Log

CHECKS = max(2, min(4, len(os.sched_getaffinity(0))))
"""Checks at once: each is a process that thinks, and has up to `check_memory`; more of them than
processors would only hold more memory."""
CHECKS_OF_ONE = CHECKS // 2


@dataclass(frozen=True, slots=True)
class Admitted:
    """A push that may come in."""

    environ: Mapping[str, str]
    """For git, and so for the hooks that it starts: where the server hears them, and a nonce."""
    hooks_path: Path
    """The folder of our hooks, for `-c core.hooksPath=…`."""


class Gate:
    """One for the process; `admit` never blocks, everything else happens on threads."""

    def __init__(
        self,
        config: HookConfig,
        data: Path,
        *,
        children: Children,
        opens: Opens,
        deploys: Deploys,
        run_hooks: RunHooks,
        version_of: Callable[[Repo], str],
        given: Callable[[Repo, str], dict[str, Any]],
        ledger: Ledger,
        log: Log,
        is_draining: Callable[[], bool] = lambda: False,
    ):
        """`data`: the server's folder. `version_of`: the digest of a repository's own hooks."""
        self.config = config
        self.checks = Checks(config, children)
        self.slots = Slots(CHECKS, CHECKS_OF_ONE)
        self.turns = Turns()
        self.opens = opens
        self.deploys = deploys
        self.run_hooks = run_hooks
        self.version_of = version_of
        self.given = given
        self.ledger = ledger
        self._log = log
        self._is_draining = is_draining
        self._folder = data / "gate"
        self._hooks = self._folder / "hooks"
        self._ears = Ears(self._folder, self._answer, refs=config.limits.refs, on_bug=self.bug)
        self._lock = threading.Lock()
        self._pushes: dict[str, Push] = {}
        self._closing: set[threading.Thread] = set()

    def open(self) -> None:
        """Install the hooks, try them, and listen; AgentError or OSError when that cannot be."""
        self._hooks = script.install(self._folder)
        self._ears.open()

    def leave(self) -> None:
        """End the checks that are under way: their pushes would be refused after them, too."""
        self.checks.stop()

    def close(self) -> None:
        """Hear no more hooks; waits for what pushes that ended have left to do."""
        self._ears.close()
        with self._lock:
            closing = tuple(self._closing)
        for thread in closing:
            thread.join()

    @contextlib.contextmanager
    def admit(
        self, repo: Repo, who: Who, source: str, arrived: Callable[[], None] = lambda: None
    ) -> Iterator[Admitted]:
        """Let a push come in, as long as git runs; UnavailableError when that cannot be.

        `source`: the address that it comes from. `arrived`: called when its refs have moved. The
        caller has seen to it that `who` may push.
        """
        self.check_open()
        if not script.is_whole(self._hooks):
            raise UnavailableError("the server's own hooks are not where they were", after=60.0)
        nonce = secrets.token_hex(32)
        push = Push(self, repo, who, source, arrived)
        with self._lock:
            self._pushes[nonce] = push
        environ = {script.FOLDER: str(self._folder), script.NONCE: nonce}
        try:
            yield Admitted(environ, self._hooks)
        finally:
            with self._lock:
                del self._pushes[nonce]
            self._close(push)

    def _close(self, push: Push) -> None:
        def work() -> None:
            try:
                push.close()
            except Exception as exc:  # noqa: BLE001  a thread's end is silent otherwise
                self.bug(exc)
            finally:
                with self._lock:
                    self._closing.discard(thread)

        thread = threading.Thread(target=work, name=f"closes-{push.repo.name}", daemon=True)
        with self._lock:
            self._closing.add(thread)
        thread.start()

    def _answer(self, heard: Heard, say: Say) -> int:
        with self._lock:
            push = self._pushes.get(heard.nonce)
        if push is None:
            say("no push of this name is under way")
            return 1
        return push.answer(heard, say)

    # What a push needs of the process.

    def check_open(self) -> None:
        """UnavailableError when no more pushes are taken."""
        if self._is_draining():
            raise UnavailableError("the server is stopping and takes no more pushes", after=5.0)

    def bug(self, exc: BaseException) -> None:
        """Log an error of our own."""
        self._log.bug(exc)

    def fault(self, repo: str, message: str) -> None:
        """Log that a child broke."""
        self._log.say("check", repo=repo, fault=message)

    def ended(self, repo: str, who: str, source: str, result: str) -> None:
        """Log how a push ended."""
        self._log.say("push", repo=repo, who=who, source=source, result=result)
