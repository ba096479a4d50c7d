"""A private folder and an account for the scripts of one hook, and running one of them there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hook.sandbox.account import Account, end_all_of
from hook.sandbox.lines import Lines
from toolkit.errors import UnavailableError
from toolkit.spec.bundle import HookFile
from toolkit.spec.hook import HookLimits

PROCESSES = 128
"""Processes and threads of a script at once, where it is another user."""
DISK = 256 << 20
"""Bytes that a script may write in its folders."""
ENTRIES = 20_000
"""Files and folders there."""
LOOK = 1.0
"""Seconds between two looks at how much that is."""
FILES = 256
"""Open at once, of each process."""
LATE = 30.0
"""Seconds after a script's time in which the process that watches it has to be gone."""

FRESH = 60.0
"""Seconds in which a folder that nobody holds may be just being made."""

PREFIX = "toolkit-hook-"
PATH = "/usr/local/bin:/usr/bin:/bin"
_LAUNCHER = Path(__file__).with_name("launcher.py")

HOLDS = frozenset({"namespace", "landlock"})
"""What of the kernel holds a script beside its account and its limits, where there is such."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended."""

    end: str
    """`exit`; `time`, `memory`, `disk` or `processes` where that was used up; `server` where the
    server let go; `error` where it could not be started."""
    code: int = 0
    """Of an exit: the script's own, 128 and more for a signal."""
    signal: int = 0
    """That killed it."""
    left: int = 0
    """Processes that outlived it, and were ended."""
    why: str = ""
    namespace: bool = False
    """It had a process namespace of its own."""
    landlock: int = 0
    """Version of the kernel's Landlock that held it; 0 for none."""


@dataclass(frozen=True, slots=True)
class Box:
    """A folder for one run: `hooks` to read, `home`, `tmp` and `repo.git` to write."""

    folder: Path
    account: Account
    holds: frozenset[str] = HOLDS

    @property
    def view(self) -> Path:
        """The repository that the scripts see."""
        return self.folder / "repo.git"

    def fill(self, files: Sequence[HookFile]) -> None:
        """Put the files of a version there, for reading alone."""
        hooks = self.folder / "hooks"
        for each in files:
            path = hooks / each.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.data)
            path.chmod(0o555 if each.executable else 0o444)
        for folder, _, _ in os.walk(hooks):
            os.chmod(folder, 0o555)  # noqa: PTH101, S103
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(mode=0o700)

    def hand_over(self) -> None:
        """Make the script's user the owner of what it may write to."""
        uid, gid = self.account.uid, self.account.gid
        if uid is None or gid is None:
            return
        for name in ("home", "tmp", "repo.git"):
            for folder, _, files in os.walk(self.folder / name):
                os.chown(folder, uid, gid)
                for each in files:
                    os.chown(Path(folder) / each, uid, gid)

    def run(
        self,
        name: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        stdin: bytes,
        limits: HookLimits,
        say: Callable[[str], None],
    ) -> Ended:
        """Run one script to its end, and to that of everything that it started; blocks.

        Whatever `say` raises comes out, after everything was ended.
        """
        spec = {
            "name": name,
            "words": list(words),
            "environ": {**self._environ(), **environ},
            "folder": str(self.folder / "home"),
            "writable": [str(self.folder / each) for each in ("home", "tmp", "repo.git")],
            "uid": self.account.uid,
            "gid": self.account.gid,
            "seconds": limits.seconds,
            "memory": limits.memory,
            "disk": DISK,
            "entries": ENTRIES,
            "look": LOOK,
            "files": FILES,
            "processes": PROCESSES,
            "holds": sorted(self.holds),
        }
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_LAUNCHER), str(theirs.fileno())],
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(theirs.fileno(),),
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            try:
                ours.sendall(json.dumps(spec).encode() + b"\n")
                said = _hear(process, ours, Lines(limits.output), limits.seconds + LATE, say)
            except BaseException:
                # Its end of the socket closes, and it ends everything before it ends.
                ours.close()
                _leave(process)
                raise
            _leave(process)
        ended = _ended(said)
        if not ended.namespace:
            # Whoever watched it may have died first, or have been outrun.
            end_all_of(self.account)
        return ended

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": PATH,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "GIT_DIR": str(self.view),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "TOOLKIT_HOOKS": str(self.folder / "hooks"),
        }


@contextlib.contextmanager
def box(account: Account, holds: frozenset[str] = HOLDS) -> Iterator[Box]:
    """A folder that is gone afterwards, whatever a script made in it."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place()))
    except OSError as exc:
        raise UnavailableError(
            f"no folder could be made for the hooks: {exc.strerror or exc}",
            hint="look at the disk of the hook server",
        ) from exc
    try:
        with (folder / ".held").open("wb") as held:
            # Whoever finds the folder later sees by this whether its server still lives.
            fcntl.flock(held, fcntl.LOCK_EX)
            # Everybody sees its name: whoever is not the account goes no further.
            folder.chmod(0o700 if account.gid is None else 0o710)
            if account.gid is not None:
                os.chown(folder, -1, account.gid)
            (folder / "hooks").mkdir(mode=0o755)
            yield Box(folder, account, holds)
    finally:
        _remove(folder)


def place() -> Path:
    """Where private folders are: on the way to it nobody may be stopped."""
    for each in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        if all(above.stat().st_mode & stat.S_IXOTH for above in (each, *each.parents)):
            return each
    return Path("/tmp")  # noqa: S108


def sweep() -> int:
    """Remove the folders of servers that died; how many there were."""
    found = 0
    for folder in place().glob(f"{PREFIX}*"):
        # Anybody may have made something of this name: what is not ours is not even opened.
        with contextlib.suppress(OSError):
            info = folder.lstat()
            ours = stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid()
            if ours and time.time() - info.st_mtime >= FRESH:
                with (folder / ".held").open("rb") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(folder)
                    found += 1
    return found


def _remove(folder: Path) -> None:
    # Not by recursion of our own: a script may nest folders deeper than that goes.
    if os.geteuid() != 0:
        _quietly("chmod", "-R", "u+rwX", "--", str(folder))
    _quietly("rm", "-rf", "--", str(folder))


def _quietly(*words: str) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            words,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": PATH},
            timeout=120.0,
        )


def _hear(
    process: subprocess.Popen[bytes],
    control: socket.socket,
    lines: Lines,
    seconds: float,
    say: Callable[[str], None],
) -> bytes:
    """Say every line of the script, until its watcher has said how it ended."""
    assert process.stdout is not None  # noqa: S101
    deadline = time.monotonic() + seconds
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(control, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                process.kill()
                return b""
            for key, _ in selector.select(left):
                data = os.read(key.fd, 64 * 1024)
                if not data:
                    selector.unregister(key.fileobj)
                    if key.fileobj is control and not said:
                        # It died: nobody else would end the script, and the output with it.
                        return b""
                elif key.fileobj is control:
                    said += data
                else:
                    for line in lines.feed(data):
                        say(line)
    for line in lines.last():
        say(line)
    return bytes(said)


def _leave(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(LATE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _ended(said: bytes) -> Ended:
    try:
        found = json.loads(said)
        if found["end"] == "error":
            return Ended("error", why=str(found["why"]))
        status = int(found["status"])
        code = os.waitstatus_to_exitcode(status)
        return Ended(
            str(found["end"]),
            code if code >= 0 else 128 - code,
            signal=max(0, -code),
            left=int(found["left"]),
            namespace=bool(found["namespace"]),
            landlock=int(found["landlock"]),
        )
    except (ValueError, KeyError, TypeError):
        return Ended("error", why="the process that watched it died")
