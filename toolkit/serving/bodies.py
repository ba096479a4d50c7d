"""JSON from strangers, read strictly: what two parsers could read differently is refused.

Duplicate keys, `NaN`, numbers beyond a double, lone surrogates, deep nesting and a byte-order mark
have one thing in common: a proxy, a log and this server would not agree on what was asked.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from toolkit.serving.problems import ProblemError

LARGEST = 64 * 1024
"""Bytes of a body."""
DEEPEST = 16
"""Arrays and objects inside each other."""
_LONGEST_NUMBER = 40
"""Characters; more digits than a double holds are no number anybody means."""


def parse(raw: bytes) -> Any:
    """The document; raises a `malformed` problem that says what is wrong with it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _malformed(f"the body is not UTF-8 at byte {exc.start}") from None
    if not text.strip():
        raise _malformed("the body is empty; it has to be a JSON object")
    if _is_too_deep(text):
        raise _malformed(f"the body nests more than {DEEPEST} arrays and objects")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno} column {exc.colno}"
        raise _malformed(f"the body is not JSON: {exc.msg.lower()} at {where}") from None
    if "\\u" in text and not _is_encodable(document):
        raise _malformed("the body holds half of a surrogate pair, which is no character")
    return document


def _malformed(detail: str) -> ProblemError:
    return ProblemError("malformed", detail)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _malformed(f"the body says {key[:60]!r} twice")
            seen.add(key)
    return found


def _constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is no JSON")


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _malformed(f"the body holds a number of {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if math.isinf(number):
        raise _malformed("the body holds a number that is beyond every limit")
    return number


def _is_too_deep(text: str) -> bool:
    """Whether brackets nest too deep; those inside strings do not count."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _is_encodable(document: Any) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
