"""Telling others of the end of a rollout; what goes wrong with it is a remark and nothing more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from toolkit.clients.webhook import post
from toolkit.spec.notify import Notify

_LAST = 2000
"""Bytes of what a command wrote last, of which the last line is shown."""


def notify(
    wanted: Notify | None, document: Mapping[str, Any], *, proxy: str | None = None
) -> list[str]:
    """Tell the command and the webhook of `[notify]`, if it is about such a verdict; remarks.

    Takes no longer than the timeout for each of them. Never raises; Ctrl-C ends the telling.
    """
    if wanted is None or document["verdict"] not in wanted.on:
        return []
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    found = [f"nobody was notified: {name} is not set" for name in wanted.missing]
    try:
        if wanted.command and (why := _run(wanted, body)):
            found.append(f"the notify command {why}")
        # Without the token it asks for, the webhook would be knocked at in vain.
        if wanted.webhook is not None and not wanted.missing:
            token = wanted.token.reveal() if wanted.token else None
            url = wanted.webhook.reveal()
            if why := post(url, body, token=token, timeout=wanted.timeout, proxy=proxy):
                found.append(f"the webhook was not notified: {why}")
    except KeyboardInterrupt:
        found.append("notifying was interrupted; the verdict stands")
    return found


def _run(wanted: Notify, body: bytes) -> str | None:
    """Run the command with the report on its standard input; what went wrong, or None."""
    import tempfile  # takes longer than the rest of this module, and mostly nobody is notified

    with tempfile.TemporaryFile() as written:
        try:
            process = subprocess.Popen(
                wanted.command,
                stdin=subprocess.PIPE,
                # Standard output is the command's own report, standard error the talk of a rollout.
                stdout=subprocess.DEVNULL,
                stderr=written,
                cwd=wanted.folder,
                env=dict(wanted.environment),
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            return f"cannot be run: {getattr(exc, 'strerror', None) or exc}"
        try:
            process.communicate(body, timeout=wanted.timeout)
        except subprocess.TimeoutExpired:
            return f"did not end in {wanted.timeout:g} s and was killed"
        finally:
            if process.returncode is None:
                _kill(process)
        if process.returncode == 0:
            return None
        return f"failed: {_how(process.returncode)}{_last_line(written)}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _how(code: int) -> str:
    return f"exit {code}" if code > 0 else f"signal {-code}"


def _last_line(written: IO[bytes]) -> str:
    size = written.seek(0, os.SEEK_END)
    written.seek(max(size - _LAST, 0))
    lines = written.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f", {last[:200]}" if last else ""
