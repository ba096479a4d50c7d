"""Every error of the libraries, and every text of the servers, becomes one of ours."""

from __future__ import annotations

import inspect
import json
import ssl
from collections.abc import Iterator
from types import ModuleType

import nomad.api.exceptions
import pytest
import requests
import urllib3

from toolkit.clients.errors_map import from_exception, from_response
from toolkit.clients.nomad_wire import NOMAD_ERRORS
from toolkit.clients.retry import BUDGET_SECONDS, PAUSES, ask_again
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
from toolkit.spec.target import Endpoint, Secret

NOMAD = Endpoint("Nomad", "http://nomad.test:4646", "toolkit.toml:3")
CONSUL = Endpoint("Consul", "http://consul.test:8500", "CONSUL_HTTP_ADDR")
TRAEFIK = Endpoint("Traefik", "http://traefik.test:8082", "Consul")


def exceptions_of(module: ModuleType) -> Iterator[type[Exception]]:
    for _name, item in inspect.getmembers(module, inspect.isclass):
        if item.__module__ != module.__name__ or issubclass(item, Warning):
            continue
        # Raised only by wrappers that are not used here.
        if issubclass(item, Exception) and item is not nomad.api.exceptions.InvalidParameters:
            yield item


def made(kind: type[Exception]) -> Exception:
    """An instance without caring about each constructor."""
    instance = kind.__new__(kind)
    if issubclass(kind, json.JSONDecodeError):
        instance.args = ("no JSON", "doc", 0)
    elif issubclass(kind, nomad.api.exceptions.BaseNomadException):
        instance.nomad_resp = answer(500, "prose")  # type: ignore[attr-defined]
    else:
        instance.args = ("something",)
    return instance


def answer(status: int, text: str, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = text.encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@pytest.mark.parametrize(
    "kind",
    [
        *exceptions_of(nomad.api.exceptions),
        *exceptions_of(requests.exceptions),
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
@pytest.mark.parametrize("read", [True, False])
def test_every_vendor_error_is_caught_and_mapped(kind: type[Exception], read: bool) -> None:
    assert issubclass(kind, NOMAD_ERRORS)
    failure = from_exception(NOMAD, made(kind), read=read)
    assert type(failure.error) is not ApiError
    assert "Nomad" in failure.error.message
    assert failure.error.address == NOMAD.address


SAID = [
    (500, "Enforcing job modify index 7: job exists with conflicting job modify index: 9",
     ConflictError),
    (500, "Current job has version 4; enforcing version 3", ConflictError),
    (403, "Permission denied", DeniedError),
    (403, "ACL token not found", DeniedError),
    (403, "ACL token expired", DeniedError),
    (500, "rpc error: Permission denied", DeniedError),
    (403, "Job registration, dispatch, and scale are disabled by the scheduler configuration",
     DeniedError),
    (400, "ACL bootstrap already done (reset index: 15)", ConflictError),
    (429, "Your IP is issuing too many concurrent connections, please rate limit your calls",
     ServerError),
    (429, "Too Many Requests", ServerError),
    (500, "No cluster leader", ServerError),
    (500, "Not ready to serve consistent reads", ServerError),
    (500, "No path to region", InvalidRequestError),
    (500, '1 error occurred:\n\t* job "x" is in nonexistent namespace "y"', InvalidRequestError),
    (500, 'cannot update job from type "service" to "system"', InvalidRequestError),
    (500, 'mismatched request namespace in request: "a", "b"', InvalidRequestError),
    (400, "Failed to parse job: input.hcl:3,1-2: Invalid expression", InvalidRequestError),
    (400, "Client sent an HTTP request to an HTTPS server.", TlsError),
    (500, 'Task group "web" has 1/2 healthy allocations', ConflictError),
    (500, "can't promote terminal deployment", ConflictError),
    (500, 'job "x" not found', NotFoundError),
    (404, 'Unknown allocation "x"', NotFoundError),
    (404, "state for allocation 3a7da7cc-7214 not found on client", NotFoundError),
    (404, 'log entry for task "app" and log type "stderr" not found', NotFoundError),
    (500, "deployment lookup failed: index error: UUID must be 36 characters", NotFoundError),
    (409, "anything", ConflictError),
    (401, "", DeniedError),
    (405, "Invalid method", InvalidRequestError),
    (500, "something new", ServerError),
    (502, "<html>Bad gateway</html>", ServerError),
]  # fmt: skip


@pytest.mark.parametrize(("status", "text", "kind"), SAID)
def test_the_text_decides_before_the_status(status: int, text: str, kind: type[ApiError]) -> None:
    failure = from_response(NOMAD, status, text, read=True)
    assert type(failure.error) is kind
    assert failure.error.status == status
    assert NOMAD.address in failure.error.message
    assert not failure.error.message.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "leadership lost while committing log",
        "rpc error: EOF",
        "rpc error: failed to get conn: read tcp: i/o timeout",
    ],
)
def test_a_write_that_a_server_lost_may_have_been_carried_out(text: str) -> None:
    error = from_response(NOMAD, 500, text, read=False).error
    assert isinstance(error, UnreachableError)
    assert error.lost_reply
    assert isinstance(from_response(NOMAD, 500, text, read=True).error, ServerError)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_fails_leaves_a_write_open(status: int) -> None:
    error = from_response(NOMAD, status, "<html>gateway</html>", read=False).error
    assert isinstance(error, UnreachableError)
    assert error.lost_reply


def test_no_leader_is_sure_to_have_done_nothing() -> None:
    error = from_response(NOMAD, 500, "No cluster leader", read=False).error
    assert isinstance(error, ServerError)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "404 page not found"),
        (404, ""),
        (404, '{"detail":"Not Found"}'),
        (404, "Not found"),
        (404, "<html><body>no</body></html>"),
        (404, "Invalid URL path: not a recognized HTTP API endpoint"),
        (301, ""),
        (403, "<!DOCTYPE html><p>log in"),
    ],
)
def test_something_else_that_answers_is_not_taken_for_an_absent_job(status: int, text: str) -> None:
    error = from_response(NOMAD, status, text, read=True, ours=False).error
    assert type(error) is ServerError
    assert error.hint is not None
    assert "check the address" in error.hint
    assert "toolkit.toml:3" in error.hint


