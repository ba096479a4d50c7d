"""A socket on which our own hooks speak: who may, how much, and what they are answered."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hook.gate.script import END, LISTENER, PARTS, QUARANTINE, SOCKET
from toolkit.serving.bounded import bounded

LONGEST = 1000
"""Characters of a line that is said to the pusher."""
PART = 4096
"""Bytes of one text in front of the ref lines."""
LINE = 600
"""Bytes of one ref line: two IDs and a name that we take have half of it."""
PATIENCE = 60.0
"""Seconds for a hook to send, or to take, a piece: it waits for nobody else."""
BACKLOG = 64
_CREDENTIALS = struct.Struct("3i")


class GoneError(Exception):
    """The hook at the other end has ended: git was killed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a hook said."""

    nonce: str
    hook: str
    pid: int
    environ: dict[str, str]
    """Git's variables of the quarantine; empty texts are left out."""
    lines: bytes
    """All ref lines; empty where they were too many."""
    count: int
    """How many there are."""


Say = Callable[[str], None]
"""Say one line to the pusher; GoneError."""

Answer = Callable[[Heard, Say], int]
"""What the hook is to exit with; on a thread of its own."""


class Ears:
    """Listens; one thread for who comes, one for each that speaks."""

    def __init__(
        self,
        folder: Path,
        answer: Answer,
        *,
        refs: int,
        on_bug: Callable[[BaseException], None],
        user: int | None = None,
    ):
        """`refs`: lines that are kept. `user`: who may speak; None: whoever this process is."""
        self._folder = folder
        self._answer = answer
        self._most = (refs + 1) * LINE
        self._on_bug = on_bug
        self._user = os.geteuid() if user is None else user
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Listen in the folder; OSError."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            (self._folder / SOCKET).unlink(missing_ok=True)
            # By the folder's number: its path may be longer than an address may be.
            number = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                listener.bind(f"/proc/self/fd/{number}/{SOCKET}")
            finally:
                os.close(number)
            (self._folder / SOCKET).chmod(0o600)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        self._listener = listener
        threading.Thread(target=self._listen, args=(listener,), name="gate", daemon=True).start()

    def close(self) -> None:
        """Listen no more; who speaks now is heard to the end."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            with contextlib.suppress(OSError):
                (self._folder / SOCKET).unlink()

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                hook, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(hook,), name="push", daemon=True).start()

    def _attend(self, hook: socket.socket) -> None:
        with hook:
            hook.settimeout(PATIENCE)
            with contextlib.suppress(GoneError):
                heard = self._hear(hook)
                code = 1
                try:
                    if heard is not None:
                        code = self._answer(heard, lambda line: _say(hook, line))
                except GoneError:
                    return
                except Exception as exc:  # noqa: BLE001  the push is refused, the log knows why
                    self._on_bug(exc)
                    _say(hook, "an error of the server's own; its log has the place")
                if heard is None or heard.hook != LISTENER:
                    _send(hook, f"{END}{code}\n".encode())

    def _hear(self, hook: socket.socket) -> Heard | None:
        """Everything it has to say; None when it may not speak, or does not speak as ours do."""
        data = hook.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, _ = _CREDENTIALS.unpack(data)
        allowed = user == self._user
        head, rest, count, whole = bytearray(), bytearray(), 0, True
        try:
            while piece := hook.recv(65536):
                if not allowed:
                    continue  # heard out, because an answer to who still speaks would be lost
                if head.count(0) < PARTS:
                    head += piece
                    parts = bytes(head).split(b"\0", PARTS)
                    if len(parts) <= PARTS:
                        allowed = len(head) <= PARTS * PART
                        continue
                    head, piece = head[: len(head) - len(parts[PARTS])], parts[PARTS]
                count += piece.count(b"\n")
                if whole and len(rest) + len(piece) <= self._most:
                    rest += piece
                else:
                    whole, rest = False, bytearray()
        except OSError as exc:
            raise GoneError from exc
        texts = [part.decode(errors="surrogateescape") for part in bytes(head).split(b"\0")[:-1]]
        if not allowed or len(texts) != PARTS or not texts[2].isdecimal():
            return None
        environ = dict(zip(QUARANTINE, texts[3:], strict=True))
        said = {name: text for name, text in environ.items() if text}
        return Heard(texts[0], texts[1], int(texts[2]), said, bytes(rest), count)


def _say(hook: socket.socket, line: str) -> None:
    text = bounded(line, LONGEST)
    _send(hook, text.encode(errors="backslashreplace") + b"\n")


def _send(hook: socket.socket, data: bytes) -> None:
    try:
        hook.sendall(data)
    except OSError as exc:
        raise GoneError from exc
