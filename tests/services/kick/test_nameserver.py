"""What the nameserver answers: to an asker, over UDP and TCP, in both views."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest
from kick.nameserver import NameServer

from tests.services.kick.asking import LONG, PUBLIC, ask, code, place, said, send, serving
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.spec.dns import Change, Record


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ZoneFiles, NameServer]]:
    with serving(tmp_path_factory.mktemp("zones")) as made:
        yield made


@pytest.fixture
def server(served: tuple[ZoneFiles, NameServer]) -> NameServer:
    return served[1]


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    ("name", "type_", "wanted"),
    [
        ("example.com", "A", [("example.com", "A", "192.0.2.1")]),
        ("shop.example.com", "AAAA", [("shop.example.com", "AAAA", "2001:db8::7")]),
        ("www.example.com", "CNAME", [("www.example.com", "CNAME", "shop.example.com")]),
        (
            "two.example.com",
            "AAAA",
            [
                ("two.example.com", "CNAME", "www.example.com"),
                ("www.example.com", "CNAME", "shop.example.com"),
                ("shop.example.com", "AAAA", "2001:db8::7"),
            ],
        ),
        ("out.example.com", "A", [("out.example.com", "CNAME", "elsewhere.example.org")]),
        (
            "loop.example.com",
            "A",
            [
                ("loop.example.com", "CNAME", "pool.example.com"),
                ("pool.example.com", "CNAME", "loop.example.com"),
            ],
        ),
        ("x.wild.example.com", "A", [("x.wild.example.com", "A", "192.0.2.9")]),
        ("y.x.wild.example.com", "A", [("y.x.wild.example.com", "A", "192.0.2.9")]),
        ("*.wild.example.com", "A", [("*.wild.example.com", "A", "192.0.2.9")]),
        (
            "x.cw.example.com",
            "AAAA",
            [
                ("x.cw.example.com", "CNAME", "shop.example.com"),
                ("shop.example.com", "AAAA", "2001:db8::7"),
            ],
        ),
        ("example.com", "NS", [("example.com", "NS", "localhost")]),
    ],
)
def test_what_is_there(
    server: NameServer, name: str, type_: str, wanted: list[tuple[str, str, str]], tcp: bool
) -> None:
    answer = ask(server, name, type_, tcp=tcp)
    assert (code(answer), said(answer)) == ("NOERROR", wanted)
    assert answer.header.aa == 1
    assert answer.header.ra == 0
    assert answer.auth == []


@pytest.mark.parametrize(
    ("name", "type_", "wanted"),
    [
        ("none.example.com", "A", "NXDOMAIN"),
        ("a.none.example.com", "A", "NXDOMAIN"),
        # What exists has no wildcard: not even by what lies below it (RFC 4592).
        ("tame.wild.example.com", "A", "NOERROR"),
        ("x.tame.wild.example.com", "A", "NXDOMAIN"),
        ("er.wild.example.com", "A", "NOERROR"),
        ("x.er.wild.example.com", "A", "NXDOMAIN"),
        ("wild.example.com", "A", "NOERROR"),
        ("_tcp.shop.example.com", "A", "NOERROR"),
        ("x.wild.example.com", "AAAA", "NOERROR"),
        ("shop.example.com", "TXT", "NOERROR"),
        ("shop.example.com", "MX", "NOERROR"),
        ("shop.example.com", "DS", "NOERROR"),
        ("gone.example.com", "A", "NXDOMAIN"),
        ("www.example.com", "TXT", "NOERROR"),
        ("lost.example.com", "A", "NOERROR"),
    ],
)
def test_what_is_not_there(server: NameServer, name: str, type_: str, wanted: str) -> None:
    answer = ask(server, name, type_)
    assert code(answer) == wanted
    assert all(kind == "CNAME" for _, kind, _ in said(answer))
    (soa,) = answer.auth
    assert (str(soa.rname), dnslib.QTYPE[soa.rtype], soa.ttl) == ("example.com.", "SOA", 5)


@pytest.mark.parametrize("name", ["example.org", "evilexample.com", "com", ".", "localhost"])
def test_outside_its_zones_it_refuses(server: NameServer, name: str) -> None:
    answer = ask(server, name)
    assert (code(answer), said(answer), answer.header.aa) == ("REFUSED", [], 0)


@pytest.mark.parametrize("type_", ["AXFR", "IXFR"])
def test_a_zone_is_not_given_away(server: NameServer, type_: str) -> None:
    assert code(ask(server, "example.com", type_, tcp=True)) == "REFUSED"


def test_an_alias_is_answered_as_what_it_points_to(server: NameServer) -> None:
    answer = ask(server, "alias.example.com")
    assert said(answer) == [
        ("alias.example.com", "A", "192.0.2.7"),
        ("alias.example.com", "A", "192.0.2.8"),
    ]
    assert {rr.ttl for rr in answer.rr} == {60}


def test_a_text_of_any_length(server: NameServer) -> None:
    answer = ask(server, "text.example.com", "TXT")
    texts = {b"".join(rr.rdata.data).decode() for rr in answer.rr}
    assert texts == {"one", LONG}
    assert max(len(piece) for rr in answer.rr for piece in rr.rdata.data) == 255


def test_a_service_comes_with_its_addresses(server: NameServer) -> None:
    answer = ask(server, "_http._tcp.shop.example.com", "SRV")
    assert said(answer) == [("_http._tcp.shop.example.com", "SRV", "1 2 80 shop.example.com")]
    further = {str(rr.rdata) for rr in answer.ar if rr.rtype != dnslib.QTYPE.OPT}
    assert further == {"192.0.2.7", "192.0.2.8", "2001:db8::7"}


def test_everything_at_a_name(server: NameServer) -> None:
    kinds = {kind for _, kind, _ in said(ask(server, "example.com", "ANY"))}
    assert kinds == {"A", "NS", "SOA"}


def test_case_is_nothing_and_is_kept(server: NameServer) -> None:
    answer = ask(server, "sHoP.ExAmPlE.com", "AAAA")
    assert said(answer) == [("sHoP.ExAmPlE.com", "AAAA", "2001:db8::7")]
    answer = ask(server, "X.WILD.example.COM")
    assert said(answer) == [("X.WILD.example.COM", "A", "192.0.2.9")]


def test_a_label_with_a_dot_in_it_is_one_label(server: NameServer) -> None:
    question = dnslib.DNSRecord(
        q=dnslib.DNSQuestion(dnslib.DNSLabel((b"a.shop", b"example", b"com")))
    )
    answer = dnslib.DNSRecord.parse(send(place(server), question.pack()))
    assert code(answer) == "NXDOMAIN"
    label = dnslib.DNSLabel((b"\xff.\0", b"wild", b"example", b"com"))
    raw = send(place(server), dnslib.DNSRecord(q=dnslib.DNSQuestion(label)).pack())
    # dnslib does not read such a label; the answer ends in its one address.
    assert raw[3] & 0xF == 0
    assert socket.inet_ntoa(raw[-4:]) == "192.0.2.9"


def test_what_does_not_fit_is_asked_for_again_over_tcp(server: NameServer) -> None:
    for edns in (None, 512, 1232, 65535, 0):
        answer = ask(server, "many.example.com", edns=edns)
        assert (answer.header.tc, said(answer)) == (1, [])
    whole = ask(server, "many.example.com", tcp=True)
    assert (whole.header.tc, len(whole.rr)) == (0, 100)


def test_how_much_fits_is_for_the_asker_to_say(server: NameServer) -> None:
    assert ask(server, "text.example.com", "TXT", edns=None).header.tc == 1
    assert ask(server, "text.example.com", "TXT", edns=1232).header.tc == 0
    answer = ask(server, "shop.example.com", edns=None)
    assert answer.ar == []


def test_the_serial_rises_and_changes_are_seen_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as (files, server):
        before = int(str(ask(server, "example.com", "SOA").rr[0].rdata).split()[2])
        new = Record("new.example.com", "A", 60, ("192.0.2.50",))
        assert code(ask(server, new.name)) == "NXDOMAIN"
        files.apply(PUBLIC, [Change("CREATE", new)])
        assert said(ask(server, new.name)) == [(new.name, "A", "192.0.2.50")]
        after = int(str(ask(server, "example.com", "SOA").rr[0].rdata).split()[2])
        assert after == before + 1
        files.apply(PUBLIC, [Change("DELETE", new)])
        assert code(ask(server, new.name)) == "NXDOMAIN"


def test_what_is_private_is_not_public(server: NameServer) -> None:
    assert code(ask(server, "db.corp.example.com")) == "NXDOMAIN"
    assert said(ask(server, "only.corp.example.com")) == [
        ("only.corp.example.com", "A", "192.0.2.98")
    ]
    inside = ask(server, "db.corp.example.com", view="private")
    assert said(inside) == [("db.corp.example.com", "A", "10.0.0.5")]
    # A private zone hides what a public one has below its name, whole.
    assert code(ask(server, "only.corp.example.com", view="private")) == "NXDOMAIN"
    assert said(ask(server, "corp.example.com", view="private")) == []
    # And for the rest the public zones answer.
    assert len(said(ask(server, "shop.example.com", view="private"))) == 2
    assert len(said(ask(server, "front.corp.example.com", view="private"))) == 3
