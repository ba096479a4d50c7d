"""A workload with a valid token of its own tries to have, break or read what is somebody else's.

After each try the zones, the audit and the log are read from outside: everybody else's records are
as they were, nothing was so much as begun for a name that is not the attacker's own, and no text of
its own has become a line, a field or a header of ours.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dnslib
import pytest

from tests.agents.workers import free_ports
from tests.services.kick.lab import (
    PATIENCE,
    PRIVATE,
    PUBLIC,
    Client,
    Lab,
    Process,
    lab,
    together,
    token_of,
)
from tests.services.kick.load import faults_in
from tests.services.kick.rig import CONFIG
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.dns.standing import Standing
from toolkit.spec.dns import Change, Record

ATTACKER = """
[[policy.workload]]
namespace = "default"
job = "evil"
[[policy.workload.grants]]
names = ["evil.apps.example.com", "*.evil.apps.example.com", "old.apps.example.com"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public"]
most = 6
[[policy.workload.grants]]
names = ["shop.apps.example.com"]
types = ["A"]
zones = ["public"]
most = 6
"""
"""It may even set the victim's name, were it free: what is somebody's stays theirs."""
OWN = "evil.apps.example.com"
SHOP = "shop.apps.example.com"
FOREIGN = (
    Record("old.apps.example.com", "A", 60, ("203.0.113.99",)),
    Record("mail.apps.example.com", "TXT", 60, ("v=spf1 -all",)),
    Record("_toolkit.green.apps.example.com", "TXT", 300,
           ("heritage=toolkit,cluster=green,kind=job,namespace=default,job=evil,types=A",)),
    Record("green.apps.example.com", "A", 60, ("203.0.113.98",)),
)  # fmt: skip
"""There before toolkit was: by hand, and of another cluster's job of the same name."""


@dataclass
class Siege:
    """A server, its zones as they were, and what the attacker has."""

    made: Lab
    server: Process
    dns: int
    token: str
    client: Client
    before: Mapping[str, Standing]
    before_private: Mapping[str, Standing]
    victims_etag: str
    shop: Client

    def theirs(self) -> dict[str, Standing]:
        """Everybody else's names."""
        zone = self.made.zone()
        assert not [f for f in faults_in(zone) if " evil." in f or ".evil." in f]
        return {name: there for name, there in zone.items() if not is_own(name)}

    def lookup(self, name: str, type_: str) -> list[str]:
        """What the name server says."""
        question = dnslib.DNSRecord.question(name, type_)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.sendto(question.pack(), ("127.0.0.1", self.dns))
            answer = dnslib.DNSRecord.parse(udp.recv(4096))
        return [str(each.rdata) for each in answer.rr]


def is_own(name: str) -> bool:
    return name == OWN or name.endswith(f".{OWN}")


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    folder = tmp_path_factory.mktemp("siege")
    files = ZoneFiles(folder / "data" / "zones")
    files.apply(PUBLIC, [Change("CREATE", record) for record in FOREIGN])
    files.close()
    (dns,) = free_ports(1)
    with lab(folder, config=CONFIG + ATTACKER, jobs=("shop", "evil")) as made:
        server = made.start(NOMAD_PORT_dns=str(dns))
        shop = server.client(token_of("shop"))
        told = shop.ask(
            "PUT", f"/record/{SHOP}", {"ip_address": "203.0.113.7"}, Idempotency_Key="shops"
        )
        assert told.status == 201
        text = {"type": "TXT", "values": ["the shop's own"]}
        assert shop.ask("PUT", f"/record/proof.{SHOP}", text).status == 201
        private = {"ip_address": "10.0.0.7"}
        assert shop.ask("PUT", "/record/shop.apps.internal", private).status == 201
        token = token_of("evil")
        yield Siege(
            made,
            server,
            dns,
            token,
            server.client(token),
            made.zone(),
            made.zone(PRIVATE),
            told.headers["ETag"],
            shop,
        )


@pytest.fixture(autouse=True)
def check(siege: Siege) -> Iterator[None]:
    """Whatever was tried: nothing of anybody else's has changed, and nothing was begun there."""
    first = len(siege.made.audit())
    lines = len(siege.server.raw)
    yield
    assert siege.theirs() == siege.before
    assert siege.made.zone(PRIVATE) == siege.before_private
    for entry in siege.made.audit()[first:]:
        assert is_own(entry.what.subject) or entry.what.action == "statuses.report", entry
        assert str(entry.what.actor) == "default/evil"
    said = siege.server.raw[lines:]
    assert siege.token not in "".join(said)
    for line in said:
        assert json.loads(line)["event"] in ("request", "reconcile", "warning"), line
        assert line.isprintable(), line
    assert siege.lookup(SHOP, "A") == ["203.0.113.7"]
    assert siege.client.ask("GET", "/healthz").status == 200


@dataclass(frozen=True)
class Try:
    """One request, and the only answers that are right."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    right: tuple[int, ...] = (403,)


def put(name: str, *right: int, **body: Any) -> Try:
    """By the name in the body: there it may be spelled in any way."""
    document = {"hostname": name, "ip_address": "203.0.113.66", **body}
    if "values" in body or "alias" in body:
        del document["ip_address"]
    return Try("POST", "/records", document, right=right or (403,))


def text(name: str, *values: str, right: tuple[int, ...] = (422,)) -> Try:
    return put(name, *right, type="TXT", values=list(values))


def at(value: str, type_: str = "A", *right: int) -> Try:
    return put(OWN, *(right or (403, 422)), type=type_, values=[value])


TRIES: dict[str, Try] = {
    # Names that look like the attacker's own, or like nobody's.
    "a name of others": put("proof.shop.apps.example.com"),
    "upper case": put("PROOF.Shop.Apps.Example.COM"),
    "a dot at the end": put("proof.shop.apps.example.com."),
    "an escaped letter": put(r"\163hop.apps.example.com", 409),
    "an escaped dot": put(r"evil\056apps.example.com", 422),
    "an escaped wildcard": put(r"\052.apps.example.com"),
    "full-width letters": put("ｐroof.shop.apps.example.com"),
    "an ideographic dot": put("proof。shop.apps.example.com"),
    "a soft hyphen": put("pro\u00adof.shop.apps.example.com"),
    "a letter of another script": put("proof.shоp.apps.example.com"),
    "a name that only begins so": put("evil.apps.example.com.example.net"),
    "a name that only ends so": put("devil.apps.example.com"),
    "a NUL in a name": put("evil.apps.example.com\x00.shop.apps.example.com", 422),
    "a line in a name": put("evil.apps.example.com\r\nshop.apps.example.com", 422),
    "a space in a name": put("evil.apps.example.com shop.apps.example.com", 422),
    "a slash in a name": put("evil.apps.example.com/../shop.apps.example.com", 422),
    "an empty label": put("evil..apps.example.com", 422),
    "a name without end": put(".".join(["a" * 63] * 5) + "." + OWN, 422),
    "no zone of ours": put("evil.example.org"),
    "the zone above": put("example.com"),
    "a private name": put("shop.apps.internal"),
    "a private name in the public zone": put("shop.apps.internal", zone="public"),
    "its own name in the private zone": put(OWN, zone="private"),
    # Names that are nobody's to have.
    "the apex": put("apps.example.com"),
    "a wildcard of all": put("*.apps.example.com"),
    "a wildcard of its own, not granted": put(f"*.{OWN}"),
    "a wildcard within": put(f"a.*.{OWN}", 422),
    "its own owner record": text(f"_toolkit.{OWN}", "x"),
    "the owner record of others": text("_toolkit.shop.apps.example.com", "x"),
    "a spelled owner record": text(r"_TOOLKIT.shop.apps.example.com", "x"),
    "an escaped owner record": text(r"\137toolkit.shop.apps.example.com", "x"),
    "an owner record of a wildcard": text("_toolkit._wildcard.apps.example.com", "x"),
    "an owner record below": text(f"_toolkit.a.{OWN}", "x"),
    "a claim in a text of its own": text(
        OWN, "heritage=toolkit,cluster=blue,kind=job,namespace=default,job=evil,types=A"
    ),
    "a claim of another tool": text(OWN, '"heritage=external-dns,external-dns/owner=evil"'),
    "a delegation": put(OWN, 422, type="NS", values=["ns.evil.example.org"]),
    "a mail exchanger": put(OWN, 422, type="MX", values=["10 mail.evil.example.org"]),
    "a certificate authority": put(OWN, 422, type="CAA", values=['0 issue "evil.example.org"']),
    "a start of authority": put(OWN, 422, type="SOA", values=["a b 1 2 3 4 5"]),
    # Targets.
    "the metadata of a cloud": at("169.254.169.254"),
    "in hexadecimal": at("0xa9.0xfe.0xa9.0xfe"),
    "as one number": at("2852039166"),
    "in octal": at("0251.0376.0251.0376"),
    "in short": at("169.254.43518"),
    "in full width": at("１６９.254.169.254"),
    "mapped": at("::ffff:169.254.169.254", "AAAA"),
    "mapped, in hexadecimal": at("::ffff:a9fe:a9fe", "AAAA"),
    "behind NAT64": at("64:ff9b::a9fe:a9fe", "AAAA"),
    "by 6to4": at("2002:a9fe:a9fe::1", "AAAA"),
    "with an interface": at("fe80::1%eth0", "AAAA"),
    "the metadata in IPv6": at("fd00:ec2::254", "AAAA"),
    "loopback": at("127.0.0.1"),
    "another loopback": at("127.1"),
    "every address of this host": at("0.0.0.0"),
    "a private address in public": at("10.0.0.7"),
    "one good and one bad": put(OWN, 403, values=["203.0.113.66", "169.254.169.254"]),
    "a name of others as target": at("evil.example.org", "CNAME"),
    "a private name as target": at("shop.apps.internal", "CNAME"),
    "an address as a name": at("169.254.169.254", "CNAME"),
    "a service on others": at("1 1 80 evil.example.org", "SRV"),
    "an alias": put(
        OWN, 403, alias={"target": "lb.evil.example.org", "zone": "Z35SXDOTRQ7X7K"}
    ),
    # Whose it is.
    "what the victim has": put(SHOP, 409),
    "what another cluster's job of the same name has": put("green.apps.example.com"),
    "what was there before": put("old.apps.example.com", 409),
    "a type that the victim does not have": put(SHOP, 403, type="TXT", values=["x"]),
    "removing it": Try("DELETE", f"/record/{SHOP}", right=(403, 409)),
    "removing a type of it": Try("DELETE", f"/record/{SHOP}?type=A&zone=public", right=(409,)),
    "removing what was there before": Try("DELETE", "/record/old.apps.example.com?type=A",
                                          right=(409,)),
    "removing an owner record": Try("DELETE", f"/record/_toolkit.{SHOP}?type=TXT", right=(422,)),
    "the path of its own, the body of others": Try(
        "PUT", f"/record/{OWN}", {"hostname": SHOP, "ip_address": "203.0.113.66"}, right=(422,)
    ),
    "as if it were the owner": Try("POST", "/records", {
        "hostname": SHOP, "ip_address": "203.0.113.66", "owner": "default/shop of cluster blue",
    }, right=(422,)),
    "with the key that the victim used": Try(
        "PUT", f"/record/{SHOP}", {"ip_address": "203.0.113.7"},
        {"Idempotency-Key": "shops"}, right=(409,),
    ),
    "as the task of another": Try("PUT", f"/record/{SHOP}", {"ip_address": "203.0.113.66"},
                                  {"X-Nomad-Namespace": "default", "X-Forwarded-User": "shop"},
                                  right=(409,)),
    # Reading, and what is not for workloads.
    "reading a name of others": Try("GET", f"/record/proof.{SHOP}"),
    "reading a private name": Try("GET", "/record/shop.apps.internal"),
    "the audit": Try("GET", "/audit"),
    "a plan": Try("POST", "/plan", {}),
    "a turn of the reconciler": Try("POST", "/sync", {}),
    "a method by another name": Try(
        "GET", f"/record/{SHOP}", headers={"X-HTTP-Method-Override": "DELETE"}, right=(200,)
    ),
    # Numbers.
    "a hundred thousand of a list": Try("GET", "/records?limit=100000", right=(422,)),
    "a number of five thousand digits": Try("GET", "/records?limit=" + "9" * 5000, right=(422,)),
    "a port of many digits": put(OWN, 400, port=10**400),
    "a TTL of a billion": put(OWN, 422, ttl=10**9),
    "a thousand values": put(OWN, 422, values=[f"203.0.113.{n % 250}" for n in range(1000)]),
    "a text of many bytes": text(OWN, "x" * 5000),
    "a deep document": Try("POST", "/records", b"[" * 5000 + b"]" * 5000, right=(400,)),
    "a name twice": Try(
        "POST", "/records",
        b'{"hostname": "evil.apps.example.com", "hostname": "proof.shop.apps.example.com",'
        b' "ip_address": "203.0.113.66"}', right=(400,),
    ),
    "half a character": Try("POST", "/records", b'{"hostname": "\\ud800.evil.apps.example.com",'
                            b' "ip_address": "203.0.113.66"}', right=(400, 422)),
    # Lines and controls, in everything that is written down somewhere.
    "lines in a text": text(OWN, 'x"\r\nshop.apps.example.com. 60 IN A 203.0.113.66\r\n'),
    "an escape sequence in a text": text(OWN, "\x1b[2J\x1b]0;owned\x07"),
    "a line separator in a text": text(OWN, "a\u2028b\u0085c"),
    "lines in a path": Try("PUT", "/record/evil%0d%0aX-Evil:%201.apps.example.com",
                           {"ip_address": "203.0.113.66"}, right=(422,)),
    "an escape sequence in a path": Try("GET", "/%1b%5b2J%e2%80%ae", right=(404,)),
    "lines in a query": Try("GET", "/records?owner=a%0d%0aSet-Cookie:%20a", right=(200, 422)),
    "lines in a cursor": Try("GET", "/records?cursor=%0d%0a", right=(400, 422)),
    "a status of lines": Try("POST", "/status", {
        "service": "evil\r\nHTTP/1.1 200 OK", "application_id": "a\x00b", "deployment_id": "\u202e",
        "status": "running", "detail": "\x1b[2J\n{\"event\":\"bug\"}",
    }, right=(201, 202, 422)),
    "a key of controls": Try("PUT", f"/record/{SHOP}", {"ip_address": "203.0.113.66"},
                             {"Idempotency-Key": "a\x7fb"}, right=(400,)),
    "a key without end": Try("PUT", f"/record/{SHOP}", {"ip_address": "203.0.113.66"},
                             {"Idempotency-Key": "k" * 4000}, right=(400,)),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIES)
def test_tries(siege: Siege, name: str) -> None:
    tried = TRIES[name]
    said = siege.client.ask(tried.method, tried.path, tried.body, **tried.headers)
    assert said.status in tried.right, said.body
    assert "Set-Cookie" not in said.headers
    assert "X-Evil" not in said.headers
    assert siege.token.encode() not in said.body
    if said.status >= 400:
        document = json.dumps(said.json, ensure_ascii=False)
        assert document.isprintable(), document
        assert len(said.body) < 20_000


def test_the_victims_etag_opens_nothing(siege: Siege) -> None:
    for headers in ({"If_Match": siege.victims_etag}, {"If_Match": "*"}, {"If_None_Match": "*"}):
        body = {"ip_address": "203.0.113.66"}
        said = siege.client.ask("PUT", f"/record/{SHOP}", body, **headers)
        assert said.status in (409, 412), headers


def test_no_more_than_it_may_have_however_many_at_once(siege: Siege) -> None:
    statuses: list[int] = []

    def one(number: int) -> None:
        client = siege.server.client(siege.token)
        body = {"ip_address": "203.0.113.66"}
        statuses.append(client.ask("PUT", f"/record/n{number}.{OWN}", body).status)
        client.close()

    together(*(lambda number=number: one(number) for number in range(16)))
    held = [name for name in siege.made.zone() if is_own(name)]
    assert len(held) == 6
    assert sorted(set(statuses)) == [201, 403]
    for name in held:
        assert siege.client.ask("DELETE", f"/record/{name}").status == 200


IN_DOUBT: dict[str, bytes] = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 60\r\n\r\n",
    "a length and pieces": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "pieces under another name": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "pieces with a tab": b"Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n",
    "a length with a sign": b"Content-Length: +5\r\n\r\nxxxxx",
    "a header with a space before the colon": b"Content-Length : 5\r\n\r\nxxxxx",
    "a NUL in a header": b"X-Nul: a\x00b\r\n\r\n",
    "a return alone in a header": b"X-Bare: a\rX-Other: b\r\n\r\n",
}
"""Ends of headers whose reader may see the end of the request in the wrong place."""


@pytest.mark.parametrize("name", IN_DOUBT)
def test_nothing_is_read_after_an_end_in_doubt(siege: Siege, name: str) -> None:
    hidden = f"DELETE /record/{SHOP}?type=A HTTP/1.1\r\nHost: kick\r\n"
    hidden += f"Authorization: Bearer {token_of('shop')}\r\n\r\n"
    statuses = raw(siege, IN_DOUBT[name] + hidden.encode())
    assert len(statuses) == 1
    assert statuses[0] in (400, 501)


SAID_TWICE: dict[str, bytes] = {
    "a folded header": b"X-Folded: a\r\n Authorization: Bearer other\r\n",
    "a second token": b"Authorization: Bearer other\r\n",
    "two kinds of token": b"X-Nomad-Token: 00000000-0000-4000-8000-00000000a11c\r\n",
    "two keys": b"Idempotency-Key: shops\r\nIdempotency-Key: mine\r\n",
    "two media types": b"Content-Type: text/plain\r\n",
    "two preconditions": b"If-Match: *\r\nIf-None-Match: *\r\n",
}


@pytest.mark.parametrize("name", SAID_TWICE)
def test_headers_that_can_be_read_in_two_ways(siege: Siege, name: str) -> None:
    body = b'{"ip_address": "203.0.113.66"}'
    end = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    (status,) = raw(siege, SAID_TWICE[name] + end)
    assert 400 <= status < 500


def raw(siege: Siege, rest: bytes) -> list[int]:
    """The statuses that a request gets until the server hangs up."""
    head = (
        f"PUT /record/{SHOP} HTTP/1.1\r\nHost: kick\r\n"
        f"Authorization: Bearer {siege.token}\r\nContent-Type: application/json\r\n"
    )
    answer = b""
    with socket.create_connection(siege.server.address, PATIENCE) as connection:
        connection.sendall(head.encode() + rest)
        while got := connection.recv(65536):
            answer += got
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_text_of_every_printable_character_stays_a_text(siege: Siege) -> None:
    nasty = "".join(map(chr, range(0x20, 0x7F))) + '"; IN A 203.0.113.66 \\" \\010'
    body = {"type": "TXT", "values": [nasty]}
    assert siege.client.ask("PUT", f"/record/{OWN}", body).status == 201
    assert siege.made.zone()[OWN].records[0].values == (nasty,)
    (answer,) = siege.lookup(OWN, "TXT")
    assert answer.count('" "') == 0
    said = siege.client.ask("GET", f"/record/{OWN}")
    assert said.json["values"] == [nasty]
    assert siege.client.ask("DELETE", f"/record/{OWN}").status == 200
    assert OWN not in siege.made.zone()


def test_the_victim_has_noticed_nothing(siege: Siege) -> None:
    said = siege.shop.ask("GET", f"/record/{SHOP}")
    assert (said.json["values"], said.headers["ETag"]) == (["203.0.113.7"], siege.victims_etag)
    assert siege.server.said("bug") == []
    assert siege.server.errors == []


def test_sixty_tries_at_least() -> None:
    assert len(TRIES) + len(IN_DOUBT) + len(SAID_TWICE) >= 60
