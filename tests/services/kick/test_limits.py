"""Slow, large, many and odd requests on real connections: others are served meanwhile."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from tests.services.kick.rig import WEB
from tests.services.kick.served import Served, answer, everything, problem, served
from tests.services.running import NO_TLS, PATIENCE, until
from toolkit.serving.bodies import LARGEST
from toolkit.serving.limits import Limits

AS_SHOP = b"Host: kick\r\nAuthorization: Bearer a.a.shop\r\n"
RECORD = json.dumps({"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}).encode()
LIMITS = Limits(header_seconds=60, body_seconds=60, connections=80, requests=8, of_one_caller=6)
HASTY = Limits(header_seconds=1, body_seconds=1, answer_seconds=1, idle_seconds=1)


@pytest.fixture(scope="module")
def kick(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with patience for any test, and with little room."""
    with served(portal, tmp_path_factory.mktemp("served"), LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with little patience, for who has too much."""
    with served(portal, tmp_path_factory.mktemp("hasty"), HASTY) as running:
        yield running


def post(body: bytes, *, head: bytes = b"", path: bytes = b"/records") -> bytes:
    length = f"Content-Length: {len(body)}\r\n".encode()
    return b"POST " + path + b" HTTP/1.1\r\n" + AS_SHOP + length + head + b"\r\n" + body


def is_served(kick: Served) -> bool:
    """Whether somebody else gets an answer."""
    url = f"http://127.0.0.1:{kick.port}/records"
    return httpx.get(url, headers=WEB, timeout=PATIENCE, trust_env=False, verify=NO_TLS).is_success


def zone_is_empty(kick: Served) -> bool:
    records = kick.rig.files.records(kick.rig.kick.config.zones[0])
    return not [record for record in records if record.type not in ("NS", "SOA")]


# --- slow --------------------------------------------------------------------------------------


def test_headers_that_do_not_end(hasty: Served) -> None:
    begun = [b"", b"GET", b"GET /records HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: kick\r\nX-A: "]
    slow = [hasty.raw(said) for said in begun]
    assert {problem(everything(each)) for each in slow} == {(408, "too-slow")}


def test_fifty_slow_connections_stop_nobody(kick: Served) -> None:
    slow = [kick.raw(b"POST /records HTTP/1.1\r\nHost: kick\r\nX-" + b"a" * n) for n in range(50)]
    assert is_served(kick)
    for each in slow:
        each.close()


def test_a_second_request_on_a_connection_has_a_deadline_too(hasty: Served) -> None:
    connection = hasty.raw(b"GET /records HTTP/1.1\r\n" + AS_SHOP + b"\r\n")
    assert answer(connection)[0] == 200
    connection.sendall(b"GET /rec")
    assert problem(everything(connection)) == (408, "too-slow")


def test_a_body_that_does_not_end(hasty: Served) -> None:
    said = hasty.say(post(RECORD).removesuffix(b"}"))
    assert problem(said) == (408, "too-slow")
    assert zone_is_empty(hasty)


@pytest.mark.parametrize("answers", [1, 400])
def test_a_caller_that_does_not_read_its_answers_is_cut_off(hasty: Served, answers: int) -> None:
    until(lambda: hasty.connections == 0, "nobody else is there")
    stuck = hasty.raw(b"GET /openapi.json HTTP/1.1\r\nHost: kick\r\n\r\n" * answers)
    until(lambda: hasty.connections == 1, "it is there")
    until(lambda: hasty.connections == 0, "it is not, although it never hung up")
    stuck.close()


def test_a_caller_that_hangs_up_within_its_body(kick: Served) -> None:
    connection = kick.raw(post(RECORD).removesuffix(b"}"))
    connection.close()
    assert is_served(kick)
    assert zone_is_empty(kick)


# --- large -------------------------------------------------------------------------------------


def test_the_largest_body_is_read_and_one_byte_more_is_not(kick: Served) -> None:
    body = b'{"hostname": "' + b"a" * (LARGEST - 16) + b'"}'
    assert len(body) == LARGEST
    assert problem(kick.say(post(body, head=b"Connection: close\r\n"))) == (422, "invalid")
    assert problem(kick.say(post(body + b" "))) == (413, "too-large")


def test_a_large_body_is_refused_by_its_announced_length(kick: Served) -> None:
    """Nothing of it is sent: whoever waits for its end would wait for ever."""
    head = b"POST /records HTTP/1.1\r\n" + AS_SHOP + b"Content-Length: 99999999999\r\n\r\n"
    connection = kick.raw(head)
    status, headers, document = answer(connection)
    assert (status, headers["connection"]) == (413, "close")
    assert document["type"] == "/problems/too-large"
    connection.close()


def test_a_large_body_in_pieces_is_refused_before_its_end(kick: Served) -> None:
    head = b"POST /records HTTP/1.1\r\n" + AS_SHOP + b"Transfer-Encoding: chunked\r\n\r\n"
    connection = kick.raw(head)
    for _ in range(65):
        connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
    status, headers, _ = answer(connection)
    assert (status, headers["connection"]) == (413, "close")
    connection.close()


def test_a_body_that_is_asked_for_first_is_not_asked_for_in_vain(kick: Served) -> None:
    head = (
        b"POST /records HTTP/1.1\r\nHost: kick\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
    assert problem(kick.say(head)) == (401, "unidentified")


def test_an_answer_arrives_although_a_body_was_not_wanted(kick: Served) -> None:
    """A connection that is closed while its other end still sends is reset, answer and all."""
    for _ in range(20):
        said = kick.say(
            b"POST /records HTTP/1.1\r\nHost: kick\r\nContent-Length: 300000\r\n\r\n"
            + b"x" * 300_000
        )
        assert problem(said) == (401, "unidentified")


def test_headers_that_are_too_large(kick: Served) -> None:
    request = b"GET /records HTTP/1.1\r\n" + AS_SHOP + b"X-Large: " + b"a" * LIMITS.header_bytes
    assert problem(kick.say(request)) == (431, "headers-too-large")
    # Nor where they come at once and whole.
    assert problem(kick.say(request + b"\r\n\r\n")) == (431, "headers-too-large")
    assert is_served(kick)


# --- many --------------------------------------------------------------------------------------


def test_more_connections_than_there_are_places(kick: Served) -> None:
    taken = [kick.raw() for _ in range(LIMITS.connections)]
    said = kick.say(b"")
    assert problem(said) == (503, "unavailable")
    assert b"Retry-After: 1" in said
    for each in taken:
        each.close()
    until(lambda: is_served(kick), "places are free again")


def test_more_requests_than_are_worked_on(kick: Served) -> None:
    hold = threading.Event()

    def wait() -> None:
        hold.wait(PATIENCE)

    kick.rig.verifier.before = wait
    request = b"GET /records HTTP/1.1\r\nConnection: close\r\n" + AS_SHOP + b"\r\n"
    waiting = [kick.raw(request) for _ in range(LIMITS.requests)]
    asked = kick.rig.verifier.asked
    try:
        until(lambda: kick.rig.kick.metrics.in_progress._value.get() >= 8, "all are worked on")
        said = kick.say(request)
        assert problem(said) == (503, "unavailable")
        assert b"retry-after: 1" in said.lower()
        assert (
            kick.say(b"GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")[9:12]
            == b"200"
        )
    finally:
        hold.set()
        kick.rig.verifier.before = lambda: None
    statuses = {everything(each)[9:12] for each in waiting}
    assert statuses <= {b"200", b"429"}
    assert kick.rig.verifier.asked >= asked


def test_one_caller_does_not_take_every_place(kick: Served) -> None:
    """Bodies that are on their way hold places; another caller still gets one."""
    head = (
        b"POST /records HTTP/1.1\r\n"
        + AS_SHOP
        + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    slow = [kick.raw(head) for _ in range(LIMITS.of_one_caller)]
    for each in slow:
        assert each.recv(100).startswith(b"HTTP/1.1 100")
    one_more = kick.raw(head)
    status, headers, document = answer(one_more)
    assert (status, headers["retry-after"]) == (429, "1")
    assert document["type"] == "/problems/too-many"
    assert is_served(kick)
    for each in (*slow, one_more):
        each.close()
    until(lambda: kick.rig.kick.metrics.in_progress._value.get() == 0, "all places are free")


# --- odd ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n\r\n\r\n\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: kick\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: kick\r\n\r\n",
        b"GET /records HTTP/1.1\r\nHost: kick\r\nHost: other\r\n\r\n",
        b"GET /records HTTP/1.1\r\nHost: kick\r\nA b: c\r\n\r\n",
        b"GET /records HTTP/1.1\r\nHost: kick\r\nX: a\x00b\r\n\r\n",
        b"GET /records HTTP/1.1\r\nHost: kick\r\nTransfer-Encoding : chunked\r\n\r\n",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nContent-Length: -5\r\n\r\nhello",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nContent-Length: +5\r\n\r\nhello",
        b"POST /records HTTP/1.1\r\nHost: kick\r\nContent-Length: 5, 5x\r\n\r\nhello",
    ],
)
def test_what_is_no_http_or_could_be_read_in_two_ways(kick: Served, request_: bytes) -> None:
    status = int(kick.say(request_).split()[1])
    assert status in (400, 501)
    assert is_served(kick)


def test_a_length_that_is_said_twice_ends_the_connection(kick: Served) -> None:
    """What one server takes for a body, another takes for a second request."""
    smuggled = b"DELETE /record/shop.apps.example.com HTTP/1.1\r\n" + AS_SHOP + b"\r\n"
    said = kick.say(
        b"POST /records HTTP/1.1\r\n" + AS_SHOP
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled
    )  # fmt: skip
    assert problem(said) == (400, "malformed")
    assert said.count(b"HTTP/1.1 ") == 1


def test_garbage_after_a_request_does_not_spoil_its_answer(kick: Served) -> None:
    said = kick.say(b"GET /records HTTP/1.1\r\n" + AS_SHOP + b"\r\n" + b"\x00\xff garbage\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1 ") == 2
    assert b"400 Bad Request" in said


def test_a_chunk_that_is_garbage(kick: Served) -> None:
    head = b"POST /records HTTP/1.1\r\n" + AS_SHOP + b"Transfer-Encoding: chunked\r\n\r\n"
    said = kick.say(head + b"zz\r\nhello\r\n0\r\n\r\n")
    assert said == b"" or problem(said)[0] == 400
    assert is_served(kick)


def test_requests_one_after_another_are_answered_in_order(kick: Served) -> None:
    one = b"GET /records HTTP/1.1\r\n" + AS_SHOP + b"\r\n"
    last = b"GET /nothing HTTP/1.1\r\nConnection: close\r\n" + AS_SHOP + b"\r\n"
    said = kick.say(one * 5 + last)
    assert re.findall(rb"HTTP/1.1 ([0-9]+)", said) == [b"200"] * 5 + [b"404"]


def test_control_characters_of_a_path_are_not_obeyed_by_who_reads_the_log(kick: Served) -> None:
    path = b"/%1b%5b2J%0aFATAL%20" + b"a" * 5000
    said = kick.say(b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\n" + AS_SHOP + b"\r\n")
    assert problem(said) == (404, "not-found")
    line = kick.rig.said.getvalue().splitlines()[-1]
    assert "\x1b" not in line
    assert len(line) < 1500
    assert json.loads(line)["status"] == 404


def test_an_unexpected_error_is_a_document_with_an_id_and_no_secret(kick: Served) -> None:
    def fail() -> None:
        raise RuntimeError("secret-of-nobody")

    kick.rig.verifier.before = fail
    try:
        said = kick.say(b"GET /records HTTP/1.1\r\nConnection: close\r\n" + AS_SHOP + b"\r\n")
    finally:
        kick.rig.verifier.before = lambda: None
    assert problem(said) == (500, "bug")
    assert b"secret-of-nobody" not in said
    assert b"Traceback" not in said
    bug = next(line for line in kick.rig.log() if line["event"] == "bug")
    assert bug["error"] == "RuntimeError"
    assert bug["request"].encode() in said
    assert "test_limits.py" in bug["places"]
    assert "secret-of-nobody" not in kick.rig.said.getvalue()
