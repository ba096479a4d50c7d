"""Why a caller is not believed: a slug to be counted, a sentence, and what to do about it."""

from __future__ import annotations

from toolkit.errors import IdentityError

_OWN_BLOCK = 'give its task an identity of its own: [identity.kick] audience = ["{audience}"]'
_READ_AGAIN = "read the token's file anew for every request: Nomad renews it before it expires"
_CLOCKS = "compare the clocks of this machine and of Nomad's servers"

REASONS: dict[str, tuple[str, str | None]] = {
    "missing": (
        "no token was sent",
        "send Authorization: Bearer with a task's identity token or with a Nomad ACL token",
    ),
    "scheme": ("the Authorization header is not of the form Bearer TOKEN", None),
    "ambiguous": ("two different tokens were sent", "send one of the two headers"),
    "malformed": (
        "the token is neither one that Nomad signed for a task nor the secret of an ACL token",
        None,
    ),
    "header": ("the token's header says what no token of Nomad's says", None),
    "algorithm": ("the token is not signed as Nomad signs", None),
    "unknown-key": (
        "the token is signed with a key that this cluster's Nomad does not publish",
        "is the token from another cluster, or are Nomad's keys newer than some seconds",
    ),
    "signature": ("the token's signature is not its own", None),
    "claims": ("the token lacks what Nomad says of a task", None),
    "node-identity": ("the token is a node's, not a task's", None),
    "audience": ('the token is not for "{audience}" alone', _OWN_BLOCK),
    "issuer": ("the token names another issuer than this server trusts", None),
    "unlimited": ("the token never expires", 'give its identity a ttl, such as ttl = "1h"'),
    "lifetime": (
        "the token lives longer than this server accepts",
        "give its identity a shorter ttl: at most {lifetime}",
    ),
    "expired": ("the token has expired", _READ_AGAIN),
    "not-yet": ("the token is not valid yet", _CLOCKS),
    "dead-allocation": (
        "the allocation of the token is over, or cannot be seen",
        "only a running instance is believed; this server's own token must be able to read jobs"
        " in its namespace",
    ),
    "foreign-allocation": ("the allocation of the token belongs to another job", None),
    "unknown-token": (
        "Nomad does not know the ACL token",
        "it is mistyped, expired, deleted, or another cluster's",
    ),
    "anonymous": ("the token is nobody's", "send a token that was made for you"),
    "acls-disabled": (
        "Nomad runs without ACLs, so that no person can be told from another",
        "start it with ACLs; locally: toolkit dev up --acl",
    ),
    "too-many": ("too many tokens were refused just now", "wait a little, then try again"),
}
"""Slug -> the sentence and the hint; {audience} and {lifetime} are the server's own."""


def refusal(reason: str, *, audience: str = "", lifetime: str = "") -> IdentityError:
    """The error for one of REASONS."""
    message, hint = REASONS[reason]
    said = {"audience": audience, "lifetime": lifetime}
    return IdentityError(
        message.format(**said), reason=reason, hint=None if hint is None else hint.format(**said)
    )
