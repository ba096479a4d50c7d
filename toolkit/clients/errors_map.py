"""The one door at which the vendors' errors become ours: text first, status second.

Nomad and Consul answer most failures with status 500 and prose, so the prose decides. The texts
matched here are the servers' own; each stands beside what it means, and nowhere else.
"""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
import urllib3

from toolkit.clients.anatomy import chain, never_sent, reason, unwrap
from toolkit.clients.texts import FOREIGN, NO_SUCH, NOT_KNOWN_THERE, RULES, Rule
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
from toolkit.spec.target import Endpoint

E = TypeVar("E", bound=ApiError)

WIRE_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What any call may raise; OSError is what requests says of a certificate file it lacks.

python-nomad and python-consul2 add theirs in `nomad_wire` and `consul_wire`, so that a command
that talks to one of them does not import the other.
"""

LONGEST_TEXT = 4000
"""Characters of an answer that a message repeats."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt: the error for the caller, and whether it may pass by itself."""

    error: ApiError
    cause: BaseException | None = None
    passing: bool = False
    """Worth another attempt, if asking twice does no harm."""


_TOKEN = {
    "Nomad": "NOMAD_TOKEN",
    "Consul": "CONSUL_HTTP_TOKEN",
    "Kick": "NOMAD_TOKEN",
    "Hook": "NOMAD_TOKEN",
}
_WRONG_PLACE = "check the address: something that is not {system} answers there"


def from_response(
    endpoint: Endpoint, status: int, text: str, *, read: bool, ours: bool = True
) -> Failure:
    """The failure that an answer with an error status stands for.

    `ours`: False when the answer lacks what the system always sends, such as its index header.
    """
    text = text.strip()
    place = _place(endpoint)
    if status in {502, 503, 504}:
        # A gateway speaks: what is behind it may have done the work.
        message = f"{place} is behind a gateway that answered {status}"
        if not read:
            return Failure(_lost(endpoint, message, status))
        return Failure(_make(ServerError, message, endpoint, status, None), passing=True)
    if _is_foreign(status, text, ours=ours):
        return _wrong_place(endpoint, status)
    for rule in RULES:
        if rule.pattern.search(text):
            return _by_rule(endpoint, rule, status, text, read=read)
    said = shorten(text) or f"status {status}"
    if status == 429:
        hint = "it limits requests: wait a little, or run fewer commands at once"
        error = _make(ServerError, f"{place} answered 429: {said}", endpoint, status, hint)
        return Failure(error, passing=True)
    if status in {401, 403}:
        return Failure(
            _make(DeniedError, f"{place}: {said}", endpoint, status, _denied_hint(endpoint))
        )
    if status == 404:
        return Failure(_make(NotFoundError, f"{place}: {said}", endpoint, status, None))
    if status == 409:
        # The body holds the other side's values, which may be secrets.
        message = f"{place}: somebody else changed it in between"
        hint = "read it again, then decide"
        return Failure(_make(ConflictError, message, endpoint, status, hint))
    if status < 500:
        return Failure(_make(InvalidRequestError, f"{place}: {said}", endpoint, status, None))
    return Failure(_make(ServerError, f"{place} failed: {said}", endpoint, status, None))


