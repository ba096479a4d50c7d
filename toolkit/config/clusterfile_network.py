"""Region, zones, ranges and domains of a cluster file, and who may reach its bastion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from toolkit.config.clusterfile_machines import check_type
from toolkit.config.hostnames import is_in
from toolkit.config.kick_zones import Collector
from toolkit.config.lines import KeyPath
from toolkit.config.near import suggest
from toolkit.spec.cluster import SERVERS, Bastion

LETTERS = "abcdef"
ZONES_MOST = len(LETTERS)
RANGE = "10.42.0.0/16"
BASTION_TYPE = "t3.nano"

REGIONS = (
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
    "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1",
    "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1",
    "us-west-1", "us-west-2",
)  # fmt: skip
"""For near names only: new ones come, and AWS says which there are."""

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]", re.ASCII)
_ZONE_ID = re.compile(r"Z[A-Z0-9]{1,31}", re.ASCII)
_PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_TAKEN = (
    (IPv4Network("172.17.0.0/16"), "Docker's bridge"),
    (IPv4Network("172.26.64.0/20"), "Nomad's bridge"),
)
"""Networks that every worker has inside itself: what is there in the VPC could not be reached."""
_SHADOWS = ("consul", "local", "localhost", "compute.internal", "ec2.internal", "amazonaws.com")
"""Domains that Consul, mDNS or AWS answer for."""
_PUBLIC_KEY = re.compile(
    r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9-]+@openssh\.com)"
    r" [A-Za-z0-9+/]{40,}={0,3}(?: [^\n]*)?",
    re.ASCII,
)
_WIDEST = 8
"""A bastion's range with a shorter prefix holds more than 16 million addresses."""


def wrong_region(text: str) -> tuple[str, str | None] | None:
    """What is wrong with the spelling of a region, with a hint; None for one that may exist."""
    if _REGION.fullmatch(text):
        return None
    hint = suggest(text, REGIONS) or "such as eu-west-1"
    return f'"{text[:80]}" is no region', hint


def usual_zones(region: str) -> tuple[str, ...]:
    """The zones that most regions have: AWS is not asked."""
    return tuple(region + letter for letter in LETTERS[:SERVERS])


def read_place(
    data: Mapping[str, Any], good: Mapping[str, Any], found: Collector
) -> tuple[str, tuple[str, ...]]:
    """Region and zones; an empty region after a mistake."""
    if "region" not in data:
        found.wrong((), "says no region", 'region = "eu-west-1"')
    region = good.get("region", "")
    wrong = wrong_region(region) if region else None
    if wrong:
        found.wrong(("region",), *wrong)
    if not region or wrong:
        return "", usual_zones("")
    if "zones" not in good:
        return region, usual_zones(region)
    zones = tuple(good["zones"])
    before = len(found.mistakes)
    for zone in dict.fromkeys(zones):
        _check_zone(zone, region, found)
        if zones.count(zone) > 1:
            found.wrong(("zones",), f'names "{zone}" twice')
    if not SERVERS <= len(zones) <= ZONES_MOST:
        message = f"must be {SERVERS} to {ZONES_MOST} zones: each server has one of its own"
        found.wrong(("zones",), message)
    return region, zones if len(found.mistakes) == before else usual_zones(region)


def _check_zone(zone: str, region: str, found: Collector) -> None:
    if zone.startswith(region) and zone[len(region) :] in tuple(LETTERS):
        return
    short = zone[:80]
    if zone in tuple(LETTERS):
        found.wrong(("zones",), f'"{zone}" is only a letter', f'say "{region}{zone}"')
    elif re.fullmatch(re.escape(region) + r"(?:-[a-z0-9]+)+[a-z]", zone):
        found.wrong(("zones",), f'"{short}" is a local zone: servers need availability zones')
    elif re.fullmatch(r"[a-z]{3}[0-9]-az[0-9]", zone):
        hint = f'say its name in your account, such as "{region}a"'
        found.wrong(("zones",), f'"{short}" is the id of a zone', hint)
    else:
        found.wrong(("zones",), f'"{short}" is no zone of {region}', f'such as "{region}a"')


def read_network(
    good: Mapping[str, Any], found: Collector
) -> tuple[IPv4Network, tuple[IPv4Network, ...]]:
    """The VPC's range, and those of networks that it is connected to."""
    table, path = good.get("network", {}), ("network", "range")
    usual = IPv4Network(RANGE)
    network = _range(path, table["range"], found) if "range" in table else usual
    if network is not None:
        _check_range(path, network, found)
    connected = _ranges(("network", "connected"), table.get("connected", ()), found)
    for other in connected:
        if network is not None and network.overlaps(other):
            message = f"{other} overlaps the cluster's own range {network}"
            found.wrong(("network", "connected"), message, "choose another network.range")
    return network or usual, connected


