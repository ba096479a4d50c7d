"""The nameserver as an asker sees it: over UDP and TCP, with whatever comes over the wire."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import active_count

import dnslib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kick.nameserver import Address, NameServer

from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import InvalidRequestError, ServerError
from toolkit.spec.dns import Alias, Change, Record, Zone

PUBLIC = Zone("example.com", "public", "local")
PRIVATE = Zone("corp.example.com", "private", "local")
LONG = "v=1 " + "é" * 300

RECORDS = (
    Record("example.com", "A", 60, ("192.0.2.1",)),
    Record("shop.example.com", "A", 60, ("192.0.2.7", "192.0.2.8")),
    Record("shop.example.com", "AAAA", 30, ("2001:db8::7",)),
    Record("www.example.com", "CNAME", 60, ("shop.example.com",)),
    Record("two.example.com", "CNAME", 60, ("www.example.com",)),
    Record("out.example.com", "CNAME", 60, ("elsewhere.example.org",)),
    Record("gone.example.com", "CNAME", 60, ("nothing.example.com",)),
    Record("loop.example.com", "CNAME", 60, ("pool.example.com",)),
    Record("pool.example.com", "CNAME", 60, ("loop.example.com",)),
    Record("text.example.com", "TXT", 60, ("one", LONG)),
    Record("_http._tcp.shop.example.com", "SRV", 60, ("1 2 80 shop.example.com",)),
    Record("*.wild.example.com", "A", 60, ("192.0.2.9",)),
    Record("*.wild.example.com", "TXT", 60, ("wild",)),
    Record("tame.wild.example.com", "TXT", 60, ("tame",)),
    Record("deep.er.wild.example.com", "A", 60, ("192.0.2.10",)),
    Record("*.cw.example.com", "CNAME", 60, ("shop.example.com",)),
    Record("many.example.com", "A", 60, tuple(f"198.51.100.{i}" for i in range(100))),
    Record("alias.example.com", "A", None, alias=Alias("www.example.com", "")),
    Record("lost.example.com", "A", None, alias=Alias("lb.example.org", "")),
    Record("corp.example.com", "A", 60, ("192.0.2.99",)),
    Record("only.corp.example.com", "A", 60, ("192.0.2.98",)),
)
INSIDE = (
    Record("db.corp.example.com", "A", 60, ("10.0.0.5",)),
    Record("front.corp.example.com", "CNAME", 60, ("shop.example.com",)),
)


@contextmanager
def serving(folder: Path, **more: float) -> Iterator[tuple[ZoneFiles, NameServer]]:
    files = ZoneFiles(folder)
    files.apply(PUBLIC, [Change("CREATE", record) for record in RECORDS])
    files.apply(PRIVATE, [Change("CREATE", record) for record in INSIDE])
    server = NameServer(files, [PUBLIC, PRIVATE], private=("127.0.0.1", 0), **more)  # type: ignore[arg-type]
    server.start()
    try:
        yield files, server
    finally:
        server.close()
        files.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ZoneFiles, NameServer]]:
    with serving(tmp_path_factory.mktemp("zones")) as made:
        yield made


@pytest.fixture
def server(served: tuple[ZoneFiles, NameServer]) -> NameServer:
    return served[1]


def place(server: NameServer, view: str = "public") -> Address:
    found = server.address("public" if view == "public" else "private")
    assert found is not None
    return found


def send(address: Address, packet: bytes, *, tcp: bool = False) -> bytes:
    if tcp:
        with socket.create_connection(address, timeout=10) as stream:
            stream.sendall(len(packet).to_bytes(2) + packet)
            return receive(stream)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(10)
        udp.sendto(packet, address)
        return udp.recv(65535)


def receive(stream: socket.socket) -> bytes:
    with stream.makefile("rb") as file:
        size = file.read(2)
        return file.read(int.from_bytes(size)) if len(size) == 2 else b""


def ask(
    server: NameServer,
    name: str,
    type_: str = "A",
    *,
    view: str = "public",
    tcp: bool = False,
    edns: int | None = 1232,
) -> dnslib.DNSRecord:
    question = dnslib.DNSRecord.question(name, type_)
    if edns is not None:
        question.add_ar(dnslib.EDNS0(udp_len=edns))
    answer = dnslib.DNSRecord.parse(send(place(server, view), question.pack(), tcp=tcp))
    assert answer.header.id == question.header.id
    assert (answer.header.qr, answer.header.rd) == (1, 1)
    assert [str(each) for each in answer.questions] == [str(each) for each in question.questions]
    return answer


def code(answer: dnslib.DNSRecord) -> str:
    return str(dnslib.RCODE[answer.header.rcode])


def said(answer: dnslib.DNSRecord) -> list[tuple[str, str, str]]:
    return [
        (str(rr.rname).removesuffix("."), dnslib.QTYPE[rr.rtype], str(rr.rdata).removesuffix("."))
        for rr in answer.rr
    ]


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


QUESTION = dnslib.DNSRecord.question("shop.example.com").pack()


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        (QUESTION[:12], "FORMERR"),
        (QUESTION[:-1], "FORMERR"),
        (QUESTION[:4] + b"\0\2" + QUESTION[6:], "FORMERR"),
        (QUESTION[:4] + b"\0\0" + QUESTION[6:12], "FORMERR"),
        (QUESTION[:10] + b"\0\1" + QUESTION[12:], "FORMERR"),
        (QUESTION[:12] + b"\xc0\x0c\0\1\0\1", "FORMERR"),
        (QUESTION[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1", "FORMERR"),
        (QUESTION[:12] + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1", "FORMERR"),
        (QUESTION[:2] + b"\x28\0" + QUESTION[4:], "NOTIMP"),
        (QUESTION[:-1] + b"\3", "REFUSED"),
    ],
    ids=["header", "cut", "two", "none", "more", "pointer", "label", "name", "update", "chaos"],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_what_is_no_question_gets_a_code(
    server: NameServer, packet: bytes, wanted: str, tcp: bool
) -> None:
    answer = send(place(server), packet, tcp=tcp)
    assert answer[:2] == packet[:2]
    assert dnslib.RCODE[answer[3] & 0xF] == wanted


def test_another_version_of_edns(server: NameServer) -> None:
    question = dnslib.DNSRecord.question("shop.example.com")
    question.add_ar(dnslib.EDNS0(udp_len=1232, version=1))
    answer = dnslib.DNSRecord.parse(send(place(server), question.pack()))
    (option,) = answer.ar
    # Its high bits are in the option: 16 is "bad version".
    assert (answer.header.rcode, option.ttl >> 24) == (0, 1)


def test_an_answer_is_not_answered(server: NameServer) -> None:
    answer = QUESTION[:2] + b"\x80\0" + QUESTION[4:]
    assert server.answer("public", answer, udp=True) is None
    assert server.answer("public", b"", udp=True) is None
    assert server.answer("public", QUESTION[:11], udp=True) is None


@pytest.fixture
def loud(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, in which an error that was caught would be."""
    caplog.set_level(logging.INFO, "kick.nameserver")
    return caplog


