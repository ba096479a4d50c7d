"""Servers, pools, images and binaries of a cluster file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from toolkit.config.clusterfile_schema import LEAST_VERSIONS
from toolkit.config.durations import parse_duration
from toolkit.config.kick_zones import Collector
from toolkit.config.lines import KeyPath
from toolkit.spec.cluster import (
    ARCHES,
    AWS_KEEPS,
    BINARIES,
    CONTROL,
    PRIVATE_BITS,
    SERVERS,
    Arch,
    Binary,
    Download,
    Pool,
    Release,
    Servers,
)

CONTROL_TYPE = "t3.small"
CONTROL_ROOT = 30

_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", re.ASCII)
_POOL = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,15}", re.ASCII)
_TAKEN = {CONTROL, "server", "servers", "bastion", "edge"}
_NODE_CLASS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_NODE_POOL = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_AMI = re.compile(r"ami-[0-9a-f]{8}(?:[0-9a-f]{9})?", re.ASCII)
_PARAMETER = re.compile(r"(?:/[A-Za-z0-9_.-]+)+", re.ASCII)
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_S3 = re.compile(
    r"(?:[a-z0-9.-]+\.)?s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?", re.ASCII
)

IMAGES: Mapping[Arch, str] = MappingProxyType(
    {
        "amd64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "arm64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    }
)


class Machines(NamedTuple):
    """All machines of a cluster file."""

    servers: Servers
    control: Pool
    pools: Mapping[str, Pool]

    @property
    def arches(self) -> tuple[Arch, ...]:
        """Their processors, sorted."""
        pools = (self.control, *self.pools.values())
        return tuple(sorted({self.servers.arch, *(pool.arch for pool in pools)}))


def check_type(path: KeyPath, text: str, found: Collector) -> str:
    """The instance type; a wrong one is said and given back."""
    if not _TYPE.fullmatch(text):
        found.wrong(path, f'"{text[:80]}" is no instance type', 'such as "t3.medium"')
    elif text.startswith("mac"):
        found.wrong(path, f'"{text}" does not run Linux')
    return text


def read_machines(
    data: Mapping[str, Any],
    good: Mapping[str, Any],
    network: IPv4Network,
    zones: tuple[str, ...],
    found: Collector,
) -> Machines:
    """`[servers]`, `[control]` and `[pools]`."""
    servers = Servers(**good.get("servers", {}))
    check_type(("servers", "type"), servers.type, found)
    table = {"type": CONTROL_TYPE, "root_volume": CONTROL_ROOT, **good.get(CONTROL, {})}
    control = Pool(CONTROL, node_class=CONTROL, node_pool=CONTROL, **table)
    check_type((CONTROL, "type"), control.type, found)
    written = data.get("pools")
    if not written:
        hint = "[pools.frontend], whose machines run Traefik"
        found.wrong(("pools",) if "pools" in data else (), "says no pool of workers", hint)
    pools = {
        name: _pool(name, table, written[name], found)
        for name, table in good.get("pools", {}).items()
        if isinstance(written, dict) and isinstance(table, dict)
    }
    _check_names(pools, found)
    machines = Machines(servers, control, MappingProxyType(pools))
    _check_room(machines, network, zones, found)
    return machines


def _pool(
    name: str, table: Mapping[str, Any], written: Mapping[str, Any], found: Collector
) -> Pool:
    path: KeyPath = ("pools", name)
    if not _POOL.fullmatch(name):
        message = "a pool's name takes at most 16 lower-case letters, digits and single -"
        found.wrong(path, message)
    elif name in _TAKEN:
        found.wrong(path, f'"{name}" is what toolkit calls machines of its own')
    if "type" not in written:
        found.wrong(path, "says no type of its machines", 'type = "t3.medium"')
    least = table.get("min", 1)
    most = table.get("max", least)
    if "max" in table and least > most:
        found.wrong((*path, "min"), f"is {least}, above max, which is {most}")
    values = {
        **table,
        "type": table.get("type", "t3.medium"),
        "min": least,
        "max": max(least, most),
    }
    values.setdefault("node_class", name)
    if "drain" in values:
        values["drain"] = parse_duration(values["drain"])
    pool = Pool(name, **values)
    check_type((*path, "type"), pool.type, found)
    if "node_class" in table and not _NODE_CLASS.fullmatch(pool.node_class):
        found.wrong((*path, "node_class"), "takes letters, digits, _, . and -")
    if pool.node_class == CONTROL:
        message = f'"{CONTROL}" is the node class of the control machine'
        found.wrong((*path, "node_class"), message)
    if not _NODE_POOL.fullmatch(pool.node_pool):
        found.wrong((*path, "node_pool"), "takes letters, digits, _ and -")
    elif pool.node_pool in {"all", CONTROL}:
        message = f'"{pool.node_pool}" is a node pool that no worker may be in'
        found.wrong((*path, "node_pool"), message, 'such as "default"')
    return pool


def _check_names(pools: Iterable[str], found: Collector) -> None:
    seen: dict[str, str] = {}
    for name in pools:
        first = seen.setdefault(name.replace("-", ""), name)
        if first != name:  # names in a template have no -
            found.wrong(("pools", name), f'is too like the pool "{first}"')


def _check_room(
    machines: Machines, network: IPv4Network, zones: tuple[str, ...], found: Collector
) -> None:
    """Every machine has an address, with a zone lost."""
    each = (network.num_addresses >> PRIVATE_BITS) - AWS_KEEPS
    room = each * (len(zones) - 1)
    # Twice: a pool that is replaced has its old and its new machines for a while.
    wanted = SERVERS + 1 + 2 * sum(pool.max for pool in machines.pools.values())
    if wanted > room and 16 <= network.prefixlen <= 22:
        message = (
            f"{network} does not fit: it has {room} addresses with a zone lost, and machines"
            f" need up to {wanted} while a pool is replaced"
        )
        hint = "a larger range, or smaller max of pools"
        found.wrong(("network", "range"), message, hint)


def read_images(
    good: Mapping[str, Any], arches: tuple[Arch, ...], found: Collector
) -> Mapping[Arch, str]:
    """`[images]`, of the processors that there are."""
    table = good.get("images", {})
    for arch, image in table.items():
        if not (_AMI.fullmatch(image) or _PARAMETER.fullmatch(image)):
            hint = f'"ami-…", or "{IMAGES["arm64"]}"'
            found.wrong(("images", arch), f'"{image[:80]}" is no image', hint)
    return MappingProxyType({arch: table.get(arch, IMAGES[arch]) for arch in arches})


def release_address(name: Binary, version: str, arch: Arch) -> str:
    """Where a release's own makers keep it."""
    if name == "cni":
        base = "https://github.com/containernetworking/plugins/releases/download"
        return f"{base}/v{version}/cni-plugins-linux-{arch}-v{version}.tgz"
    return f"https://releases.hashicorp.com/{name}/{version}/{name}_{version}_linux_{arch}.zip"


