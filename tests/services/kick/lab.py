"""The kick server as a process of its own, told apart from its test by nothing but signals.

Nomad is a stand-in on loopback that publishes a key of ours and knows the allocations of a few
jobs; tokens are real ones, signed with that key. What became of anything is read from outside: from
the zone's file, from the audit's files, and from answers.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.faults.scripted import Scripted
from tests.identity.mint import KEY_ID, Private, claims, jwk, rsa_key, token
from tests.identity.nomad_server import State, allocation
from tests.services.kick.rig import CONFIG
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.clients.dns.zonetext import parse
from toolkit.dns.standing import Standing, standings
from toolkit.serving.chain import Head, fault_of, read_line
from toolkit.spec.audit import Entry
from toolkit.spec.dns import Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

READY_SECONDS = 60.0
PATIENCE = 60.0
PUBLIC = Zone("apps.example.com", "public", "local")
PRIVATE = Zone("apps.internal", "private", "local")
JOBS = ("shop", "web", "nobody")
ZONE_ID = "Z0123456789ABC"
AWS_KEYS = {"AWS_ACCESS_KEY_ID": "AKIA0000000000000000", "AWS_SECRET_ACCESS_KEY": "secret"}


def on_route53(config: str, address: str) -> str:
    """The same configuration, with its public zone in a Route 53 at that address."""
    local = 'visibility = "public"\nprovider = "local"'
    assert local in config
    there = f'visibility = "public"\nprovider = "route53"\nid = "{ZONE_ID}"'
    return config.replace(local, there) + f'\n[route53]\ncalls = 10\nendpoint = "{address}"\n'


@lru_cache
def allocation_of(job: str) -> str:
    """The one allocation of a job."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, job))


def token_of(job: str, key: Private = b"", *, kid: str = KEY_ID, **changes: Any) -> str:
    """A token as a task of the job has it, from a minute ago for an hour."""
    now = int(time.time())
    said = {
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3540,
        "nomad_job_id": job,
        "nomad_allocation_id": allocation_of(job),
        "sub": f"global:default:{job}:{job}:app:kick",
        **changes,
    }
    return token(key, header={"kid": kid}, said=claims(**said))


def nomad_state(jobs: Sequence[str] = JOBS) -> State:
    """A Nomad that runs each of the jobs once, and signs with `rsa_key()`."""
    running = {allocation_of(job): allocation(ID=allocation_of(job), JobID=job) for job in jobs}
    return State(keys=[jwk(rsa_key())], allocations=running)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its document."""
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """The kind of problem; empty when it is none."""
        return str(self.json.get("type", "")).removeprefix("/problems/")


class Client:
    """One connection that is kept, and opened anew after it broke."""

    def __init__(self, address: tuple[str, int], token: str, *, timeout: float = PATIENCE):
        self._address, self._timeout = address, timeout
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        """One request; header names with `_` for `-`. OSError or HTTPException: no answer."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
        given = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        try:
            self._connection.request(method, path, data, given)
            answer = self._connection.getresponse()
            return Said(answer.status, answer.headers, answer.read())  # type: ignore[arg-type]
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@dataclass
class Process:
    """One run of the server."""

    popen: subprocess.Popen[bytes]
    lines: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.popen.stdout, self.popen.stderr)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        said = self.wait_for("listens")
        return said["host"], said["port"]

    @property
    def errors(self) -> list[str]:
        """What it said that is no line of its log."""
        with self.changed:
            return [line for line in self.raw if not line.startswith("{")]

    def client(self, token: str = "", **more: Any) -> Client:
        """A new connection, closed with the server at the latest."""
        made = Client(self.address, token, **more)
        self.clients.append(made)
        return made

    def said(self, event: str) -> list[dict[str, Any]]:
        """Its lines of one kind."""
        with self.changed:
            return [line for line in self.lines if line["event"] == event]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line of a kind; AssertionError when it ends without."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [line for line in self.lines if line["event"] == event]
            return bool(found) or self._is_over()

        with self.changed:
            self.changed.wait_for(there, READY_SECONDS)
            assert found, f"it never said {event}:\n" + "\n".join(self.raw[-20:])
        return found[0]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.popen.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self.popen.kill()
        self.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.wait()

    def wait(self) -> int:
        """Its exit code, when all it said was read."""
        try:
            code = self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise
        for reader in self._readers:
            reader.join(PATIENCE)
        for client in self.clients:
            client.close()
        return code

    def _is_over(self) -> bool:
        return self.popen.poll() is not None and not any(r.is_alive() for r in self._readers)

    def _read(self, stream: Any) -> None:
        with stream:
            for raw in stream:
                text = raw.decode("utf-8", "backslashreplace").rstrip("\n")
                with self.changed:
                    self.raw.append(text)
                    if text.startswith("{"):
                        self.lines.append(json.loads(text))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()


