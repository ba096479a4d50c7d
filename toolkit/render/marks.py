"""Marks that travel inside the text while a template runs, and are gone afterwards.

A template's output is one stream of text. So that `layout` can tell the author's words from
values, and knows where each line came from, the stream carries marks made of control characters,
which no template may contain and no value can bring in (values travel as ASCII JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from toolkit.render.hcl import Hcl, NotHclError, plain

VALUE, VALUE_END = "\x01V\x1f", "\x02"
SOURCE, SOURCE_END, SOURCE_SPLIT = "\x03", "\x04", "\x1f"
CALL, CALL_END = "\x05", "\x06"

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters that a template may not contain."""

_TRACES = re.compile(f"{SOURCE}[^{SOURCE_END}]*{SOURCE_SPLIT}[0-9]+{SOURCE_END}|{VALUE}")


def mark_value(value: Any) -> Hcl:
    """A value on its way to the place that decides how it is written."""
    if isinstance(value, str) and _TRACES.search(value):
        raise NotHclError(
            "text that a macro made was changed by a filter or an operator;"
            " write it out by itself, unchanged"
        )
    return Hcl(f"{VALUE}{json.dumps(plain(value))}{VALUE_END}")


def read_value(text: str) -> Any:
    """The value back from what stands between `VALUE` and `VALUE_END`."""
    return json.loads(text)


def mark_call(text: str) -> Hcl:
    """A macro's output, so that its lines know the line that called it."""
    return Hcl(f"{CALL}{text}{CALL_END}")


def mark_lines(text: str, path: str, line: int) -> str:
    """Template text with each line's origin in front of it; `line` is where it starts."""
    return "".join(_marked(text, path, line))


def _marked(text: str, path: str, line: int) -> Iterator[str]:
    for offset, piece in enumerate(text.split("\n")):
        if offset:
            yield "\n"
        yield f"{SOURCE}{path}{SOURCE_SPLIT}{line + offset}{SOURCE_END}{piece}"


def read_source(text: str) -> tuple[str, int]:
    """Path and line from what stands between `SOURCE` and `SOURCE_END`."""
    path, line = text.split(SOURCE_SPLIT)
    return path, int(line)
