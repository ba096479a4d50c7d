"""Access control of the local agents, decided as values; `workflows.dev` carries it out.

Nothing is allowed without a token. Each of the three tokens below the management tokens may do
what its holder needs and no more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

READERS = {
    "nomad/jobs/traefik": "consul_token",
    "nomad/jobs/frontend": "consul_http_token",
    "nomad/jobs/kick": "consul_token",
    "nomad/jobs/hook": "consul_token",
}
"""Nomad variable -> key of the shipped jobs that read Consul with the read-only token."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The generated tokens of one local cluster."""

    nomad: str = field(repr=False)
    """Nomad's management token."""
    consul: str = field(repr=False)
    """Consul's management token, which the Consul agent itself uses as well."""
    nomad_agent: str = field(repr=False)
    """What the Nomad agent registers services in Consul with."""
    traefik: str = field(repr=False)
    """What Traefik reads Consul's catalog with."""

    def to_json(self) -> str:
        """The text kept beside agents that keep their data."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Tokens:
        """The tokens back; ValueError or TypeError when it is something else."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class NomadGrant:
    """A Nomad policy for the tasks of one job, who come with the identity that Nomad gives them."""

    name: str
    rules: str
    job: str
    """Its ID, in namespace `default`."""


NOMAD_GRANTS = (
    NomadGrant(
        name="toolkit-kick",
        # Which jobs there are, what they say about DNS, and which of their allocations run.
        rules='namespace "*" { capabilities = ["list-jobs", "read-job"] }\n',
        job="kick",
    ),
    NomadGrant(
        name="toolkit-hook",
        # Whether the task that asks for code runs, and of which job it is; nothing is changed
        # with it: a push is deployed with the token of whoever pushed.
        rules='namespace "*" { capabilities = ["list-jobs", "read-job"] }\n',
        job="hook",
    ),
)
"""What a job of the shipped ones may read beyond its own; with it no token has to be handed out."""


@dataclass(frozen=True, slots=True)
class ConsulGrant:
    """A Consul policy and the one token that has it."""

    name: str
    rules: str
    token: str = field(repr=False)


def make_tokens(new: Callable[[], object] = uuid.uuid4) -> Tokens:
    """Fresh tokens, each a UUID as both systems require."""
    return Tokens(nomad=str(new()), consul=str(new()), nomad_agent=str(new()), traefik=str(new()))


def consul_grants(tokens: Tokens) -> tuple[ConsulGrant, ...]:
    """The policies and tokens to make in Consul before Nomad starts."""
    return (
        ConsulGrant(
            name="toolkit-nomad",
            # Without workload identities Nomad registers every service with its agent's token, and
            # templates read keys with it.
            rules='agent_prefix "" { policy = "read" }\n'
            'node_prefix "" { policy = "read" }\n'
            'service_prefix "" { policy = "write" }\n'
            'key_prefix "" { policy = "read" }\n',
            token=tokens.nomad_agent,
        ),
        ConsulGrant(
            name="toolkit-traefik",
            rules='node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n',
            token=tokens.traefik,
        ),
    )
