"""A workload's token against a key, an audience and the time: pure, and nothing else is asked.

The job is told by the claims that Nomad keeps for it, never by `sub`, whose parts are the user's
own text between colons. The audience has to be ours alone: whoever else a token is for could come
to us with it in the workload's name. A token of a service has no task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from toolkit.identity.compact import Compact, read_object
from toolkit.identity.header import is_uuid
from toolkit.identity.keys import Key
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import refusal
from toolkit.spec.identity import Workload

_JWS = PyJWS(["RS256", "EdDSA"], {"verify_signature": True, "enforce_minimum_key_length": True})
_LONGEST_NAME = 256
_OF_NODES = (
    "nomad_node_id", "nomad_node_pool", "nomad_node_class", "nomad_node_datacenter",
    "nomad_node_name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims of a token have to say."""

    audience: str
    issuer: str | None = None
    """None: not looked at."""


def verify_workload(
    token: Compact, key: Key, expected: Expected, limits: Limits, now: float
) -> Workload:
    """The workload that the token proves at `now`, in seconds since 1970.

    Raises IdentityError: `algorithm`, `signature`, `claims`, `node-identity`, `audience`, `issuer`,
    `unlimited`, `lifetime`, `expired` or `not-yet`.
    """
    claims = _signed(token, key)
    _check_audience(claims, expected)
    expires = _check_times(claims, limits, now)
    if any(name in claims for name in _OF_NODES):
        raise refusal("node-identity")
    task, service = claims.get("nomad_task"), claims.get("nomad_service")
    if (task is None) == (service is None):
        raise refusal("claims")
    allocation = _name(claims, "nomad_allocation_id")
    if not is_uuid(allocation):
        raise refusal("claims")
    named = _name(claims, "nomad_service" if task is None else "nomad_task")
    return Workload(
        namespace=_name(claims, "nomad_namespace"),
        job=_name(claims, "nomad_job_id"),
        task="" if task is None else named,
        allocation=allocation,
        expires=expires,
    )


def _signed(token: Compact, key: Key) -> dict[str, Any]:
    """What is in the token, once its signature is the key's."""
    if token.algorithm != key.algorithm or token.key != key.id:
        raise refusal("algorithm")
    try:
        found = _JWS.decode_complete(token.token.reveal(), key.public, [key.algorithm])
    except PyJWTError:
        # Not `from`: the library's errors repeat parts of tokens.
        raise refusal("signature") from None
    return read_object(found["payload"], "claims")


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    audience = claims.get("aud")
    if audience not in (expected.audience, [expected.audience]):
        raise refusal("audience", audience=expected.audience)
    if expected.issuer is not None and claims.get("iss") != expected.issuer:
        raise refusal("issuer")


def _check_times(claims: Mapping[str, Any], limits: Limits, now: float) -> float:
    if claims.get("exp") is None:
        raise refusal("unlimited")
    expires, begins, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires - min(issued, begins) > limits.lifetime:
        raise refusal("lifetime", lifetime=f"{limits.lifetime:g}s")
    if expires <= now - limits.leeway:
        raise refusal("expired")
    if max(issued, begins) > now + limits.leeway:
        raise refusal("not-yet")
    return expires


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**53:
        raise refusal("claims")
    return float(value)


def _name(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise refusal("claims")
    if not value.isprintable():
        raise refusal("claims")
    return value