def from_exception(endpoint: Endpoint, exc: BaseException, *, read: bool) -> Failure:
    """The failure that a raised vendor error stands for."""
    if not endpoint.address:
        message = f"nothing says where {endpoint.system} is in this environment"
        return Failure(_make(UnreachableError, message, endpoint, None, endpoint.origin), exc)
    root = unwrap(exc)
    if isinstance(root, requests.Response):
        ours = any(name.lower().startswith("x-nomad-") for name in root.headers)
        failure = from_response(endpoint, root.status_code, root.text, read=read, ours=ours)
        # A conflict's text holds the other side's values: it must not come up in a traceback.
        cause = None if root.status_code == 409 else exc
        return Failure(failure.error, cause, failure.passing)
    tls = _tls_failure(endpoint, root)
    if tls is not None:
        return Failure(tls, exc)
    place = _place(endpoint)
    if isinstance(
        root,
        requests.exceptions.InvalidURL
        | requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema
        | urllib3.exceptions.LocationValueError,
    ):
        message = f"{endpoint.system} address {endpoint.address!r} is not a web address"
        hint = "write it as http://host:port or https://host:port"
        return Failure(_make(InvalidRequestError, message, endpoint, None, hint), exc)
    if isinstance(root, json.JSONDecodeError):
        return garbled(endpoint, "is not JSON", read=read, cause=exc)
    if never_sent(root):
        message = f"{place} cannot be reached: {reason(root)}"
        hint = _absent_hint(endpoint)
        if isinstance(root, requests.exceptions.ProxyError):
            hint = "look at `proxy` of the environment"
        elif endpoint.proxy and endpoint.origin != _REHEARSED:
            hint = f"the way there is the environment's proxy, {endpoint.proxy}: {hint}"
        error = _make(UnreachableError, message, endpoint, None, hint)
        return Failure(error, exc, passing=not isinstance(root, requests.exceptions.Timeout))
    if isinstance(root, requests.exceptions.Timeout | urllib3.exceptions.ReadTimeoutError):
        message = f"{place} accepted the request and did not answer in time"
        return Failure(_lost(endpoint, message, None, read=read), exc)
    if isinstance(
        root,
        requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError
        | requests.exceptions.StreamConsumedError
        | urllib3.exceptions.IncompleteRead
        | urllib3.exceptions.DecodeError,
    ):
        return garbled(endpoint, "was cut short", read=read, cause=exc)
    if isinstance(
        root, requests.exceptions.ConnectionError | urllib3.exceptions.HTTPError | ConnectionError
    ):
        message = f"{place} closed the connection without a reply"
        return Failure(_lost(endpoint, message, None, read=read), exc, passing=True)
    if isinstance(root, requests.RequestException | OSError | UnicodeError):
        message = f"the request to {place} could not be made: {reason(root)}"
        return Failure(_make(InvalidRequestError, message, endpoint, None, None), exc)
    message = f"{place} failed: {shorten(str(root)) or type(root).__name__}"
    return Failure(_make(ServerError, message, endpoint, None, None), exc)


def garbled(
    endpoint: Endpoint, what: str, *, read: bool, cause: BaseException | None = None
) -> Failure:
    """The answer came and cannot be used; of a write we then do not know what it did."""
    message = f"the answer of {_place(endpoint)} {what}"
    if not read:
        return Failure(_lost(endpoint, message, None), cause)
    hint = _WRONG_PLACE.format(system=endpoint.system)
    return Failure(_make(ServerError, message, endpoint, None, hint), cause)


def unhealthy(error: ServerError) -> dict[str, Any]:
    """Nomad and Consul say "my servers are not well" with the status of a limit: not an error."""
    if error.status == 429 and '"Healthy"' in error.message:
        return {"Healthy": False, "Servers": []}
    raise error


def unknown_token_hint(endpoint: Endpoint) -> str:
    """What to do about a token that the system does not know."""
    return NOT_KNOWN_THERE.format(token=_TOKEN[endpoint.system])


_REHEARSED = "toolkit cluster rehearse"
"""Where addresses of a rehearsal come from, as `toolkit.config` says."""


def _absent_hint(endpoint: Endpoint) -> str:
    if endpoint.origin == "toolkit dev":
        return "`toolkit dev status` shows the local agents, `toolkit dev up` starts them"
    if endpoint.origin == _REHEARSED:
        return "`toolkit cluster rehearse status NAME` says what of it is off"
    hint = f"is {endpoint.system} running, and is the address right ({endpoint.origin})"
    if endpoint.origin == "default":
        hint += "; `toolkit dev up` starts local agents"
    return hint


def _is_foreign(status: int, text: str, *, ours: bool) -> bool:
    """True when this is not how the system that we ask says something."""
    if 300 <= status < 400 or FOREIGN.search(text[:1000]):
        return True
    return status == 404 and not ours and not NO_SUCH.search(text)


def _by_rule(endpoint: Endpoint, rule: Rule, status: int, text: str, *, read: bool) -> Failure:
    message = f"{_place(endpoint)}: {shorten(text)}"
    if rule.unsure and not read:
        return Failure(_lost(endpoint, message, status))
    hint = rule.hint
    if hint is None and rule.kind is DeniedError:
        hint = _denied_hint(endpoint)
    if hint is not None:
        hint = hint.format(token=_TOKEN.get(endpoint.system, "the token"))
    return Failure(_make(rule.kind, message, endpoint, status, hint), passing=rule.passing)


