"""One git: started with list arguments, limited, drained, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from toolkit.errors import UnavailableError
from toolkit.repos import git

PIECE = 256 * 1024
"""Bytes that are read at once."""
_PIPE = 1 << 20
"""Bytes that a pipe to or from git holds: fewer turns for a large clone."""
_SAID = 2000
"""Bytes of git's standard error that are kept."""
_GRACE = 3.0
"""Seconds that git has to clean up after itself before it is killed."""


class Git:
    """A running git, for one exchange."""

    def __init__(self, process: asyncio.subprocess.Process, *, grace: float):
        assert process.stdin and process.stdout and process.stderr  # noqa: S101  all are pipes
        self._process, self._grace = process, grace
        self._stdin, self._stdout = process.stdin, process.stdout
        self._said = bytearray()
        self._listens = asyncio.create_task(self._listen(process.stderr))

    async def write(self, data: bytes) -> bool:
        """Hand it a piece, at the pace that it reads; False once it reads no more."""
        if self._stdin.is_closing():
            return False
        try:
            self._stdin.write(data)
            await self._stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def close_input(self) -> None:
        """Tell it that nothing more comes."""
        self._stdin.close()

    async def pieces(self) -> AsyncIterator[bytes]:
        """What it writes, as soon as it is there; until nobody of its group has its output open."""
        while piece := await self._stdout.read(PIECE):
            yield piece

    async def wait(self) -> int:
        """Its exit status, once its output has ended."""
        await asyncio.wait({self._listens})
        return await self._process.wait()

    @property
    def said(self) -> str:
        """The beginning of its standard error."""
        return self._said.decode(errors="backslashreplace").strip()

    def terminate(self) -> None:
        """Ask all of its group to end."""
        if self._process.returncode is None:  # else the number may be another's
            self._signal(signal.SIGTERM)

    async def end(self) -> None:
        """See that nothing of it is left."""
        try:
            if self._process.returncode is None:
                self.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._grace):
                        await self._process.wait()
        except asyncio.CancelledError:
            # The loop itself ends. Git still has the time to take its locks away.
            _outlast(self._process.pid, self._grace)
            raise
        finally:
            if self._process.returncode is None or not self._stdout.at_eof():
                self._signal(signal.SIGKILL)
            self._stdin.close()
            self._listens.cancel()
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(PIECE):
            self._said += piece[: _SAID - len(self._said)]


@contextlib.asynccontextmanager
async def started(
    git_dir: Path,
    words: Sequence[str],
    *,
    settings: Mapping[str, str],
    limited: Sequence[str],
    environ: Mapping[str, str],
    grace: float = _GRACE,
) -> AsyncIterator[Git]:
    """A git for the length of a block; afterwards none of its group is left.

    `settings` and `limited` as `toolkit.repos.git.command` takes them; `environ`: what it gets
    beside the scrubbed one. UnavailableError when it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *git.command(git_dir, words, settings=settings, limited=limited),
            env=git.environ(more=environ),
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=PIECE,
        )
    except OSError as error:
        raise UnavailableError(f"git could not be started: {error.strerror}") from error
    _widen(process)
    running = Git(process, grace=grace)
    try:
        yield running
    finally:
        # A request that is called off, twice even, must not leave a git behind.
        await asyncio.shield(asyncio.ensure_future(running.end()))


def _outlast(pid: int, seconds: float) -> None:
    """Wait until a process has ended, without a loop."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            select.select([handle], [], [], seconds)
        finally:
            os.close(handle)


def _widen(process: asyncio.subprocess.Process) -> None:
    transport = process._transport  # type: ignore[attr-defined]
    for number in (0, 1):
        pipe = transport.get_pipe_transport(number)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # It may have ended by now; and a kernel may say no: then it works slower.
            fcntl.fcntl(pipe.get_extra_info("pipe").fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
