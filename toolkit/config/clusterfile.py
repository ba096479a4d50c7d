"""clusters/NAME.toml -> Cluster: validated whole, every mistake at once, with key and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from toolkit.config.checks import WHERE_SECRETS_GO, validate
from toolkit.config.clusterfile_edge import check_ports, read_edge
from toolkit.config.clusterfile_machines import read_binaries, read_images, read_machines
from toolkit.config.clusterfile_names import CLUSTERS, cluster_names, cluster_path, wrong_name
from toolkit.config.clusterfile_network import (
    read_bastion,
    read_domains,
    read_network,
    read_place,
)
from toolkit.config.clusterfile_owned import (
    WHERE_CREDENTIALS_GO,
    check_credentials,
    read_owned,
)
from toolkit.config.clusterfile_schema import CLUSTER_KEYS
from toolkit.config.kick_zones import Collector
from toolkit.config.near import suggest
from toolkit.config.schema import key_tree
from toolkit.config.source import Source, read_toml
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.cluster import Cluster
from toolkit.spec.tree import Tree


class ClusterFile(NamedTuple):
    """A cluster file, and where its text is for messages."""

    cluster: Cluster
    source: Source


def load_cluster(tree: Tree, name: str) -> ClusterFile:
    """The cluster file of that name; ConfigError with every mistake, or with the near names."""
    if why := wrong_name(name):
        raise ConfigError([Mistake(CLUSTERS, None, None, f'the name "{name[:80]}" {why}')])
    path = cluster_path(name)
    try:
        raw = tree.read(path)
    except KeyError as error:
        names = cluster_names(tree)
        hint = suggest(name, names) or f"toolkit cluster init {name} --region REGION writes it"
        mistake = Mistake(path, None, None, f'there is no cluster "{name}"', hint)
        raise ConfigError([mistake]) from error
    return parse_cluster(raw, name, path)


def parse_cluster(raw: bytes, name: str, where: str) -> ClusterFile:
    """The bytes of a cluster file as values; `where` is what messages call it."""
    source, data = read_toml(where, raw)
    good, mistakes = validate(data, key_tree(CLUSTER_KEYS), source)
    mistakes = [
        replace(each, hint=WHERE_CREDENTIALS_GO) if each.hint == WHERE_SECRETS_GO else each
        for each in mistakes
    ]
    found = Collector(source, mistakes)
    check_credentials(found)
    cluster = _read(name, data, good, found)
    if found.mistakes:
        unique = dict.fromkeys(found.mistakes)
        raise ConfigError(sorted(unique, key=lambda mistake: mistake.line or 0))
    return ClusterFile(cluster, source)


def check_complete(file: ClusterFile) -> None:
    """ConfigError with every sha256 that is missing: no machine fetches what it cannot check.

    For what makes machines, or shows how; without the sums it is a cluster file all the same.
    """
    cluster, mistakes = file.cluster, []
    for name, release in cluster.binaries.items():
        for arch in cluster.arches:
            if not release.downloads[arch].sha256:
                message = (
                    f"says no sha256, so that machines could not check what they fetch of {name}"
                )
                path = ("binaries", name, arch, "sha256")
                hint = f"that of {release.downloads[arch].address}, from a list that you trust"
                mistakes.append(Mistake(
                    file.source.where, ".".join(path), file.source.line(path), message, hint
                ))  # fmt: skip
    if mistakes:
        raise ConfigError(mistakes)


def _read(name: str, data: Mapping[str, Any], good: Mapping[str, Any], found: Collector) -> Cluster:
    region, zones = read_place(data, good, found)
    network, connected = read_network(good, found)
    public, zone_id, private = read_domains(name, data, good, found)
    machines = read_machines(data, good, network, zones, found)
    edge = read_edge(name, data, good, public, machines.pools, found)
    check_ports(edge, found)
    owned = read_owned(region, edge.certificate, good, found)
    arches = machines.arches
    return Cluster(
        name=name,
        region=region,
        zones=zones,
        network=network,
        private_domain=private,
        servers=machines.servers,
        pools=machines.pools,
        control=machines.control,
        edge=edge,
        images=read_images(good, arches, found),
        binaries=read_binaries(data, good, arches, region, found),
        public_domain=public,
        public_zone=zone_id,
        datacenter=good.get("datacenter", "dc1"),
        nat=good.get("network", {}).get("nat", "single"),
        connected=connected,
        bastion=read_bastion(data, good, network, found),
        protected=good.get("protected", True),
        **owned,
    )
