"""Which token a request carries, and of which kind it is by its shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from toolkit.identity.reasons import refusal
from toolkit.spec.target import Secret

LONGEST = 8_192
"""Characters of a token; Nomad's have about 900."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, not believed yet."""

    kind: Literal["jwt", "acl"]
    token: Secret


def read_credential(authorization: str | None, nomad_token: str | None = None) -> Credential:
    """The one token of both headers, `Authorization` and `X-Nomad-Token`.

    Raises IdentityError: `missing`, `scheme`, `ambiguous` or `malformed`.
    """
    tokens = []
    if authorization:
        if len(authorization) > LONGEST + len("bearer "):
            raise refusal("malformed")
        found = _BEARER.fullmatch(authorization)
        if found is None:
            raise refusal("scheme")
        tokens.append(found[1])
    if nomad_token:
        tokens.append(nomad_token)
    if not tokens:
        raise refusal("missing")
    if tokens[1:] and tokens[0] != tokens[1]:
        raise refusal("ambiguous")
    return _told_apart(tokens[0])


def is_uuid(text: str) -> bool:
    """True for what Nomad makes ids and secrets of."""
    return _UUID.fullmatch(text) is not None


def _told_apart(token: str) -> Credential:
    if len(token) <= LONGEST:
        if is_uuid(token):
            return Credential("acl", Secret(token))
        if _JWT.fullmatch(token):
            return Credential("jwt", Secret(token))
    raise refusal("malformed")
