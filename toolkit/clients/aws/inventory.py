"""Everything that still carries a cluster's tag, each as its own service says that it is there."""

from __future__ import annotations

from toolkit.clients.aws.cloud import Cloud
from toolkit.spec.aws import Tagged


def tagged(cloud: Cloud, cluster: str) -> tuple[Tagged, ...]:
    """What of a cluster is there, sorted by kind and id; empty: nothing is left."""
    raise NotImplementedError
