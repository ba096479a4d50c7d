"""A writer in the test's own process: a real audit on the disk, and clocks that tests turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kick.writer import Writer, WriterLimits
from kick.writer_turn import Permit

from tests.services.kick.shaky import Shaky
from toolkit.clients.dns.provider import Provider
from toolkit.dns.ownership import owned_name, owner_name, read_claim
from toolkit.errors import ToolkitError
from toolkit.serving.audit import Audit
from toolkit.spec.audit import Entry
from toolkit.spec.dns import Owner, Record, RemoveRecord, SetRecord, Written, Zone
from toolkit.spec.identity import Caller, Workload

ZONE = Zone("example.com", "public", "local")
INNER = Zone("example.internal", "private", "local")
NAME = "shop.example.com"


class Hands:
    """Clocks that go on only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.naps: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.at

    def now(self) -> float:
        return 1_700_000_000.0 + self.at

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += seconds
            self.naps.append(seconds)


class Desk:
    """Opens writers on one folder and one provider, one after the other."""

    def __init__(self, folder: Path, provider: Provider | None = None, cluster: str = "prod"):
        self.folder = folder
        self.provider = provider or Shaky()
        self.cluster = cluster
        self.hands = Hands()
        self.limits = WriterLimits(patience=20)
        self.zones: Sequence[Zone] = (ZONE, INNER)
        self.permit: Permit = lambda caller, zone, record, held: None
        self.bugs: list[BaseException] = []

    def audit(self) -> Audit:
        return Audit.open(
            self.folder,
            who="test",
            now=self.hands.now,
            clock=self.hands.clock,
            sleep=self.hands.sleep,
        )

    def writer(self, audit: Audit) -> Writer:
        return Writer(
            zones=self.zones,
            providers={zone.provider: self.provider for zone in self.zones},
            audit=audit,
            permit=self._permit,
            clock=self.hands.clock,
            now=self.hands.now,
            sleep=self.hands.sleep,
            random=lambda: 0.5,
            limits=self.limits,
            bug=self.bugs.append,
        )

    def _permit(self, caller: Caller, zone: Zone, record: Record, held: int) -> None:
        self.permit(caller, zone, record, held)

    @contextmanager
    def opened(self) -> Iterator[Writer]:
        """A writer that has started."""
        audit = self.audit()
        writer = self.writer(audit)
        try:
            writer.start()
            yield writer
        finally:
            assert writer.close(20)
            audit.close()

    def entries(self) -> list[Entry]:
        """The audit, once nobody holds it."""
        audit = self.audit()
        try:
            assert audit.verify() == audit.head
            return list(audit.entries(1))
        finally:
            audit.close()

    def owner(self, job: str = "shop") -> Owner:
        return Owner(self.cluster, "job", "default", job)

    def put(self, name: str = NAME, *values: str, job: str = "shop", **more: object) -> SetRecord:
        return SetRecord(ZONE, a(name, *values), self.owner(job), **more)  # type: ignore[arg-type]

    def remove(
        self, name: str = NAME, type_: str | None = "A", job: str = "shop", **more: object
    ) -> RemoveRecord:
        return RemoveRecord(ZONE, name, type_, self.owner(job), **more)  # type: ignore[arg-type]


class Gate:
    """Holds the writer's thread inside the provider."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._opened = threading.Event()

    def closed(self, shaky: Shaky) -> Gate:
        shaky.between = self._pass
        return self

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def reached(self) -> None:
        assert self._arrived.wait(20)

    def open(self) -> None:
        self._opened.set()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what another thread does; it needs no event of the writer's own."""
        for _ in range(2000):
            if holds():
                return
            self._opened.wait(0.01)
        raise AssertionError("it never came to be")

    def _pass(self) -> None:
        self._arrived.set()
        assert self._opened.wait(20)


def attempt(
    writer: Writer, wish: SetRecord, caller: Caller | None = None
) -> Written | ToolkitError:
    try:
        return writer.write(wish, caller=caller or workload())
    except ToolkitError as error:
        return error


def workload(job: str = "shop") -> Workload:
    return Workload("default", job, "app", "5b2c90aa-26d1-4c6b-9d0e-0123456789ab", 4e9)


def a(name: str = NAME, *values: str) -> Record:
    return Record(name, "A", 60, tuple(sorted(values or ("10.0.0.1",))))


def unsound(records: Sequence[Record]) -> list[str]:
    """What is wrong with a zone that only writers of ours wrote to; nothing, it should be."""
    by_key = {record.key: record for record in records}
    said = []
    for name, type_ in by_key:
        mark = by_key.get((owner_name(name), "TXT")) if owned_name(name) is None else None
        if owned_name(name) is not None:
            claim = read_claim(by_key[name, type_].values[0])
            if claim is None:
                said.append(f"{name} is no owner record")
                continue
            missing = [t for t in claim.types if (owned_name(name), t) not in by_key]
            if missing:
                said.append(f"{name} claims {missing}, which are not there")
        elif mark is None:
            said.append(f"{name} {type_} has no owner record")
        else:
            claim = read_claim(mark.values[0])
            if claim is None or type_ not in claim.types:
                said.append(f"{name} {type_} is not in its owner record")
    return said
