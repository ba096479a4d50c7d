"""The server's end: start the zygote, have work done by a child, hear it, end it in time."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

from hook.children import wire
from hook.children.errand import End, Message, Result, Work
from hook.children.zygote import INTERRUPT, KILL, PRELOAD, READY
from toolkit.errors import ExitCode, UnavailableError

GRACE = 10.0
"""Seconds that an interrupted child has to say where it is; then it is killed."""
STARTING = 60.0
"""Seconds that the zygote has to import everything, on a machine with much else to do."""


class Stop:
    """Asks children to end, from any thread and also before they begin; one may be of many."""

    def __init__(self, grace: float | None = None) -> None:
        """`grace`: seconds that a child has to say where it is; 0: it is killed at once."""
        self.grace = GRACE if grace is None else grace
        self._lock = threading.Lock()
        self._set = False
        self._wakes: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """True once it was asked for."""
        return self._set

    def set(self) -> None:
        """Ask; a child's work sees a KeyboardInterrupt, and has `grace` seconds from then on."""
        with self._lock:
            self._set = True
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Meanwhile call `wake` when it is set, which may be now."""
        with self._lock:
            self._wakes.append(wake)
            late = self._set
        if late:
            wake()
        try:
            yield
        finally:
            with self._lock:
                self._wakes.remove(wake)


class Children:
    """Runs work in children, one for each call; calls come from many threads.

    Start it before the process has threads, sockets and secrets: `start` returns at once, and the
    first `run` waits for the imports.
    """

    def __init__(
        self,
        *,
        modules: Sequence[str] = PRELOAD,
        path: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ):
        """`modules`: what children find imported; `path`: where those are that no package has."""
        self._modules = json.dumps({"modules": list(modules), "path": list(path)})
        self._clock = clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._closed = False

    def start(self) -> None:
        """Begin to import what children need, in a process of its own."""
        with self._lock:
            self._begin()

    def close(self) -> None:
        """End the zygote and every child; those who wait for one are told that it died."""
        with self._lock:
            self._closed = True
            process, control = self._process, self._control
            self._process = self._control = None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(
        self,
        work: Work,
        *,
        memory: int,
        seconds: float,
        on_message: Callable[[Message], None] = lambda _message: None,
        stop: Stop | None = None,
    ) -> Result:
        """Have it done by a child of its own, and wait for its end; a thread of the caller's.

        `memory`: bytes. `on_message` is called on this thread, in order; what it raises ends the
        child and comes back out. UnavailableError when no child can be had.
        """
        channel, theirs = socket.socketpair()
        status, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with channel, status:
            with theirs, other:
                asked = json.dumps({"memory": memory, "seconds": seconds}).encode()
                self._fork(asked, (theirs.fileno(), other.fileno()))
            deadline = self._clock() + seconds  # not before: the first waits for all the imports
            one = _One(channel, status, self._clock, deadline, on_message)
            try:
                channel.settimeout(max(0.001, deadline - self._clock()))
                channel.sendall(wire.pack(work))
            except OSError:
                pass  # it is over, or gone: what follows finds out which
            channel.settimeout(None)
            stop = stop or Stop()
            with stop.waking(lambda: one.interrupt(stop.grace)):
                return one.wait(memory, seconds)

    def _fork(self, asked: bytes, numbers: tuple[int, int]) -> None:
        with self._lock:
            for _ in range(2):
                control = self._begin()
                if not self._ready:
                    self._ready = _is_ready(control)
                try:
                    if self._ready:
                        socket.send_fds(control, [asked], list(numbers))
                        return
                except OSError:
                    pass
                self._give_up()
        raise UnavailableError(
            "the server cannot start a process for this", hint="the server's log says why"
        )

    def _begin(self) -> socket.socket:
        if self._closed:
            raise UnavailableError("the server is stopping", after=5.0)
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-m", "hook.children.zygote"),
                    *(str(theirs.fileno()), self._modules),
                ],
                pass_fds=[theirs.fileno()],
                env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self._control, self._ready = ours, False
        return ours

    def _give_up(self) -> None:
        """The zygote is gone, or as good as: the next one begins anew."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _is_ready(control: socket.socket) -> bool:
    control.settimeout(STARTING)
    try:
        return control.recv(16) == READY
    except OSError:
        return False
    finally:
        control.settimeout(None)


