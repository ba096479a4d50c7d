"""The probe's own client: what comes over the wire is an answer, or says why it is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from toolkit.clients.http_wire import CutError, body_left, read_head
from toolkit.clients.probe import LONGEST_BODY, Prober

OK = b"HTTP/1.1 200 OK\r\nX-Release: 1.1.0\r\nContent-Length: 5\r\n\r\nhello"
CLOSE = b""


@contextmanager
def spoken(*connections: Sequence[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says, on each connection in turn, one text per request; none: it hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        for texts in connections:
            with suppress(OSError):
                line, _ = listener.accept()
                with line:
                    for text in texts:
                        got = b""
                        while b"\r\n\r\n" not in got and (piece := line.recv(65536)):
                            got += piece
                        heard.append(got)
                        if text == CLOSE:
                            break
                        line.sendall(text)
                    else:
                        line.settimeout(5)
                        line.recv(1)  # until the client leaves

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        # Wakes whoever waits there for a connection that never came.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join()


def pieces(*parts: bytes) -> Callable[[], bytes]:
    """A stream that comes in these pieces, and ends."""
    waiting = list(parts)
    return lambda: waiting.pop(0) if waiting else b""


def test_one_connection_carries_many_requests() -> None:
    short = OK.removesuffix(b"hello")
    with spoken([OK, short, OK]) as (url, heard), Prober(url, host="shop.localhost") as prober:
        first, second, third = (
            prober.ask("GET", "/a?b=c"), prober.ask("HEAD", "/"), prober.ask("POST", "/"),
        )  # fmt: skip
    assert [reply.status for reply in (first, second, third)] == [200, 200, 200]
    assert first.head is not None
    assert (first.head.get("x-RELEASE"), first.head.get("Content")) == ("1.1.0", None)
    assert first.sent <= first.ended <= second.sent
    assert heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: shop.localhost\r\n")
    assert [b"Content-Length: 0\r\n" in request for request in heard] == [False, False, True]


def test_what_nobody_asked_for_is_no_answer_to_the_next_request() -> None:
    goodbye = b"HTTP/1.1 408 Request Timeout\r\n\r\n"
    with spoken([OK + goodbye], [OK]) as (url, _), Prober(url) as prober:
        assert [prober.ask("GET", "/").status for _ in range(2)] == [200, 200]


def test_what_a_kept_connection_swallowed_is_sent_once_more() -> None:
    with spoken([OK, CLOSE], [OK]) as (url, heard), Prober(url) as prober:
        assert prober.ask("GET", "/").status == 200
        assert prober.ask("GET", "/").status == 200
    assert len(heard) >= 2


def test_a_new_connection_that_is_closed_has_failed() -> None:
    with spoken([CLOSE]) as (url, heard), Prober(url) as prober:
        reply = prober.ask("GET", "/")
    assert (reply.status, reply.error) == (None, "closed without an answer")
    assert len(heard) == 1


def test_what_is_half_answered_is_not_sent_again() -> None:
    with (
        spoken([OK, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\nhel"]) as (
            url,
            heard,
        ),
        Prober(url, timeout=0.3) as prober,
    ):
        assert prober.ask("GET", "/").status == 200
        reply = prober.ask("GET", "/")
    assert (reply.status, reply.error) == (None, "no answer in 0.3 s")
    assert len(heard) == 2


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reply = Prober(f"http://127.0.0.1:{taken.getsockname()[1]}").ask("GET", "/")
    assert (reply.status, reply.error) == (None, "connection refused")


@pytest.mark.parametrize("url", ["http://no such host", "http://", "http://127.0.0.1:1"])
def test_an_address_that_is_none(url: str) -> None:
    reply = Prober(url, timeout=2).ask("GET", "/")
    assert reply.status is None
    assert reply.error


def test_tls_spoken_to_a_plain_port() -> None:
    with spoken([CLOSE]) as (url, _):
        reply = Prober(url.replace("http:", "https:"), timeout=0.2).ask("GET", "/")
    assert reply.status is None
    assert reply.error


def test_a_proxy_is_told_the_whole_address() -> None:
    with spoken([OK]) as (proxy, heard):
        with Prober("http://edge.example:8080", host="shop.example", proxy=proxy) as prober:
            assert prober.ask("GET", "/x").status == 200
        assert heard[0].startswith(b"GET http://edge.example:8080/x HTTP/1.1\r\nHost: shop.example")


def test_a_proxy_that_will_not_connect() -> None:
    with spoken([b"HTTP/1.1 403 Forbidden\r\n\r\n"]) as (proxy, heard):
        reply = Prober("https://edge.example", proxy=proxy, timeout=2).ask("GET", "/")
        assert reply.error == "the proxy answers HTTP 403"
        assert heard[0].startswith(b"CONNECT edge.example:443 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("parts", "body", "stays"),
    [
        ((OK,), b"hello", True),
        ((OK[:20], OK[20:60], OK[60:]), b"hello", True),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), b"ok", False),
        ((b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",), b"", True),
        ((b"HTTP/1.1 200 OK\r\n\r\nto the", b" end"), b"to the end", False),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nab", b"c\r\n",
             b"2\r", b"\nde\r\n0\r\nX-T: 1\r\n\r", b"\n"),
            b"abcde", True,
        ),
    ],
)  # fmt: skip
def test_where_an_answer_ends(parts: Sequence[bytes], body: bytes, stays: bool) -> None:
    more = pieces(*parts)
    head = read_head(more, b"")
    got, left, keeps = body_left(head, "GET", more, most=LONGEST_BODY, keep=100)
    assert (got, left, keeps) == (body, b"", stays)


@pytest.mark.parametrize(
    "text",
    [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
)  # fmt: skip
def test_an_answer_cut_short(text: bytes) -> None:
    more = pieces(text)
    with pytest.raises(CutError, match="closed"):
        body_left(read_head(more, b""), "GET", more, most=LONGEST_BODY, keep=100)


@pytest.mark.parametrize(
    "text",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 300_000,
     b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_what_is_no_http(text: bytes) -> None:
    more = pieces(text)
    with pytest.raises(ValueError, match="answer"):
        body_left(read_head(more, b""), "GET", more, most=LONGEST_BODY, keep=100)


@pytest.mark.parametrize("chunked", [True, False])
def test_of_an_endless_body_only_so_much_is_read(chunked: bool) -> None:
    block = b"x" * 65536
    how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 99999999"
    given = 0

    def more() -> bytes:
        nonlocal given
        given += 1
        return b"10000\r\n" + block + b"\r\n" if chunked else block

    head = read_head(pieces(b"HTTP/1.1 200 OK\r\n" + how + b"\r\n\r\n"), b"")
    got, _, stays = body_left(head, "GET", more, most=LONGEST_BODY, keep=10)
    assert (got, stays) == (b"x" * 10, False)
    assert given <= LONGEST_BODY // 65536 + 2


def test_what_comes_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with spoken([early + OK]) as (url, _), Prober(url, keep_body=True) as prober:
        reply = prober.ask("GET", "/")
    assert (reply.status, reply.body) == (200, b"hello")


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/x HTTP/1.1\r\nHost: other\r\n\r\nGET /", None),
        ("@127.0.0.1:1/", None),
        ("x", None),
        ("/", "shop\r\nX-Admin: 1"),
    ],
)
def test_a_path_or_site_says_nothing_but_itself(path: str, host: str | None) -> None:
    """They come from job files, and a job file may be somebody else's."""
    with spoken([]) as (url, heard), Prober(url, host=host) as prober:
        reply = prober.ask("GET", path)
        assert reply.error == "the path or the host has what no request may have there"
    assert not any(heard)
