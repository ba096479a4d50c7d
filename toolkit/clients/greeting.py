"""The plainest question to an address: does it answer, what, and what time is it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests

from toolkit.clients.errors_map import WIRE_ERRORS, from_exception, from_response, garbled
from toolkit.clients.session import CONNECT_SECONDS, session_for
from toolkit.errors import ApiError
from toolkit.spec.target import Endpoint

GREETING_SECONDS = 8.0
"""Longer than the five seconds for which servers without a leader hold a request."""
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Greeting:
    """One answer; times in seconds since the epoch, ours but for `date`."""

    status: int
    body: str
    date: float | None
    """The other side's clock, cut to a whole second; None when it did not say."""
    asked_at: float
    answered_at: float
    headers: frozenset[str] = frozenset()
    """Names of the headers, in lower case: each system has some of its own."""


def greet(
    endpoint: Endpoint,
    path: str,
    *,
    timeout: float = GREETING_SECONDS,
    now: Callable[[], float] = time.time,
) -> Greeting:
    """One GET without our token, whatever its status; ApiError when nothing usable answers.

    `timeout`: seconds until the answer has to begin.
    """
    with session_for(endpoint) as session:
        try:
            asked_at = now()
            response = session.get(
                endpoint.address.rstrip("/") + path,
                timeout=(min(CONNECT_SECONDS, timeout), timeout),
                stream=True,
            )
            answered_at = now()
            with closing(response):
                body = response.raw.read(_LONGEST, decode_content=True)
        except (*WIRE_ERRORS, ValueError) as exc:
            raise from_exception(endpoint, exc, read=True).error from exc
    text = body.decode("utf-8", "replace").strip()
    if 300 <= response.status_code < 400:
        raise from_response(endpoint, response.status_code, "", read=True).error
    names = frozenset(name.lower() for name in response.headers)
    return Greeting(response.status_code, text, _date(response), asked_at, answered_at, names)


def is_another(endpoint: Endpoint, said: Greeting) -> ApiError | None:
    """The error when something else answers there: Nomad and Consul have paths in common."""
    consuls = any(name.startswith("x-consul-") for name in said.headers)
    if (endpoint.system == "Consul") == consuls:
        return None
    return garbled(endpoint, f"is not {endpoint.system}'s", read=True).error


def _date(response: requests.Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
