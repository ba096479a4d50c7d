"""Writers that are killed.

What was asked and what was answered is appended to a log, a line each, before and after: the kernel
keeps it whatever happens to us.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kick.writer import Writer

from tests.services.kick.desk_of_writer import a, workload
from tests.services.mortal import Death, die, fork_lives
from toolkit.clients.dns.provider import Provider
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import ToolkitError
from toolkit.serving.audit import Audit
from toolkit.spec.audit import Draft, Entry
from toolkit.spec.dns import (
    Change,
    Owner,
    RemoveRecord,
    SetRecord,
    Submitted,
    Wish,
    Zone,
)
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

POINTS = (
    "before the intent",
    "within the intent",
    "after the intent",
    "before the commit",
    "after the commit",
    "before the outcome",
    "after the outcome",
)
NAMES = tuple(f"n{number}.example.com" for number in range(6))
THREADS = 3
OPERATIONS = 12


class MortalAudit(Audit):
    """Dies around and within its writes."""

    death: Death

    def intend(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        self.death.passes("before the intent")
        entries = super().intend(drafts)
        self.death.passes("after the intent")
        return entries

    def conclude(self, drafts: Sequence[Draft]) -> None:
        self.death.passes("before the outcome")
        super().conclude(drafts)
        self.death.passes("after the outcome")

    def _write(self, data: bytes) -> None:
        if b'"kind":"intent"' in data and self.death.comes("within the intent"):
            self._file.write(data[: len(data) * 2 // 3])
            die()
        super()._write(data)


class MortalProvider:
    """Dies before and after the deed of the provider it stands before."""

    def __init__(self, provider: Provider, death: Death):
        self._provider = provider
        self._death = death
        self.records = provider.records
        self.at = provider.at
        self.state = provider.state
        self.close = provider.close

    @property
    def most_changes(self) -> int:
        return self._provider.most_changes

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        self._death.passes("before the commit")
        submitted = self._provider.apply(zone, changes, comment=comment)
        self._death.passes("after the commit")
        return submitted


def provider_of(said: dict[str, Any]) -> tuple[Provider, Zone]:
    """The provider that outlives the writers, and its zone."""
    if "endpoint" in said:
        access = Route53Access(endpoint=said["endpoint"])
        keys = Keys("AKIDMORTAL", Secret("no-secret"))
        return Route53(access, keys=keys), Zone("example.com", "public", "route53", "Z1")
    return ZoneFiles(Path(said["folder"]) / "zones"), Zone("example.com", "public", "local")


def wish_of(said: dict[str, Any], zone: Zone) -> Wish:
    """An operation of the log as a wish."""
    owner = Owner("prod", "job", "default", "shop")
    if said["value"] is None:
        return RemoveRecord(zone, said["name"], "A", owner)
    return SetRecord(zone, a(said["name"], said["value"]), owner)


def live(said: dict[str, Any]) -> None:
    """One life: several threads, each with names of its own, until death or the end."""
    death = Death(said["point"], said["times"])
    folder = Path(said["folder"])
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    provider, zone = provider_of(said)
    MortalAudit.death = death
    audit = MortalAudit.open(
        folder / "audit", who="mortal", now=time.time, clock=time.monotonic, sleep=time.sleep,
        most=20_000,
    )  # fmt: skip
    draw = random.Random(said["seed"])
    writer = Writer(
        zones=[zone],
        providers={zone.provider: MortalProvider(provider, death)},
        audit=audit,
        permit=lambda caller, zone, record, held: None,
        clock=time.monotonic,
        now=time.time,
        sleep=lambda seconds: time.sleep(seconds / 50),
        random=draw.random,
    )
    writer.start()
    plans = [
        [
            {
                "id": f"{said['seed']}-{number}-{turn}",
                "name": draw.choice(NAMES[number::THREADS]),
                "value": draw.choice([None, f"10.{number}.{turn}.{draw.randrange(250)}"]),
            }
            for turn in range(OPERATIONS)
        ]
        for number in range(THREADS)
    ]

    def note(kind: str, operation: dict[str, Any], **more: Any) -> None:
        os.write(log, json.dumps({"kind": kind, **operation, **more}).encode() + b"\n")

    def run(plan: list[dict[str, Any]]) -> None:
        for operation in plan:
            note("ask", operation)
            try:
                written = writer.write(
                    wish_of(operation, zone),
                    caller=workload(),
                    key=operation["id"],
                    request=operation["id"],
                )
            except ToolkitError as error:
                note("no", operation, error=type(error).__name__)
            else:
                note("ack", operation, changed=written.changed)

    # As whoever got no answer does, before anything else: the same question by the same key.
    run(unanswered(folder / "log"))
    threads = [threading.Thread(target=run, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    audit.close()
    provider.close()


def unanswered(log: Path) -> list[dict[str, Any]]:
    """What was asked and never answered, in the order in which it was asked."""
    asked: dict[str, dict[str, Any]] = {}
    for line in log.read_text().splitlines():
        said = json.loads(line)
        if said["kind"] == "ask":
            asked[said["id"]] = {key: said[key] for key in ("id", "name", "value")}
        else:
            asked.pop(said["id"])
    return list(asked.values())


if __name__ == "__main__":
    fork_lives(live)
