"""Which token a request carries, and of which kind it is by its shape."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Literal

from toolkit.identity.reasons import refusal
from toolkit.spec.target import Secret

LONGEST = 8_192
"""Characters of a token; Nomad's have about 900."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE | re.ASCII)
_LONGEST_BASIC = (LONGEST + 300) * 4 // 3
"""Characters of a user name and a token in base64."""
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, not believed yet."""

    kind: Literal["jwt", "acl"]
    token: Secret


def read_credential(
    authorization: str | None, nomad_token: str | None = None, *, basic: bool = False
) -> Credential:
    """The one token of both headers, `Authorization` and `X-Nomad-Token`.

    `basic`: the password of HTTP's Basic scheme is a token, too; the user name is not read.
    Raises IdentityError: `missing`, `scheme`, `ambiguous` or `malformed`.
    """
    tokens = []
    if authorization:
        tokens.append(_of_scheme(authorization, basic))
    if nomad_token:
        tokens.append(nomad_token)
    if not tokens:
        raise refusal("missing")
    if tokens[1:] and tokens[0] != tokens[1]:
        raise refusal("ambiguous")
    return _told_apart(tokens[0])


def _of_scheme(authorization: str, basic: bool) -> str:
    if len(authorization) > _LONGEST_BASIC + len("bearer "):
        raise refusal("malformed")
    if basic and (found := _BASIC.fullmatch(authorization)):
        return _password(found[1])
    if (found := _BEARER.fullmatch(authorization)) is None:
        raise refusal("scheme")
    return found[1]


def _password(encoded: str) -> str:
    try:
        # Not `from`: what could not be read is repeated there.
        text = b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise refusal("malformed") from None
    _, colon, password = text.partition(":")
    if not colon:
        raise refusal("malformed")
    if not password:
        raise refusal("missing")
    return password


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
