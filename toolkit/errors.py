"""Everything that can go wrong, as one tree, and the exit codes it ends in.

::

    ToolkitError                 message, hint, exit code (1 unless said otherwise)
    ├── ConfigError              the user's files or flags are wrong; every mistake at once
    ├── RenderError              a template failed, or produced something Nomad cannot read
    ├── RefusedError             a rule of ours said no before anything was changed
    │   ├── StalePlanError       somebody registered between our plan and our submit
    │   ├── LockedError          somebody else holds the job's lock, or has taken it from us
    │   ├── NeedsAnswerError     a question nobody answered: no terminal, no --yes
    │   ├── ForbiddenError       a server's policy gives this caller no such right
    │   ├── TakenError           the name is somebody else's, or something else is in the way
    │   ├── AbsentError          what was to be changed or removed is not there
    │   ├── ChangedError         it is not, or no longer, what the caller said that it is
    │   ├── KeyReusedError       the Idempotency-Key was used for something else
    │   ├── OtherAccountError    the credentials are of another AWS account than the one meant
    │   └── UnavailableError     not now: a server of ours is full, starting or ending
    ├── IdentityError            a server of ours could not tell who asks
    ├── AuditError               the audit cannot be written, so that nothing may be done
    │   └── AuditBrokenError     what is written there is not what was written
    ├── ApiError                 an API answered no, or not at all
    │   ├── UnreachableError     nothing answers there (exit 5 once a rollout is under way)
    │   ├── TlsError             TLS spoken to plain, plain to TLS, or a certificate not trusted
    │   ├── DeniedError          the token is missing, unknown, expired or without the right
    │   ├── NotFoundError        no such thing there
    │   ├── ConflictError        check index, lock or check-and-set did not match
    │   ├── InvalidRequestError  the API understood us and says that the request is wrong
    │   └── ServerError          5xx with prose, no leader, too many connections
    ├── AgentError               local agents: not found, not built, not started, died
    │   └── PortTakenError       a port is in use; names the process that has it
    └── InterruptedRolloutError  Ctrl-C: says what goes on without us (exit 130)

Raise with ``raise … from exc``. Only ``toolkit.cli`` prints errors and turns them into exit codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; `docs/reference.md` has the table and a test compares."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    FAILED = 3
    UNPLACED = 4
    UNKNOWN = 5
    UNVERIFIED = 6
    SUPERSEDED = 7
    REVERTED = 8
    HELD = 9
    CHANGES = 10
    BUG = 70
    INTERRUPTED = 130


class ToolkitError(Exception):
    """A failure with a message for a person, a hint on what to do, and an exit code."""

    code: ExitCode = ExitCode.REFUSED

    def __init__(self, message: str, *, hint: str | None = None, code: ExitCode | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in one place of the user's input."""

    where: str
    """File inside the tree, or the flag or variable it came from, such as `--var`."""
    key: str | None
    """Dotted key path, such as `ports.http.to`; None where the whole file is meant."""
    line: int | None
    """1-based line, where the input has lines."""
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        key = "" if self.key is None else f" {self.key}:"
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{place}:{key} {self.message}{hint}"


class ConfigError(ToolkitError):
    """One or more mistakes in the user's files, flags or variables, all found before any call."""

    def __init__(self, mistakes: Sequence[Mistake], *, hint: str | None = None):
        super().__init__("\n".join(str(mistake) for mistake in mistakes), hint=hint)
        self.mistakes = tuple(mistakes)


class RenderError(ToolkitError):
    """A template failed at a known template line, or its HCL was refused by Nomad's parser."""

    def __init__(
        self, message: str, *, template: str, line: int | None = None, hint: str | None = None
    ):
        place = template if line is None else f"{template}:{line}"
        super().__init__(f"{place}: {message}", hint=hint)
        self.template = template
        self.line = line


class RefusedError(ToolkitError):
    """A rule said no before anything was changed."""


class StalePlanError(RefusedError):
    """Somebody registered the job between our plan and our submit."""


class LockedError(RefusedError):
    """Somebody else holds the lock of the job, or ours was lost before a registration."""


class NeedsAnswerError(RefusedError):
    """A question that only a person or `--yes` may answer went unanswered."""


class ForbiddenError(RefusedError):
    """A verified caller asked a server of ours for what its policy does not grant."""


class TakenError(RefusedError):
    """The name is somebody else's, or something there is in the way."""

    def __init__(self, message: str, *, owner: str = "", hint: str | None = None):
        """`owner`: who has it, as they are named; empty when nobody says so there."""
        super().__init__(message, hint=hint)
        self.owner = owner


class AbsentError(RefusedError):
    """What was to be changed or removed is not there."""


class ChangedError(RefusedError):
    """The thing is not, or no longer, what the caller said that it is."""


class KeyReusedError(RefusedError):
    """The Idempotency-Key was used before, for something else."""


class OtherAccountError(RefusedError):
    """The credentials are of another AWS account than the one that is meant."""

    def __init__(self, account: str, meant: str):
        """`account`: that of the credentials."""
        self.account, self.meant = account, meant
        super().__init__(
            f"the AWS credentials are of account {account}, and account {meant} is meant: nothing"
            " was done",
            hint=f"choose credentials of {meant} (AWS_PROFILE)",
        )


class UnavailableError(RefusedError):
    """A server of ours cannot do it now, and did nothing."""

    def __init__(self, message: str, *, after: float = 1.0, hint: str | None = None):
        """`after`: seconds until asking again makes sense."""
        super().__init__(message, hint=hint)
        self.after = after


class AuditError(ToolkitError):
    """The audit could not be written or read, so that nothing may be done."""


class AuditBrokenError(AuditError):
    """Somebody else's hand changed, moved or removed what is in the audit."""


class IdentityError(ToolkitError):
    """Who asks a server of ours could not be verified."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None):
        """`reason`: a short slug that can be counted, such as `expired`."""
        super().__init__(message, hint=hint)
        self.reason = reason


class ApiError(ToolkitError):
    """An API answered no, or did not answer."""

    def __init__(
        self,
        message: str,
        *,
        system: str,
        address: str = "",
        status: int | None = None,
        hint: str | None = None,
        code: ExitCode | None = None,
    ):
        super().__init__(message, hint=hint, code=code)
        self.system = system
        """`Nomad`, `Consul`, `Traefik`, `Kick`, or a provider of DNS zones."""
        self.address = address
        self.status = status


class UnreachableError(ApiError):
    """Nothing answers at the address: refused, timed out, reset, no such name."""

    lost_reply: bool = False
    """True when the request had been sent, so that the other side may have acted on it."""


class TlsError(ApiError):
    """TLS spoken to a plain port or the reverse, or a certificate that is not trusted."""


class DeniedError(ApiError):
    """The token is missing, unknown, expired, or lacks the right."""


class NotFoundError(ApiError):
    """The thing asked for does not exist there."""


class ConflictError(ApiError):
    """A check index, lock or check-and-set did not match."""


class InvalidRequestError(ApiError):
    """The API understood the request and says that it is wrong."""


class ServerError(ApiError):
    """The API failed: 5xx with prose, no leader, too many connections, an answer cut short."""


class AgentError(ToolkitError):
    """A local agent was not found, could not be built or started, or died."""


class PortTakenError(AgentError):
    """A port that a local agent needs is in use."""


class InterruptedRolloutError(ToolkitError):
    """The user interrupted us; the message says what goes on, the hint how to attach again."""

    code = ExitCode.INTERRUPTED
