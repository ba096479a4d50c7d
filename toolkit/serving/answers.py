"""Errors of the tree as problem documents: which failure is whose, and whether to try again."""

from __future__ import annotations

import math
from typing import Any

from toolkit.errors import (
    AbsentError,
    ApiError,
    AuditBrokenError,
    AuditError,
    ChangedError,
    ForbiddenError,
    IdentityError,
    TakenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import ProblemError
from toolkit.serving.server import About

SOON = {"Retry-After": "1"}
LATER = {"Retry-After": "5"}


def problem_of(exc: Exception, about: About) -> ProblemError:
    """The problem that an error is for that server; what is no error of ours is a `bug`."""
    if isinstance(exc, ProblemError):
        return exc
    if isinstance(exc, ToolkitError):
        problem = about.problem_of(exc) or _of_ours(exc, about)
        if exc.hint is not None and "errors" not in problem.members:
            problem.members.setdefault("hint", bounded(exc.hint, 600))
        return problem
    return _bug()


def _of_ours(exc: ToolkitError, about: About) -> ProblemError:
    match exc:
        case IdentityError():
            return _unidentified(exc, about)
        case ForbiddenError():
            return ProblemError("forbidden", exc.message)
        case ApiError():
            # Nomad's failure, or a provider's.
            return ProblemError("unavailable", exc.message, headers=LATER)
        case TakenError():
            members: dict[str, Any] = {"owner": bounded(exc.owner)} if exc.owner else {}
            return ProblemError("conflict", exc.message, **members)
        case AbsentError():
            return ProblemError("not-found", exc.message)
        case ChangedError():
            return ProblemError("precondition-failed", exc.message)
        case UnavailableError():
            after = {"Retry-After": str(max(1, math.ceil(exc.after)))}
            return ProblemError("unavailable", exc.message, headers=after)
        case AuditBrokenError():
            return ProblemError("audit-broken", exc.message)
        case AuditError():
            return ProblemError("audit-unavailable", exc.message, headers=LATER)
    return _bug()


def _unidentified(exc: IdentityError, about: About) -> ProblemError:
    if exc.reason == "too-many":
        return ProblemError("too-many", exc.message, headers=SOON, reason=exc.reason)
    challenge = {"WWW-Authenticate": about.challenge(exc)}
    return ProblemError("unidentified", exc.message, headers=challenge, reason=exc.reason)


def _bug() -> ProblemError:
    return ProblemError("bug", "the server failed; its log has the line of this instance")
