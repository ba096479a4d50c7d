"""What the process says: a JSON object a line on standard output, one for each request.

Whatever came from others is bounded and freed of control characters here, once for all; tokens and
bodies are never handed to it.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from toolkit.serving.bounded import bounded

_ONE_AT_A_TIME = threading.Lock()


class Log:
    """Writes lines; for every thread."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.time):
        self._stream = stream
        self._now = now

    def say(self, event: str, **members: Any) -> None:
        """One line: the time, what happened, and members in the order given."""
        line = {"time": round(self._now(), 3), "event": event}
        line |= {key: _plain(value) for key, value in members.items() if value is not None}
        text = json.dumps(line, ensure_ascii=False)
        with _ONE_AT_A_TIME:
            stream = self._stream or sys.stdout
            stream.write(text + "\n")
            stream.flush()

    def bug(self, exc: BaseException, **members: Any) -> None:
        """An error of our own: its kind and the places it passed, never its words.

        What went wrong may have a token in its hands, and would quote it.
        """
        places = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(exc.__traceback__)
        ]
        self.say("bug", error=type(exc).__name__, places=" < ".join(reversed(places)), **members)


class Relay(logging.Handler):
    """What libraries warn of, as lines of ours: their own go to standard error as they please.

    Anybody may cause such a warning, without a token.
    """

    def __init__(self, log: Log):
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line; of an exception its kind and places alone."""
        exc = record.exc_info[1] if record.exc_info else None
        if exc is not None:
            self._log.bug(exc, library=record.name)
        else:
            self._log.say("warning", library=record.name, what=record.getMessage())


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return bounded(str(value))
