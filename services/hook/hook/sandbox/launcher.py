"""Starts one script as somebody else, watches it, and ends with the last of its processes.

A program of its own, of the standard library only (`python -I -S launcher.py FD`): it takes one
line of JSON from the socket FD, runs what it says with its own standard streams, and answers with
one line. The server's end of that socket closing is the order to end everything.

What ends with the script: every process that it started, whatever session or parent those gave
themselves. Where the kernel lets root make a process namespace, its end is theirs; elsewhere they
all come back to this process, which stops and kills whatever it finds until it has no child left.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Spec = dict[str, Any]

TICK = 0.1
"""Seconds between two looks at the memory of all processes together."""
DEEPEST = 64
"""Folders inside each other that a script may make: looking costs more with each."""
ENDING = 10.0
"""Seconds in which everything has to be gone after it was killed."""

_SUBREAPER, _PDEATHSIG, _NO_NEW_PRIVS = 36, 1, 38
_NEWNS, _NEWIPC, _NEWPID = 0x20000, 0x8000000, 0x20000000
_MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x4000, 0x40000, 2, 4, 8
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Run what the socket says; answer with how it ended."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    spec = json.loads(control.makefile("rb").readline())
    try:
        said = _run(spec, control)
    except OSError as exc:
        said = {"end": "error", "why": exc.strerror or str(exc)}
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(said).encode() + b"\n")


def _run(spec: Spec, control: socket.socket) -> Spec:
    _check(_libc.prctl(_SUBREAPER, 1, 0, 0, 0))
    os.umask(0o077)
    spaces = _NEWPID | _NEWIPC
    own = "namespace" in spec["holds"] and os.geteuid() == 0 and _libc.unshare(spaces) == 0
    back, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(back)
        control.close()
        _be_child(spec, told, own)
    os.close(told)
    end = _watch(child, spec, control)
    left = 0 if own else _end_all(child)
    if own:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with os.fdopen(back, "rb") as pipe:
        heard = json.loads(pipe.read() or b"{}")
    if end == "exit" and "status" not in heard:
        # Not knowing how a script ended is no success.
        heard.setdefault("why", "the process that started it died")
    if "why" in heard:
        return {"end": "error", "why": heard["why"]}
    return {
        "end": end,
        "status": heard.get("status", 0),
        "left": heard.get("left", left),
        "landlock": heard.get("landlock", 0),
        "namespace": own,
    }


def _be_child(spec: Spec, told: int, own: bool) -> None:
    """What the fork does; never returns. `told`: pipe on which it says how the script ended.

    With a namespace of its own it is the first process there, and everything ends with it.
    """
    try:
        _check(_libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        alone = own and _hide_others()
        gate, opened = os.pipe()
        script = os.fork()
        if script == 0:
            os.close(gate)
            _be_script(spec, opened)
        os.close(opened)
        with os.fdopen(gate, "rb") as pipe:
            ready = json.loads(pipe.read() or b'{"why": "it did not start"}')
        status = _wait_for(script)
        said = {**ready, "status": status}
        if own:
            _reap()
            there = sum(name.isdigit() for name in os.listdir("/proc"))  # noqa: PTH208
            said["left"] = there - 1 if alone else 0
        os.write(told, json.dumps(said).encode())
    except OSError as exc:
        os.write(told, json.dumps({"why": exc.strerror or str(exc)}).encode())
    finally:
        os._exit(0)


def _hide_others() -> bool:
    """Have a /proc of this namespace's processes alone, where the machine lets us.

    Mounts are this process' own: the one that watches goes on seeing all of the machine.
    """
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    try:
        _check(_libc.unshare(_NEWNS))
        _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
        _check(_libc.mount(b"proc", b"/proc", b"proc", flags, None))
    except OSError:
        return False
    return True


def _be_script(spec: Spec, opened: int) -> None:
    """Give up everything, then become the script; never returns."""
    try:
        os.setsid()
        with contextlib.suppress(OSError):
            # Where memory ends, a script goes before the server does.
            _write("/proc/self/oom_score_adj", "500")
        _limit(spec)
        if spec["uid"] is not None:
            os.setgroups([])
            os.setresgid(spec["gid"], spec["gid"], spec["gid"])
            os.setresuid(spec["uid"], spec["uid"], spec["uid"])
        _check(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
        # After the change of user, which takes it back.
        _check(_libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        landlock = _only_writes_below(spec["writable"]) if "landlock" in spec["holds"] else 0
        os.chdir(spec["folder"])
        for each in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(each, signal.SIG_DFL)
        os.write(opened, json.dumps({"landlock": landlock}).encode())
        os.set_inheritable(opened, False)
        os.closerange(opened + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        os.execve(spec["words"][0], spec["words"], spec["environ"])  # noqa: S606
    except OSError as exc:
        # After it was ready nothing is left that fails but the script's own beginning.
        os.write(2, f"{spec['name']}: {_no_interpreter(spec, exc)}\n".encode())
    finally:
        os._exit(126)


def _no_interpreter(spec: Spec, exc: OSError) -> str:
    said = exc.strerror or str(exc)
    if exc.errno not in (errno.ENOENT, errno.EACCES):
        return said
    with contextlib.suppress(OSError), open(spec["words"][0], "rb") as script:  # noqa: PTH123
        first = script.readline(200).decode(errors="replace").strip()
        if first.startswith("#!"):
            return f"{said}: {first[2:].strip()}"
    return said


def _limit(spec: Spec) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(spec["seconds"]) + 1,
        # Not RLIMIT_AS: runtimes reserve addresses that they never touch.
        resource.RLIMIT_DATA: spec["memory"],
        resource.RLIMIT_FSIZE: spec["disk"],
        resource.RLIMIT_NOFILE: spec["files"],
    }
    if spec["uid"] is not None:
        # Counted over all processes of the user: as the server's own it would count the server.
        limits[resource.RLIMIT_NPROC] = spec["processes"]
    for what, most in limits.items():
        hard = resource.getrlimit(what)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))
    os.nice(5)


def _watch(child: int, spec: Spec, control: socket.socket) -> str:
    """Wait for the end of the script, or of what it may use; says which it was."""
    began = time.monotonic()
    deadline = began + spec["seconds"]
    handle = os.pidfd_open(child)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(control, select.POLLIN)
    at_first = _size_of(spec["writable"], spec["entries"])[0]
    looked = began
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "time"
            ready = {number for number, _ in poll.poll(1000 * min(left, TICK))}
            if handle in ready:
                return "exit"
            if ready:
                return "server"
            # Below this process, not below the child: what lost its parent is here as well.
            below = [each for each in _descendants(os.getpid()) if each != child]
            if len(below) > spec["processes"]:
                # Elsewhere the kernel's own limit comes first.
                return "processes"
            if _memory_of(below, spec["memory"]) > spec["memory"]:
                return "memory"
            if time.monotonic() - looked >= spec["look"]:
                looked = time.monotonic()
                size, entries = _size_of(spec["writable"], spec["entries"])
                if size - at_first > spec["disk"] or entries >= spec["entries"]:
                    return "disk"
    finally:
        os.close(handle)


def _end_all(child: int) -> int:
    """Kill every descendant and reap it; how many there were beside the child.

    Ends when there is none left.
    """
    found: set[int] = set()
    deadline = time.monotonic() + ENDING
    while time.monotonic() < deadline and not _reap():
        here = _descendants(os.getpid())
        # Stopped first: what is stopped starts nothing while the others are found.
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            for each in here:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(each, sign)
        found |= set(here) - {child}
        time.sleep(0.001)
    return len(found)


def _reap() -> bool:
    """Take leave of every child that has ended; True when there is no other."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _wait_for(pid: int) -> int:
    """Reap whatever ends until `pid` did; its status."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def _descendants(root: int) -> list[int]:
    """All processes below `root`, as far as they do not change meanwhile."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123
                    below = [int(each) for each in file.read().split()]
                found += below
                waiting += below
    return found


