"""Versions and their constraints, as Nomad's scheduler orders them; pure.

`version` is lenient about pre-releases (`1.2beta` is one) and never lets `>= 1.0` take one;
`semver` wants a hyphen, and orders by precedence alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

_NUMBERS = r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*?)"
_WORD = r"[A-Za-z\-~]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*"
_DIGIT = r"-(?P<digit>[0-9]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*)"
_META = r"(?:\+[0-9A-Za-z\-~]+(?:\.[0-9A-Za-z\-~]+)*)?"
_LENIENT = rf"{_NUMBERS}(?:{_DIGIT}|-?(?P<word>{_WORD}))?{_META}"
_STRICT = rf"{_NUMBERS}(?:{_DIGIT}|-(?P<word>{_WORD}))?{_META}"
_SPACE = r"[\t\n\f\r ]*"
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Version:
    """One version."""

    segments: tuple[int, ...]
    """At least three."""
    said: int
    """How many were written."""
    pre: str = ""


def parse(text: str, *, strict: bool = False) -> Version | None:
    """The version in `text`; None when it is none."""
    return _made(re.fullmatch(_STRICT if strict else _LENIENT, text))


def _made(found: re.Match[str] | None) -> Version | None:
    if found is None:
        return None
    numbers = tuple(int(part) for part in found["numbers"].split("."))
    if max(numbers) > _MOST:
        return None
    padded = (*numbers, *(0 for _ in range(3 - len(numbers))))
    return Version(padded, len(numbers), found["word"] or found["digit"] or "")


def satisfies(version: str, constraint: str, *, semver: bool) -> bool:
    """Whether a version meets a comma-separated list; a mistake on either side is a no."""
    found, rules = parse(version), rules_of(constraint, semver)
    if found is None or rules is None:
        return False
    return all(_holds(found, operator, wanted, semver=semver) for operator, wanted in rules)


@lru_cache(maxsize=256)
def rules_of(constraint: str, semver: bool) -> tuple[tuple[str, Version], ...] | None:
    """The operators and versions of a list; None when Nomad could not read it."""
    operators = "<=|>=|!=|<|>|=|" if semver else "<=|>=|!=|~>|<|>|=|"
    pattern = f"{_SPACE}({operators}){_SPACE}(?P<version>{_STRICT if semver else _LENIENT}){_SPACE}"
    rules = []
    for part in constraint.split(","):
        found = re.fullmatch(pattern, part)
        wanted = None if found is None else parse(found["version"], strict=semver)
        if found is None or wanted is None:
            return None
        rules.append((found[1] or "=", wanted))
    return tuple(rules)


def _holds(found: Version, operator: str, wanted: Version, *, semver: bool) -> bool:
    order = compare(found, wanted)
    if operator == "=":
        return order == 0
    if operator == "!=":
        return order != 0
    # Only a constraint with a pre-release of the same numbers lets one in.
    lets_in = bool(wanted.pre) and found.segments == wanted.segments
    if not semver and found.pre and not lets_in:
        return False
    match operator:
        case ">":
            return order > 0
        case "<":
            return order < 0
        case ">=":
            return order >= 0
        case "<=":
            return order <= 0
        case _:
            return _pessimistic(found, wanted, order)


def _pessimistic(found: Version, wanted: Version, order: int) -> bool:
    if wanted.pre and not found.pre:
        return False
    if order < 0 or len(wanted.segments) > len(found.segments):
        return False
    kept = wanted.said - 1
    if found.segments[:kept] != wanted.segments[:kept]:
        return False
    last = len(wanted.segments) - 1
    return wanted.segments[last] <= found.segments[last]


def compare(one: Version, other: Version) -> int:
    """-1, 0 or 1; a pre-release comes before its release."""
    for mine, theirs in zip_longest(one.segments, other.segments, fillvalue=0):
        if mine != theirs:
            return -1 if mine < theirs else 1
    if len(one.segments) != len(other.segments) or one.pre == other.pre:
        # Of different length Nomad's library does not look at the pre-release at all.
        return 0
    if not one.pre or not other.pre:
        return 1 if not one.pre else -1
    parts = zip_longest(one.pre.split("."), other.pre.split("."), fillvalue="")
    return next((order for mine, theirs in parts if (order := _part(mine, theirs))), 0)


def _part(mine: str, theirs: str) -> int:
    if mine == theirs:
        return 0
    number, other = _number(mine), _number(theirs)
    if not mine:
        return -1 if other is not None else 1
    if not theirs:
        return 1 if number is not None else -1
    if number is not None and other is not None:
        return 1 if number > other else -1
    if number is not None or other is not None:
        return -1 if number is not None else 1
    return 1 if mine.encode() > theirs.encode() else -1


def _number(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or abs(int(text)) > _MOST:
        return None
    return int(text)
