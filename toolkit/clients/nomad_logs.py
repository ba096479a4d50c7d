"""Nomad: what a task wrote, the end of it or as it comes."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Literal

import requests

from toolkit.clients.errors_map import WIRE_ERRORS, from_exception, garbled
from toolkit.clients.nomad_watch import NomadWatch
from toolkit.clients.session import plain_timeout
from toolkit.errors import NotFoundError

LogKind = Literal["stdout", "stderr"]

_PIECE = 65536
_LONGEST_FRAME = 1 << 20
_QUIET_SECONDS = 30.0
"""Nomad sends a heartbeat each second into a followed log: this long without one, it is dead."""
_BEATS = 3
"""Heartbeats without a word before it is asked whether the task still runs."""


class NomadLogs(NomadWatch):
    """Calls about logs."""

    def logs(
        self, alloc_id: str, task: str, kind: LogKind = "stdout", *, last_bytes: int = 5000
    ) -> bytes:
        """The last bytes that the task wrote; empty when it has not started yet."""
        params = {
            "task": task,
            "type": kind,
            "origin": "end",
            "offset": last_bytes,
            "plain": "true",
            "follow": "false",
        }
        try:
            response = self._ask("client", "fs", "logs", alloc_id, params=params, stream=True)
        except NotFoundError as exc:
            if "not started" in exc.message:
                return b""
            raise
        with closing(response):
            return b"".join(self._pieces(response, last_bytes))[-last_bytes:]

    def follow_logs(
        self, alloc_id: str, task: str, kind: LogKind = "stdout", *, from_start: bool = False
    ) -> Generator[bytes, None, None]:
        """What the task writes, as it writes it, until the task ends or the caller stops.

        Starts with what is already there (`from_start`) or with what comes next.
        UnreachableError when the connection is lost.
        """
        params = {
            "task": task,
            "type": kind,
            "origin": "start" if from_start else "end",
            "offset": 0,
            "follow": "true",
        }
        response = self._ask(
            "client", "fs", "logs", alloc_id,
            params=params, stream=True, timeout=plain_timeout(_QUIET_SECONDS),
        )  # fmt: skip
        quiet = 0
        ended = False
        with closing(response):
            for data in self._frames(response):
                if data:
                    quiet, ended = 0, False
                    yield data
                elif ended:
                    return
                else:
                    # Nomad itself goes on for ever. After the word that the task has ended
                    # one more heartbeat must come without anything: what was left is then read.
                    quiet += 1
                    ended = quiet % _BEATS == 0 and self._has_ended(alloc_id, task)

    def _has_ended(self, alloc_id: str, task: str) -> bool:
        states = self.allocation(alloc_id).get("TaskStates") or {}
        return (states.get(task) or {}).get("State") == "dead"

    def _frames(self, response: requests.Response) -> Iterator[bytes]:
        """Payloads of the stream's JSON frames; a heartbeat is an empty one."""
        for frame in self.raw_frames(response):
            yield base64.b64decode(frame.get("Data") or "")

    def raw_frames(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """The stream's JSON frames as they came."""
        decoder = json.JSONDecoder()
        waiting = ""
        for piece in self._pieces(response, None):
            waiting += piece.decode("ascii", "replace")
            while waiting := waiting.lstrip():
                try:
                    frame, end = decoder.raw_decode(waiting)
                except ValueError as exc:
                    if len(waiting) > _LONGEST_FRAME or not waiting.startswith("{"):
                        raise garbled(self.endpoint, "is not a log", read=True).error from exc
                    break
                waiting = waiting[end:]
                yield frame

    def _pieces(self, response: requests.Response, limit: int | None) -> Iterator[bytes]:
        """Bytes as they arrive: `iter_content` would sit on them until a whole chunk is there."""
        read = 0
        try:
            while limit is None or read < limit:
                piece = response.raw.read1(_PIECE, decode_content=True)
                if not piece:
                    return
                read += len(piece)
                yield piece
        except WIRE_ERRORS as exc:
            raise from_exception(self.endpoint, exc, read=True).error from exc
