"""The process of a tunnel: started, waited for until it stands, and certainly ended.

Between us and `ssh` stands a shell that holds our end of a pipe. When we close it, or are killed,
it ends the whole process group; when we say that the tunnel is to stay, it goes alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.clients.tunnel_command import READY
from toolkit.errors import UnreachableError

SYSTEM = "SSH"
TRIES = 3
"""Free ports: somebody may take one in the moment between the look and the use."""
ENDING = 3.0
"""Seconds that a process has to end when it is told to."""
_PAUSE = 0.02
_PROC = Path("/proc")
"""Linux; elsewhere `ps` is asked."""
_TAKEN = "Address already in use"
_WORDS = 400
"""Characters of what ssh said that go into an error: the last ones."""

# $1…: the command. Only it keeps our standard output, so that its end is an end of file.
_WATCH = """
"$@" </dev/null &
echo "pid $!"
exec >&-
read -r word || word=end
if [ "$word" != stay ]; then
  trap '' TERM
  kill -TERM 0
  wait
fi
"""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A SOCKS proxy on loopback, and the process that is it."""

    pid: int
    """Of ssh."""
    group: int
    """Of ssh and all that it started."""
    port: int

    @property
    def proxy(self) -> str:
        """As an `Endpoint` takes it; names are looked up at the other end."""
        return proxy_at(self.port)


def proxy_at(port: int) -> str:
    """The address of a SOCKS proxy on loopback."""
    return f"socks5h://127.0.0.1:{port}"


Command = Callable[[int], Sequence[str]]
"""The command line for a port on loopback."""


@contextlib.contextmanager
def held_tunnel(
    command: Command,
    *,
    environ: Mapping[str, str],
    log: Path,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Tunnel]:
    """A tunnel for the block; it ends with it, and with this process however that ends.

    `seconds` until it stands; `log`: a file for what ssh says. UnreachableError with ssh's own
    words when it does not stand, and in the place of another UnreachableError of the block when it
    ended meanwhile.
    """
    with _standing(command, environ, log, seconds, None, clock) as (_, tunnel):
        try:
            yield tunnel
        except UnreachableError as exc:
            if identity(tunnel.pid):
                raise
            raise UnreachableError(
                f"the tunnel ended: {last_words(log) or 'ssh said nothing'}",
                system=SYSTEM,
                hint="run the same command again",
            ) from exc
        finally:
            # What ssh itself started may take its time, or hear no SIGTERM.
            end_group(tunnel.group)


def kept_tunnel(
    command: Command,
    *,
    environ: Mapping[str, str],
    log: Path,
    seconds: float,
    port: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    record: Callable[[Tunnel], None],
) -> Tunnel:
    """A tunnel that stays when we are gone; `end_group` ends it.

    `port`: the one to have, if it is free. `record` is called before the tunnel is let go: when
    it fails, or we are killed before its end, the tunnel ends. UnreachableError as `held_tunnel`.
    """
    with _standing(command, environ, log, seconds, port, clock) as (watched, tunnel):
        record(tunnel)
        _tell(watched, b"stay\n")
        watched.wait(ENDING)
        return tunnel


