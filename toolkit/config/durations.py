"""Durations as people write them: `500ms`, `5s`, `1m30s`, or a number of seconds."""

from __future__ import annotations

import math
import re
from typing import Any

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = 10 * 365 * 24 * 3600.0
HINT = 'write "500ms", "5s", "1m30s", "2h" or a number of seconds'

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", re.ASCII)


def parse_duration(value: Any) -> float:
    """Seconds that `value` stands for; ValueError with a reason when it is no duration."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a duration")
    try:
        seconds = _parse_text(value.strip()) if isinstance(value, str) else float(value)
    except OverflowError:
        seconds = math.inf
    if math.isnan(seconds):
        raise ValueError("must be a duration")
    if seconds < 0:
        raise ValueError("must not be negative")
    if seconds > LONGEST:
        raise ValueError("must not be longer than ten years")
    return seconds


def _parse_text(text: str) -> float:
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text, re.ASCII):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("must be a duration")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """`1m30s`, `5s`, `500ms`: the shortest spelling that `parse_duration` reads back."""
    if seconds == 0:
        return "0s"
    milliseconds = round(seconds * 1000)
    text = ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        whole, milliseconds = divmod(milliseconds, size)
        if whole:
            text += f"{whole}{unit}"
    return text or f"{seconds:g}s"
