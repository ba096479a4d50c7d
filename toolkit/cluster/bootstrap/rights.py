"""Who may do what in Consul and Nomad of a cluster: HCL rules, each holder's and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CONSUL_POLICIES: Mapping[str, str] = {
    # A server registers itself; its name is its slot's.
    "agent-server": 'node_prefix "server-" { policy = "write" }\n'
    'service_prefix "" { policy = "read" }\n',
    # A worker's name is its instance's, which nobody knows beforehand.
    "agent-client": 'node_prefix "" { policy = "write" }\nservice_prefix "" { policy = "read" }\n',
    "nomad-server": 'agent_prefix "" { policy = "read" }\nnode_prefix "" { policy = "read" }\n'
    'service_prefix "nomad" { policy = "write" }\n',
    "nomad-client": 'agent_prefix "" { policy = "read" }\nnode_prefix "" { policy = "read" }\n'
    'service_prefix "" { policy = "write" }\n',
    # The catalog, for Traefik and the shipped jobs that look services up.
    "catalog": 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n',
    "operator": 'operator = "read"\nagent_prefix "" { policy = "read" }\n'
    'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n',
    # What any task may that shows the identity Nomad signed for it.
    "nomad-tasks": 'key_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n',
}

DNS_TEMPLATE = "builtin/dns"
"""Consul's own: names of nodes and services, for answers of its DNS."""

READERS: Mapping[str, str] = {
    "nomad/jobs/traefik": "consul_token",
    "nomad/jobs/frontend": "consul_http_token",
    "nomad/jobs/kick": "consul_token",
    "nomad/jobs/hook": "consul_token",
}
"""Nomad variable -> key of the shipped jobs that read Consul's catalog with the token for that."""

TRAEFIK_USER = "toolkit"
"""As whom the operator reads Traefik's API."""
API_USERS = ("nomad/jobs/traefik", "api_users")
"""Nomad variable and key of those who may."""


@dataclass(frozen=True, slots=True)
class TaskRights:
    """A Nomad policy of the tasks of one job, who show the identity that Nomad gives them."""

    name: str
    rules: str
    job: str
    """Its ID, in namespace `default`."""


TASK_RIGHTS = (
    TaskRights(
        "toolkit-kick",
        'namespace "*" { capabilities = ["list-jobs", "read-job"] }\n',
        "kick",
    ),
    TaskRights(
        "toolkit-hook",
        'namespace "*" { capabilities = ["list-jobs", "read-job"] }\n',
        "hook",
    ),
)