def _denied_hint(endpoint: Endpoint) -> str:
    if endpoint.system == "Traefik":
        if endpoint.token:
            return "check `traefik_user` and TOOLKIT_TRAEFIK_PASSWORD"
        return "set `traefik_user` in toolkit.toml and TOOLKIT_TRAEFIK_PASSWORD"
    if endpoint.token:
        return f"the token in {_TOKEN[endpoint.system]} lacks the right for this"
    return f"set {_TOKEN[endpoint.system]}: it was asked without a token"


def _wrong_place(endpoint: Endpoint, status: int) -> Failure:
    message = f"{_place(endpoint)} does not answer as {endpoint.system} does (status {status})"
    hint = f"{_WRONG_PLACE.format(system=endpoint.system)} (it came from {endpoint.origin})"
    return Failure(_make(ServerError, message, endpoint, status, hint))


def _tls_failure(endpoint: Endpoint, root: BaseException) -> TlsError | None:
    text = "; ".join(str(item) for item in chain(root))
    place = _place(endpoint)
    hint: str | None
    files = "check ca_file, cert_file and key_file"
    if "invalid path:" in text:
        # requests says so in a bare OSError.
        message = f"no certificate for {place}: nothing is at {text.partition('invalid path:')[2]}"
        return _make(TlsError, message.replace("at  ", "at "), endpoint, None, files)
    for item in () if never_sent(root) else chain(root):
        if isinstance(item, FileNotFoundError | PermissionError):
            message = f"a certificate or key for {place} cannot be read: {reason(item)}"
            return _make(TlsError, message, endpoint, None, files)
    if any(isinstance(item, ssl.SSLEOFError | ssl.SSLZeroReturnError) for item in chain(root)):
        # A connection that died under TLS: the request may have been read.
        return None
    if not any(
        isinstance(item, ssl.SSLError | requests.exceptions.SSLError | urllib3.exceptions.SSLError)
        for item in chain(root)
    ):
        return None
    lowered = text.lower().replace(" ", "_")
    if "wrong_version_number" in lowered or "record_layer_failure" in lowered:
        message = f"{place} speaks plain HTTP, and was asked with TLS"
        hint = "write the address with http://"
    elif (
        "hostname_mismatch" in lowered
        or "is_not_valid_for" in lowered
        or "doesn't_match" in lowered
    ):
        message = f"{place} shows a certificate for another name"
        hint = "set tls_server_name to the name in its certificate (Nomad: server.<region>.nomad)"
    elif "certificate_required" in lowered or "bad_certificate" in lowered:
        message = f"{place} asks for a client certificate"
        hint = "set cert_file and key_file"
    elif "certificate_verify_failed" in lowered:
        message = f"{place} shows a certificate that is not trusted"
        hint = "set ca_file to the authority that signed it"
    else:
        message = f"{place}: TLS failed: {reason(root)}"
        hint = files
    return _make(TlsError, message, endpoint, None, hint)


def _lost(endpoint: Endpoint, message: str, status: int | None, *, read: bool = False) -> ApiError:
    hint = None if read else "it may have been carried out: look before you try again"
    if endpoint.address.startswith("https:") and endpoint.cert_file is None:
        # TLS 1.3 lets a client without a certificate write before it is turned away.
        wanted = "a server that asks for a client certificate (cert_file) ends like this too"
        hint = wanted if hint is None else f"{hint}; {wanted}"
    error = UnreachableError(
        message, system=endpoint.system, address=endpoint.address, status=status, hint=hint
    )
    error.lost_reply = True
    return error


def _make(
    kind: type[E], message: str, endpoint: Endpoint, status: int | None, hint: str | None
) -> E:
    return kind(message, system=endpoint.system, address=endpoint.address, status=status, hint=hint)


def _place(endpoint: Endpoint) -> str:
    return f"{endpoint.system} at {endpoint.address}"


def shorten(text: str) -> str:
    """One line of what the server says; its lists of errors become one sentence each."""
    text = re.sub(r"\d+ errors? occurred:\s*(\* )?", "", text)
    text = re.sub(r"\s*\n\s*\* ", "; ", text).strip().rstrip(".")
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
