"""The balancer: TCP in front of Traefik, for machines whose `/ping` says 200.

Run as a program of its own, without the rest of toolkit: `balancer.py TARGETS HEALTH`. TARGETS is a
JSON file that is read again before every round of checks; HEALTH is written after each that changed
something. As a load balancer does, it takes a machine in after two good answers and out after two
bad ones, and lets connections that it has end by themselves. Where it stands for a network load
balancer it says who calls by the PROXY protocol, version 2, and begins its checks with that too.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVERY = 0.5
"""Seconds between two rounds of checks."""
ANSWER = 2.0
TURNS = 2
_CHUNK = 65536
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
OWN = _SIGNATURE + struct.pack("!BBH", 0x20, 0x00, 0)
"""The header of a connection for nobody else: a check."""


@dataclass
class Balancer:
    """Which machines there are, and which of them get requests."""

    targets: Path
    health: Path
    machines: dict[str, str] = field(default_factory=dict)
    port: int = 0
    ping: int = 0
    proxied: bool = False
    """Machines are told by the PROXY protocol who calls."""
    good: set[str] = field(default_factory=set)
    streak: dict[str, int] = field(default_factory=dict)
    """Answers in a row that speak against what a machine is taken for."""
    turn: itertools.count[int] = field(default_factory=itertools.count)

    def read(self) -> list[int]:
        """Take in the file of targets; the ports to listen at."""
        said: dict[str, Any] = json.loads(self.targets.read_text())
        self.machines, self.port, self.ping = said["machines"], said["port"], said["ping"]
        self.proxied = bool(said.get("proxied"))
        self.good &= set(self.machines)
        return list(said["listen"])

    def choose(self) -> list[str]:
        """Addresses of the machines that get requests, the next one first."""
        well = [self.machines[name] for name in sorted(self.good)]
        at = next(self.turn) % len(well) if well else 0
        return well[at:] + well[:at]

    def judge(self, name: str, *, well: bool) -> None:
        """Count one answer; a new machine is out until it has answered well."""
        if well == (name in self.good):
            self.streak[name] = 0
            return
        self.streak[name] = self.streak.get(name, 0) + 1
        if self.streak[name] >= TURNS:
            self.streak[name] = 0
            (self.good.add if well else self.good.discard)(name)

    async def look(self) -> None:
        """Check for ever."""
        said = ""
        while True:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.read()
            answers = await asyncio.gather(
                *(
                    pings(address, self.ping, OWN if self.proxied else b"")
                    for address in self.machines.values()
                )
            )
            for name, well in zip(tuple(self.machines), answers, strict=True):
                self.judge(name, well=well)
            now = json.dumps({name: name in self.good for name in sorted(self.machines)})
            if now != said:
                said = now
                part = self.health.with_suffix(".part")
                part.write_text(said + "\n")
                part.replace(self.health)
            await asyncio.sleep(EVERY)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: to the first machine that takes it, until both ends have ended."""
        try:
            for address in self.choose():
                try:
                    async with asyncio.timeout(ANSWER):
                        there = await asyncio.open_connection(address, self.port, limit=_CHUNK)
                except (OSError, TimeoutError):
                    continue
                try:
                    if self.proxied:
                        ends = (writer.get_extra_info(end) for end in ("peername", "sockname"))
                        there[1].write(called_by(*ends))
                    await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
                finally:
                    there[1].close()
                return
        finally:
            writer.close()


def called_by(caller: tuple[str, int], here: tuple[str, int]) -> bytes:
    """The header of a TCP connection over IPv4 that somebody made to us."""
    hosts = socket.inet_aton(caller[0]) + socket.inet_aton(here[0])
    return _SIGNATURE + struct.pack("!BBH8sHH", 0x21, 0x11, 12, hosts, caller[1], here[1])


async def pings(address: str, port: int, header: bytes = b"") -> bool:
    """Whether `/ping` there says 200; `header` comes before the question."""
    try:
        async with asyncio.timeout(ANSWER):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(header + b"GET /ping HTTP/1.0\r\nHost: ping\r\n\r\n")
                first = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return first.split()[1:2] == [b"200"]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def serve(targets: Path, health: Path) -> None:
    """Balance until the process ends."""
    balancer = Balancer(targets, health)
    async with contextlib.AsyncExitStack() as stack:
        for port in balancer.read():
            await stack.enter_async_context(
                await asyncio.start_server(balancer.pass_on, "0.0.0.0", port, limit=_CHUNK)  # noqa: S104
            )
        await balancer.look()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