def end_group(
    group: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """End all processes of a tunnel, and wait until they are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = clock() + ENDING
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            # One that somebody stopped hears nothing else.
            os.killpg(group, signal.SIGCONT)
        # Not our children: there is nothing to block on.
        while alive := runs(group):
            if clock() >= end:
                break
            sleep(_PAUSE)
        if not alive:
            return


def identity(pid: int) -> str:
    """What tells a process from a later one of its number; empty when it does not run."""
    if not _PROC.exists():
        asked = ["ps", "-p", str(pid), "-o", "lstart="]
        try:
            said = subprocess.run(asked, capture_output=True, timeout=ENDING, check=False)
        except (OSError, subprocess.SubprocessError):
            return ""
        return said.stdout.decode(errors="replace").strip()
    fields = _fields(str(pid))
    return fields[19] if fields else ""


def runs(group: int) -> bool:
    """Whether a process of the group runs; one that only waits to be taken note of does not."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if not _PROC.exists():
        return True
    numbers = (each.name for each in _PROC.iterdir() if each.name.isdigit())
    return any(fields[2] == str(group) for fields in map(_fields, numbers) if fields)


def _fields(number: str) -> list[str]:
    """What the kernel says of a process, from its state on; empty when it does not run."""
    try:
        fields = (_PROC / number / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []
    return [] if not fields or fields[0] in "ZX" else fields


def last_words(log: Path) -> str:
    """What ssh said last, on one line; empty when it said nothing."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    said = "; ".join(line.strip() for line in text.splitlines() if line.strip())
    return said if len(said) <= _WORDS else f"…{said[-_WORDS:]}"


def free_port() -> int:
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@contextlib.contextmanager
def _standing(
    command: Command,
    environ: Mapping[str, str],
    log: Path,
    seconds: float,
    port: int | None,
    clock: Callable[[], float],
) -> Iterator[tuple[subprocess.Popen[bytes], Tunnel]]:
    ports = [] if port is None else [port]
    end = clock() + seconds
    most = TRIES + len(ports)
    for attempt in range(most):
        chosen = ports.pop() if ports else free_port()
        with _watched(command(chosen), environ, log) as watched:
            pid = _await_ready(watched, end, clock)
            if pid is not None:
                yield watched, Tunnel(pid, watched.pid, chosen)
                return
            late = clock() >= end
        words = last_words(log)
        if late or _TAKEN not in words or attempt + 1 == most:
            why = f"no tunnel within {seconds:.0f} s" if late else "no tunnel"
            said = words or "ssh says nothing"
            raise UnreachableError(f"{why}: {said}", system=SYSTEM, hint=_hint(words))


@contextlib.contextmanager
def _watched(
    command: Sequence[str], environ: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The shell that watches the command; at the end of the block the group is gone, or let go."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        watched = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watch", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=handle,
            # The LocalCommand is run by this shell.
            env={**environ, "SHELL": "/bin/sh"},
            start_new_session=True,
        )
    finally:
        os.close(handle)
    try:
        yield watched
    finally:
        for pipe in (watched.stdin, watched.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            watched.wait(ENDING)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(watched.pid, signal.SIGKILL)
            watched.wait()


def _await_ready(
    watched: subprocess.Popen[bytes], end: float, clock: Callable[[], float]
) -> int | None:
    """The process id of ssh once the tunnel stands; None when it ended, or it is too late."""
    assert watched.stdout is not None  # noqa: S101 - it was asked for
    handle, said = watched.stdout.fileno(), b""
    while (left := end - clock()) > 0:
        if not select.select([handle], [], [], left)[0]:
            continue
        got = os.read(handle, 4096)
        if not got:
            return None
        said += got
        lines = said.decode(errors="replace").split("\n")[:-1]
        pids = [int(line[4:]) for line in lines if line.startswith("pid ")]
        if READY in lines and pids:
            return pids[0]
    return None


def _tell(watched: subprocess.Popen[bytes], word: bytes) -> None:
    assert watched.stdin is not None  # noqa: S101 - it was asked for
    watched.stdin.write(word)
    watched.stdin.flush()


def _hint(words: str) -> str:
    """What to do about what ssh, or the program that it goes through, says."""
    if "TargetNotConnected" in words:
        return "the machine's SSM agent does not answer: has it started, and a way out to SSM?"
    if "SessionManagerPlugin" in words:
        return "install session-manager-plugin"
    if "AccessDenied" in words or "not authorized" in words:
        return "the credentials need ssm:StartSession on the machine and AWS-StartSSHSession"
    if "Permission denied" in words:
        return (
            "the machine takes no key of EC2 Instance Connect for this user: --user says another,"
            " and the image needs the package ec2-instance-connect"
        )
    if "HOST IDENTIFICATION HAS CHANGED" in words or "Host key verification failed" in words:
        return "its host key is another than the first time: is it the machine that you mean?"
    return "`aws ssm start-session --target INSTANCE` by hand says more"
