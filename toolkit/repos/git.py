"""Git, started so that nothing but our own words decides what it does.

No shell; words as a list; objects named by their full IDs; nothing of the caller's environment, of
the machine's or a person's configuration; no hooks but those that are meant; limits that hold for
every process that git starts; an end that does not wait for ever.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from toolkit.errors import RefusedError, UnavailableError
from toolkit.repos.names import show
from toolkit.repos.pipes import TooMuchError, await_exit, exchange
from toolkit.spec.hook import PushLimits

MINIMUM = (2, 36)
"""The first git whose `cat-file` takes questions of both kinds in one process."""

ENVIRON: Mapping[str, str] = MappingProxyType(
    {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": "/nonexistent",
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        # What refs/replace says would be read in place of what was checked.
        "GIT_NO_REPLACE_OBJECTS": "1",
        # Who a reflog says moved a ref; the record of the deployment knows who it was.
        "GIT_COMMITTER_NAME": "hook",
        "GIT_COMMITTER_EMAIL": "hook@localhost",
    }
)
"""All that git sees of the world; a repository's own variables are added to it."""

SETTINGS: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "credential.helper": "",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Packs are looked at through windows, so that a large one fits under the limit of memory.
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "128m",
    "core.bigFileThreshold": "16m",
    "core.deltaBaseCacheLimit": "32m",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
}
"""On every command line of git; what is said later on the line wins."""

OWN = "refs/toolkit"
"""Refs of the server's own, which nobody sees and no push moves."""

_NOT_FOUND = 127
"""Exit status of a launcher that finds no command."""
_VERSION = re.compile(rb"git version (\d+)\.(\d+)(?:\.(\d+))?")


class GitError(UnavailableError):
    """Git did not do what it was asked to: a damaged repository, no room, too slow."""

    def __init__(self, message: str, *, status: int | None = None, said: str = ""):
        """`status`: git's exit status; `said`: its standard error, bounded."""
        super().__init__(message, hint="try again; the server's log has more")
        self.status, self.said = status, said


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Where git keeps what a push brought until its refs move."""

    objects: str
    alternates: str

    @classmethod
    def of(cls, environ: Mapping[str, str], git_dir: Path) -> Quarantine:
        """What git told a hook of; RefusedError for folders outside of this repository."""
        objects = environ.get("GIT_OBJECT_DIRECTORY", "")
        own = git_dir.resolve() / "objects"
        found = Path(objects).resolve()
        if not objects or found.parent != own or not found.name.startswith(INCOMING):
            raise RefusedError(f"{show(objects) or 'nothing'} is not where a push is kept")
        # Git names further folders here only for repositories that borrow objects: ours do not.
        return cls(str(found), str(own))

    def environ(self) -> dict[str, str]:
        """The variables by which git sees these objects, and moves no ref."""
        return {
            "GIT_OBJECT_DIRECTORY": self.objects,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": self.alternates,
            "GIT_QUARANTINE_PATH": self.objects,
        }


INCOMING = ("tmp_objdir-", "incoming-")
"""How git calls the folder of a push; `incoming-` before 2.35."""


def push_settings(limits: PushLimits) -> dict[str, str]:
    """What a repository's configuration says of pushes and clones; may go on command lines too."""
    return {
        "transfer.fsckObjects": "true",
        "receive.fsckObjects": "true",
        "receive.maxInputSize": str(limits.pack_bytes),
        # One pack a push: its objects are counted at once, and none becomes a file of its own.
        "receive.unpackLimit": "1",
        "receive.denyDeleteCurrent": "refuse",
        "receive.advertisePushOptions": "false",
        "receive.autogc": "false",
        "receive.updateServerInfo": "false",
        "receive.shallowUpdate": "false",
        "transfer.hideRefs": OWN,
        "uploadpack.allowAnySHA1InWant": "false",
        "uploadpack.allowTipSHA1InWant": "false",
        "uploadpack.allowReachableSHA1InWant": "false",
        "uploadpack.allowFilter": "false",
        "core.logAllRefUpdates": "true",
        # A ref on the disk comes before the record of its deployment.
        "core.fsync": "committed,loose-object,reference",
        "gc.auto": "0",
        **SETTINGS,
    }


