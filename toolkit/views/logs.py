"""One line that a task wrote."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import LogLine


def line(written: LogLine) -> str:
    """`5b2c90aa app  the line`."""
    return f"{written.prefix}  {written.text}" if written.prefix else written.text


def document(written: LogLine) -> dict[str, Any]:
    """The line for programs."""
    return {
        "schema": "toolkit.log/1",
        "allocation": written.allocation,
        "task": written.task,
        "source": written.source,
        "text": written.text,
    }