def mutated(seed: int) -> bytes:
    """A question with something wrong somewhere."""
    rng = random.Random(seed)
    name = rng.choice(
        ["shop.example.com", "x.wild.example.com", "two.example.com", "text.example.com"]
    )
    question = dnslib.DNSRecord.question(name, rng.choice(["A", "TXT", "SRV", "ANY", "SOA"]))
    if rng.random() < 0.7:
        question.add_ar(dnslib.EDNS0(udp_len=rng.randrange(65536)))
    packet = bytearray(question.pack())
    for _ in range(rng.randrange(5)):
        at = rng.randrange(len(packet))
        packet[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(packet[: rng.randrange(len(packet) + 1)] if rng.random() < 0.2 else packet)


def harmless(server: NameServer, packet: bytes) -> None:
    for udp in (True, False):
        answer = server.answer("public", packet, udp=udp)
        if answer is None:
            assert len(packet) < 12 or packet[2] & 0x80
            continue
        assert answer[:2] == packet[:2]
        assert len(answer) <= (1232 if udp else 65535)
        assert answer[3] & 0xF != dnslib.RCODE.SERVFAIL
        try:
            dnslib.DNSRecord.parse(answer)
        except dnslib.DNSError as exc:
            # What it cannot read of an answer it could not read of the question.
            assert "Invalid label" in str(exc)
            with pytest.raises(dnslib.DNSError, match="Invalid label"):
                dnslib.DNSRecord.parse(packet)


@given(st.binary(max_size=120))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_do_no_harm(
    server: NameServer, loud: pytest.LogCaptureFixture, packet: bytes
) -> None:
    harmless(server, packet)
    harmless(server, QUESTION[:12] + packet)
    assert loud.records == []


def test_broken_questions_do_no_harm(server: NameServer, loud: pytest.LogCaptureFixture) -> None:
    for seed in range(1500):
        harmless(server, mutated(seed))
    assert loud.records == []


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_broken_questions_do_no_harm(
    server: NameServer, loud: pytest.LogCaptureFixture
) -> None:
    for seed in range(1500, 200_000):
        harmless(server, mutated(seed))
    assert loud.records == []


def test_bytes_over_the_wire_do_no_harm(server: NameServer) -> None:
    rng = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for size in (0, 1, 11, 12, 13, 100, 1000, 9000, 65000):
            udp.sendto(rng.randbytes(size), place(server))
    for packet in (b"", b"\0", b"\xff\xff", b"\0\0", b"\0\5abc", b"\xff\xff" + b"x" * 70000):
        with socket.create_connection(place(server), timeout=10) as stream:
            try:
                stream.sendall(packet)
                stream.shutdown(socket.SHUT_WR)
                receive(stream)
            except OSError:
                continue
    assert len(said(ask(server, "shop.example.com"))) == 2


def test_several_questions_over_one_connection(server: NameServer) -> None:
    with socket.create_connection(place(server), timeout=10) as stream:
        framed = len(QUESTION).to_bytes(2) + QUESTION
        stream.sendall(framed * 3)
        with stream.makefile("rb") as file:
            for _ in range(3):
                size = int.from_bytes(file.read(2))
                assert dnslib.DNSRecord.parse(file.read(size)).header.rcode == 0


def test_a_connection_that_says_nothing_is_closed(tmp_path: Path) -> None:
    with serving(tmp_path, idle_seconds=0.1) as (_, server):
        for begun in (b"", b"\0", b"\0\x20", b"\0\x20half a question"):
            with socket.create_connection(place(server), timeout=10) as stream:
                stream.sendall(begun)
                assert stream.recv(1) == b""


def test_no_more_connections_than_agreed(tmp_path: Path) -> None:
    with serving(tmp_path, most_connections=2) as (_, server):
        framed = len(QUESTION).to_bytes(2) + QUESTION
        kept = [socket.create_connection(place(server), timeout=10) for _ in range(2)]
        try:
            for stream in kept:
                stream.sendall(framed)
                assert receive(stream)
            with (
                socket.create_connection(place(server), timeout=10) as third,
                suppress(ConnectionResetError),
            ):
                assert third.recv(1) == b""
            # UDP, and whoever came before, are served on.
            assert code(ask(server, "shop.example.com")) == "NOERROR"
            kept[0].sendall(framed)
            assert receive(kept[0])
        finally:
            for stream in kept:
                stream.close()


def test_it_stops_cleanly_with_connections_open(tmp_path: Path) -> None:
    before = active_count()
    with serving(tmp_path) as (_, server), ExitStack() as streams:
        address = place(server)
        served, fresh = (
            streams.enter_context(socket.create_connection(address, timeout=10)) for _ in range(2)
        )
        served.sendall(len(QUESTION).to_bytes(2) + QUESTION)
        assert receive(served)
        fresh.sendall(b"\0\x20half")
        server.close()
        server.close()
        assert active_count() == before
        assert server.address("public") is None
        for stream in (served, fresh):
            # One that was still waiting to be taken is reset.
            with suppress(ConnectionResetError):
                assert stream.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10).close()
        # The port is free for the next one.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(address)


