"""Whose a name is: a TXT record beside it, which is the lock of every change, too.

One for each name, at `_toolkit.<name>` (of a wildcard `_toolkit._wildcard.<rest>`), for it may
stand beside a CNAME there. A batch deletes the owner record that was read and creates the new one,
so that it does nothing when somebody else, of whatever cluster, has changed it in between.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from toolkit.spec.dns import Claim, Owner, Record

PREFIX = "_toolkit."
WILDCARD = "_wildcard."
OWNER_TTL = 300
"""Seconds; nobody but us reads it."""

_REMEMBERED = 4096
"""Texts whose claims are remembered: a job's records all have the same, read ten times a write."""
_KEPT = "-._~!$&'()*;:@/ "
"""Left as they are; `,` and `=` structure the text, `+` joins types, `%` begins an escape."""
_SHAPE = re.compile(
    r"heritage=toolkit,cluster=(?P<cluster>[^,=]+),kind=(?P<kind>job|people)"
    r"(?:,namespace=(?P<namespace>[^,=]+),job=(?P<job>[^,=]+))?"
    r",types=(?P<types>[A-Z]+(?:\+[A-Z]+)*)"
)


def is_owner_name(name: str) -> bool:
    """Whether owner records live at this name, so that nobody may ask for it."""
    return f".{name}".find(f".{PREFIX}") != -1 or name.startswith(WILDCARD)


def owner_name(name: str) -> str:
    """Where the owner record of a name is."""
    if is_owner_name(name):
        raise ValueError(f"{name} is kept for owner records")
    return PREFIX + (WILDCARD + name[2:] if name.startswith("*.") else name)


def owned_name(at: str) -> str | None:
    """The name whose owner record is here; None where none can be."""
    if not at.startswith(PREFIX):
        return None
    name = at[len(PREFIX) :]
    name = "*." + name[len(WILDCARD) :] if name.startswith(WILDCARD) else name
    return None if is_owner_name(name) else name


def owner_text(claim: Claim) -> str:
    """A claim as the owner record says it."""
    owner = claim.owner
    who = f"cluster={_escaped(owner.cluster)},kind={owner.kind}"
    if owner.kind == "job":
        who += f",namespace={_escaped(owner.namespace)},job={_escaped(owner.job)}"
    return f"heritage=toolkit,{who},types={'+'.join(claim.types)}"


@lru_cache(_REMEMBERED)
def read_claim(text: str) -> Claim | None:
    """What an owner record says; None unless we write it exactly so."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    said = {key: unquote(value) for key, value in match.groupdict(default="").items()}
    owner = Owner(
        said["cluster"],
        "job" if said["kind"] == "job" else "people",
        said["namespace"],
        said["job"],
    )
    claim = Claim(owner, tuple(said["types"].split("+")))
    # Another spelling of the same claim is not from us: we would not find it again to delete it.
    return claim if _is_sound(claim) and owner_text(claim) == text else None


def owner_record(name: str, claim: Claim) -> Record:
    """The owner record of a name."""
    return Record(owner_name(name), "TXT", OWNER_TTL, (owner_text(claim),))


def _is_sound(claim: Claim) -> bool:
    return list(claim.types) == sorted(set(claim.types)) and (
        claim.owner.kind == "people" or bool(claim.owner.namespace and claim.owner.job)
    )


def _escaped(text: str) -> str:
    return quote(text, safe=_KEPT)
