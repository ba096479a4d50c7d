"""What the kick server says of itself: its name, and what errors of DNS are to a caller."""

from __future__ import annotations

from typing import Any

from kick.problems import KEY_REUSED, KINDS, PROVIDER_REFUSED
from toolkit.clients.dns.provider import BatchRefusedError, ReplyLostError
from toolkit.dns.names import BadNameError
from toolkit.dns.records import BadRecordError
from toolkit.errors import IdentityError, KeyReusedError, NotFoundError, ToolkitError
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import ProblemError
from toolkit.serving.schemas import invalid
from toolkit.serving.server import About


def _challenge(exc: IdentityError) -> str:
    said = 'Bearer realm="kick"'
    return said if exc.reason == "missing" else f'{said}, error="invalid_token"'


def _problem_of(exc: ToolkitError) -> ProblemError | None:
    match exc:
        case BadRecordError():
            wrongs = exc.wrongs
            hints = [wrong.hint for wrong in wrongs]
            return invalid([(wrong.field, wrong.message) for wrong in wrongs], hints)
        case BadNameError():
            return invalid([("hostname", exc.message)], [exc.hint])
        case KeyReusedError():
            return ProblemError(KEY_REUSED, exc.message)
        case BatchRefusedError():
            members: dict[str, Any] = {}
            if exc.reasons:
                members["reasons"] = [bounded(reason) for reason in exc.reasons[:20]]
            return ProblemError(PROVIDER_REFUSED, exc.message, **members)
        case ReplyLostError():
            return ProblemError("outcome-unknown", exc.message)
        case NotFoundError():
            return ProblemError(PROVIDER_REFUSED, exc.message)
    return None


ABOUT = About(
    name="kick",
    title="Kick",
    description="DNS changes for workloads, without a provider's credential.",
    challenge=_challenge,
    slower="limits.writes and limits.burst of kick.toml are for every caller",
    kinds=KINDS,
    problem_of=_problem_of,
)
