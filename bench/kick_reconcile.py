"""A thousand services that ask for names: how long a turn takes, and how many batches it needs.

Nomad and Consul are real, with a thousand registered jobs and services; their instances are the
mock driver's, and run nothing. The zone is a file and the audit is on this disk. Everything is
measured in one process, by the calls that `toolkit dns sync` makes the kick server take.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kick.cluster_view import ClusterView
from kick.metrics import Metrics
from kick.reconciler import Reconciler
from kick.reconciler_metrics import ReconcilerMetrics
from kick.writer import Writer

from bench.big_cluster import FILLED_WITHIN, job, make_room, number_in, register
from bench.row import Row
from tests.agents.cluster import LocalCluster, local_cluster
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.config.kick import load_kick
from toolkit.dns.policy import permit
from toolkit.errors import UnavailableError
from toolkit.serving.audit import Audit
from toolkit.serving.log import Log
from toolkit.spec.discovery import TurnReport
from toolkit.spec.kick import KickConfig

SERVICES = 1_000
WARM = 5
MOST_SECONDS = 2.0
FIRST_PORT = 40_000
CONFIG = """
cluster = "bench"
[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"
[targets]
private = ["10.0.0.0/8"]
loopback = true
[reconcile]
interval = "100ms"
"""
RULE = """
[[policy.workload]]
namespace = "default"
job = "{job}"
[[policy.workload.grants]]
names = ["{job}.apps.internal"]
types = ["A"]
zones = ["private"]
most = 1
"""


@dataclass
class Taken:
    """One turn: what it did, and what it took."""

    report: TurnReport
    seconds: float
    batches: int
    changes: int
    since_start: float = 0.0
    """Seconds since the server began to read anything."""


@dataclass
class Server:
    """The reconciling part of a kick server."""

    reconciler: Reconciler
    writer: Writer
    files: ZoneFiles
    config: KickConfig
    began: float

    def turn(self) -> Taken:
        """A turn with the zone read anew, as `POST /sync` takes it."""
        batches, began = self.writer.sent, time.monotonic()
        report = self.reconciler.sync(patience=120)
        seconds = time.monotonic() - began
        assert not report.failed, report.failed
        # With each record goes its owner record, and another value is a removal and a creation.
        changes = sum(2 if step.before is None else 4 for step in report.turn.steps)
        return Taken(report, seconds, self.writer.sent - batches, changes)


def kick_reconcile() -> list[Row]:
    """Turns over a thousand services: all new, nothing new, all changed."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(local_cluster(folder / "big"))
        make_room(cluster)
        began = time.monotonic()
        names = [f"service-{number:04}" for number in range(SERVICES)]
        register(cluster, [_asking(name, at) for at, name in enumerate(names)])
        cluster.until("all run", lambda: number_in(cluster, "running") >= SERVICES, FILLED_WITHIN)
        cluster.until("all are in Consul", lambda: _passing(cluster) >= SERVICES, FILLED_WITHIN)
        print(f"   {SERVICES} jobs and services in {time.monotonic() - began:.0f} s")
        rules = "".join(RULE.format(job=name) for name in names)
        with _server(cluster, load_kick(CONFIG + rules), folder / "kick") as server:
            first = _first(server)
            warm = [server.turn() for _ in range(WARM)]
            for taken in warm:
                assert taken.report.turn.unchanged == SERVICES, taken.report
        with _server(cluster, load_kick("ttl = 30\n" + CONFIG + rules), folder / "kick") as server:
            changed = _first(server)
        return _rows(first, warm, changed)


def _rows(first: Taken, warm: Sequence[Taken], changed: Taken) -> list[Row]:
    usual = max(taken.seconds for taken in warm)
    worst = max(first.seconds, changed.seconds, usual)
    batches, changes = first.batches + changed.batches, first.changes + changed.changes
    seen = (
        f"{worst:.2f} s at most: all new {first.seconds:.2f} s, all changed {changed.seconds:.2f} "
        f"s, nothing new {usual:.2f} s; from the server's start, everything read anew, "
        f"{max(first.since_start, changed.since_start):.2f} s"
    )
    return [
        Row(f"reconcile of {SERVICES} services", "≤ 2 s", seen, worst <= MOST_SECONDS),
        Row(
            "provider batches per 100 changes",
            "≤ 1",
            f"{100 * batches / changes:.2f} ({batches} for {changes} changes)",
            batches * 100 <= changes,
        ),
    ]


def _first(server: Server) -> Taken:
    """The first turn of a server, as soon as it has read what there is."""
    deadline = server.began + 60
    while True:
        try:
            taken = server.turn()
        except UnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            continue
        assert len(taken.report.turn.steps) == SERVICES, taken.report
        taken.since_start = time.monotonic() - server.began
        return taken


@contextlib.contextmanager
def _server(cluster: LocalCluster, config: KickConfig, data: Path) -> Iterator[Server]:
    target = cluster.target()
    with contextlib.ExitStack() as stack:
        files = ZoneFiles(data / "zones")
        stack.callback(files.close)
        audit = Audit.open(
            data / "audit", who="a measure", now=time.time, clock=time.monotonic, sleep=time.sleep
        )
        stack.callback(audit.close)
        writer = Writer(
            zones=config.zones,
            providers={"local": files},
            audit=audit,
            permit=lambda caller, zone, record, held: permit(
                config.policy, caller, zone, record, held=held
            ),
            clock=time.monotonic,
            now=time.time,
            sleep=time.sleep,
            random=lambda: 0.5,
        )
        writer.start()
        stack.callback(writer.close)
        log = Log()
        seen = ClusterView(
            lambda: target.nomad, lambda: target.consul, told=lambda: None, bug=log.bug
        )
        reconciler = Reconciler(
            config,
            cluster=lambda _: seen,
            writer=writer,
            audit=audit,
            clock=time.monotonic,
            now=time.time,
            log=log,
            metrics=ReconcilerMetrics(Metrics().registry),
        )  # fmt: skip
        # Its thread is not started: turns are taken when they are measured.
        began = time.monotonic()
        seen.start()
        stack.callback(seen.close)
        yield Server(reconciler, writer, files, config, began)


def _asking(name: str, number: int) -> dict[str, Any]:
    """A job with one instance whose service asks for a name, and has a check."""
    made = job(name)
    group = made["TaskGroups"][0]
    port = FIRST_PORT + number
    group["Count"] = 1
    group["Networks"] = [{"ReservedPorts": [{"Label": "http", "Value": port}]}]
    check = {
        "Type": "tcp", "PortLabel": "http", "Timeout": 1_000_000_000,
        "Interval": 3_600_000_000_000_000_000,
        # Nothing listens there, and Consul first asks at some moment of the interval.
        "InitialStatus": "passing",
    }  # fmt: skip
    meta = {
        "toolkit_dns_hostname": f"{name}.apps.internal",
        "toolkit_dns_zone": "private",
        "toolkit_dns_target": "instances",
    }
    service = {"Name": name, "PortLabel": "http", "Provider": "consul", "Meta": meta}
    group["Services"] = [{**service, "Checks": [check]}]
    return made


def _passing(cluster: LocalCluster) -> int:
    with cluster.consul() as consul:
        found: Sequence[Mapping[str, Any]] = consul.checks().value
    ours = (each for each in found if str(each.get("ServiceID")).startswith("_nomad-task-"))
    return sum(each.get("Status") == "passing" for each in ours)