def _check_range(path: KeyPath, network: IPv4Network, found: Collector) -> None:
    if not 16 <= network.prefixlen <= 22:
        message = (
            f"{network} does not fit: six zones and their balancers need a /22, AWS takes a /16"
        )
        found.wrong(path, message, "a range from /16 to /22")
    elif not any(network.subnet_of(each) for each in _PRIVATE):
        hint = "inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
        found.wrong(path, f"{network} is no private range", hint)
    for taken, what in _TAKEN:
        if network.overlaps(taken):
            found.wrong(path, f"{network} overlaps {taken}, {what} on every worker")


def _ranges(path: KeyPath, texts: Iterable[str], found: Collector) -> tuple[IPv4Network, ...]:
    read = (_range(path, text, found) for text in texts)
    return tuple(each for each in read if each is not None)


def _range(path: KeyPath, text: str, found: Collector) -> IPv4Network | None:
    try:
        network = ip_network(text)
    except ValueError:
        found.wrong(path, f'"{text[:80]}" is no network', _range_hint(text))
        return None
    if isinstance(network, IPv6Network):
        found.wrong(path, f'"{text}" is IPv6: the cluster has IPv4 only')
        return None
    return network


def _range_hint(text: str) -> str:
    try:
        return f"did you mean {ip_network(text, strict=False)}?"
    except ValueError:
        return "such as 10.42.0.0/16"


def read_domains(
    name: str, data: Mapping[str, Any], good: Mapping[str, Any], found: Collector
) -> tuple[str | None, str | None, str]:
    """Public domain, id of its zone, private domain."""
    table, path = good.get("domain", {}), ("domain",)
    written = data.get("domain") if isinstance(data.get("domain"), dict) else {}
    usual = f"{name}.internal"
    public = private = None
    if "public" in table:
        public = _domain((*path, "public"), table["public"], found)
    if "private" in table:
        private = _domain((*path, "private"), table["private"], found)
    zone_id = table.get("public_zone")
    if zone_id is not None and not _ZONE_ID.fullmatch(zone_id):
        hint = "the part after /hostedzone/" if "/" in zone_id else "Z and capitals or digits"
        found.wrong((*path, "public_zone"), f'"{zone_id[:80]}" is no id of a hosted zone', hint)
    if zone_id is not None and "public" not in (written or {}):
        found.wrong((*path, "public_zone"), "is that of the public domain, and there is none")
    for shadowed in _SHADOWS if private else ():
        assert private is not None  # noqa: S101 - the loop above
        if is_in(private, shadowed):
            message = f"{private} would hide {shadowed}, which others answer for"
            found.wrong((*path, "private"), message, f'such as "{usual}"')
    if public and private and is_in(public, private):
        message = f"{private} would hide the public {public} from every machine of the cluster"
        found.wrong((*path, "private"), message, f'such as "{usual}" or "internal.{public}"')
    return public, zone_id, private or usual


def _domain(path: KeyPath, text: str, found: Collector) -> str | None:
    name = found.hostname(path, text)
    if name is None:
        return None
    if name.startswith("*.") or "_" in name:
        found.wrong(path, f'"{name}" is no name of a zone')
        return None
    if "." not in name:
        found.wrong(path, f'"{name}" is a top level', f'such as "{name}.internal"')
        return None
    return name


def read_bastion(
    data: Mapping[str, Any], good: Mapping[str, Any], network: IPv4Network, found: Collector
) -> Bastion | None:
    """`[bastion]`; None without the table."""
    table = good.get("bastion")
    if table is None:
        return None
    path, written = ("bastion",), data["bastion"]
    if not written.get("allowed"):
        hint = 'allowed = ["203.0.113.7/32"]'
        found.wrong((*path, "allowed"), "says nobody who may reach it", hint)
    allowed = _ranges((*path, "allowed"), table.get("allowed", ()), found)
    _check_allowed((*path, "allowed"), allowed, network, found)
    if not written.get("keys"):
        hint = 'keys = ["ssh-ed25519 AAAA… you@example.com"]'
        found.wrong((*path, "keys"), "says no public key", hint)
    for at, key in enumerate(table.get("keys", ()), 1):
        if not _PUBLIC_KEY.fullmatch(key):
            found.wrong((*path, "keys"), f"the key at place {at} is no public key of SSH")
    kind = check_type((*path, "type"), table.get("type", BASTION_TYPE), found)
    return Bastion(allowed, tuple(table.get("keys", ())), kind)


def _check_allowed(
    path: KeyPath, allowed: tuple[IPv4Network, ...], own: IPv4Network, found: Collector
) -> None:
    for network in collapse_addresses(allowed):
        if network.prefixlen < _WIDEST:
            who = "everybody" if network.prefixlen == 0 else f"a part of the world, {network},"
            found.wrong(path, f"would let {who} reach it", "say your own address: …/32")
    for network in allowed:
        if network.overlaps(own) and network.prefixlen >= _WIDEST:
            found.wrong(path, f"{network} overlaps the cluster's own range {own}")
