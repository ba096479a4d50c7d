"""Values as HCL: literals, the inside of quoted strings, and the inside of heredocs.

Everything here is written for Nomad's own parser and tested against it: a string comes back
as it went in, in Unicode's composed form (NFC), which the parser puts every string into.
What a client interpolates later, when a task starts (`${NOMAD_PORT_http}` in `env`), is not
the parser's: such a value arrives there as it was written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from typing import Any

WIDE = 72
"""Characters from which a map is written with one key a line."""

_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class NotHclError(ValueError):
    """A value that has no HCL form where it stands."""


class Hcl(str):
    """Text that is HCL already: what a macro made, or what the author marked with `raw`.

    Its methods return plain `str`, so that text changed afterwards counts as a value again.
    """

    __slots__ = ()


def plain(value: Any) -> Any:
    """The value made of None, bool, int, float, str, list and dict only.

    Raises `NotHclError` for what HCL cannot hold.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _checked(str(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotHclError(f"{value} is not a number that HCL can hold")
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise NotHclError(f"a value of type {type(value).__name__} cannot be written as HCL")


def _checked(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise NotHclError(f"{text!r} is not valid Unicode text") from exc
    return text


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise NotHclError(f"the key {key!r} of a map is not a string")
    return _checked(str(key))


def literal(value: Any) -> str:
    """The HCL expression that means exactly `value` (None is `null`).

    A list or map is one line, or one entry a line when that line would be longer than `WIDE`.
    """
    match plain(value):
        case None:
            return "null"
        case bool(flag):
            return "true" if flag else "false"
        case str(text):
            return f'"{inner(text)}"'
        case list(items):
            return _collection("[", [literal(item) for item in items], "]")
        case dict(entries):
            pairs = [f"{literal(key)} = {literal(item)}" for key, item in entries.items()]
            return _collection("{", pairs, "}")
        case number:
            return repr(number)


def _collection(opening: str, entries: list[str], closing: str) -> str:
    if not entries:
        return opening + closing
    space = " " if opening == "{" else ""
    line = f"{opening}{space}{', '.join(entries)}{space}{closing}"
    if len(line) <= WIDE and "\n" not in line:
        return line
    return f"{opening}\n" + "".join(f"{entry},\n" for entry in entries) + closing


def inner(text: str, before: str = "", after: str = "") -> str:
    r"""`text` for the inside of a quoted HCL string, without the quotes.

    `before` and `after` are the characters that will stand next to it: a `$` or `%` on one side
    of the seam and a `{` on the other would start an interpolation that nobody wrote, so the
    value's own character is then written as `\u…`.
    """
    escaped = "".join(_escape(char) for char in _checked(text))
    escaped = escaped.replace("${", "$${").replace("%{", "%%{")
    if before in {"$", "%"} and escaped.startswith("{"):
        escaped = "\\u007b" + escaped[1:]
    if after == "{" and escaped.endswith(("$", "%")):
        escaped = f"{escaped[:-1]}\\u{ord(escaped[-1]):04x}"
    return escaped


def _escape(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def in_heredoc(text: str, terminator: str, before: str = "", after: str = "") -> str:
    """`text` for the inside of a heredoc that ends at a line saying `terminator`.

    Heredocs know no backslash escapes, so whatever could end one, start an interpolation or be
    taken for indentation is written as an interpolated quoted string, `${"…"}`.
    """
    tame = (
        (text or before not in {"", " ", "\t"})
        and text.isprintable()
        and text == text.strip()
        and "${" not in text
        and "%{" not in text
        and terminator not in text
        and not (before in {"$", "%"} and text.startswith("{"))
        and not (text.endswith(("$", "%")) and after != "\n")
    )
    if tame:
        return _checked(text)
    if before in {"$", "%"}:
        raise NotHclError(f"a value may not stand right after {before!r} in a heredoc")
    return f'${{"{inner(text)}"}}'
