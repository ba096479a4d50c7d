"""The process that children are forked from: everything imported, nothing known, one thread.

It is started with one socket. A message on it says what a child may use and brings two more
sockets: the child's channel, and the child's status, on which this process writes the child's id,
then how it ended, and on which a byte (or its end) asks for the child's end.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from hook.children import child
from hook.children.confine import Limits, adopt_orphans

READY = b"ready"
KILL, INTERRUPT = b"k", b"i"

PRELOAD = (
    "hook.children.*",
    "hook.gate.checking",
    "hook.deployments.deploying",
    "toolkit.workflows.stack.deploy",
    "toolkit.workflows.stack.look",
    "toolkit.views.stack",
    "encodings.idna",
    "encodings.ascii",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_32",
    "unicodedata",
    "stringprep",
    "concurrent.futures.thread",
    "html.entities",
    "zlib",
    # Much in these is imported by the function that needs it.
    "toolkit.rollout.*",
    "toolkit.render.*",
    "toolkit.config.*",
    "toolkit.spec.*",
    "jinja2.*",
    "hook.children.warm",
)
"""What children work with; `.*`: and everything in that room.

What is missing here would be imported in each of them, and could not be where another user may not
read Python's own files.
"""


class Running(NamedTuple):
    """A child that has not been buried."""

    pid: int
    status: socket.socket


def preload(modules: Sequence[str] = PRELOAD) -> None:
    """Import what children need; what is not there is not needed."""
    for name in modules:
        room = name.removesuffix(".*")
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.import_module(room)
            if not name.endswith(".*"):
                continue
            for each in pkgutil.walk_packages(found.__path__, f"{room}."):
                with contextlib.suppress(ImportError):
                    importlib.import_module(each.name)
    if (warm := sys.modules.get("hook.children.warm")) is not None:
        warm.warm()


class Zygote:
    """Forks children until the server is gone."""

    def __init__(self, control: socket.socket):
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, Running] = {}
        adopt_orphans()
        # A child's end wakes the wait through a pipe: a signal alone could come just before it.
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        """Until the other end of `control` is closed; every child then ends, too."""
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        with contextlib.suppress(OSError):  # a server that ended meanwhile is noticed below
            self._control.sendall(READY)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    self._take()
                elif key.fileobj == self._woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._bury()
                else:
                    self._obey(key.data)

    def _take(self) -> None:
        """Fork one child."""
        try:
            data, numbers, _, _ = socket.recv_fds(self._control, 4096, 2)
        except OSError:
            data, numbers = b"", []
        if not data or len(numbers) != 2:
            self._end()
        channel, status = (socket.socket(fileno=number) for number in numbers)
        try:
            pid = os.fork()
        except OSError as exc:
            _say(status, {"failed": os.strerror(exc.errno or 0)})
            channel.close()
            status.close()
            return
        if pid == 0:
            status.close()
            self._become_nobody()
            said = json.loads(data)
            child.main(channel, Limits(memory=said["memory"], seconds=said["seconds"]))
        channel.close()
        self._running[pid] = Running(pid, status)
        self._selector.register(status, selectors.EVENT_READ, pid)
        _say(status, {"pid": pid})

    def _become_nobody(self) -> None:
        """In a child: keep nothing through which it could be heard by the server, or by others."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        self._control.close()
        for number in (self._woken, self._wake):
            os.close(number)
        for each in self._running.values():
            each.status.close()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)

    def _obey(self, pid: int) -> None:
        """End a child, kindly or not, as the server asks for; its silence means not."""
        if (each := self._running.get(pid)) is None:
            return
        try:
            wish = each.status.recv(1)
        except OSError:
            wish = b""
        # Its number is its own until it is buried, so that nobody else can be hit.
        if wish == INTERRUPT:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            return
        _kill(pid)
        if not wish:
            self._selector.unregister(each.status)

    def _bury(self) -> None:
        """Say how children ended, after what they left in their group was killed."""
        for pid in tuple(self._running):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill(pid)
            _, status = os.waitpid(pid, 0)
            each = self._running.pop(pid)
            self._end_strays()
            with contextlib.suppress(KeyError):
                self._selector.unregister(each.status)
            _say(each.status, {"ended": os.waitstatus_to_exitcode(status)})
            each.status.close()

    def _end_strays(self) -> None:
        """End what a child left outside of its group: it is this process's by now."""
        while strays := _children() - self._running.keys():
            for pid in strays:
                _kill(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _end(self) -> NoReturn:
        for pid in self._running:
            _kill(pid)
        os._exit(0)


def _kill(pid: int) -> None:
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _children() -> set[int]:
    """Every process whose parent this one is; none where the kernel does not say."""
    try:
        said = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return set()
    return {int(pid) for pid in said.split()}


def _say(status: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        status.send(json.dumps(message).encode())


def main(number: int, modules: str) -> NoReturn:
    """Serve on the socket with that number; `modules`: what to import, and where it is."""
    # Held back, and not ignored: a child that is asked to end before it works hears of it then.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    said = json.loads(modules)
    sys.path += said["path"]
    preload(said["modules"])
    gc.collect()
    with contextlib.suppress(AttributeError):  # a C library that keeps nothing back
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()  # a child's collector need not touch, and so copy, what is here now
    Zygote(socket.socket(fileno=number)).serve()


if __name__ == "__main__":
    # Not this file a second time, as __main__: what is imported is what children share.
    from hook.children.zygote import main as serve

    serve(int(sys.argv[1]), sys.argv[2])
