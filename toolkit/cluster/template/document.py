"""The whole template, as the text that is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from toolkit.cluster.template.alarms import alarms
from toolkit.cluster.template.bastion import bastion
from toolkit.cluster.template.dns import dns
from toolkit.cluster.template.edge import edge
from toolkit.cluster.template.forms import CLUSTER_TAG, Resources
from toolkit.cluster.template.machines import SERVER, Kind, beginnings, boot, machine_kinds
from toolkit.cluster.template.network import network
from toolkit.cluster.template.notices import notices
from toolkit.cluster.template.pools import pools
from toolkit.cluster.template.roles import roles
from toolkit.cluster.template.security import security
from toolkit.cluster.template.servers import servers
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_template import Template

LARGEST = 51_200
"""Bytes of a template that is handed over with the call, not by way of a bucket."""
NONE: Mapping[str, str] = MappingProxyType({})
CAPABILITIES = ("CAPABILITY_NAMED_IAM",)
"""What whoever makes the stack has to say that they know: it has roles, some with names."""


def render_template(
    cluster: Cluster,
    kick_policy: Mapping[str, Any] | None = None,
    *,
    kept: Mapping[str, str] = NONE,
) -> Template:
    """The template of a cluster.

    `kick_policy`: the policy document of the kick server's role; without one it has no rights.
    `kept`: ids of data volumes that are there from an earlier stack, by slot: this one makes none.
    RefusedError when it is too large, or a program has no sum.
    """
    kinds = machine_kinds(cluster)
    resources = _resources(cluster, kinds, kick_policy, kept)
    body = _text(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": f"Cluster {cluster.name}: Nomad, Consul and Traefik",
            "Mappings": beginnings(kinds),
            "Resources": resources,
        }
    )
    template = Template(
        stack=cluster.name,
        body=body,
        tags=stack_tags(cluster),
        capabilities=CAPABILITIES,
        resources=len(resources),
    )
    if template.size > LARGEST:
        raise RefusedError(
            f"the template of cluster {cluster.name} has {template.size:,} bytes, and"
            f" CloudFormation takes {LARGEST:,}",
            hint=_hint(cluster),
        )
    return template


def stack_tags(cluster: Cluster) -> Mapping[str, str]:
    """Tags of the stack, which CloudFormation puts on all that it makes: the file's, and ours."""
    return {**dict(sorted(cluster.tags.items())), CLUSTER_TAG: cluster.name}


def _resources(
    cluster: Cluster,
    kinds: Mapping[str, Kind],
    kick_policy: Mapping[str, Any] | None,
    kept: Mapping[str, str],
) -> Resources:
    parts = (
        network(cluster),
        security(cluster),
        boot(cluster),
        servers(cluster, kinds[SERVER], kept),
        pools(cluster, kinds),
        notices(cluster),
        edge(cluster),
        dns(cluster),
        roles(cluster, kick_policy, kept),
        alarms(cluster),
        bastion(cluster),
    )
    found: Resources = {}
    for part in parts:
        for name, each in part.items():
            # Another resource of that name would be gone without a word.
            if name in found:
                raise AssertionError(f"two resources are called {name}")
            found[name] = each
    return found


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _hint(cluster: Cluster) -> str:
    pools = len(cluster.pools)
    tags = sum(len(key) + len(text) for key, text in cluster.tags.items())
    fewer = "fewer or shorter tags" if tags > 1000 else "fewer pools"
    return f"it has {pools} pools and tags of {tags} characters: {fewer}"
