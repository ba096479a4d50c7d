"""Cluster -> the text of its file, commented: what `init` writes, and what reads back as equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from toolkit.config.clusterfile_machines import release_address
from toolkit.config.durations import format_duration
from toolkit.spec.cluster import Bastion, Cluster, Edge, Pool


def write_cluster(cluster: Cluster, *, note: str = "") -> str:
    """The text; `note` is said at the top. What the cluster leaves open is shown as a comment."""
    parts = (
        _top(cluster, note),
        _network(cluster),
        _machines(cluster),
        _edge(cluster.edge, cluster),
        _bastion(cluster.bastion),
        _fetched(cluster),
        _rest(cluster),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _top(cluster: Cluster, note: str) -> Iterator[str]:
    yield f"# The cluster {cluster.name}: `toolkit cluster plan {cluster.name}` says what it makes."
    yield "# docs/cluster.md lists all keys. No credential is ever in here."
    for line in note.splitlines():
        yield f"# {line}"
    yield f"region = {_text(cluster.region)}"
    zones = _array(cluster.zones)
    yield f"zones = {zones}   # the first three have the servers: keep the order"
    yield _maybe("account", cluster.account, "123456789012", "credentials of others are refused")
    yield f"protected = {_bool(cluster.protected)}   # changes ask first, deletion is guarded"
    yield f"datacenter = {_text(cluster.datacenter)}"
    yield _maybe(
        "permission_boundary", cluster.permission_boundary,
        "arn:aws:iam::123456789012:policy/boundary", "bounds every role",
    )  # fmt: skip


def _network(cluster: Cluster) -> Iterator[str]:
    yield ""
    yield "[network]"
    yield f"range = {_text(str(cluster.network))}   # /16 to /22; cannot be changed later"
    yield f'nat = {_text(cluster.nat)}   # "per-az" outlives the loss of a zone, and costs more'
    connected = map(str, cluster.connected)
    yield f"connected = {_array(connected)}   # ranges of networks that this one is connected to"
    yield ""
    yield "[domain]"
    yield _maybe("public", cluster.public_domain, "example.com", "a hosted zone of yours")
    yield _maybe("public_zone", cluster.public_zone, "Z0123456789", "where several have that name")
    yield f"private = {_text(cluster.private_domain)}"


def _machines(cluster: Cluster) -> Iterator[str]:
    servers, control = cluster.servers, cluster.control
    yield ""
    yield "[servers]   # three, one a zone: Nomad and Consul"
    yield f"type = {_text(servers.type)}"
    yield f"volume = {servers.volume}   # GB; keeps the data when a machine is replaced"
    yield f"root_volume = {servers.root_volume}"
    yield ""
    yield "[control]   # one: what may change DNS and drain machines runs here"
    yield f"type = {_text(control.type)}"
    yield f"root_volume = {control.root_volume}"
    for pool in cluster.pools.values():
        yield from _pool(pool)


def _pool(pool: Pool) -> Iterator[str]:
    yield ""
    yield f"[pools.{pool.name}]"
    yield f"type = {_text(pool.type)}"
    yield f"min = {pool.min}"
    yield f"max = {pool.max}"
    yield f"spot = {pool.spot}   # percent"
    yield f"node_class = {_text(pool.node_class)}   # jobs ask for it"
    yield f"node_pool = {_text(pool.node_pool)}"
    yield f"ephemeral = {_bool(pool.ephemeral)}   # use the instance store, where the type has one"
    yield f"root_volume = {pool.root_volume}"
    yield f"drain = {_duration(pool.drain)}   # to leave a machine that goes"


def _edge(edge: Edge, cluster: Cluster) -> Iterator[str]:
    yield ""
    yield "[edge]   # the load balancer, the only thing that the world reaches"
    yield f"kind = {_text(edge.kind)}"
    yield f"pool = {_text(edge.pool)}"
    yield f"http = {edge.http or 0}   # 0: none"
    example = f"arn:aws:acm:{cluster.region}:123456789012:certificate/…"
    if edge.certificate is None:
        yield "# https = 443"
    else:
        yield f"https = {edge.https or 0}"
        yield f"redirect = {_bool(edge.redirect)}   # HTTP to HTTPS"
    yield _maybe("certificate", edge.certificate, example, "of this region")
    if cluster.public_domain:
        yield f"names = {_array(edge.names)}   # lead here"
    else:
        yield f'# names = ["{cluster.name}.example.com"]'
    yield f"traefik_port = {edge.traefik_port}   # where the job traefik listens"
    yield f"private_port = {edge.private_port}"
    yield f"ping_port = {edge.ping_port}"
    yield f"drain = {_duration(edge.drain)}   # longer than Traefik's own grace times together"


def _bastion(bastion: Bastion | None) -> Iterator[str]:
    yield ""
    if bastion is None:
        yield "# [bastion]   # SSH; without it people get in by SSM"
        yield '# allowed = ["203.0.113.7/32"]   # who may reach it'
        yield '# keys = ["ssh-ed25519 AAAA… you@example.com"]'
        return
    yield "[bastion]   # SSH; without it people get in by SSM"
    yield f"allowed = {_array(map(str, bastion.allowed))}   # who may reach it"
    yield f"keys = {_array(bastion.keys)}"
    yield f"type = {_text(bastion.type)}"


def _fetched(cluster: Cluster) -> Iterator[str]:
    yield ""
    yield "[images]   # an ami-… pins it; a parameter is AWS's newest when a machine is made"
    for arch, image in cluster.images.items():
        yield f"{arch} = {_text(image)}"
    for name, release in cluster.binaries.items():
        yield ""
        yield f"[binaries.{name}]"
        yield f"version = {_text(release.version)}"
        for arch, download in release.downloads.items():
            usual = download.address == release_address(name, release.version, arch)
            yield f"[binaries.{name}.{arch}]"
            yield ("# " if usual else "") + f"address = {_text(download.address)}"
            missing = "" if download.sha256 else "   # needed before machines are made"
            yield f"sha256 = {_text(download.sha256)}{missing}"


def _rest(cluster: Cluster) -> Iterator[str]:
    yield ""
    yield "[alarms]"
    example = f"arn:aws:sns:{cluster.region}:123456789012:alarms"
    yield _maybe(
        "topic", cluster.alarm_topic, example, "is told of lost quorum and old certificates"
    )
    yield ""
    yield "[tags]   # on everything that takes tags"
    for key, value in cluster.tags.items():
        yield f"{_text(key)} = {_text(value)}"


def _maybe(key: str, value: str | None, example: str, remark: str) -> str:
    if value is None:
        return f"# {key} = {_text(example)}   # {remark}"
    return f"{key} = {_text(value)}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _duration(seconds: float) -> str:
    return _text(format_duration(seconds))
