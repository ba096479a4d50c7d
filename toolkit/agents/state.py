"""Files of the local agents: written by rename, readable by their owner only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.agents.layout import Layout
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.agents import AgentState


def prepare_folder(layout: Layout) -> None:
    """Make the folder of the local agents, invisible to git; AgentError when that fails."""
    with explained(layout.dev):
        layout.dev.mkdir(parents=True, exist_ok=True, mode=0o755)
        ignore = layout.dev.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")


def read_state(layout: Layout) -> AgentState | None:
    """What was started; None when nothing was, or when the file does not say.

    AgentError when the file belongs to another user.
    """
    try:
        return AgentState.from_json(layout.state.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise AgentError(
            f"the local agents of {layout.root} belong to another user",
            hint=f"run this command as the owner of {layout.state}",
        ) from error
    except (ValueError, KeyError, TypeError):
        # Never half written by us; processes are found by their environment all the same.
        return None


def write_state(layout: Layout, state: AgentState) -> None:
    """Record what was started; AgentError when it cannot be written."""
    write_private(layout.state, state.to_json())


def forget_state(layout: Layout) -> None:
    """Nothing runs any more."""
    with explained(layout.dev):
        layout.state.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write by rename, mode 0600; AgentError when there is no room or no right."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with explained(path.parent):
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what a file system refuses in `folder` into an AgentError."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            reason, hint = "no space is left there", "make room on that disk"
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            reason = "it is read-only" if error.errno == errno.EROFS else "permission denied"
            hint = "make the folder writable for the user who runs toolkit"
        else:
            reason, hint = (error.strerror or str(error)).lower(), "see what is at that path"
        raise AgentError(f"cannot write in {folder}: {reason}", hint=hint) from error


@contextlib.contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the project's lock; RefusedError when another command starts or stops agents there."""
    with contextlib.ExitStack() as stack:
        with explained(layout.dev):
            handle = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
        file = stack.enter_context(os.fdopen(handle, "r+"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"another toolkit dev command is at work in {layout.root}"
                f" (process {file.read().strip() or 'unknown'})",
                hint="wait until it has ended, or end it",
            ) from error
        with explained(layout.dev):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
