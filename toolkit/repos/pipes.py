"""Both ends of a process that reads and writes at once, with a deadline."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable

_SAID = 4096
"""Bytes of what a process says on its standard error that are kept."""
_CHUNK = 64 * 1024


class TooMuchError(Exception):
    """The process said more than it may."""


def exchange(
    process: subprocess.Popen[bytes],
    stdin: bytes,
    most: int,
    deadline: float,
    clock: Callable[[], float],
) -> tuple[bytes, bytes]:
    """What it says on its output and, cut, on its error output, once it has closed both.

    Written and read at once, so that neither side waits for the other. TimeoutError at the deadline
    of the clock, TooMuchError with more than `most` bytes; the process is the caller's to end.
    """
    assert process.stdin and process.stdout and process.stderr  # noqa: S101
    out, err, left = bytearray(), bytearray(), memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        if stdin:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while selector.get_map():
            remaining = deadline - clock()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in selector.select(remaining):
                if key.fileobj is process.stdin:
                    left = _write(key.fd, left)
                    if not left:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    out += data
                    if len(out) > most:
                        raise TooMuchError
                else:
                    err += data[: _SAID - len(err)]
    return bytes(out), bytes(err)


def await_exit(
    process: subprocess.Popen[bytes], deadline: float, clock: Callable[[], float]
) -> None:
    """Return when it has ended, and leave it to be waited for; TimeoutError at the deadline."""
    handle = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - clock())):
                raise TimeoutError
    finally:
        os.close(handle)


def _write(handle: int, left: memoryview) -> memoryview:
    """What is left after a write; nothing where the reader has gone: its status says why."""
    try:
        return left[os.write(handle, left[:_CHUNK]) :]
    except BrokenPipeError:
        return memoryview(b"")
    except BlockingIOError:
        return left
