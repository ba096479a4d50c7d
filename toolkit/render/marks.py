"""Marks that travel inside the text while a template runs, and are gone afterwards.

A template's output is one stream of text. So that `layout` can tell the author's words from
values, and knows where each line came from, the stream carries marks. They are lone surrogates,
which are not text: no template can contain one (it would not be UTF-8), and a value that contains
one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from toolkit.render.hcl import Hcl, NotHclError, plain

VALUE, VALUE_END = "\ud801", "\ud802"
SOURCE, SOURCE_SPLIT, SOURCE_END = "\ud803", "\ud804", "\ud805"
CALL, CALL_END = "\ud806", "\ud807"
OPENING = VALUE + SOURCE + CALL + CALL_END
"""Every character that a mark can begin with."""

_ALL = frozenset(OPENING + VALUE_END + SOURCE_SPLIT + SOURCE_END)


def is_marked(text: str) -> bool:
    """True for text that came out of a template at least in part."""
    return not _ALL.isdisjoint(text)


def mark_value(value: Any) -> Hcl:
    """A value on its way to the place that decides how it is written."""
    if isinstance(value, str) and is_marked(value):
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
