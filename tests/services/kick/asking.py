"""Zones served over DNS, and how tests ask them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dnslib
from kick.nameserver import Address, NameServer

from toolkit.clients.dns.zonefile import ZoneFiles
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