@dataclass
class Lab:
    """A data folder, a kick.toml, a Nomad; servers come and go."""

    folder: Path
    nomad: State
    nomad_address: str
    environ: dict[str, str] = field(default_factory=dict)
    config: str = CONFIG
    running: list[Process] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The server's folder."""
        return self.folder / "data"

    def launch(self, **environ: str) -> Process:
        """Start a server; it may not be ready yet, or ever."""
        (self.folder / "kick.toml").write_text(self.config)
        given = {
            "PATH": os.environ["PATH"],
            "PYTHONWARNINGS": "error",
            "KICK_CONFIG": str(self.folder / "kick.toml"),
            "KICK_DATA": str(self.data),
            "HOST": "127.0.0.1",
            "PORT": "0",
            "NOMAD_ADDR": self.nomad_address,
            "CONSUL_HTTP_ADDR": "http://127.0.0.1:9",
            **self.environ,
            **environ,
        }
        popen = subprocess.Popen(
            [sys.executable, "-m", "kick"],
            cwd=self.folder,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process = Process(popen)
        self.running.append(process)
        return process

    def start(self, **environ: str) -> Process:
        """Start a server and wait until it is ready."""
        process = self.launch(**environ)
        process.wait_for("ready")
        return process

    def zone(self, zone: Zone = PUBLIC) -> dict[str, Standing]:
        """What the zone's file has, by name; without what every zone has of itself."""
        path = self.data / "zones" / f"{zone.name}.{zone.visibility}.zone"
        snapshot = parse(zone, path.read_bytes()).snapshot
        records = [each for each in snapshot.records() if each.type not in ("NS", "SOA")]
        return {standing.name: standing for standing in standings(records)}

    def audit(self) -> list[Entry]:
        """All entries of the audit, whose chain holds; a line that a kill cut short is left out."""
        head = Head()
        entries: list[Entry] = []
        for path in sorted((self.data / "audit").glob("audit-*.jsonl")):
            for text in path.read_bytes().splitlines(keepends=True):
                if not text.endswith(b"\n"):
                    break
                entry = read_line(text)
                assert fault_of(entry, head) is None, (path.name, entry.seq)
                head = Head(entry.seq, entry.hash)
                entries.append(entry)
        return entries

    def close(self) -> None:
        """End what still runs."""
        for process in self.running:
            if process.popen.poll() is None:
                process.kill()
            else:
                process.wait()


@contextmanager
def lab(folder: Path, *, config: str = CONFIG, jobs: Sequence[str] = JOBS) -> Iterator[Lab]:
    """A lab in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    state = nomad_state(jobs)
    with Scripted(state.answer) as server:
        made = Lab(folder, state, server.address, config=config)
        try:
            yield made
        finally:
            made.close()


def on_aws(address: str) -> dict[str, Standing]:
    """What the hosted zone of a fake has, by name; asked as anybody could."""
    keys = Keys("AKIA1111111111111111", Secret("secret"))
    provider = Route53(Route53Access(endpoint=address), keys=keys)
    try:
        records = list(provider.records(Zone(PUBLIC.name, "public", "route53", ZONE_ID)))
    finally:
        provider.close()
    return {s.name: s for s in standings(r for r in records if r.type not in ("NS", "SOA"))}


def together(*work: Callable[[], object]) -> None:
    """Do all of it, each on a thread; raises what the first to fail raised."""
    failures: list[BaseException] = []

    def guarded(do: Callable[[], object]) -> None:
        try:
            do()
        except BaseException as exc:  # noqa: BLE001  a thread's end is silent otherwise
            failures.append(exc)

    threads = [threading.Thread(target=guarded, args=(each,), daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 3)
        assert not thread.is_alive(), "a client hangs"
    if failures:
        raise failures[0]