def read_binaries(
    data: Mapping[str, Any],
    good: Mapping[str, Any],
    arches: tuple[Arch, ...],
    region: str,
    found: Collector,
) -> Mapping[Binary, Release]:
    """`[binaries]`; without the sums that nobody said yet."""
    written = data.get("binaries", {})
    releases: dict[Binary, Release] = {}
    for name in BINARIES:
        if isinstance(written, dict) and name in written:
            table = good.get("binaries", {}).get(name)
            if table is None:  # said already
                continue
            if "version" not in written[name]:
                found.wrong(("binaries", name), "says no version")
            if "version" in table:
                releases[name] = _release(name, table, good, arches, region, found)
        elif name != "cni" and isinstance(written, dict):
            path = ("binaries",) if written else ()
            found.wrong(path, f"says no {name}", f"[binaries.{name}]")
    return MappingProxyType(releases)


def _release(
    name: Binary,
    table: Mapping[str, Any],
    good: Mapping[str, Any],
    arches: tuple[Arch, ...],
    region: str,
    found: Collector,
) -> Release:
    path: KeyPath = ("binaries", name)
    version = table["version"]
    _check_version((*path, "version"), name, version, found)
    downloads = {
        arch: _download((*path, arch), name, version, arch, table.get(arch, {}), found)
        for arch in ARCHES
        if arch in arches
    }
    if region and good.get("network", {}).get("nat") == "none":
        _check_reach(path, downloads, region, found)
    return Release(version, MappingProxyType(downloads))


def _check_version(path: KeyPath, name: str, version: str, found: Collector) -> None:
    match = _VERSION.fullmatch(version)
    if match is None:
        hint = f'"{version[1:]}"' if version.startswith("v") else 'such as "1.2.3"'
        found.wrong(path, f'"{version[:80]}" is no version', hint)
        return
    least = LEAST_VERSIONS.get(name)
    if least and (int(match[1][:6]), int(match[2][:6])) < least:
        floor = ".".join(map(str, least))
        found.wrong(path, f"{version} is too old: {floor} or later is needed")


def _download(
    path: KeyPath,
    name: Binary,
    version: str,
    arch: Arch,
    table: Mapping[str, Any],
    found: Collector,
) -> Download:
    address = table.get("address") or release_address(name, version, arch)
    if "address" in table and (why := _wrong_address(address)):
        found.wrong((*path, "address"), why, "such as " + release_address(name, "1.2.3", arch))
    sha256 = table.get("sha256", "").strip().lower()
    if sha256 and not _SHA256.fullmatch(sha256):
        hint = f"it has {len(sha256)} characters" if len(sha256) != 64 else None
        found.wrong((*path, "sha256"), "takes 64 hex digits", hint)
    return Download(address, sha256)


def _wrong_address(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError:
        return "is no address"
    if parts.scheme != "https" or not parts.hostname:
        return "must begin with https:// and a host"
    if "@" in parts.netloc or parts.query:
        return "must hold no user, password or query: they are often secrets"
    # The boot script has it between quotes.
    if not re.fullmatch(r"[A-Za-z0-9_.~:/%+@-]+", address, re.ASCII) or len(address) > 500:
        return "takes letters, digits and _ . ~ : / % + - only, at most 500"
    return None


def _check_reach(
    path: KeyPath, downloads: Mapping[Arch, Download], region: str, found: Collector
) -> None:
    """Without NAT nothing but S3 is reached, through its gateway endpoint, in the same region."""
    for arch, download in downloads.items():
        host = urlsplit(download.address).hostname or ""
        match = _S3.fullmatch(host)
        if match is None or match["region"] != region:
            message = f"cannot be reached without NAT: {host[:80]} is no address of S3 in {region}"
            hint = f'https://BUCKET.s3.{region}.amazonaws.com/…, or network.nat = "single"'
            found.wrong((*path, arch, "address"), message, hint)