def test_a_conflicting_variable_keeps_its_values_to_itself() -> None:
    response = answer(409, '{"Items":{"password":"hunter2"}}', X_Nomad_Index="3")
    vendor = nomad.api.exceptions.VariableConflict(response)
    failure = from_exception(NOMAD, vendor, read=False)
    assert "hunter2" not in failure.error.message
    assert failure.cause is None


@pytest.mark.parametrize(
    ("endpoint", "token", "words"),
    [
        (NOMAD, None, "set NOMAD_TOKEN"),
        (NOMAD, "t", "the token in NOMAD_TOKEN lacks the right"),
        (CONSUL, None, "set CONSUL_HTTP_TOKEN"),
        (CONSUL, "t", "the token in CONSUL_HTTP_TOKEN lacks the right"),
        (TRAEFIK, None, "set `traefik_user`"),
        (TRAEFIK, "t", "TOOLKIT_TRAEFIK_PASSWORD"),
    ],
)
def test_a_denial_says_which_token_to_look_at(
    endpoint: Endpoint, token: str | None, words: str
) -> None:
    secret = None if token is None else Secret(token)
    there = Endpoint(endpoint.system, endpoint.address, endpoint.origin, token=secret)
    error = from_response(there, 403, "Permission denied", read=True).error
    assert error.hint is not None
    assert words in error.hint


def test_lists_of_errors_become_a_sentence() -> None:
    text = (
        "1 error occurred:\n\t* Task group g validation failed: 2 errors occurred:\n"
        "\t* a is wrong\n\t* b is wrong\n\n"
    )
    error = from_response(NOMAD, 500, text, read=False).error
    assert error.message.endswith(": Task group g validation failed: a is wrong; b is wrong")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "speaks plain HTTP"),
        ("[SSL: RECORD_LAYER_FAILURE] record layer failure", "speaks plain HTTP"),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'x'",
         "for another name"),
        ("certificate verify failed: self-signed certificate in chain", "not trusted"),
        ("tlsv13 alert certificate required", "asks for a client certificate"),
        ("something else", "TLS failed"),
    ],
)  # fmt: skip
def test_tls_failures_are_told_apart(reason: str, words: str) -> None:
    inner = urllib3.exceptions.SSLError(ssl.SSLError(1, reason))
    error = from_exception(NOMAD, requests.exceptions.SSLError(inner), read=False).error
    assert isinstance(error, TlsError)
    assert words in error.message
    assert error.hint is not None


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_a_connection_that_dies_under_tls_may_have_carried_the_request(
    kind: type[ssl.SSLError],
) -> None:
    inner = urllib3.exceptions.SSLError(kind(8, "EOF occurred in violation of protocol"))
    sealed = Endpoint("Nomad", "https://nomad.test:4646", "toolkit.toml:3")
    error = from_exception(sealed, requests.exceptions.SSLError(inner), read=False).error
    assert isinstance(error, UnreachableError)
    assert error.lost_reply
    assert "cert_file" in (error.hint or "")


def test_a_missing_certificate_file_is_named() -> None:
    raised = OSError("Could not find a suitable TLS CA certificate bundle, invalid path: a/ca.pem")
    error = from_exception(NOMAD, raised, read=True).error
    assert isinstance(error, TlsError)
    assert "a/ca.pem" in error.message


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def failing(clock: Clock, *, passing: bool, lasts: float = 0.0) -> tuple[list[int], ApiError]:
    """Attempts made until it gave up, of a call that always fails after `lasts` seconds."""
    attempts: list[int] = []

    def attempt() -> object:
        attempts.append(1)
        clock.now += lasts
        failure = from_response(NOMAD, 429 if passing else 400, "no", read=True)
        assert failure.passing is passing
        return failure

    with pytest.raises(ApiError) as caught:
        ask_again(attempt, read=True, sleep=clock.sleep, clock=lambda: clock.now)
    return attempts, caught.value


def test_a_read_is_tried_again_a_bounded_number_of_times() -> None:
    clock = Clock()
    attempts, _error = failing(clock, passing=True)
    assert len(attempts) == 1 + len(PAUSES)
    assert clock.slept == list(PAUSES)


def test_a_slow_failure_is_not_tried_for_longer_than_the_budget() -> None:
    clock = Clock()
    attempts, _error = failing(clock, passing=True, lasts=BUDGET_SECONDS + 3)
    assert len(attempts) == 2


def test_what_will_not_pass_is_not_tried_again() -> None:
    clock = Clock()
    attempts, _error = failing(clock, passing=False)
    assert (len(attempts), clock.slept) == (1, [])


def test_a_write_is_made_once() -> None:
    clock = Clock()
    attempts: list[int] = []

    def attempt() -> object:
        attempts.append(1)
        return from_response(NOMAD, 429, "no", read=False)

    with pytest.raises(ServerError):
        ask_again(attempt, read=False, sleep=clock.sleep)
    assert (len(attempts), clock.slept) == (1, [])
