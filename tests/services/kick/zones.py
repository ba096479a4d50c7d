"""Zones of each provider, for tests that all of them must pass alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from tests.services.kick.fakes.route53 import FakeRoute53, Route53State
from toolkit.clients.dns.provider import Provider
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.spec.dns import Change, Record, Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

NAME = "apps.example.com"
KEYS = Keys("AKIATESTTESTTESTTEST", Secret("the-secret-of-the-test"))


@dataclass(frozen=True)
class Place:
    """One zone, and the provider that has it."""

    kind: str
    provider: Provider
    zone: Zone

    def create(self, *records: Record) -> None:
        """Put records there."""
        self.provider.apply(self.zone, [Change("CREATE", record) for record in records])

    def stored(self) -> set[Record]:
        """What is there, beside what every zone has at its top."""
        return {
            record
            for record in self.provider.records(self.zone)
            if record.type not in {"NS", "SOA"}
        }


@contextmanager
def zone_files(folder: Path) -> Iterator[Place]:
    """A zone in a file."""
    files = ZoneFiles(folder)
    try:
        yield Place("zonefile", files, Zone(NAME, "public", "local"))
    finally:
        files.close()


@contextmanager
def fake_zones(state: Route53State | None = None, **more: Any) -> Iterator[FakeZones]:
    """The fake; it makes zones, and one client has them all: making a client costs most."""
    with FakeRoute53(state) as fake, route53(fake.address, keys=KEYS, **more) as provider:
        yield FakeZones(fake, provider)


@dataclass(frozen=True)
class FakeZones:
    """A fake and who asks it."""

    fake: FakeRoute53
    provider: Route53

    def make(self, kind: str = "fake") -> Place:
        """A zone of its own."""
        id_ = f"Z{len(self.fake.state.zones):04d}"
        self.fake.state.add_zone(id_, NAME)
        return Place(kind, self.provider, Zone(NAME, "public", "route53", id_))


@contextmanager
def route53(address: str, *, role: str = "", **more: Any) -> Iterator[Route53]:
    """A provider that asks there."""
    access = Route53Access(role=role, endpoint=address, sts_endpoint=address if role else "")
    provider = Route53(access, **more)
    try:
        yield provider
    finally:
        provider.close()


@contextmanager
def moto_zones() -> Iterator[Callable[[], Place]]:
    """moto's server; each call makes a zone of its own."""
    from boto3.session import Session

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    session = Session(KEYS.access, KEYS.secret.reveal(), region_name="us-east-1")
    admin = session.client("route53", endpoint_url=address)
    made = 0
    try:
        with route53(address, keys=KEYS) as provider:

            def make() -> Place:
                nonlocal made
                made += 1
                found = admin.create_hosted_zone(Name=NAME, CallerReference=str(made))
                id_ = found["HostedZone"]["Id"].removeprefix("/hostedzone/")
                return Place("moto", provider, Zone(NAME, "public", "route53", id_))

            yield make
    finally:
        admin.close()
        server.stop()
