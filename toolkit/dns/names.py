"""Names as callers write them -> the one spelling that everything is decided on.

Policy, ownership and providers see normalised names only: a name that is matched in one spelling
and written in another is the oldest way around a policy.
"""

from __future__ import annotations

from toolkit.config.hostnames import LONGEST, is_below, is_in, parse_hostname
from toolkit.dns.ownership import PREFIX, WILDCARD, owner_name
from toolkit.errors import RefusedError

__all__ = [
    "BadNameError",
    "is_below",
    "is_in",
    "is_reserved",
    "normalise",
    "show",
    "wanted_name",
]

_OWNERS = (PREFIX.rstrip("."), WILDCARD.rstrip("."))
"""Labels of the names of owner records."""

SHOWN = 80


class BadNameError(RefusedError):
    """A text is no DNS name, or none that may be asked for."""


def normalise(name: str) -> str:
    """The one spelling of a name; BadNameError. Normalising twice changes nothing.

    Lower case, A-labels (IDNA, UTS 46), no trailing dot, escapes as Route 53 writes them resolved,
    `*` only as the first label. Names of owner records pass: `wanted_name` refuses them.
    """
    try:
        return parse_hostname(name)
    except ValueError as error:
        raise BadNameError(f"{show(name)} {error}") from error


def wanted_name(name: str) -> str:
    """The one spelling of a name that a record is asked for; BadNameError.

    Refuses what belongs to owner records, and names that leave no room for one.
    """
    wanted = normalise(name)
    if is_reserved(wanted):
        message = f"{show(name)} is a name that owner records are kept at"
        raise BadNameError(message, hint=f"no part of a name may be {' or '.join(_OWNERS)}")
    if len(owner_name(wanted)) > LONGEST:
        most = LONGEST - len(owner_name(wanted)) + len(wanted)
        message = f"{show(name)} leaves no room for the name of its owner record"
        raise BadNameError(message, hint=f"use at most {most} characters")
    return wanted


def is_reserved(name: str) -> bool:
    """True when a normalised name is, or could be taken for, the name of an owner record."""
    return not set(_OWNERS).isdisjoint(name.split("."))


def show(text: str, most: int = SHOWN) -> str:
    """`text` in quotes for a message: bounded, and without what a terminal would obey."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return f'"{plain}"'
