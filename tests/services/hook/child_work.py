"""What children of tests do: each function is an errand."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hook.children.errand import Errand, Message

from toolkit.errors import ConfigError, DeniedError, ExitCode, Mistake, RefusedError


def echo(errand: Errand) -> Message:
    for number in range(3):
        errand.say({"number": number})
    return {"argument": errand.argument, "token": errand.token.reveal(), "tree": errand.tree.name}


def imported(errand: Errand) -> Message:
    """Every module that is there without having been asked for."""
    return {"modules": sorted(sys.modules)}


def unreadable(errand: Errand) -> Message:
    """Its own import fails where the code is not for everybody to read."""
    raise ModuleNotFoundError("/a/path/of/somebody", name="toolkit.some.room")


def refuse(errand: Errand) -> Message:
    raise RefusedError("line one\nline two", hint="do it")


def mistakes(errand: Errand) -> Message:
    raise ConfigError([Mistake("toolkit.toml", "stack", 3, "x" * 200)] * 1000)


def denied(errand: Errand) -> Message:
    raise DeniedError("no", system="Nomad", code=ExitCode.UNKNOWN)


def bug(errand: Errand) -> Message:
    raise ValueError("a secret of somebody's: " + errand.token.reveal())


def memory(errand: Errand) -> Message:
    return {"size": len(bytearray(int(errand.argument)))}


def stacks(errand: Errand) -> Message:
    """Threads until there is no memory for another one's stack."""
    gone = threading.Event()
    for _ in range(500):
        threading.Thread(target=gone.wait, daemon=True).start()
    return {}


def forever(errand: Errand) -> Message:
    errand.say({"pid": os.getpid()})
    while True:
        time.sleep(60)


def deaf(errand: Errand) -> Message:
    """Hears no interruption."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return forever(errand)


def kind(errand: Errand) -> Message:
    try:
        return forever(errand)
    except KeyboardInterrupt:
        return {"came": "so far"}


def leave(errand: Errand) -> Message:
    """A process of its own that would stay."""
    left = os.fork()
    if left == 0:
        time.sleep(600)
        os._exit(0)
    errand.say({"pid": left})
    return {}


def leave_far(errand: Errand) -> Message:
    """The same, in a session of its own and with a child of its own."""
    heard, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.fork()
        os.write(told, f"{os.getpid()} ".encode())
        time.sleep(600)
        os._exit(0)
    said = b""
    while said.count(b" ") < 2:
        said += os.read(heard, 100)
    for pid in said.split():
        errand.say({"pid": int(pid)})
    return {}


def thread_left(errand: Errand) -> Message:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return {}


def die(errand: Errand) -> Message:
    os.kill(os.getpid(), errand.argument)
    return {}


def leave_early(errand: Errand) -> Message:
    os._exit(errand.argument)


def chatter(errand: Errand) -> Message:
    while True:
        errand.say({"x": "y" * 100_000})


def long_line(errand: Errand) -> Message:
    errand.say({"x": "y" * (1 << 20)})
    return {}


def large_result(errand: Errand) -> Message:
    return {"x": "y" * (9 << 20)}


def forge(errand: Errand) -> Message:
    """Writes what it likes into its channel."""
    for number in range(3, 20):
        try:
            os.write(number, errand.argument)
        except OSError:
            continue
    return {}


def look(errand: Errand) -> Message:
    """What a child can see and do."""
    found: dict[str, Any] = {
        "environ": dict(os.environ),
        "user": os.getresuid(),
        "group": os.getresgid(),
        "groups": os.getgroups(),
        "session": os.getsid(0) == os.getpid(),
        "cwd": str(Path.cwd()),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": _open(),
        "argv": Path("/proc/self/cmdline").read_bytes().decode(),
        "status": _status(),
        "read": {},
        "written": {},
    }
    for path in errand.argument["read"]:
        found["read"][path] = _try(lambda path=path: Path(path).read_bytes())
    for path in errand.argument["write"]:
        found["written"][path] = _try(lambda path=path: Path(path).write_bytes(b"x" * 4096))
    return found


def _open() -> list[str]:
    """What the open files are; the one that lists them is gone by then."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(path.readlink()))
        except OSError:
            continue
    return sorted(found)


def _status() -> dict[str, str]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _try(work: Any) -> str:
    try:
        work()
    except OSError as exc:
        return str(exc.strerror)
    return "done"
