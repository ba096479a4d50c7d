"""The way into a cluster through a SOCKS proxy: names are looked up on the other side only."""

from __future__ import annotations

import pytest

from tests.faults.scripted import Reply, Scripted
from tests.faults.socks_relay import Place, SocksProxy
from toolkit.clients.consul import Consul
from toolkit.clients.http import ask
from toolkit.clients.nomad import Nomad
from toolkit.clients.probe import Prober
from toolkit.errors import UnreachableError
from toolkit.spec.target import Endpoint

INDEXED = {"X-Nomad-Index": "1", "X-Consul-Index": "1"}
DEAD = "socks5h://127.0.0.1:1"


def place(server: Scripted) -> Place:
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    return host, int(port)


def nomad(proxy: str) -> Nomad:
    there = Endpoint("Nomad", "http://nomad.invalid:4646", "the test", proxy=proxy)
    return Nomad(there, namespace="default", region="global")


def test_a_proxy_that_is_not_there_is_said() -> None:
    with pytest.raises(UnreachableError) as caught:
        nomad(DEAD).jobs()
    assert "connection refused" in caught.value.message
    assert DEAD in (caught.value.hint or "")
    assert "connection refused" in (ask("http://edge.invalid", proxy=DEAD).error or "")
    reply = Prober("http://edge.invalid", proxy=DEAD, timeout=5).ask("GET", "/")
    assert reply.error == "connection refused"


def test_a_name_that_the_proxy_does_not_know() -> None:
    with SocksProxy() as proxy:
        with pytest.raises(UnreachableError) as caught:
            nomad(proxy.address).jobs()
        assert "the proxy says host unreachable" in caught.value.message
        assert ask("http://edge.invalid", proxy=proxy.address).error == (
            "the proxy says host unreachable"
        )
        reply = Prober("http://edge.invalid", proxy=proxy.address, timeout=5).ask("GET", "/")
        assert reply.error == "the proxy says host unreachable"
    assert {name for name, _ in proxy.asked} == {"nomad.invalid", "edge.invalid"}


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\xff", b"\x05\x02"])
def test_what_is_no_such_proxy(says: bytes) -> None:
    with SocksProxy(says=says) as proxy:
        reply = Prober("http://edge.invalid", proxy=proxy.address, timeout=5).ask("GET", "/")
        assert (reply.status, (reply.error or "")[:14]) == (None, "the proxy says")


def test_a_proxy_that_is_silent_ends_at_the_timeout() -> None:
    with SocksProxy(says=b"") as proxy:
        answer = ask("http://edge.invalid", proxy=proxy.address, timeout=0.2)
        assert answer.error == "no connection in time"
        reply = Prober("http://edge.invalid", proxy=proxy.address, timeout=0.2).ask("GET", "/")
        assert reply.late


def test_every_client_goes_through_it_and_looks_up_no_name_itself() -> None:
    with Scripted(Reply(b"[]", headers=INDEXED)) as server:
        known = {
            (name, port): place(server)
            for name, port in (
                ("nomad.invalid", 4646), ("consul.invalid", 8500), ("edge.invalid", 80)
            )
        }  # fmt: skip
        with SocksProxy(known) as proxy:
            with nomad(proxy.address) as client:
                client.jobs()
            there = Endpoint("Consul", "http://consul.invalid:8500", "x", proxy=proxy.address)
            with Consul(there) as consul:
                consul.service("web")
            assert ask("http://edge.invalid", path="/x", proxy=proxy.address).body == b"[]"
            with Prober("http://edge.invalid", proxy=proxy.address, keep_body=True) as prober:
                assert prober.ask("GET", "/y").body == b"[]"
    assert [each.target for each in server.asked][-2:] == ["/x", "/y"]
    assert server.asked[-1].headers["Host"] == "edge.invalid"