class _One:
    """The wait for one child."""

    def __init__(
        self,
        channel: socket.socket,
        status: socket.socket,
        clock: Callable[[], float],
        deadline: float,
        on_message: Callable[[Message], None],
    ):
        self._channel = channel
        self._status = status
        self._clock = clock
        self._deadline = deadline
        self._on_message = on_message
        self._lines = wire.Lines()
        self._last: dict[str, Any] | None = None
        self._ended: int | None = None
        self._failed = ""
        self._broken = False
        self._why: End | None = None
        """Why it was killed, or asked to end."""

    def interrupt(self, grace: float) -> None:
        """Ask it to end, within so many seconds; called from another thread."""
        with contextlib.suppress(OSError):
            self._status.send(INTERRUPT if grace > 0 else KILL)
        if self._why is None:
            self._why = "stopped"
            self._deadline = min(self._deadline, self._clock() + grace)

    def wait(self, memory: int, seconds: float) -> Result:
        """Until it is buried."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._channel, selectors.EVENT_READ)
                selector.register(self._status, selectors.EVENT_READ)
                while self._ended is None and not self._failed:
                    self._turn(selector)
        except BaseException:
            self._kill()
            raise
        self._drain()
        return self._result(memory, seconds)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        # In slices: an interruption brings the deadline nearer while this thread waits.
        left = self._deadline - self._clock()
        found = selector.select(min(1.0, max(0.0, left)))
        for key, _ in found:
            if key.fileobj is self._status:
                self._hear_status()
            elif not self._hear():
                selector.unregister(self._channel)
        if left <= 0 and self._ended is None:
            self._why = self._why or "deadline"
            self._deadline = float("inf")
            self._kill()

    def _hear(self) -> bool:
        """Read what the child says; False when it says no more."""
        try:
            data = self._channel.recv(1 << 16)
        except OSError:
            return False
        try:
            for kind, message in self._lines.feed(data):
                if kind == "say" and isinstance(message, dict):
                    self._on_message(message)
                elif kind == "end" and isinstance(message, dict) and self._last is None:
                    self._last = message
        except wire.TooMuchError:
            self._broken = True
            self._kill()
            return False
        return bool(data)

    def _drain(self) -> None:
        """What it said before it ended and was not read yet; a child that is gone says no more."""
        self._channel.setblocking(False)
        while self._hear():
            pass

    def _hear_status(self) -> None:
        try:
            data = self._status.recv(4096)
        except ConnectionResetError:
            # It ended before a wish of ours was read; what it said of that is still to be had.
            data = self._status.recv(4096)
        said: dict[str, Any] = json.loads(data) if data else {"failed": "its parent is gone"}
        self._ended = said.get("ended")
        self._failed = str(said.get("failed", ""))

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            self._status.send(KILL)

    def _result(self, memory: int, seconds: float) -> Result:
        last = self._last or {}
        end: End | None = last.get("end") if last.get("end") in get_args(End) else None
        if self._why == "deadline" and (self._ended != 0 or end is None):
            return Result("deadline", message=f"was not done after {seconds:g} s")
        if self._broken:
            return Result("died", message="said more than it may, or not as it should")
        if end == "memory":
            return Result("memory", message=f"needs more than {memory >> 20} MB of memory")
        if self._why == "stopped" and end in {None, "stopped"}:
            return Result("stopped", message="was stopped")
        if self._failed:
            return Result("died", message=f"could not be done: {self._failed}")
        if self._ended != 0 or end is None:
            return Result("died", message=f"ended without a result ({_how(self._ended)})")
        if end == "done":
            value = last.get("value")
            if isinstance(value, dict):
                return Result("done", value)
            return Result("died", message="ended with a result that is none")
        hint = last.get("hint")
        return Result(
            end,
            message=str(last.get("message", "")),
            hint=None if hint is None else str(hint),
            code=_code(last.get("code")),
            error=str(last.get("error", "")),
        )


def _code(number: object) -> ExitCode:
    try:
        return ExitCode(int(str(number)))
    except ValueError:
        return ExitCode.REFUSED


def _how(ended: int | None) -> str:
    if ended is None or ended >= 0:
        return f"exit code {ended}"
    return f"killed by {signal.Signals(-ended).name}"
