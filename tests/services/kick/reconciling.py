"""A reconciler over a real writer, audit and zones; its cluster is a value, its clock a dial."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kick.metrics import Metrics
from kick.reconciler import Reconciler
from kick.reconciler_metrics import ReconcilerMetrics
from kick.writer import Writer

from tests.dns.discovering import CONFIG, NOW, PRIVATE
from toolkit.clients.dns.provider import Provider
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.dns.policy import permit
from toolkit.dns.standing import Standing, standings
from toolkit.errors import ToolkitError
from toolkit.serving.audit import Audit
from toolkit.serving.log import Log
from toolkit.spec.discovery import JobKey, TurnReport, View
from toolkit.spec.dns import Change, Owner, Record, SetRecord, Submitted, Zone
from toolkit.spec.identity import Workload
from toolkit.spec.kick import KickConfig


@dataclass
class StandInCluster:
    """A cluster whose view is whatever the test says, or an error."""

    now_is: View | ToolkitError
    over: dict[JobKey, float | ToolkitError | None] = field(default_factory=dict)
    """What Nomad says of a job by name; one that is not here ended long ago."""
    asked: list[JobKey] = field(default_factory=list)
    told: Callable[[], None] = lambda: None
    seen: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.told()

    def close(self) -> None:
        pass

    def view(self) -> View:
        found = self.now_is
        self.seen.set()
        if isinstance(found, ToolkitError):
            raise found
        return found

    def ended(self, job: JobKey) -> float | None:
        self.asked.append(job)
        answer = self.over.get(job, 0.0)
        if isinstance(answer, ToolkitError):
            raise answer
        return answer


class Counting:
    """A provider that counts batches, and refuses some."""

    def __init__(self, provider: Provider):
        self.provider = provider
        self.batches: list[Sequence[Change]] = []
        self.refuse: Callable[[Sequence[Change]], ToolkitError | None] = lambda _: None
        self.away: ToolkitError | None = None

    def records(self, zone: Zone) -> Iterator[Record]:
        if self.away:
            raise self.away
        return self.provider.records(zone)

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        self.batches.append(changes)
        refused = self.away or self.refuse(changes)
        if refused:
            raise refused
        return self.provider.apply(zone, changes, comment=comment)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)


@dataclass
class Bench:
    """Everything around one reconciler; `again` is another process over the same disk."""

    data: Path
    config: KickConfig = CONFIG
    clock: float = 1000.0
    now: float = NOW
    cluster: StandInCluster = field(default_factory=lambda: StandInCluster(View({}, (), {})))
    said: io.StringIO = field(default_factory=io.StringIO)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def open(self) -> None:
        """What the process opens."""
        files = ZoneFiles(self.data / "zones")
        self.stack.callback(files.close)
        self.provider = Counting(files)
        self.audit = Audit.open(
            self.data / "audit", who="a test", now=lambda: self.now, clock=time.monotonic,
            sleep=time.sleep,
        )  # fmt: skip
        self.stack.callback(self.audit.close)
        self.writer = Writer(
            zones=self.config.zones,
            providers={"local": self.provider},
            audit=self.audit,
            permit=lambda caller, zone, record, held: permit(
                self.config.policy, caller, zone, record, held=held
            ),
            clock=lambda: self.clock,
            now=lambda: self.now,
            sleep=lambda _: None,
            random=lambda: 0.5,
        )
        self.writer.start()
        self.stack.callback(self.writer.close)
        self.metrics = Metrics()
        self.reconciler = Reconciler(
            self.config,
            cluster=self._follow,
            writer=self.writer,
            audit=self.audit,
            clock=lambda: self.clock,
            now=lambda: self.now,
            log=Log(self.said, now=lambda: 0.0),
            metrics=ReconcilerMetrics(self.metrics.registry),
        )

    def _follow(self, told: Callable[[], None]) -> StandInCluster:
        self.cluster.told = told
        return self.cluster

    def again(self) -> None:
        """End the process and begin another."""
        self.stack.close()
        self.open()

    def turn(self, view: View | ToolkitError | None = None, *, later: float = 0.0) -> TurnReport:
        """One turn, so many seconds later, of this cluster."""
        self.pass_(later)
        if view is not None:
            self.cluster.now_is = view
        return self.reconciler.sync()

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.clock += seconds
        self.now += seconds

    def request(self, zone: Zone, record: Record, job: str) -> None:
        """A job sets a record over HTTP."""
        caller = Workload("default", job, "app", "a", 4e9)
        owner = Owner(self.config.cluster, "job", "default", job)
        self.writer.write(SetRecord(zone, record, owner), caller=caller)

    def there(self, zone: Zone = PRIVATE) -> dict[str, Standing]:
        """What the zone's file has."""
        return {each.name: each for each in standings(self.provider.provider.records(zone))
                if each.records and each.owner}  # fmt: skip

    def values(self, zone: Zone = PRIVATE) -> dict[str, tuple[str, ...]]:
        """Name -> values of its first record."""
        return {name: there.records[0].values for name, there in self.there(zone).items()}

    def log(self) -> list[dict[str, Any]]:
        """What the server said."""
        return [json.loads(line) for line in self.said.getvalue().splitlines()]

    def actions(self) -> list[tuple[str, str, str]]:
        """Intents of the audit: action, actor, via."""
        return [
            (entry.what.action, str(entry.what.actor), entry.what.via)
            for entry in self.audit.entries(1)
            if entry.what.kind == "intent"
        ]

    def metric(self, name: str, **labels: str) -> float:
        """A figure of `/metrics`."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
