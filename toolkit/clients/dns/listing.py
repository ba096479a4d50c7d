"""The order in which Route 53 lists a zone, and what a part of its list says of a name. Pure."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[a-z0-9_.-]+")


def list_order(name: str) -> str:
    """Sorts as Route 53 does: labels reversed, the trailing dot a character like the others."""
    return ".".join(reversed(name.split("."))) + "."


def covered(name: str, first: str, upto: str | None) -> bool:
    """True when a list from `first` up to before `upto` has all that is at `name`.

    `upto` None is the end of the list. The name that the list was asked from always counts, the
    others when they lie between by the characters of the names and by their labels as well: an
    order that we took for another one would hide records, and take for free what is not.
    """
    if name == first:
        return upto != first
    if not all(_PLAIN.fullmatch(each) for each in (name, first, upto or first)):
        return False
    return all(
        order(first) <= order(name) and (upto is None or order(name) < order(upto))
        for order in (list_order, _labels)
    )


def _labels(name: str) -> str:
    # No label has a character below this one.
    return "\0".join(reversed(name.split(".")))
