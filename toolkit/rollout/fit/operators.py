"""Every operator of a constraint, as Nomad's scheduler decides it; pure.

Nomad compares texts. Order is that of whole numbers where both sides are, of numbers where both
are, else of bytes. A side that is not there makes every operator false but `!=` and `is_not_set`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache

from toolkit.rollout.fit.facts import ATTRIBUTES_UNREAD, NodeFacts, Rule
from toolkit.rollout.fit.interpolate import Value, resolve
from toolkit.rollout.fit.versions import satisfies
from toolkit.spec.fit import Cell

DISTINCT = {"distinct_hosts", "distinct_property"}
"""Not decided node by node."""

YES = Cell("yes")


def held(rule: Rule, node: NodeFacts) -> Cell:
    """One constraint against one node."""
    return _held(rule, resolve(rule.left, node), resolve(rule.right, node))


# Of a thousand nodes most have the same few values.
@lru_cache(maxsize=4096)
def _held(rule: Rule, left: Value, right: Value) -> Cell:
    if not (left.read and right.read):
        return Cell("unknown", f"{rule.text}: {ATTRIBUTES_UNREAD}")
    answer = decide(rule.operator, left, right)
    if answer is None:
        return Cell("unknown", f"{rule.text}: only Nomad itself can read this expression")
    return YES if answer else Cell("no", _unmet(rule, left), 1.0)


def _unmet(rule: Rule, left: Value) -> str:
    if rule.operator in {"is_set", "is_not_set"}:
        return f"{rule.left} is {'not set' if rule.operator == 'is_set' else 'set'}"
    if not rule.left.startswith("${"):
        return f"does not meet {rule.text}"
    if not left.found:
        return f"has no {rule.left[2:].removesuffix('}')} ({rule.text})"
    return f"{rule.left[2:].removesuffix('}')} is {left.text or 'empty'}, not {_wanted(rule)}"


def _wanted(rule: Rule) -> str:
    plain = rule.operator in {"=", "==", "is", ""}
    return rule.right if plain else f"{rule.operator} {rule.right}"


def decide(operator: str, left: Value, right: Value) -> bool | None:
    """Whether the operator holds; None when Nomad's regular expressions differ from ours."""
    if operator in DISTINCT:
        return True
    if operator in {"!=", "not"}:
        return left.text != right.text
    if operator == "is_set":
        return left.found
    if operator == "is_not_set":
        return not left.found
    decider = _BOTH.get(operator)
    if decider is None or not (left.found and right.found):
        return False
    return decider(left.text, right.text)


def _ordered(operator: str) -> Callable[[str, str], bool]:
    def decider(left: str, right: str) -> bool:
        for read in (_integer, _real):
            one, other = read(left), read(right)
            if one is not None and other is not None:
                return _compare(operator, one, other)
        return _compare(operator, left.encode(), right.encode())

    return decider


def _compare(operator: str, one: float | bytes, other: float | bytes) -> bool:
    less, more = one < other, one > other  # type: ignore[operator]
    match operator:
        case "<":
            return less
        case ">":
            return more
        case "<=":
            return less or one == other
        case _:
            return more or one == other


def _integer(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _real(text: str) -> float | None:
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        number = float(text)
        return None if math.isinf(number) else number
    if re.fullmatch(r"(?i)[+-]?(inf|infinity)|nan", text):
        return float(text)
    if re.fullmatch(r"(?i)[+-]?0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?[0-9]+", text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return None
    return None


def _members(text: str) -> set[str]:
    return {part.strip() for part in text.split(",")}


@lru_cache(maxsize=256)
def _expression(text: str) -> re.Pattern[str] | None:
    """Compiled; None when it may mean something else here, or nothing at all there.

    Nomad's engine takes linear time on anything. Ours does not on a repeated repetition, so that
    is left to Nomad as well.
    """
    if re.search(r"\(\?(=|!|<=|<!|>|P=|#|\()|\\[1-9]|[*+?}]\+|\{,", text):
        return None
    if re.search(r"\\[pPQEGzZAC]|\[\[|\[:|\(\?[a-zA-Z]*U|&&|--|~~|\|\|", text):
        return None
    if re.search(r"(?<!^)\(\?[a-zA-Z-]+[:)]|[*+}][^()]*\)\s*[*+{]", text):
        return None
    flags = re.ASCII
    if "(?i" in text and not text.isascii():
        return None
    # Here `$` would also match before a last line break.
    multiline = re.match(r"\(\?[a-zA-Z]*m", text) is not None
    translated = text if multiline else re.sub(r"(?<!\\)((?:\\\\)*)\$(?![^\[]*\])", r"\1\\Z", text)
    try:
        return re.compile(translated, flags)
    except (re.error, OverflowError, RecursionError):
        return None


def _matches(left: str, right: str) -> bool | None:
    expression = _expression(right)
    if expression is None:
        return None
    if "(?i" in right and not left.isascii():
        return None
    return expression.search(left) is not None


_BOTH: dict[str, Callable[[str, str], bool | None]] = {
    **dict.fromkeys(("=", "==", "is"), lambda left, right: left == right),
    **{operator: _ordered(operator) for operator in ("<", "<=", ">", ">=")},
    "regexp": _matches,
    "version": lambda left, right: satisfies(left, right, semver=False),
    "semver": lambda left, right: satisfies(left, right, semver=True),
    **dict.fromkeys(
        ("set_contains", "set_contains_all"),
        lambda left, right: _members(right) <= _members(left),
    ),
    "set_contains_any": lambda left, right: bool(_members(right) & _members(left)),
}
