"""The scripts of a repository, run at the four points that git has on a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hook.sandbox import account as accounts
from hook.sandbox.box import HOLDS, PROCESSES, Box, Ended, box, sweep
from hook.sandbox.view import make_view
from toolkit.errors import RefusedError, ToolkitError, UnavailableError
from toolkit.repos.bundles import Bundles
from toolkit.repos.git import Quarantine
from toolkit.repos.refs import read_lines
from toolkit.serving.bounded import bounded
from toolkit.spec.bundle import RUN, HookFile
from toolkit.spec.hook import HookLimits
from toolkit.spec.repo import RefChange, Repo

Say = Callable[[str], None]
"""Called with each line that a script writes: bounded, free of control characters."""

TOLD = (
    "TOOLKIT_COMMIT",
    "TOOLKIT_BRANCH",
    "TOOLKIT_PUSHER",
    "TOOLKIT_DEPLOYMENT",
    "TOOLKIT_VERDICT",
)
"""What callers may tell a script; everything else of an environment is dropped."""

AT_ONCE = 8
"""Hooks that run at once, of all repositories."""

REFUSING = frozenset({"pre-receive", "update"})


class Scripts:
    """Runs them; one for the process, used by several threads."""

    def __init__(
        self,
        bundles: Bundles,
        repos: Callable[[Repo], Path],
        limits: HookLimits,
        *,
        holds: frozenset[str] = HOLDS,
        clock: Callable[[], float] = time.monotonic,
    ):
        """`repos`: where a repository's data is (`Registry.path`).

        `holds`: what of the kernel is made use of, where it has it; a machine may have none of it.
        """
        self._holds = holds
        self._clock = clock
        self.bundles = bundles
        self._path = repos
        self._limits = limits
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._sweeping = threading.Lock()
        self._swept = False

    def why_not(self) -> str | None:
        """Why no script can run here, as a sentence; None when they can."""
        return accounts.why_not(self._limits)

    def run_hooks(
        self,
        repo: Repo,
        name: str,
        stdin: bytes,
        environ: Mapping[str, str],
        say: Say,
        *,
        version: str | None = None,
    ) -> int:
        """Run the hook `name` of the repository's current version; blocks until all of it ended.

        `stdin`: git's ref lines, for every hook: the arguments of `update` (which runs once for
        each line) and `post-update` are made from them. `environ`: of it count TOOLKIT_COMMIT,
        TOOLKIT_BRANCH, TOOLKIT_PUSHER, TOOLKIT_DEPLOYMENT and TOOLKIT_VERDICT, and before the ref
        moves GIT_OBJECT_DIRECTORY and GIT_ALTERNATE_OBJECT_DIRECTORIES (git's quarantine).
        `version`: a digest, where not the current one is meant but that of a deployment.

        Returns 0 also where there is no such hook. Anything else of `pre-receive` and `update`
        refuses the push; of the others it is worth a note; which of both is the caller's to say.
        Raises what `say` raises, with everything ended before.
        """
        try:
            files = self._files(repo, name, version)
            if not files:
                return 0
            why = self.why_not()
            if why is not None:
                raise RefusedError(why)
            self._sweep()
            return self._run(repo, name, files, read_lines(stdin), environ, say)
        except (ToolkitError, OSError) as exc:
            say(f"the {name} hook could not be run: {_told(exc)}")
            return 1

    def _files(self, repo: Repo, name: str, version: str | None) -> Sequence[HookFile]:
        """The files to run the hook with; none where it is not to run."""
        found = self.bundles.find(repo)
        # What somebody took off does not run any more, whichever version a push began with.
        if found is None or not found.current or name not in RUN or name in found.off:
            return ()
        files = self.bundles.files(repo, version or found.current)
        return files if any(each.path == name for each in files) else ()

    def _run(
        self,
        repo: Repo,
        name: str,
        files: Sequence[HookFile],
        changes: Sequence[RefChange],
        environ: Mapping[str, str],
        say: Say,
    ) -> int:
        limits = self._limits
        with (
            self._turn(),
            accounts.account(limits, wait=limits.seconds) as account,
            box(account, self._holds) as place,
        ):
            self._prepare(place, repo, name, files, changes, environ)
            told = {
                **{key: _flat(environ[key]) for key in TOLD if key in environ},
                "TOOLKIT_REPO": repo.name,
                "TOOLKIT_HOOK": name,
            }
            script = place.folder / "hooks" / name
            deadline = self._clock() + limits.seconds
            for arguments, given in _calls(name, changes):
                words = [*_interpreter(files, name), str(script), *arguments]
                # All calls of `update` together have the time of one.
                left = deadline - self._clock()
                ended = Ended("time")
                if left > 0:
                    own = replace(limits, seconds=left)
                    ended = place.run(name, words, told, given, own, say)
                code = _say_end(name, ended, limits, say)
                if code:
                    return code
        return 0

    def _prepare(
        self,
        place: Box,
        repo: Repo,
        name: str,
        files: Sequence[HookFile],
        changes: Sequence[RefChange],
        environ: Mapping[str, str],
    ) -> None:
        git_dir = self._path(repo)
        before = name in REFUSING
        quarantine = None
        if before and environ.get("GIT_OBJECT_DIRECTORY"):
            quarantine = Quarantine.of(environ, git_dir)
        place.fill(files)
        make_view(repo, git_dir, place.view, changes, moved=not before, quarantine=quarantine)
        place.hand_over()

    def _sweep(self) -> None:
        """Once, remove what a server that died has left."""
        with self._sweeping:
            swept, self._swept = self._swept, True
        if not swept:
            sweep()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._limits.seconds):
            raise UnavailableError("too many hooks run already", hint="push again in a while")
        try:
            yield
        finally:
            self._turns.release()


def _calls(name: str, changes: Sequence[RefChange]) -> Iterator[tuple[list[str], bytes]]:
    """Arguments and standard input of each call, as git makes them."""
    if name == "update":
        for each in changes:
            yield [each.name, each.old, each.new], b""
    elif name == "post-update":
        yield [each.name for each in changes], b""
    else:
        yield [], "".join(f"{each.old} {each.new} {each.name}\n" for each in changes).encode()


def _interpreter(files: Sequence[HookFile], name: str) -> list[str]:
    """What runs a script without a first line that says so: the shell, as git has it."""
    data = next(each.data for each in files if each.path == name)
    return [] if data.startswith((b"#!", b"\x7fELF")) else ["/bin/sh"]


def _say_end(name: str, ended: Ended, limits: HookLimits, say: Say) -> int:
    """The exit code that an end stands for, with a line about all that is not the script's own."""
    reason = {
        "time": f"it ran longer than {limits.seconds:g} s",
        "memory": f"it took more than {limits.memory >> 20} MiB of memory",
        "disk": "it wrote more than a hook may",
        "processes": f"it started more than {PROCESSES} processes",
        "server": "the server is stopping",
    }.get(ended.end)
    if reason is not None:
        say(f"the {name} hook was ended: {reason}")
        return 1
    if ended.end == "error":
        say(f"the {name} hook could not be run: {_flat(ended.why)}")
        return 1
    if ended.left:
        count = "1 process" if ended.left == 1 else f"{ended.left} processes"
        say(f"the {name} hook left {count} behind, ended with it")
    if ended.signal:
        say(f"the {name} hook was killed by signal {ended.signal}")
    return ended.code


def _flat(text: str) -> str:
    """Words of others in one line."""
    return bounded(text.replace("\0", " "), 1000)


def _told(exc: ToolkitError | OSError) -> str:
    if isinstance(exc, ToolkitError):
        return exc.message
    return exc.strerror or str(exc)
