"""One child: it gives up its rights, takes its work, does it, and says how it went."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hook.children import wire
from hook.children.confine import Limits, confine
from hook.children.errand import Errand, Message, Work
from toolkit.errors import ToolkitError

MESSAGE = 64 << 10
"""Characters of an error's message: a file can be wrong in very many places."""


def main(channel: socket.socket, limits: Limits) -> NoReturn:
    """Do the work that comes over `channel`, and end the process."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            confine(limits)
        except OSError as exc:
            channel.sendall(wire.line("end", {"end": "bug", "message": f"not confined: {exc}"}))
            os._exit(0)
        try:
            work = wire.receive(channel)
        except Exception as exc:  # noqa: BLE001  its place is all that the server's log can have
            end = _bug(exc)
        else:
            end = _done(work, channel)
        channel.sendall(wire.line("end", end))
    except BaseException:  # noqa: BLE001  there is nobody left to tell
        os._exit(1)
    # Threads that still wait for an answer must not keep the process.
    os._exit(0)


def _done(work: Work, channel: socket.socket) -> Mapping[str, Any]:
    lock = threading.Lock()

    def say(message: Message) -> None:
        data = wire.line("say", message)
        with lock:
            channel.sendall(data)

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        module, _, name = work.call.partition(":")
        function: Callable[[Errand], Message] = getattr(importlib.import_module(module), name)
        value = function(Errand(work.argument, work.token, work.tree, say))
    except MemoryError:
        return _no_memory()
    except KeyboardInterrupt:
        return {"end": "stopped"}
    except ToolkitError as exc:
        return {
            "end": "refused",
            "message": exc.message[:MESSAGE],
            "hint": exc.hint and exc.hint[:MESSAGE],
            "code": int(exc.code),
            "error": type(exc).__name__,
        }
    except Exception as exc:  # noqa: BLE001  its place helps, its text may hold anything
        if isinstance(exc, RuntimeError) and "start new thread" in str(exc):
            return _no_memory()  # for the thread's stack
        return _bug(exc)
    data = wire.line("end", value)
    if len(data) > wire.LAST - 64:
        return {"end": "bug", "message": f"a result of {len(data)} bytes"}
    return {"end": "done", "value": value}


def _no_memory() -> Mapping[str, Any]:
    gc.collect()
    return {"end": "memory"}


def _bug(exc: BaseException) -> Mapping[str, Any]:
    what = type(exc).__name__
    if isinstance(exc, ImportError) and exc.name:
        what += f" of {exc.name}"
    return {"end": "bug", "message": f"{what} at {_place(exc)}"}


def _place(exc: BaseException) -> str:
    """`module:line` of where it was raised."""
    at = exc.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None:
        return "an unknown place"
    name = at.tb_frame.f_globals.get("__name__", "?")
    return f"{name}:{at.tb_lineno} (Python {sys.version_info[0]}.{sys.version_info[1]})"
