"""The fault proxy itself: a test instrument that lies is worse than none."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from tests.faults.proxy import FaultProxy, Request, Rule
from tests.faults.scripted import Asked, Reply, Scripted


def echo(asked: Asked) -> Reply:
    headers = {"X-Nomad-Index": "9", "Content-Type": "application/json"}
    return Reply(b'{"method": "%s"}' % asked.method.encode(), headers=headers)


@pytest.fixture
def agent() -> Iterator[Scripted]:
    with Scripted(echo) as server:
        yield server


@pytest.fixture
def proxy(agent: Scripted) -> Iterator[FaultProxy]:
    with FaultProxy(agent.address) as proxy:
        yield proxy


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_dropped_before_it_is_forwarded(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    proxy.add(Rule("drop", method="POST"))
    with pytest.raises(requests.ConnectionError):
        session.post(proxy.address, data=b"x")
    assert agent.asked == []
    assert proxy.requests == (Request("POST", "/"),)


def test_lost_after_it_was_carried_out(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    proxy.add(Rule("lose", method="POST"))
    with pytest.raises(requests.ConnectionError):
        session.post(proxy.address + "/v1/jobs?a=b", data=b"body", headers={"X-Nomad-Token": "t"})
    (asked,) = agent.asked
    assert (asked.target, asked.body) == ("/v1/jobs?a=b", b"body")
    assert asked.headers["X-Nomad-Token"] == "t"


def test_an_answer_of_our_own(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    proxy.add(Rule("status", status=500, text="No cluster leader", times=1))
    answer = session.get(proxy.address)
    assert (answer.status_code, answer.text) == (500, "No cluster leader")
    assert agent.asked == []
    assert session.get(proxy.address).status_code == 200


def test_cut_short(proxy: FaultProxy, session: requests.Session) -> None:
    proxy.add(Rule("cut", keep=3))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(proxy.address)


def test_garbage(proxy: FaultProxy, session: requests.Session) -> None:
    proxy.add(Rule("garbage", text="<html>"))
    assert session.get(proxy.address).text == "<html>"


def test_an_index_that_goes_back(proxy: FaultProxy, session: requests.Session) -> None:
    proxy.add(Rule("index", index=2))
    assert session.get(proxy.address).headers["X-Nomad-Index"] == "2"


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_that_is_rewritten(session: requests.Session, packed: bool) -> None:
    body, headers = b'{"Status": "complete"}', {"X-Nomad-Index": "9"}
    if packed:
        body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
    with Scripted(Reply(body, headers=headers)) as agent, FaultProxy(agent.address) as proxy:
        proxy.add(Rule("rewrite", rewrite=lambda text: text.replace(b"complete", b"failed")))
        answer = session.get(proxy.address)
    assert answer.json() == {"Status": "failed"}
    assert answer.headers["X-Nomad-Index"] == "9"


def test_headers_added(proxy: FaultProxy, session: requests.Session) -> None:
    proxy.add(Rule("headers", headers=(("X-Consul-Results-Filtered-By-ACLs", "true"),)))
    answer = session.get(proxy.address)
    assert answer.headers["X-Consul-Results-Filtered-By-ACLs"] == "true"
    assert answer.headers["X-Nomad-Index"] == "9"


def test_silence_until_the_client_gives_up(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    proxy.add(Rule("silence"))
    with pytest.raises(requests.ReadTimeout):
        session.get(proxy.address, timeout=0.2)
    assert agent.asked == []


def test_a_delay_forwards_in_the_end(proxy: FaultProxy, session: requests.Session) -> None:
    proxy.add(Rule("delay", seconds=0.05))
    assert session.get(proxy.address).status_code == 200


def test_what_happens_in_between(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    seen: list[int] = []
    proxy.add(Rule("pass", before=lambda: seen.append(len(agent.asked))))
    assert session.get(proxy.address).status_code == 200
    assert seen == [0]
    assert len(agent.asked) == 1


def test_rules_act_in_order_until_they_are_used_up(
    proxy: FaultProxy, session: requests.Session
) -> None:
    proxy.add(
        Rule("pass", path="/v1/jobs", times=1),
        Rule("status", path="/v1/jobs$", status=429, times=2),
    )
    codes = [session.get(proxy.address + "/v1/jobs").status_code for _ in range(4)]
    assert codes == [200, 429, 429, 200]
    assert session.get(proxy.address + "/v1/job/x").status_code == 200
    assert proxy.count("GET", "/v1/jobs") == 4
    proxy.add(Rule("status"))
    proxy.clear()
    assert session.get(proxy.address).status_code == 200


def test_everything_else_passes_on_one_connection(
    agent: Scripted, proxy: FaultProxy, session: requests.Session
) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert session.request(method, proxy.address).json() == {"method": method}
    assert session.head(proxy.address).status_code == 501


def test_a_stream_passes_as_it_comes() -> None:
    go = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.sendall(b"3\r\none\r\n")
                go.wait(10)
                connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        upstream = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            FaultProxy(upstream) as proxy,
            requests.get(proxy.address, stream=True, timeout=10) as answer,
        ):
            assert answer.raw.read1() == b"one"
            go.set()
            assert answer.raw.read1() == b"two"
        thread.join()


def test_the_agent_sees_a_client_that_left() -> None:
    gone = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                if connection.recv(1) == b"":
                    gone.set()

        thread = threading.Thread(target=serve)
        thread.start()
        with FaultProxy(f"http://127.0.0.1:{listener.getsockname()[1]}") as proxy:
            with pytest.raises(requests.ReadTimeout):
                requests.get(proxy.address, timeout=0.2)
            assert gone.wait(10)
        thread.join()


def test_an_agent_that_is_down_closes_the_connection(session: requests.Session) -> None:
    with FaultProxy("http://127.0.0.1:1") as proxy, pytest.raises(requests.ConnectionError):
        session.get(proxy.address)


def test_waiting_for_a_request(proxy: FaultProxy, session: requests.Session) -> None:
    with pytest.raises(AssertionError):
        proxy.wait_for("GET", "/late", timeout=0.01)
    thread = threading.Thread(target=lambda: session.get(proxy.address + "/late"))
    thread.start()
    proxy.wait_for("GET", "/late")
    thread.join()


def test_it_ends_with_requests_under_way(agent: Scripted) -> None:
    with FaultProxy(agent.address) as proxy:
        proxy.add(Rule("silence"))
        ended: list[type[BaseException]] = []

        def ask() -> None:
            try:
                requests.get(proxy.address, timeout=30)
            except requests.ConnectionError as exc:
                ended.append(type(exc))

        thread = threading.Thread(target=ask)
        thread.start()
        proxy.wait_for()
    thread.join()
    assert ended == [requests.ConnectionError]


def test_only_an_address_of_an_agent() -> None:
    with pytest.raises(ValueError, match="not http"):
        FaultProxy("https://127.0.0.1:4646")
