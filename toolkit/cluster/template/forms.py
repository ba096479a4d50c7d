"""What a template is written with: references, names, tags, and a resource as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.config.clusterfile_owned import partition
from toolkit.spec.cluster import Cluster

Resources = dict[str, dict[str, Any]]
"""Logical id -> resource, as CloudFormation reads it."""

CLUSTER_TAG = "toolkit:cluster"
"""On everything that takes tags, by way of the stack: what `down` leaves nothing of."""
ROLE_TAG = "toolkit:role"
SLOT_TAG = "toolkit:slot"
POOL_TAG = "toolkit:pool"
DIGEST_TAG = "toolkit:digest"
"""Of the configuration that a machine was started with."""


def resource(kind: str, properties: Mapping[str, Any], **attributes: Any) -> dict[str, Any]:
    """One resource; attributes are DependsOn, CreationPolicy and the like."""
    return {"Type": f"AWS::{kind}", "Properties": dict(properties), **attributes}


def ref(logical: str) -> dict[str, str]:
    """What CloudFormation calls the resource, most often its id."""
    return {"Ref": logical}


def att(logical: str, name: str) -> dict[str, list[str]]:
    """An attribute of the resource."""
    return {"Fn::GetAtt": [logical, name]}


def arn(cluster: Cluster, service: str, rest: str, *, region: str | None = None) -> dict[str, str]:
    """The ARN of something in the stack's account; `rest` may name resources as `${LOGICAL}`."""
    where = cluster.region if region is None else region
    head = f"arn:{partition(cluster.region)}:{service}:{where}"
    return {"Fn::Sub": f"{head}:${{AWS::AccountId}}:{rest}"}


def named(cluster: Cluster, name: str = "") -> list[dict[str, str]]:
    """The tag that people see; all others are the stack's."""
    return [{"Key": "Name", "Value": f"{cluster.name}-{name}" if name else cluster.name}]


def tags(cluster: Cluster, name: str, **more: str) -> list[dict[str, str]]:
    """Tags that something looks for, or that the stack's do not reach.

    `more`: `role`, `slot`, `pool`, `digest`.
    """
    pairs = {CLUSTER_TAG: cluster.name, **{f"toolkit:{key}": text for key, text in more.items()}}
    ours = [{"Key": key, "Value": pairs[key]} for key in sorted(pairs)]
    return [*named(cluster, name), *ours]


def letter(zone: str) -> str:
    """`A` for `eu-west-1a`: ends the logical ids of what each zone has."""
    return zone[-1].upper()
