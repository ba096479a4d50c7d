"""Host names as people and zones write them -> one spelling, so that equal ones compare equal."""

from __future__ import annotations

import re

LONGEST = 253
"""Characters of a name, without the trailing dot; 255 bytes on the wire."""
LONGEST_LABEL = 63
_MUCH = 1100
"""No escaping makes a name of 253 characters longer than this; what is, is not even looked at."""

_ESCAPE = re.compile(r"\\([0-3][0-7]{2})?")
_LABEL = re.compile(r"_?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def parse_hostname(text: str) -> str:
    r"""The one spelling of a DNS name: lower case, A-labels, no trailing dot; ValueError if none.

    A wildcard begins with `*.`. Escapes are octal, as Route 53 writes them: `\052` is `*`.
    """
    if not text or text == ".":
        raise ValueError("must not be empty")
    if len(text) > _MUCH:
        raise ValueError(f"must not be longer than {LONGEST} characters")
    name = _ESCAPE.sub(_unescaped, text)
    if not name.isascii():
        if len(name) > LONGEST:
            raise ValueError(f"must not be longer than {LONGEST} characters")
        name = _remapped(name)
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    wildcard = labels[0] == "*" and len(labels) > 1
    known = [_label(label) for label in (labels[1:] if wildcard else labels)]
    if _NUMBER.fullmatch(known[-1]):
        raise ValueError("is an address, or ends in a number as only addresses do")
    name = ".".join(["*", *known] if wildcard else known)
    if len(name) > LONGEST:
        raise ValueError(f"must not be longer than {LONGEST} characters")
    return name


def is_below(name: str, suffix: str) -> bool:
    """True when the name has at least one label more than the suffix, and ends in it."""
    return name.endswith(f".{suffix}")


def is_in(name: str, suffix: str) -> bool:
    """True when the name is the suffix or below it."""
    return name == suffix or is_below(name, suffix)


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        raise ValueError("has a \\ that is no escape of three octal digits, such as \\052")
    character = chr(int(match[1], 8))
    if character == "." or not character.isascii():
        raise ValueError("escapes a character that no name may hold")  # such a dot parts no labels
    return character


def _remapped(name: str) -> str:
    import idna  # late: few names need its tables

    try:
        return idna.uts46_remap(name, std3_rules=False, transitional=False)
    except idna.IDNAError as error:
        raise ValueError("holds characters that no name may hold, or too many") from error


def _label(label: str) -> str:
    if not label:
        raise ValueError("has two dots in a row, or begins with one")
    if len(label) <= LONGEST_LABEL and not label.isascii():
        label = _encoded(label)
    if len(label) > LONGEST_LABEL:
        raise ValueError(f"has a part of more than {LONGEST_LABEL} characters between two dots")
    if "*" in label:
        raise ValueError("may hold * only as its first part: *.example.com")
    if not _LABEL.fullmatch(label):
        raise ValueError(
            "is no name: letters, digits and - between dots, - not at an end, _ only in front"
        )
    if label.startswith("xn--") and not _is_true_alabel(label):
        raise ValueError("has a part that begins with xn-- and stands for no name")
    return label


def _encoded(label: str) -> str:
    import idna

    try:
        return idna.alabel(label).decode()
    except idna.IDNAError as error:
        raise ValueError("holds characters that no name may hold, or too many") from error


def _is_true_alabel(label: str) -> bool:
    import idna

    try:
        plain = idna.ulabel(label)
        return not plain.isascii() and idna.alabel(plain).decode() == label
    except idna.IDNAError:
        return False