def _memory_of(pids: list[int], most: int) -> int:
    """Bytes that all processes together hold; shared pages count once where it matters."""
    whole = sum(map(_resident, pids))
    if whole <= most:
        return whole
    # What may not be looked at so closely counts in full.
    return sum(_proportional(pid) or _resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    path = f"/proc/{pid}/statm"
    with contextlib.suppress(OSError, IndexError, ValueError), open(path, "rb") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()
    return 0


def _proportional(pid: int) -> int:
    path = f"/proc/{pid}/smaps_rollup"
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _size_of(folders: list[str], most: int) -> tuple[int, int]:
    """Bytes and entries below the folders; ends at `most` entries, or where they are too deep."""
    size = entries = 0
    waiting = [(each, 0) for each in folders]
    while waiting:
        folder, depth = waiting.pop()
        if depth > DEEPEST:
            return size, most
        with contextlib.suppress(OSError), os.scandir(folder) as found:
            for each in found:
                entries += 1
                if entries >= most:
                    return size, entries
                with contextlib.suppress(OSError):
                    info = each.stat(follow_symlinks=False)
                    size += info.st_blocks * 512
                    if stat.S_ISDIR(info.st_mode):
                        waiting.append((each.path, depth + 1))
    return size, entries


def _only_writes_below(folders: list[str]) -> int:
    """From now on write, make and remove files in these folders only; the kernel's version of it.

    0 where the kernel has no Landlock: then the user's permissions are all that holds.
    """
    version = _libc.syscall(444, None, 0, 1)
    if version < 1:
        return 0
    # Write, remove and make of every kind; links and moves between folders; truncation.
    writes = 0b1111111110010 | (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    # Signals and abstract sockets reach nobody outside.
    scoped = 0b11 if version >= 6 else 0
    sizes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}
    rules = struct.pack("QQQ", writes, 0, scoped)[: sizes.get(version, 24)]
    number = _libc.syscall(444, rules, len(rules), 0)
    if number < 0:
        return 0
    written = 1 << 1 | (1 << 14 if version >= 3 else 0)
    for path, allowed in (*((f, writes) for f in folders), *((d, written) for d in _DEVICES)):
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            _check(_libc.syscall(445, number, 1, struct.pack("=Qi", allowed, handle), 0))
            os.close(handle)
    _check(_libc.syscall(446, number, 0))
    os.close(number)
    return int(version)


_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
