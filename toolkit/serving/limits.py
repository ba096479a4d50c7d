"""What one caller, one request and all of them together may take of the server."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.serving.bodies import LARGEST


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the HTTP side; seconds and bytes."""

    body_bytes: int = LARGEST
    header_bytes: int = 16 * 1024
    """Of the request line and all headers together."""
    header_seconds: float = 10.0
    """From the first byte that a connection owes to the end of its headers."""
    body_seconds: float = 10.0
    """From the headers to the last byte of the body."""
    answer_seconds: float = 30.0
    """That an answer waits for a caller who does not read it."""
    idle_seconds: int = 75
    """That an idle connection is kept; longer than clients keep one, so that they hang up first."""
    connections: int = 512
    """Open at once; one more is answered 503 and closed."""
    requests: int = 64
    """In progress at once; one more is answered 503 with Retry-After."""
    of_one_caller: int = 32
    """Of them, one caller's; one more is answered 429."""
    writes: float = 5.0
    """Changes a second that one caller may go on with; faster ones are answered 429."""
    burst: int = 300
    """Changes of one caller that may come at once, after a while without any."""
    verifying: int = 16
    """Threads that find out who asks: a Nomad that hangs takes these, never the ones that work."""
    working: int = 40
    """Threads that do what was asked."""
    streams: int = 128
    """Answers that are sent in pieces as they come, each with a thread that waits for the next; one
    more is answered 503."""
    streams_of_one: int = 32
    """Of them, one caller's; one more is answered 429."""
    raw_seconds: float = 60.0
    """From the headers to the last byte of a body that is no JSON."""
    last_requests: int = 8
    """That requests in flight get after a signal. What is closed after them takes some seconds
    more at worst: Nomad's `kill_timeout` has to be longer than both."""
