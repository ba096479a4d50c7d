"""The hooks that git starts: they carry what git says to the server, and its answer to the pusher.

They are made anew at each start of the server, and tried: a folder from which nothing can be
executed would make git move refs without asking anybody.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

from toolkit.errors import AgentError
from toolkit.repos.files import make_folder, remove_tree

LISTENER = "post-receive"
"""The hook whose exit code git does not look at: it is told lines, and no code."""
HOOKS = ("pre-receive", LISTENER)
FOLDER, NONCE = "HOOK_GATE", "HOOK_NONCE"
"""Variables by which a hook finds the server."""
SOCKET = "gate.sock"
ALONE = 78
"""Exit code of a hook that nobody told where the server is."""

QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")

PARTS = 3 + len(QUARANTINE)
"""Texts in front of the ref lines, each with a NUL behind it: nonce, hook, process, quarantine."""

END = "\x01"
"""In front of the exit code, in the last line of an answer; no other line may hold it."""

# A shell, so that somebody who waits for a check, or for its turn, costs next to no memory.
WAIT = f"""\
while IFS= read -r line; do
  case $line in {END}*) exit "${{line#?}}";; esac
  printf '%s\\n' "$line" || exit 1
done
[ "$0" = {LISTENER} ] || echo "the server ended in the middle of this: toolkit repo show says more"
exit 1
"""

# Modules written in C alone: with anything more it would begin twice as late.
SCRIPT = f"""\
import _socket, os, sys

def main(hook):
    folder, nonce = os.environ.get("{FOLDER}", ""), os.environ.get("{NONCE}", "")
    if not folder or not nonce:
        return {ALONE}
    said = [nonce, hook, str(os.getpid())]
    said += [os.environ.get(name, "") for name in {QUARANTINE!r}]
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        os.chdir(folder)
        server.connect("{SOCKET}")
    except OSError:
        os.write(1, b"the server does not take pushes now: try again\\n")
        return 1
    try:
        server.sendall(b"".join(os.fsencode(text) + b"\\0" for text in said))
        while data := os.read(0, 65536):
            server.sendall(data)
        server.shutdown(_socket.SHUT_WR)
    except OSError:
        pass
    os.dup2(server.fileno(), 0)
    if hook == "{LISTENER}":
        try:
            os.execvp("cat", ["cat"])
        except OSError:
            pass
    os.execv("/bin/sh", ["sh", "-c", {WAIT!r}, hook])

sys.exit(main(sys.argv[1]))
"""


def install(folder: Path) -> Path:
    """Write the hooks below `folder`, which becomes the server's alone; the folder they are in.

    AgentError where they cannot be executed there.
    """
    make_folder(folder)
    folder.chmod(0o700)
    hooks = folder / "hooks"
    if hooks.exists():
        hooks.chmod(0o700)
    remove_tree(hooks)
    make_folder(hooks)
    script = hooks / "hook.py"
    script.write_text(SCRIPT)
    script.chmod(0o400)
    words = shlex.join([sys.executable, "-I", "-S", str(script)])
    for name in HOOKS:
        path = hooks / name
        path.write_text(f"#!/bin/sh\nexec {words} {name}\n")
        path.chmod(0o500)
    hooks.chmod(0o500)
    for name in HOOKS:
        _try(hooks / name)
    return hooks


def is_whole(hooks: Path) -> bool:
    """True while git would start both hooks; of one that it cannot start it asks nothing."""
    return all(os.access(hooks / name, os.X_OK) for name in HOOKS)


def _try(path: Path) -> None:
    code: int | str = "nothing"
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        code = subprocess.run(
            [path], env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        ).returncode
    if code != ALONE:
        raise AgentError(
            f"the hook {path.name} cannot be executed in the data folder ({code})",
            hint="the data folder must not be mounted with noexec; /bin/sh has to be there",
        )
