"""The one door at which the errors of boto3 become ours.

What matters most of a write that failed is whether it may have been done. Nothing was done when no
connection came to be, or when Route 53 itself says no; a connection that died, a time that ran out
and an answer with a status of 500 or more leave it open.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import Any, TypeVar

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from toolkit.clients.anatomy import chain
from toolkit.clients.dns.provider import BatchRefusedError, BusyError, ReplyLostError
from toolkit.clients.dns.route53_values import from_name, to_rrset
from toolkit.errors import (
    ApiError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.dns import Change, Zone

E = TypeVar("E", bound=ApiError)

SYSTEM = "Route 53"
LONGEST_TEXT = 1000

VENDOR_ERRORS = (boto.BotoCoreError, boto.ClientError, ResponseParserError)
"""What any call of boto3 may raise."""

_BUSY = frozenset(
    {
        "PriorRequestNotComplete",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_UNKNOWN = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
)
_UNSIGNED = frozenset(
    {"SignatureDoesNotMatch", "IncompleteSignature", "RequestExpired", "RequestTimeTooSkewed"}
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "RECORD LAYER FAILURE")
"""What TLS makes of an answer without TLS."""

_WHERE_KEYS_ARE = (
    "give the process a role (of its machine, or `role` under [route53]), or the variables or "
    "files in which the AWS SDK looks for credentials"
)
_LOOK = "it may have been carried out: look before you try again"

_ACTION = re.compile(r"perform: ([A-Za-z0-9-]+:[A-Za-z0-9]+)")
_REASONS = re.compile(r", (?=[A-Z][A-Za-z]+ )")
_NAMED = (
    re.compile(r"\[name='(?P<name>[^']*)', type='(?P<type>[^']*)'"),
    re.compile(r"RRSet of type (?P<type>\S+) with DNS name (?P<name>\S+)"),
    re.compile(r"RRSet with DNS name (?P<name>\S+)"),
    re.compile(r"resource record set '(?P<type>\S+) (?P<name>\S+?)'"),
    re.compile(r"Action=[A-Z]+, Name=(?P<name>[^,\]]+), Type=(?P<type>[^,\]]+)"),
)
_PLACE = re.compile(r"Changes\[(\d+)\]")
_VALUE = re.compile(
    r"(?:encountered with|Duplicate Resource Record:) '(?P<value>.*?)'{1,2}$", re.DOTALL
)


def translate(
    exc: Exception,
    *,
    write: bool,
    address: str,
    zone: Zone | None = None,
    changes: Sequence[Change] = (),
) -> ApiError:
    """Our error for one of boto3's; `write` says that the request may have changed something.

    `changes`: those of the write, in the order in which they were sent.
    """
    if isinstance(exc, boto.ClientError):
        return _said(exc, write=write, address=address, zone=zone, changes=changes)
    if isinstance(exc, boto.SSLError):
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain(exc)):
            message = f"{_place(address)} shows a certificate that is not trusted"
            return _make(TlsError, message, address)
        if any(word in str(exc).upper() for word in _PLAIN):
            message = f"{_place(address)} speaks plain HTTP, and was asked with TLS"
            return _make(TlsError, message, address, hint="write the address with http://")
        return _lost(f"the TLS connection to {_place(address)} failed", address, write=write)
    if isinstance(exc, boto.ConnectionError):
        # Not a connection that was closed: botocore keeps that apart.
        hint = "is the address right, and does this machine get there"
        return _make(UnreachableError, f"{_place(address)} cannot be reached", address, hint=hint)
    if isinstance(exc, boto.ReadTimeoutError):
        message = f"{_place(address)} accepted the request and did not answer in time"
        return _lost(message, address, write=write)
    if isinstance(exc, boto.HTTPClientError | boto.IncompleteReadError):
        message = f"{_place(address)} closed the connection without a reply"
        return _lost(message, address, write=write)
    if isinstance(exc, ResponseParserError):
        message = f"the answer of {_place(address)} cannot be read"
        return _lost(message, address, write=write)
    if isinstance(exc, boto.NoCredentialsError | boto.PartialCredentialsError):
        message = "there are no AWS credentials to ask Route 53 with"
        return _make(DeniedError, message, address, hint=_WHERE_KEYS_ARE)
    if isinstance(exc, boto.ProfileNotFound | boto.ConfigNotFound | boto.ConfigParseError):
        message = "the AWS configuration of this process cannot be used"
        hint = "look at AWS_PROFILE and at the configuration file it names"
        return _make(DeniedError, message, address, hint=hint)
    if isinstance(exc, boto.CredentialRetrievalError | boto.TokenRetrievalError):
        message = "the AWS credentials could not be fetched from where they come from"
        return _make(DeniedError, message, address, hint=_WHERE_KEYS_ARE)
    if isinstance(exc, boto.ParamValidationError) and changes:
        places = {int(found) for found in _PLACE.findall(str(exc))}
        keys = tuple(changes[place].record.key for place in sorted(places) if place < len(changes))
        return BatchRefusedError(
            f"Route 53 is never asked so: {_clean(str(exc))}",
            system=SYSTEM,
            reasons=(_clean(str(exc)),),
            blamed=keys,
        )
    if isinstance(exc, boto.ParamValidationError | boto.ValidationError):
        message = f"Route 53 is never asked so: {_clean(str(exc))}"
        return _make(InvalidRequestError, message, address)
    return _make(
        InvalidRequestError, f"the AWS SDK cannot ask Route 53: {type(exc).__name__}", address
    )


def _said(
    exc: boto.ClientError,
    *,
    write: bool,
    address: str,
    zone: Zone | None,
    changes: Sequence[Change],
) -> ApiError:
    """What an answer with an error means."""
    error = exc.response.get("Error", {})
    code, text = str(error.get("Code", "")), _clean(str(error.get("Message", "")))
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    where = f"the zone {zone}" if zone is not None else "Route 53"
    if exc.operation_name == "AssumeRole":
        return _role(code, address, status)
    # As documented the answer has no code, only messages: of that botocore makes an empty one.
    if code == "InvalidChangeBatch" or "Messages" in exc.response:
        return _refused(_reasons(exc.response), where, changes, status)
    if code in _BUSY or status == 429:
        message = f"Route 53 takes nothing more at the moment: {text or code}"
        return _make(BusyError, message, address, status)
    denied = _denied(exc, code, text, where, address, status)
    if denied is not None:
        return denied
    if code == "NoSuchHostedZone":
        message = f"Route 53 has no hosted zone {zone.id if zone is not None else ''}".rstrip()
        hint = "look at the `id` of the zone in kick.toml, and at the account that is asked"
        return _make(NotFoundError, message, address, status, hint)
    if code == "NoSuchChange":
        return _make(NotFoundError, "Route 53 knows no such change", address, status)
    if isinstance(status, int) and status >= 500:
        message = f"{_place(address)} failed with status {status}"
        return _lost(message, address, write=write, status=status)
    if write and status == 400:
        # InvalidInput and the like: one change may spoil the batch of all.
        return _refused((f"{code}: {text}",), where, changes, status)
    return _make(InvalidRequestError, f"Route 53 said {code}: {text}", address, status)


def _refused(
    reasons: Sequence[str], where: str, changes: Sequence[Change], status: int | None
) -> BatchRefusedError:
    return BatchRefusedError(
        f"Route 53 refused the changes of {where}: {'; '.join(reasons)[:LONGEST_TEXT]}",
        system=SYSTEM,
        reasons=reasons,
        blamed=blamed(reasons, changes),
        status=status,
    )


def _denied(
    exc: boto.ClientError, code: str, text: str, where: str, address: str, status: int | None
) -> DeniedError | None:
    if code in _DENIED:
        found = _ACTION.search(text)
        action = found[1] if found else f"route53:{exc.operation_name}"
        message = f"AWS does not let us ask {action} of {where}"
        hint = f"allow {action} there, in the policy of the role that the kick server has"
        return _make(DeniedError, message, address, status, hint)
    if code in _EXPIRED:
        hint = "credentials that are given end; a role's are renewed"
        return _make(DeniedError, "the AWS credentials have expired", address, status, hint)
    if code in _UNKNOWN or code in {"MissingAuthenticationToken", "InvalidToken"}:
        message = "AWS does not know the credentials that Route 53 was asked with"
        return _make(DeniedError, message, address, status, _WHERE_KEYS_ARE)
    if code in _UNSIGNED:
        # Its text would repeat the request, a session's token included.
        message = "AWS does not take the signature of the request"
        hint = "is this machine's clock right, and does the secret belong to the access key"
        return _make(DeniedError, message, address, status, hint)
    return None


def _role(code: str, address: str, status: int | None) -> ApiError:
    if code in _BUSY or (isinstance(status, int) and status >= 500):
        message = "AWS's token service gives no session of the role at the moment"
        return _make(BusyError, message, address, status)
    message = f"the role that Route 53 is to be asked with was refused ({code or status})"
    hint = "let the role trust what this process is, and allow that sts:AssumeRole on the role"
    return _make(DeniedError, message, address, status, hint)


def blamed(reasons: Sequence[str], changes: Sequence[Change]) -> tuple[tuple[str, str], ...]:
    """Which changes the reasons name; all of them must name one, or else none is blamed."""
    keys: list[tuple[str, str]] = []
    for reason in reasons:
        named = _keys_of(reason, changes)
        if not named:
            return ()
        keys += named
    return tuple(dict.fromkeys(keys))


def _keys_of(reason: str, changes: Sequence[Change]) -> list[tuple[str, str]]:
    for pattern in _NAMED:
        match = pattern.search(reason)
        if match:
            said = match.groupdict()
            name = from_name(said["name"])
            types = {said["type"]} if "type" in said else {each.record.type for each in changes}
            return [
                each.record.key
                for each in changes
                if each.record.name == name and each.record.type in types
            ]
    match = _VALUE.search(reason)
    return (
        []
        if match is None
        else [each.record.key for each in changes if match["value"] in _values(each)]
    )


def _values(change: Change) -> list[str]:
    return [each["Value"] for each in to_rrset(change.record).get("ResourceRecords", ())]


def _reasons(response: Any) -> tuple[str, ...]:
    """One for each thing wrong; Route 53 says them as a list, or as one in brackets."""
    listed = response.get("messages") or (response.get("Messages") or {}).get("Message")
    if isinstance(listed, str):
        listed = [listed]
    if not listed:
        text = str(response.get("Error", {}).get("Message", ""))
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1]
        listed = _REASONS.split(text)
    return tuple(_clean(str(each)) for each in listed if str(each)) or ("it did not say why",)


def _lost(message: str, address: str, *, write: bool, status: int | None = None) -> ApiError:
    if write:
        return _make(ReplyLostError, message, address, status, _LOOK)
    if status is not None:
        return _make(ServerError, message, address, status)
    return _make(UnreachableError, message, address, status)


def _make(
    kind: type[E], message: str, address: str, status: int | None = None, hint: str | None = None
) -> E:
    return kind(message, system=SYSTEM, address=address, status=status, hint=hint)


def _place(address: str) -> str:
    return f"Route 53 at {address}" if address else "Route 53"


def _clean(text: str) -> str:
    """One bounded line."""
    line = "".join(each if each.isprintable() else " " for each in text).strip()
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]} …"
