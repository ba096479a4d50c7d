"""The line of a key in TOML text, for messages; tomllib parses but does not say where.

Exact for tables, dotted keys and arrays of tables; what is inside an inline table or an array has
the line at which its key starts. Expects text that tomllib accepts.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache

KeyPath = tuple[str | int, ...]
"""Keys from the top; an element of an array of tables by its index."""

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = re.compile(
    r"""[ \t]*(?:(?P<basic>"(?:[^"\\\n]|\\.)*")|'(?P<literal>[^'\n]*)'|(?P<bare>[A-Za-z0-9_-]+))"""
    r"""[ \t]*(?P<dot>\.?)"""
)
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?""""{0,2}'''
    r"""|\'\'\'.*?\'\'\'\'{0,2}"""
    r'''|"(?:\\.|[^"\\\n])*"'''
    r"""|'[^'\n]*'"""
    r"""|\#[^\n]*|\n|[\[\]{}]|[^\n"'\#\[\]{}]+|.""",
    re.DOTALL,
)


def line_of(text: str, path: KeyPath) -> int | None:
    """Line (1-based) of the key at `path`, or of the nearest table around it; None when unknown."""
    lines = key_lines(text)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


@lru_cache(maxsize=32)
def key_lines(text: str) -> dict[KeyPath, int]:
    """Line of every key and table in the text of a TOML file."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    at = _end(_GAP, text, 0)
    line, counted = 1, 0
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        brackets = 2 if text.startswith("[[", at) else 1 if text[at] == "[" else 0
        parts, after = _read_key(text, at + brackets)
        if not parts:
            break  # not TOML; the parser has said so, or will
        if brackets:
            table = _resolve(parts, counts, new=brackets == 2)
            path = table
            at = after + brackets
        else:
            path = _resolve(parts, counts, table=table)
            at = _skip_value(text, after)
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)
        at = _end(_GAP, text, at)
    return lines


def _resolve(
    parts: list[str], counts: dict[KeyPath, int], *, table: KeyPath = (), new: bool = False
) -> KeyPath:
    path = table
    for number, part in enumerate(parts, start=1):
        path = (*path, part)
        if new and number == len(parts):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _read_key(text: str, at: int) -> tuple[list[str], int]:
    parts: list[str] = []
    while match := _PART.match(text, at):
        at = match.end()
        bare, literal, basic = match["bare"], match["literal"], match["basic"]
        if bare is not None or literal is not None:
            parts.append(literal if bare is None else bare)
        else:
            parts.append(tomllib.loads(f"k = {basic}")["k"])
        if not match["dot"]:
            break
    return parts, at


def _skip_value(text: str, at: int) -> int:
    depth = 0
    while match := _TOKEN.match(text, at):
        found = match[0]
        if found == "\n" and depth == 0:
            break
        if found in "[{":
            depth += 1
        elif found in "]}":
            depth -= 1
        at = match.end()
    return at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
