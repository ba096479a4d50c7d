"""The nameserver and whatever comes over the wire; how it starts, and how it stops."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import active_count

import dnslib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kick.nameserver import NameServer

from tests.services.kick.asking import (
    PUBLIC,
    RECORDS,
    ask,
    code,
    place,
    receive,
    said,
    send,
    serving,
)
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import InvalidRequestError, ServerError
from toolkit.spec.dns import Change


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ZoneFiles, NameServer]]:
    with serving(tmp_path_factory.mktemp("zones")) as made:
        yield made


@pytest.fixture
def server(served: tuple[ZoneFiles, NameServer]) -> NameServer:
    return served[1]


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