def limits(
    *,
    memory: int = 1 << 30,
    seconds: int = 600,
    file_bytes: int | None = None,
    files: int = 256,
    environ: Mapping[str, str] = ENVIRON,
) -> tuple[str, ...]:
    """The words before a command that set limits for it and for all that it starts.

    `memory`: bytes of address space. `seconds`: of the processor. `file_bytes`: of one file that is
    written. `files`: open at once. RefusedError where the machine has no `prlimit`.
    """
    found = shutil.which("prlimit", path=environ["PATH"])
    if found is None:
        raise RefusedError(
            "prlimit is not installed, and git is not started without limits",
            hint="install util-linux",
        )
    size = () if file_bytes is None else (f"--fsize={file_bytes}",)
    return (found, f"--as={memory}", f"--cpu={seconds}", f"--nofile={files}", "--core=0", *size)


def command(
    git_dir: Path,
    words: Sequence[str],
    *,
    settings: Mapping[str, str] | None = None,
    limited: Sequence[str] | None = None,
) -> list[str]:
    """The whole command line; `settings` over SETTINGS, `limited` as `limits()` makes it."""
    said = {**SETTINGS, **(settings or {})}
    return [
        *(limits() if limited is None else limited),
        "git",
        f"--git-dir={git_dir}",
        "--no-replace-objects",
        *(word for key, value in said.items() for word in ("-c", f"{key}={value}")),
        *words,
    ]


def environ(
    quarantine: Quarantine | None = None, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """ENVIRON, with what makes a push's objects visible."""
    return {**ENVIRON, **(quarantine.environ() if quarantine else {}), **(more or {})}


def run(
    git_dir: Path,
    words: Sequence[str],
    *,
    quarantine: Quarantine | None = None,
    stdin: bytes = b"",
    settings: Mapping[str, str] | None = None,
    limited: Sequence[str] | None = None,
    seconds: float = 30.0,
    most: int = 32 << 20,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """What git says on its standard output; GitError where it fails.

    It fails with an exit status, with more than `most` bytes, and after `seconds`; then git and all
    that it started are killed.
    """
    doing = f"git {words[0]}"
    process = start(
        git_dir, words, quarantine=quarantine, settings=settings, limited=limited, stderr=True
    )
    try:
        deadline = clock() + seconds
        out, err = exchange(process, stdin, most, deadline, clock)
        await_exit(process, deadline, clock)
    except TimeoutError as error:
        raise GitError(f"{doing} took too long") from error
    except TooMuchError as error:
        raise GitError(f"{doing} said more than {most:,} bytes") from error
    finally:
        status = end(process)
    if status:
        said = show(err.decode(errors="backslashreplace").strip(), 300)
        raise GitError(f"{doing} failed: {said or f'exit {status}'}", status=status, said=said)
    return out


def start(
    git_dir: Path,
    words: Sequence[str],
    *,
    quarantine: Quarantine | None = None,
    settings: Mapping[str, str] | None = None,
    limited: Sequence[str] | None = None,
    stderr: bool = False,
) -> subprocess.Popen[bytes]:
    """Start git in a process group of its own, with pipes; `stderr`: a pipe as well."""
    try:
        return subprocess.Popen(
            command(git_dir, words, settings=settings, limited=limited),
            env=environ(quarantine),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr else subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error


def end(process: subprocess.Popen[bytes]) -> int:
    """Kill what `start` started, and what that did, and close its pipes; its exit status.

    A process that has ended is killed as well: others of its group may go on. Until it is waited
    for, nobody else has its number; afterwards somebody may, and nothing is killed.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    status = process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    return status


def version(environ: Mapping[str, str] = ENVIRON) -> tuple[int, int, int]:
    """The version of the git that is started; RefusedError where it cannot be, with its limits."""
    try:
        said = subprocess.run(
            [*limits(environ=environ), "git", "version"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10.0,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        if error.returncode == _NOT_FOUND:
            raise RefusedError("git is not installed", hint="install git") from error
        raise RefusedError(f"git cannot be started: {show(error.stderr.strip())}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise RefusedError(f"git cannot be started: {show(str(error))}") from error
    found = _VERSION.match(said)
    if found is None:
        raise RefusedError(f"git says a version that cannot be read: {show(said)}")
    return int(found[1]), int(found[2]), int(found[3] or 0)


def check(environ: Mapping[str, str] = ENVIRON) -> None:
    """Raise RefusedError where git or what limits it is missing or too old."""
    found = version(environ)
    if found < MINIMUM:
        raise RefusedError(
            f"git {'.'.join(map(str, found))} is too old",
            hint=f"install git {'.'.join(map(str, MINIMUM))} or newer",
        )
