"""A stand-in for Nomad's API that answers as a test says, moment by moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.scripted import Asked, Reply, Scripted
from tests.identity.mint import ALLOCATION, AUDIENCE, NOW, Clock, Json, jwk
from toolkit.clients.nomad import Nomad
from toolkit.identity.limits import Limits
from toolkit.identity.verify import Verifier
from toolkit.spec.target import Endpoint

DOWN = Reply(b"rpc error: EOF", 500)
NO_LEADER = Reply(b"No cluster leader", 500)
UNKNOWN = Reply(b"ACL token not found", 403)


def allocation(**changes: Any) -> Json:
    """As Nomad describes a running one."""
    return {
        "ID": ALLOCATION, "Namespace": "default", "JobID": "web", "Job": {"ParentID": ""},
        "ClientStatus": "running", "DesiredStatus": "run", **changes,
    }  # fmt: skip


@dataclass
class State:
    """What it says; a Reply in the place of a value is said as it is."""

    keys: list[Json] | Reply = field(default_factory=lambda: [jwk()])
    allocations: dict[str, Json | Reply] = field(default_factory=lambda: {ALLOCATION: allocation()})
    tokens: dict[str, Json | Reply] = field(default_factory=dict)
    """By their secrets."""
    policies: dict[str, list[str] | Reply] = field(default_factory=dict)
    """Of tokens, by their secrets."""
    before: Callable[[Asked], None] = lambda _asked: None
    """Called before each answer."""

    def answer(self, asked: Asked) -> Reply:
        self.before(asked)
        secret = asked.headers.get("X-Nomad-Token", "")
        match asked.path.strip("/").split("/"):
            case [".well-known", "jwks.json"]:
                return self.keys if isinstance(self.keys, Reply) else said({"keys": self.keys})
            case ["v1", "allocation", id_]:
                missing = Reply(f"Unknown allocation: {id_}".encode(), 404)
                return said(self.allocations.get(id_, missing))
            case ["v1", "acl", "token", "self"]:
                return said(self.tokens.get(secret, UNKNOWN))
            case ["v1", "acl", "policies"]:
                names = self.policies.get(secret, [])
                if isinstance(names, Reply):
                    return names
                return said([{"Name": name} for name in names])
        return Reply(b"404 page not found", 404)


def said(value: object) -> Reply:
    """A value as Nomad says it."""
    if isinstance(value, Reply):
        return value
    return Reply(json.dumps(value).encode(), headers={"X-Nomad-Index": "7"})


class Lab:
    """A verifier on a scripted Nomad, and the two clocks that it goes by."""

    def __init__(
        self, server: Scripted, state: State, limits: Limits | None = None, **how: Any
    ) -> None:
        self.server = server
        self.state = state
        self.clock = Clock()
        self.now = Clock(NOW)
        endpoint = Endpoint("Nomad", server.address, "test")
        self.connections = 0

        def connect() -> Nomad:
            self.connections += 1
            return Nomad(endpoint, sleep=lambda _seconds: None)

        self.verifier = Verifier(
            connect, AUDIENCE, clock=self.clock, now=self.now, limits=limits, **how
        )

    @property
    def calls(self) -> list[str]:
        """The paths that were asked since the last look."""
        found = [asked.path for asked in self.server.asked]
        self.server.asked.clear()
        return found

    def later(self, seconds: float) -> None:
        """Both clocks go on."""
        self.clock.seconds += seconds
        self.now.seconds += seconds
