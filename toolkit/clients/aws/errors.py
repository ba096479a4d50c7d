"""The one door at which the errors of boto3 become ours, for every service alike.

The message says which call, in which region, and what AWS said of it. A request's own values are
not repeated, but AWS may quote them: a call that carries a secret says so, see `Cloud.call`.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from toolkit.clients.anatomy import chain
from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)

E = TypeVar("E", bound=ApiError)

SYSTEM = "AWS"
LONGEST_TEXT = 600
PIECE = 6
"""Characters of a secret that are not said together."""

VENDOR_ERRORS = (boto.BotoCoreError, boto.ClientError, ResponseParserError, ValueError)
"""What any call of boto3 may raise; ValueError: a region that is no name at all."""

AGAIN = "run the command again: it goes on"
"""How hints end that are over with the next try; who knows the command may name it."""


def going_on(hint: str | None, command: str) -> str:
    """The hint, ending in the command that goes on."""
    if not hint:
        return f"{command} goes on"
    return hint.replace(AGAIN, f"{command} goes on") if AGAIN in hint else f"{hint}; then {command}"


LOG_IN = f"log in again (`aws sso login`, or new keys), then {AGAIN}"
WHERE_KEYS_ARE = (
    "credentials are found where AWS's own tools look: AWS_PROFILE, AWS_ACCESS_KEY_ID, ~/.aws;"
    " `aws sts get-caller-identity` tells"
)
LATER = f"wait a little, then {AGAIN}"

_RIGHTS = {
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
}
"""What policies call services that boto3 calls otherwise."""

_EXPIRED = re.compile(r"ExpiredToken|TokenRefreshRequired|^RequestExpired$|ExpiredTokenException")
_UNKNOWN = re.compile(
    r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|^AuthFailure$"
    r"|MissingAuthenticationToken|InvalidToken|NotSignedUp"
)
_OFF = re.compile(r"OptInRequired|RegionDisabled")
_UNSIGNED = re.compile(
    r"SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|RequestTimeTooSkewed"
)
_DENIED = re.compile(r"AccessDenied|Unauthorized|AuthorizationError|NotAuthorized|Forbidden|^403$")
_BUSY = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|PriorRequestNotComplete|SlowDown"
    r"|BandwidthLimitExceeded|TooManyUpdates|ServiceUnavailable|InternalFailure|InternalError"
    r"|ServerException|KMSInternal"
)
_ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|^ResourceNotReady$")
_LIMIT = re.compile(r"LimitExceeded|TooMany|QuotaExceeded|MaxSpotInstanceCount|VcpuLimit")
_CONFLICT = re.compile(
    r"AlreadyExists|Conflict|InUse|DependencyViolation|InvalidChangeSetStatus|OperationInProgress"
    r"|ActivityInProgress|NotEmpty|IncorrectState|StaleRequest|Duplicate|InvalidState|OptimisticLock"
)

_ABSENT_TEXT = re.compile(r"does not exist|not found - |doesn't exist", re.IGNORECASE)
"""How CloudFormation and Auto Scaling say it, whose code for everything is ValidationError."""
_CONFLICT_TEXT = re.compile(
    r"TerminationProtection is enabled|_IN_PROGRESS state|while in status|already exists"
    r"|state and can ?not",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which call an error is of."""

    service: str
    """As boto3 calls it: `cloudformation`."""
    operation: str
    """As AWS calls it: `DescribeStacks`."""
    region: str
    endpoint: str = ""
    about: str = ""
    """What it was about, where the call's name does not tell: `prod-server-1`."""

    def __str__(self) -> str:
        about = f" ({self.about})" if self.about else ""
        where = f" at {self.endpoint}" if self.endpoint else ""
        return f"{self.service}:{self.operation} in {self.region}{where}{about}"


def ended(error: ApiError) -> bool:
    """The credentials have ended: whatever is asked next will not be answered either."""
    return isinstance(error, DeniedError) and error.hint == LOG_IN


def code_of(exc: BaseException) -> str:
    """AWS's code and text as `CODE: TEXT`; empty for an error that is no answer of AWS."""
    if not isinstance(exc, boto.ClientError):
        return ""
    error = exc.response.get("Error") or {}
    return f"{error.get('Code') or ''}: {error.get('Message') or ''}"


