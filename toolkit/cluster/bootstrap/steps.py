"""What is done in Consul and Nomad before a cluster's workers can join: values, in order.

Each step can be done again, and by two at once: it names what is to be, not what is to be changed.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.cluster.bootstrap.rights import (
    API_USERS,
    CONSUL_POLICIES,
    DNS_TEMPLATE,
    READERS,
    TASK_RIGHTS,
    TRAEFIK_USER,
    TaskRights,
)
from toolkit.cluster.config.nomad import AUDIENCE
from toolkit.cluster.config.places import NOMAD_HTTP
from toolkit.cluster.secrets import needed
from toolkit.spec.cluster import Cluster
from toolkit.spec.target import Secret

System = Literal["Consul", "Nomad"]
AUTH_METHOD = "nomad-workloads"
"""The name that Nomad's clients use unless told otherwise."""
SIGNING_KEYS = f"https://127.0.0.1:{NOMAD_HTTP}/.well-known/jwks.json"
"""Where a Consul server finds the keys that Nomad signs with: on its own machine."""
_TASKS_ROLE = "nomad-default-tasks"
_CLAIMS = ("nomad_namespace", "nomad_job_id", "nomad_task", "nomad_service")


@dataclass(frozen=True, slots=True)
class HasLeader:
    """The servers of a system decide together."""

    system: System

    def __str__(self) -> str:
        return f"{self.system} has a leader"


@dataclass(frozen=True, slots=True)
class Management:
    """The first token, which may do everything, is the one in the store."""

    system: System
    secret: Secret

    def __str__(self) -> str:
        return f"{self.system} knows its management token"


@dataclass(frozen=True, slots=True)
class ConsulObject:
    """A policy, role or auth method of Consul is as `body` says."""

    kind: Literal["policy", "role", "auth-method"]
    name: str
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"Consul has the {self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class ConsulToken:
    """A token whose secret was chosen beforehand has its rights."""

    name: str
    accessor: str
    """Follows from cluster and name, so that a token is found again."""
    secret: Secret
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"Consul has the token {self.name}"


@dataclass(frozen=True, slots=True)
class ConsulBinding:
    """Whoever logs in by an auth method gets this."""

    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"Consul binds identities to the {self.body['BindType']} {self.body['BindName']}"


@dataclass(frozen=True, slots=True)
class NomadVariable:
    """A variable of Nomad has this value under a key; its other keys are left alone."""

    path: str
    key: str
    value: Secret

    def __str__(self) -> str:
        return f"Nomad keeps {self.key} in {self.path}"


@dataclass(frozen=True, slots=True)
class NomadRights:
    """The tasks of a job may read what they need."""

    rights: TaskRights = field()

    def __str__(self) -> str:
        return f"Nomad has the policy {self.rights.name}"


Step = (
    HasLeader
    | Management
    | ConsulObject
    | ConsulToken
    | ConsulBinding
    | NomadVariable
    | NomadRights
)


def steps(
    cluster: Cluster, secrets: Mapping[str, Secret], *, signing_keys: str = SIGNING_KEYS
) -> tuple[Step, ...]:
    """All steps; `secrets` are the cluster's, all of them, by name."""
    tokens = {
        "agent-server": "server/token/agent",
        "nomad-server": "server/token/nomad",
        "agent-client": "worker/token/agent",
        "nomad-client": "worker/token/nomad",
        "catalog": needed.READERS,
        "operator": needed.OPERATOR,
    }
    dns = ("server/token/dns", "worker/token/dns")
    return (
        HasLeader("Consul"),
        Management("Consul", secrets[needed.CONSUL_MANAGEMENT]),
        *(
            ConsulObject("policy", name, {"Name": name, "Rules": rules})
            for name, rules in CONSUL_POLICIES.items()
        ),
        *(
            _token(cluster, name, secrets[kept], {"Policies": [{"Name": name}]})
            for name, kept in tokens.items()
        ),
        *(
            _token(
                cluster,
                f"dns-{kept.partition('/')[0]}",
                secrets[kept],
                {"TemplatedPolicies": [{"TemplateName": DNS_TEMPLATE}]},
            )
            for kept in dns
        ),
        HasLeader("Nomad"),
        Management("Nomad", secrets[needed.NOMAD_MANAGEMENT]),
        *handed_out(secrets),
        ConsulObject(
            "role", _TASKS_ROLE, {"Name": _TASKS_ROLE, "Policies": [{"Name": "nomad-tasks"}]}
        ),
        ConsulObject(
            "auth-method", AUTH_METHOD, _auth_method(secrets["server/tls/ca"], signing_keys)
        ),
        *(ConsulBinding(body) for body in _bindings()),
    )


def handed_out(secrets: Mapping[str, Secret]) -> tuple[NomadVariable | NomadRights, ...]:
    """What the tasks of the shipped jobs read, and what they may read of Nomad itself."""
    return (
        *(NomadVariable(path, key, secrets[needed.READERS]) for path, key in READERS.items()),
        NomadVariable(*API_USERS, api_user(secrets[needed.TRAEFIK_API])),
        *(NomadRights(rights) for rights in TASK_RIGHTS),
    )


def api_user(password: Secret) -> Secret:
    """Who may read Traefik's API, by a line as `htpasswd -s` makes it.

    The password has over a hundred random bits, so that a plain digest of it tells nobody anything.
    """
    digest = hashlib.sha1(password.reveal().encode(), usedforsecurity=False).digest()
    return Secret(f"{TRAEFIK_USER}:{{SHA}}{base64.b64encode(digest).decode()}")


def _token(cluster: Cluster, name: str, secret: Secret, rights: Mapping[str, Any]) -> ConsulToken:
    accessor = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{cluster.name}.toolkit"))
    body = {"AccessorID": accessor, "Description": f"toolkit: {name}", **rights}
    return ConsulToken(name, accessor, secret, body)


def _auth_method(ca: Secret, signing_keys: str) -> dict[str, Any]:
    """How Consul believes what Nomad signed.

    Without a longest life of tokens: Nomad does not renew them, and a service whose token ended
    would leave the catalog.
    """
    return {
        "Name": AUTH_METHOD,
        "Type": "jwt",
        "Config": {
            "JWKSURL": signing_keys,
            "JWKSCACert": ca.reveal(),
            "JWTSupportedAlgs": ["RS256"],
            "BoundAudiences": [AUDIENCE],
            "ClaimMappings": {claim: claim for claim in _CLAIMS},
        },
    }


def _bindings() -> tuple[dict[str, str], ...]:
    return (
        {
            "AuthMethod": AUTH_METHOD,
            "BindType": "service",
            "BindName": "${value.nomad_service}",
            "Selector": '"nomad_service" in value',
        },
        {
            "AuthMethod": AUTH_METHOD,
            "BindType": "role",
            "BindName": "nomad-${value.nomad_namespace}-tasks",
            "Selector": '"nomad_service" not in value',
        },
    )
