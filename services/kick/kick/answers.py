"""Errors of the tree as problem documents: which failure is whose, and whether to try again."""

from __future__ import annotations

import math
from typing import Any

from kick.bounded import bounded
from kick.problems import ProblemError
from kick.schemas import invalid
from toolkit.clients.dns.provider import BatchRefusedError, BusyError, ReplyLostError
from toolkit.dns.names import BadNameError
from toolkit.dns.records import BadRecordError
from toolkit.errors import (
    AbsentError,
    ApiError,
    AuditBrokenError,
    AuditError,
    ChangedError,
    ForbiddenError,
    IdentityError,
    KeyReusedError,
    NotFoundError,
    TakenError,
    ToolkitError,
    UnavailableError,
)

SOON = {"Retry-After": "1"}
LATER = {"Retry-After": "5"}


def problem_of(exc: Exception) -> ProblemError:
    """The problem that an error is; what is no error of ours is a `bug`."""
    if isinstance(exc, ProblemError):
        return exc
    if isinstance(exc, ToolkitError):
        problem = _of_ours(exc)
        if exc.hint is not None and "errors" not in problem.members:
            problem.members.setdefault("hint", bounded(exc.hint, 600))
        return problem
    return ProblemError("bug", "the server failed; its log has the line of this instance")


def _of_ours(exc: ToolkitError) -> ProblemError:
    match exc:
        case IdentityError():
            return _unidentified(exc)
        case ForbiddenError():
            return ProblemError("forbidden", exc.message)
        case BadRecordError():
            wrongs = exc.wrongs
            hints = [wrong.hint for wrong in wrongs]
            return invalid([(wrong.field, wrong.message) for wrong in wrongs], hints)
        case BadNameError():
            return invalid([("hostname", exc.message)], [exc.hint])
        case ApiError():
            return _of_others(exc)
        case TakenError():
            members: dict[str, Any] = {"owner": bounded(exc.owner)} if exc.owner else {}
            return ProblemError("conflict", exc.message, **members)
        case AbsentError():
            return ProblemError("not-found", exc.message)
        case ChangedError():
            return ProblemError("precondition-failed", exc.message)
        case KeyReusedError():
            return ProblemError("key-reused", exc.message)
        case UnavailableError():
            after = {"Retry-After": str(max(1, math.ceil(exc.after)))}
            return ProblemError("unavailable", exc.message, headers=after)
        case AuditBrokenError():
            return ProblemError("audit-broken", exc.message)
        case AuditError():
            return ProblemError("audit-unavailable", exc.message, headers=LATER)
    return ProblemError("bug", "the server failed; its log has the line of this instance")


def _unidentified(exc: IdentityError) -> ProblemError:
    if exc.reason == "too-many":
        return ProblemError("too-many", exc.message, headers=SOON, reason=exc.reason)
    challenge = 'Bearer realm="kick"'
    if exc.reason != "missing":
        challenge += ', error="invalid_token"'
    return ProblemError(
        "unidentified",
        exc.message,
        headers={"WWW-Authenticate": challenge},
        reason=exc.reason,
    )


def _of_others(exc: ApiError) -> ProblemError:
    """A provider's or Nomad's failure."""
    members: dict[str, Any] = {}
    match exc:
        case BatchRefusedError():
            if exc.reasons:
                members["reasons"] = [bounded(reason) for reason in exc.reasons[:20]]
            return ProblemError("provider-refused", exc.message, **members)
        case ReplyLostError():
            return ProblemError("outcome-unknown", exc.message)
        case BusyError():
            return ProblemError("unavailable", exc.message, headers=LATER)
        case NotFoundError():
            return ProblemError("provider-refused", exc.message)
    return ProblemError("unavailable", exc.message, headers=LATER)