def translate(exc: Exception, asked: Asked, *, conceal: str = "") -> ApiError:
    """Our error for one of boto3's; `conceal`: a value that must not be in it."""
    if isinstance(exc, boto.ClientError):
        return _said(exc, asked, conceal)
    name = type(exc).__name__
    if isinstance(exc, boto.SSLError):
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain(exc)):
            return _make(TlsError, f"{asked}: its certificate is not trusted", asked)
        return _make(UnreachableError, f"{asked}: the TLS connection failed", asked)
    if isinstance(exc, boto.ConnectTimeoutError | boto.ProxyConnectionError):
        return _make(UnreachableError, f"{asked}: no connection in time", asked, _WAYS)
    if isinstance(exc, boto.EndpointConnectionError):
        hint = f"is `{asked.region}` the region's name, and does this machine reach AWS"
        place = urlsplit(str(getattr(exc, "kwargs", {}).get("endpoint_url", "")))
        where = f"{place.scheme}://{place.netloc}" if place.netloc else "AWS"
        return _make(UnreachableError, f"{asked}: {where} cannot be reached", asked, hint)
    if isinstance(exc, boto.ReadTimeoutError):
        return _lost(f"{asked}: AWS did not answer in time", asked)
    if isinstance(exc, boto.HTTPClientError | boto.IncompleteReadError):
        return _lost(f"{asked}: the connection was closed without an answer", asked)
    if isinstance(exc, ResponseParserError):
        return _lost(f"{asked}: the answer cannot be read", asked, kind=ServerError)
    if isinstance(exc, boto.NoCredentialsError):
        message = f"there are no AWS credentials ({asked})"
        return _make(DeniedError, message, asked, WHERE_KEYS_ARE)
    if isinstance(exc, boto.PartialCredentialsError):
        message = f"the AWS credentials are incomplete ({asked})"
        return _make(DeniedError, message, asked, WHERE_KEYS_ARE)
    if isinstance(exc, boto.ProfileNotFound):
        message = "the profile that AWS_PROFILE names does not exist"
        return _make(DeniedError, message, asked, "`aws configure list-profiles` shows them")
    if isinstance(exc, boto.ConfigNotFound | boto.ConfigParseError):
        return _make(DeniedError, "AWS's configuration file cannot be read", asked, WHERE_KEYS_ARE)
    if isinstance(exc, boto.CredentialRetrievalError | boto.TokenRetrievalError | boto.SSOError):
        message = f"the AWS credentials have ended, or cannot be fetched ({asked})"
        return _make(DeniedError, message, asked, LOG_IN)
    if isinstance(exc, boto.ParamValidationError | boto.ValidationError | ValueError):
        message = f"{asked} is never asked so: {_clean(str(exc), conceal) or name}"
        return _make(InvalidRequestError, message, asked)
    if isinstance(exc, boto.PaginationError):
        return _make(ServerError, f"{asked}: AWS's list does not end", asked, LATER)
    return _make(InvalidRequestError, f"{asked}: boto3 cannot ask that ({name})", asked)


_WAYS = "does this machine reach AWS"
_MARKUP = re.compile(r"<html|<!doctype", re.IGNORECASE)


def _said(exc: boto.ClientError, asked: Asked, conceal: str) -> ApiError:
    """What an answer with an error means."""
    error: dict[str, Any] = exc.response.get("Error") or {}
    code, text = str(error.get("Code") or ""), _clean(str(error.get("Message") or ""), conceal)
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    said = f"{asked}: {text or code or 'refused without a word'}"
    if conceal and not text:
        said = f"{said}; AWS's own words may repeat the value"
    if _EXPIRED.search(code):
        return _make(DeniedError, f"the AWS credentials have expired ({asked})", asked, LOG_IN)
    if _UNSIGNED.search(code):
        # Its text would repeat the request, a session's token included.
        hint = "is this machine's clock right, and does the secret belong to the access key"
        message = f"AWS does not take the signature of the request ({asked})"
        return _make(DeniedError, message, asked, hint, status)
    if _OFF.search(code):
        hint = f"switch {asked.region} on for the account, or name another region"
        return _make(DeniedError, f"{asked}: the account has not enabled it", asked, hint, status)
    if _UNKNOWN.search(code):
        hint = f"{WHERE_KEYS_ARE}; keys of a region that is not enabled there are unknown, too"
        message = f"AWS does not know the credentials ({asked})"
        return _make(DeniedError, message, asked, hint, status)
    if _DENIED.search(code) or (status in {401, 403} and not _BUSY.search(code)):
        right = _RIGHTS.get(asked.service, asked.service)
        hint = f"the credentials need {right}:{asked.operation}"
        return _make(DeniedError, f"{asked} is denied: {text or code}", asked, hint, status)
    if _BUSY.search(code) or status == 429:
        return _make(ServerError, said, asked, LATER, status)
    if isinstance(status, int) and status >= 500:
        message = f"{asked}: AWS failed with status {status}: {text or code}"
        return _lost(message, asked, kind=ServerError, status=status)
    if _ABSENT.search(code) or (code == "ValidationError" and _ABSENT_TEXT.search(text)):
        return _make(NotFoundError, said, asked, status=status)
    if _CONFLICT.search(code) or (code == "ValidationError" and _CONFLICT_TEXT.search(text)):
        return _make(ConflictError, said, asked, status=status)
    if _LIMIT.search(code):
        hint = "a quota of the account: ask AWS for more, or remove what is not needed"
        return _make(InvalidRequestError, said, asked, hint, status)
    return _make(InvalidRequestError, said, asked, status=status)


def _lost(
    message: str,
    asked: Asked,
    *,
    kind: type[UnreachableError] | type[ServerError] = UnreachableError,
    status: int | None = None,
) -> ApiError:
    """The request was sent, so that AWS may have acted on it."""
    error = _make(kind, message, asked, LATER, status)
    if isinstance(error, UnreachableError):
        error.lost_reply = True
    return error


def _make(
    kind: type[E], message: str, asked: Asked, hint: str | None = None, status: int | None = None
) -> E:
    return kind(message, system=SYSTEM, address=asked.endpoint, status=status, hint=hint)


def _repeats(text: str, secret: str) -> bool:
    """AWS shortens and folds what it quotes, so that a piece of it counts."""
    size = min(PIECE, len(secret))
    return any(secret[at : at + size] in text for at in range(len(secret) - size + 1))


def _clean(text: str, conceal: str) -> str:
    """One bounded line; nothing where it repeats a piece of what is to be concealed."""
    if conceal and _repeats(text, conceal):
        return ""
    if _MARKUP.search(text):
        # Whoever it was that answered, it was not the service.
        return "a page of HTML"
    line = "".join(each if each.isprintable() else " " for each in text).strip().rstrip(".")
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]} …"
