"""A text that settings came from, and the mistakes in it."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, NamedTuple

from toolkit.config.lines import KeyPath, line_of
from toolkit.errors import ConfigError, Mistake

DEEPEST = 40
"""Levels of nesting that a file may have; no real one comes near."""

_PLACE = r" \(at (?:line (\d+), column \d+|end of document)\)$"


class Source(NamedTuple):
    """One file, or a flag or variable such as `--var`."""

    where: str
    text: str = ""
    """Empty for what has no lines."""

    def line(self, path: KeyPath) -> int | None:
        """Line of the key at `path`, found by scanning the text."""
        return line_of(self.text, path) if self.text else None

    def mistake(self, path: KeyPath, message: str, hint: str | None = None) -> Mistake:
        """A mistake at `path`; the empty path means the whole file."""
        return Mistake(self.where, spell(path) or None, self.line(path), message, hint)


def spell(path: KeyPath) -> str:
    """Dotted spelling of a key path, on one line: `env.dev.release`, `constraints[0].value`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_spell_name(part)}" if text else _spell_name(part)
    return text


def _spell_name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    quoted = json.dumps(name, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


def split(key: str) -> tuple[str, ...]:
    """The key path that `spell` spelled, for paths without array elements."""
    table: Any = tomllib.loads(f"{key} = 0")
    parts: list[str] = []
    while isinstance(table, dict):
        [(name, table)] = table.items()
        parts.append(name)
    return tuple(parts)


def read_toml(where: str, raw: bytes) -> tuple[Source, dict[str, Any]]:
    """Parse the bytes of a TOML file; ConfigError with the line when it is not TOML."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mistake = Mistake(where, None, line, "is not UTF-8 text", "save the file as UTF-8")
        raise ConfigError([mistake]) from error
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError([Mistake(where, None, None, "is nested too deeply")]) from error
    except ValueError as error:  # tomllib's own, and int() on thousands of digits
        raise ConfigError([_syntax_mistake(where, text, str(error))]) from error
    refuse_depth(where, data)
    return Source(where, text), data


def refuse_depth(where: str, data: object) -> None:
    """ConfigError when `data` is nested deeper than our own functions may recurse."""
    level = [data]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        if not inner:
            return
        level = inner
    raise ConfigError([Mistake(where, None, None, "is nested too deeply")])


def _syntax_mistake(where: str, text: str, message: str) -> Mistake:
    place = re.search(_PLACE, message)
    line = None
    if place:
        line = int(place[1]) if place[1] else text.count("\n") + 1
    reason = re.sub(_PLACE, "", message)
    reason = reason[:1].lower() + reason[1:]
    return Mistake(where, None, line, f"is not valid TOML: {reason}", _syntax_hint(text, line))


def _syntax_hint(text: str, line: int | None) -> str | None:
    if line is None:
        return None
    rows = text.splitlines()
    row = rows[line - 1] if line <= len(rows) else ""
    if re.match(r"\s*[^=#\[]+=\s*[A-Za-z][^\"'=]*$", row):
        return "text values need quotes"
    return None
