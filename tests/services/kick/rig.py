"""A kick server in the test's own process: everything is real but Nomad, whose word is a table."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from kick.actions import Action
from kick.app import make_app
from kick.kick import Kick
from kick.statuses import Send, Statuses
from kick.table import TABLE
from kick.writer import Writer

from tests.services.in_process import Client, StandIn, entries_in, lines_said
from toolkit.clients.dns.provider import Provider
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.config.kick import load_kick
from toolkit.serving.audit import Audit
from toolkit.serving.limits import Limits
from toolkit.serving.log import Log
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.kick import KickConfig

CONFIG = """\
cluster = "blue"
limits.writes = 10000
limits.burst = 1000000

[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "local"

[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"

[targets]
public = ["203.0.113.0/24", "2001:db8::/32"]
private = ["10.0.0.0/8"]
cnames = ["cdn.example.net"]

[[policy.workload]]
namespace = "default"
job = "shop"
[[policy.workload.grants]]
names = ["shop.apps.example.com", "*.shop.apps.example.com", "shop.apps.internal"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public", "private"]
most = 40

[[policy.workload]]
namespace = "default"
job = "web"
[[policy.workload.grants]]
names = ["web.apps.example.com", "shared.apps.example.com", "shop.apps.example.com"]
types = ["A", "TXT"]
zones = ["public"]
most = 2

[[policy.person]]
policies = ["dns"]
[[policy.person.grants]]
names = ["*.apps.example.com", "*.apps.internal"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public", "private"]
most = 1000

[[policy.person]]
policies = ["dns-overrule"]
overrule = true
[[policy.person.grants]]
names = ["*.apps.example.com"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public"]
most = 1000
"""

ALLOCATION = "5b2c90aa-26d1-4c6b-9d0e-0123456789ab"


def _workload(job: str) -> Workload:
    return Workload("default", job, "app", ALLOCATION, 4e9)


CALLERS: Mapping[str, Caller] = {
    "a.a.shop": _workload("shop"),
    "a.a.web": _workload("web"),
    "a.a.nobody": _workload("nobody"),
    "00000000-0000-0000-0000-00000000a11c": Person(
        "11111111-1111-1111-1111-00000000a11c", "alice", frozenset({"dns"})
    ),
    "00000000-0000-0000-0000-00000000b055": Person(
        "11111111-1111-1111-1111-00000000b055", "boss", frozenset({"dns-overrule"})
    ),
    "00000000-0000-0000-0000-00000000eee0": Person(
        "11111111-1111-1111-1111-00000000eee0", "eve", frozenset({"other"})
    ),
}
SHOP, WEB, NOBODY, ALICE, BOSS, EVE = ({"Authorization": f"Bearer {token}"} for token in CALLERS)


@dataclass
class Rig:
    """The server's parts, and a client that talks to it."""

    kick: Kick
    client: Client
    verifier: StandIn
    files: Provider
    data: Path
    said: io.StringIO
    closers: list[Callable[[], object]] = field(default_factory=list)

    def ask(
        self,
        method: str,
        path: str,
        who: Mapping[str, str] = SHOP,
        body: Any = None,
        **headers: str,
    ) -> httpx.Response:
        """One request; header names with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        json_body = {} if body is None else {"json": body}
        return self.client.request(method, path, headers={**who, **given}, **json_body)

    def log(self) -> list[dict[str, Any]]:
        """What the server said."""
        return lines_said(self.said)

    def entries(self) -> list[dict[str, Any]]:
        """The audit as it is in its files."""
        return entries_in(self.data)


@contextlib.contextmanager
def make_rig(
    portal: BlockingPortal,
    data: Path,
    *,
    actions: Sequence[Action] = TABLE,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    config: KickConfig | None = None,
    send: Send | None = None,
    callers: Mapping[str, Caller] = CALLERS,
    opened: bool = True,
    wrap: Callable[[Provider], Provider] = lambda files: files,
) -> Iterator[Rig]:
    """A server over `data`; `opened=False`: it still waits for its audit.

    `wrap`: what stands between the server and its provider.
    """
    config = config or load_kick(CONFIG)
    said = io.StringIO()
    verifier = StandIn(callers)
    kick = Kick(config, verifier, log=Log(said, now=lambda: 0.0), now=lambda: 1_800_000_000.0)
    with contextlib.ExitStack() as stack:
        files = ZoneFiles(data / "zones")
        stack.callback(files.close)
        if opened:
            open_kick(kick, data, {"local": wrap(files)}, stack, send=send)
        client = Client(portal, make_app(kick, actions, limits=limits, clock=clock))
        stack.callback(client.close)
        yield Rig(kick, client, verifier, files, data, said)


def open_kick(
    kick: Kick,
    data: Path,
    providers: Mapping[str, Provider],
    stack: contextlib.ExitStack,
    *,
    send: Send | None = None,
) -> None:
    """Audit, writer and statuses, as the process opens them."""
    audit = Audit.open(
        data / "audit",
        who="a test",
        now=kick.now,
        clock=lambda: 0.0,
        sleep=lambda _: None,
        patience=-1.0,
        most=kick.config.limits.audit_file,
    )
    stack.callback(audit.close)
    writer = Writer(
        zones=kick.config.zones,
        providers=providers,
        audit=audit,
        permit=lambda caller, zone, record, held: kick.permit(caller, zone, record, held=held),
        clock=time.monotonic,
        now=kick.now,
        sleep=time.sleep,
        random=lambda: 0.5,
    )
    writer.start()
    stack.callback(writer.close)
    statuses = Statuses(
        kick.config.status.kept,
        cluster=kick.config.cluster,
        send=send,
        counted=lambda result: kick.metrics.forwarded.labels(result).inc(),
        pause=0.0,
    )
    statuses.start()
    stack.callback(lambda: statuses.stop(10.0))
    kick.open(writer=writer, audit=audit, statuses=statuses)


A_SHOP = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}


def set_shop(rig: Rig, **more: Any) -> Any:
    return rig.ask("POST", "/records", SHOP, {**A_SHOP, **more})


def zone_of(rig: Rig) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the public zone has, as the provider says."""
    zone = rig.kick.config.zones[0]
    return [
        (r.name, r.type, r.values) for r in rig.files.records(zone) if r.type not in ("NS", "SOA")
    ]
