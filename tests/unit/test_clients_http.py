"""Probes: whatever happens is an answer."""

from __future__ import annotations

import socket

import pytest

from tests.faults.scripted import Reply, Scripted
from toolkit.clients.http import LONGEST_BODY, Asker, ask


def test_nobody_there_is_an_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = ask(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (answer.status, answer.error, answer.ok) == (None, "connection refused", False)


@pytest.mark.parametrize("url", ["", "nothing", "http://", "http://no such host", "ftp://x"])
def test_an_address_that_is_none_is_an_answer(url: str) -> None:
    answer = ask(url)
    assert answer.status is None
    assert answer.error


def test_silence_ends_at_the_timeout() -> None:
    with Scripted(Reply(hold=True)) as server:
        answer = ask(server.address, timeout=0.2)
    assert answer.status is None
    assert answer.error == "no answer in time"


def test_a_body_cut_short_is_not_ok() -> None:
    with Scripted(Reply(b"short", promised=100)) as server:
        answer = ask(server.address)
    assert (answer.status, answer.body, answer.ok) == (200, b"short", False)
    assert answer.error


def test_a_long_body_is_bounded() -> None:
    with Scripted(Reply(b"x" * (LONGEST_BODY * 3))) as server:
        answer = ask(server.address)
    assert len(answer.body) == LONGEST_BODY
    assert answer.ok


def test_a_redirect_is_the_answer() -> None:
    with Scripted(Reply(b"", 302, {"Location": "http://127.0.0.1:1/"})) as server:
        answer = ask(server.address)
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:1/")


def test_the_site_and_the_path_are_the_ones_asked_for() -> None:
    with Scripted(Reply(b"hello", headers={"X-Release": "1.1.0"})) as server:
        answer = ask(server.address, host="backend.localhost", path="/a/b?c=d")
    assert server.asked[0].headers["Host"] == "backend.localhost"
    assert server.asked[0].target == "/a/b?c=d"
    assert (answer.headers["x-release"], answer.body) == ("1.1.0", b"hello")


@pytest.mark.parametrize("before", ["", "/", "//", "/./", "/x/../", "/@", "/\\"])
def test_a_path_leads_to_no_other_address(before: str) -> None:
    """Paths come from job files, and a job file may be somebody else's."""
    with Scripted(Reply(b"here")) as server, Scripted(Reply(b"there")) as other:
        for scheme in ("http:", "HTTP:", ""):
            path = f"{before}{scheme}{other.address.removeprefix('http:')}/x"
            assert ask(server.address, path=path).body == b"here"
        assert not other.asked and not other.connections
        assert len(server.asked) == 3


def test_an_asker_keeps_its_connection() -> None:
    with Scripted(Reply(b"hello")) as server, Asker(server.address) as asker:
        for _ in range(5):
            assert asker.ask().ok
        assert asker.ask(method="POST", body=b"data").ok
    assert server.connections == 1
    assert server.asked[-1].body == b"data"


def test_an_environment_proxy_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Scripted(Reply(b"hello")) as server:
        assert ask(server.address).ok


def test_a_proxy_that_is_given_is_used() -> None:
    with Scripted(Reply(b"hello")) as proxy:
        assert ask("http://edge.invalid", path="/x", proxy=proxy.address).ok
    assert proxy.asked[0].target == "http://edge.invalid/x"
