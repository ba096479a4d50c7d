"""Make what is missing, keep it, and only then let it be used.

A run that was killed anywhere goes on where it was: what is in the store is never made again, and
everything that follows from another secret follows from the one in the store.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from toolkit.cluster import pki
from toolkit.cluster.config.nomad import REGION
from toolkit.cluster.network import slots
from toolkit.cluster.secrets.needed import (
    AUTHORITY,
    AUTHORITY_KEY,
    Needed,
    needed_secrets,
)
from toolkit.cluster.secrets.store import Store
from toolkit.errors import RefusedError, TakenError
from toolkit.spec.cluster import Cluster
from toolkit.spec.target import Secret

GOSSIP_BYTES = 32

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """What became of the secrets, by name."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    """Were there before, or were made by somebody else meanwhile."""


def make_secrets(
    store: Store, cluster: Cluster, now: datetime, *, random: Random = os.urandom
) -> Made:
    """Make and keep every secret that the store lacks; `random` gives that many bytes."""
    made, kept = [], []
    for each in needed_secrets(cluster):
        if store.get(each.name) is not None:
            kept.append(each.name)
            continue
        try:
            store.put_new(each.name, _new(store, cluster, each, now, random))
        except TakenError:
            # Two of us at once: theirs is the one.
            kept.append(each.name)
        else:
            made.append(each.name)
    return Made(tuple(made), tuple(kept))


def read_secrets(store: Store, cluster: Cluster) -> Mapping[str, Secret]:
    """All secrets by name; RefusedError that names those that are missing."""
    found = {each.name: store.get(each.name) for each in needed_secrets(cluster)}
    if missing := [name for name, value in found.items() if value is None]:
        raise RefusedError(
            f"the cluster {cluster.name} lacks secrets: {', '.join(missing)}",
            hint="they are made before its machines: let it be brought up again",
        )
    return {name: value for name, value in found.items() if value is not None}


def leaves(cluster: Cluster) -> Mapping[str, pki.Leaf]:
    """For each certificate of a machine, by the name of its secret, the names that it is for."""
    hosts = tuple(slot.host for slot in slots(cluster))
    consul, nomad = f"server.{cluster.datacenter}.consul", f"server.{REGION}.nomad"
    return {
        "server/tls/consul": pki.Leaf((consul, *hosts, "localhost")),
        "server/tls/nomad": pki.Leaf((nomad, *hosts, "localhost")),
        "worker/tls/nomad": pki.Leaf((f"client.{REGION}.nomad", "localhost")),
    }


def authority_name(cluster: Cluster) -> str:
    """Common name of the cluster's authority."""
    return f"toolkit {cluster.name} CA"


def _new(store: Store, cluster: Cluster, each: Needed, now: datetime, random: Random) -> Secret:
    match each.kind:
        case "key":
            return pki.make_key()
        case "authority":
            key = must_have(store, AUTHORITY_KEY)
            return Secret(pki.make_authority(authority_name(cluster), key, now).certificate)
        case "gossip":
            return Secret(base64.b64encode(random(GOSSIP_BYTES)).decode())
        case "token":
            return Secret(str(uuid.UUID(bytes=random(16), version=4)))
        case "same":
            return must_have(store, each.source)
        case "certificate":
            return pki.issue(authority(store), leaves(cluster)[each.name], now)


def authority(store: Store) -> pki.Authority:
    """The cluster's authority; RefusedError where the store has none."""
    certificate = must_have(store, AUTHORITY)
    return pki.Authority(certificate.reveal(), must_have(store, AUTHORITY_KEY))


def must_have(store: Store, name: str) -> Secret:
    """A value that is there since the secrets were made; RefusedError where it is not."""
    value = store.get(name)
    if value is None:
        raise RefusedError(
            f"the secret {name} is gone",
            hint="others follow from it: somebody removed it, or changes the store right now",
        )
    return value