def test_an_address_that_is_taken(tmp_path: Path, server: NameServer) -> None:
    files = ZoneFiles(tmp_path)
    other = NameServer(files, [PUBLIC], public=("127.0.0.1", 0), private=place(server))
    before = active_count()
    with pytest.raises(ServerError, match=r"cannot listen on 127\.0\.0\.1 port"):
        other.start()
    assert active_count() == before
    other.close()
    files.close()


def test_it_does_not_begin_with_a_damaged_zone(tmp_path: Path) -> None:
    (tmp_path / "example.com.public.zone").write_text("; nothing of ours\n")
    files = ZoneFiles(tmp_path)
    with pytest.raises(InvalidRequestError, match=r"example\.com\.public\.zone:1: "):
        NameServer(files, [PUBLIC]).start()
    files.close()


def test_ipv6(tmp_path: Path) -> None:
    files = ZoneFiles(tmp_path)
    files.apply(PUBLIC, [Change("CREATE", RECORDS[0])])
    server = NameServer(files, [PUBLIC], public=("::1", 0))
    try:
        server.start()
    except ServerError:
        pytest.skip("this machine has no IPv6")
    address = place(server)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.settimeout(10)
        udp.sendto(dnslib.DNSRecord.question("example.com").pack(), address)
        assert len(dnslib.DNSRecord.parse(udp.recv(4096)).rr) == 1
    server.close()
    files.close()
