"""What the hook server says of itself: its name, how to say who one is, what errors mean here."""

from __future__ import annotations

from hook.problems import KINDS, NOMAD_REFUSED, REFUSED
from toolkit.errors import (
    AbsentError,
    ChangedError,
    ConfigError,
    DeniedError,
    ForbiddenError,
    IdentityError,
    RefusedError,
    RenderError,
    TakenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.identity.header import read_credential
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import ProblemError
from toolkit.serving.schemas import invalid
from toolkit.serving.server import About
from toolkit.spec.target import Secret

CHALLENGE = 'Basic realm="hook", charset="UTF-8"'
"""Git asks its credential helper for a password only after this."""

_AS_EVERYWHERE = (ForbiddenError, TakenError, AbsentError, ChangedError, UnavailableError)


def _challenge(_: IdentityError) -> str:
    return CHALLENGE


def token_of(authorization: str | None, nomad_token: str | None) -> Secret:
    """The token of headers that were verified."""
    return read_credential(authorization, nomad_token, basic=True).token


def _problem_of(exc: ToolkitError) -> ProblemError | None:
    match exc:
        case IdentityError(reason="missing"):
            return ProblemError(
                "unidentified",
                exc.message,
                headers={"WWW-Authenticate": CHALLENGE},
                reason=exc.reason,
                hint="the password is a Nomad ACL token or a task's identity token, and the user"
                " name is not read; toolkit repo create tells git whom to ask",
            )
        case ConfigError():
            return invalid([(each.key or "", each.message) for each in exc.mistakes])
        case DeniedError():
            return ProblemError(NOMAD_REFUSED, exc.message)
        case RefusedError() if not isinstance(exc, _AS_EVERYWHERE):
            return ProblemError(REFUSED, bounded(exc.message, 2000))
        case RenderError():
            return ProblemError(REFUSED, bounded(exc.message, 2000))
    return None


ABOUT = About(
    name="hook",
    title="Hook",
    description="The git repositories of a cluster, where a push deploys.",
    challenge=_challenge,
    slower="each caller has so many changes at once; wait as long as Retry-After says",
    kinds=KINDS,
    problem_of=_problem_of,
    token=token_of,
    schemes={
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "The password is the token; the user name is not read.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A Nomad ACL token, or a task's identity token, which may only read.",
        },
        "nomad": {"type": "apiKey", "in": "header", "name": "X-Nomad-Token"},
    },
)
