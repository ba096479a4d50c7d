"""The kick server's own promises: writes a second, how late, and what it takes of memory.

The server is the real process with its name server, its zones are files and its audit is on the
disk of the temporary folder (`TMPDIR`). Only Nomad is a stand-in, which publishes a key of ours and
knows one allocation; the token is signed with that key. What one caller may write (`limits.writes`,
5 a second) is raised out of the way: all clients here are one job.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import samples
from bench.kick_load import Taken, as_fast_as_can_be, at_a_rate
from bench.row import Row
from tests.services.kick.fakes.route53 import FakeRoute53, Route53State
from tests.services.kick.lab import (
    AWS_KEYS,
    PUBLIC,
    ZONE_ID,
    Lab,
    Process,
    lab,
    on_route53,
    token_of,
)
from tests.services.kick.rig import CONFIG

RECORDS = 2_000
CLIENTS = (1, 8, 32)
WRITES = 640
"""Of all clients of a round together."""
ROUNDS = 5
PACE, SECONDS, OPEN_CLIENTS = 50.0, 20.0, 16
MOST_MEMORY = 120.0
ENOUGH = 300.0
LATE = 0.050


@dataclass
class Server:
    """A server with its records, and what to write next."""

    process: Process
    token: str
    names: Iterator[int]

    def next(self) -> tuple[str, str]:
        """Another of the records, with an address that it does not have."""
        number = next(self.names)
        low = number // RECORDS % 250 + 1
        return f"r{number % RECORDS}.shop.apps.example.com", f"203.0.113.{low}"

    def burst(self, clients: int, writes: int = WRITES) -> Taken:
        """As fast as can be."""
        return self._whole(
            as_fast_as_can_be(
                self.process.address, self.token, clients, writes // clients, self.next
            )
        )

    def steady(self) -> Taken:
        """At the promised pace."""
        return self._whole(
            at_a_rate(self.process.address, self.token, PACE, SECONDS, OPEN_CLIENTS, self.next)
        )

    @property
    def peak(self) -> float:
        """MB of memory at most, so far."""
        status = Path(f"/proc/{self.process.popen.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def _whole(self, taken: Taken) -> Taken:
        assert not taken.refused, taken.refused[:5]
        return taken


def kick_writes() -> list[Row]:
    """Rates, lateness and memory on zones in files."""
    rows: list[Row] = []
    with _lab() as made:
        server = _filled(made)
        bare = samples.interleaved(ROUNDS, samples.bare())[0]
        alone: list[float] = []
        rates: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
        for _ in range(ROUNDS):
            alone.append(bare_rate(made.data))
            for clients in CLIENTS:
                rates[clients].append(server.burst(clients).rate)
        print(f"   python -c pass {bare}; append and fsync {_spread(alone)}")
        enough = min(ENOUGH, statistics.median(alone) / 2)
        # Whoever waits for each answer before the next question measures how late, not how many.
        print(f"   one client that waits for each answer: {_spread(rates.pop(1))}")
        for clients in rates:
            rows.append(
                Row(
                    f"kick: authorised writes, {clients} clients, limits.writes raised",
                    f"≥ {enough:.0f}/s",
                    f"{_spread(rates[clients])}; append and fsync {_spread(alone)}",
                    statistics.median(rates[clients]) >= enough,
                )
            )
        rows.append(_lateness(server, 1 / statistics.median(alone)))
        rows.append(_memory("zones in files", server.peak))
        made.close()
    return rows


def _lateness(server: Server, fsync: float) -> Row:
    late, middle = [], []
    for _ in range(ROUNDS):
        taken = server.steady()
        late.append(taken.quantile(0.99))
        middle.append(taken.quantile(0.5))
    sample, most = samples.Sample(tuple(late)), LATE + fsync
    return Row(
        f"kick: p99 at {PACE:.0f} writes/s for {SECONDS:.0f} s, limits.writes raised",
        f"≤ {most * 1000:.1f} ms",
        f"{sample}; half of them within {statistics.median(middle) * 1000:.1f} ms",
        sample.median <= most,
    )


def _memory(where: str, peak: float) -> Row:
    what = f"kick: peak memory with {RECORDS:,} records, {where}"
    return Row(what, f"≤ {MOST_MEMORY:.0f} MB", f"{peak:.0f} MB", peak <= MOST_MEMORY)


def kick_memory() -> list[Row]:
    """Memory on Route 53: boto3 is the largest thing that the server can import."""
    state = Route53State()
    state.add_zone(ZONE_ID, PUBLIC.name)
    with FakeRoute53(state) as fake, _lab(on_route53(CONFIG, fake.address)) as made:
        made.environ |= AWS_KEYS
        process = made.start()
        server = Server(process, token_of("shop"), itertools.count())
        server.burst(25, RECORDS)
        assert sum(each.name.startswith("_toolkit.") for each in state.sets(ZONE_ID)) == RECORDS
        rows = [_memory("Route 53", server.peak)]
        process.stop()
    return rows


@contextmanager
def _lab(config: str = CONFIG) -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        config = config.replace("most = 40", f"most = {2 * RECORDS}")
        with lab(Path(folder), config=config) as made:
            yield made


def _filled(made: Lab) -> Server:
    process = made.start(NOMAD_PORT_dns="0", NOMAD_PORT_dns_private="0")
    server = Server(process, token_of("shop"), itertools.count())
    server.burst(8, RECORDS)
    assert len(made.zone()) == RECORDS
    return server


def bare_rate(folder: Path, line: bytes = b"x" * 1023 + b"\n") -> float:
    """Lines as long as the audit's, appended and synced one after the other; a second."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        began, number = time.monotonic(), 0
        while (passed := time.monotonic() - began) < 0.5:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            number += 1
    return number / passed


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):.0f}/s (worst {min(rates):.0f} of {len(rates)})"
