"""Agents that are well, for a test to change one thing about."""

from __future__ import annotations

from typing import Any

from toolkit.errors import DeniedError
from toolkit.rollout.health.facts import Agent, Driver, Node, Server, Voice
from toolkit.rollout.health.look import Look, failed
from toolkit.spec.doctor import Check

VOICE = Voice("http://a:4646", "10.0.0.1:4647", "", (0.0, 1.0))
THREE = [Server(f"s{number}", "alive", "1.11.3") for number in (1, 2, 3)]
DENIED: Look[Any] = failed(DeniedError("Permission denied", system="Nomad", hint="set a token"))
LATE: Look[Any] = Look("late", problem="no answer within 20 s")
READY = Node("n1", "node-1", "1.11.3", "ready", True, False, "dc1", "default",
             (Driver("docker", True, True, "Healthy"),))  # fmt: skip
NOMAD = Agent("1.11.3", server=True, dev=False, acl=True, auth_method="nomad-workloads")
CONSUL = Agent("1.22.7", server=True, dev=False, acl=True, datacenter="dc1")


def seen(check: Check) -> str:
    """All that a check says."""
    return "\n".join((check.summary, *check.evidence, *check.notes, check.advice or ""))
