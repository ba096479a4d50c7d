"""kick.toml -> KickConfig: validated whole, every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from toolkit.config.addresses import parse_address
from toolkit.config.checks import validate
from toolkit.config.durations import parse_duration
from toolkit.config.kick_rules import read_people, read_workloads
from toolkit.config.kick_schema import KICK_KEYS
from toolkit.config.kick_zones import Collector, read_edges, read_targets, read_zones
from toolkit.config.schema import key_tree
from toolkit.config.source import read_toml
from toolkit.errors import ConfigError
from toolkit.spec.kick import Api, KickConfig, Limits, Reconcile, Route53Access, Status
from toolkit.spec.policy import Policy

KICK_FILE = "kick.toml"

_CLUSTER = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+", re.ASCII)
_DURATIONS = {
    "reconcile": ("grace", "hold", "interval", "settle"),
    "status": ("timeout",),
    "limits": ("remember", "leeway", "lifetime", "keys", "alive"),
}


def load_kick(text: str | bytes, source: str = KICK_FILE) -> KickConfig:
    """The text of a kick.toml as values; ConfigError with every mistake, its key and its line.

    `source` is what messages call the file.
    """
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    origin, data = read_toml(source, raw)
    good, mistakes = validate(data, key_tree(KICK_KEYS), origin)
    found = Collector(origin, mistakes)
    top = _top(data, good, found)
    zones, settled = read_zones(data, good, found)
    targets = read_targets(good, zones, found)
    edges = read_edges(data, good, targets, found)
    partial = Policy(zones, targets=targets, edges=MappingProxyType(edges))
    rules = good.get("policy", {})
    policy = Policy(
        zones=zones,
        workloads=read_workloads(rules, data, partial, settled, found),
        people=read_people(rules, data, partial, settled, found),
        targets=targets,
        edges=partial.edges,
    )
    config = KickConfig(
        **top,
        policy=policy,
        reconcile=Reconcile(**_section(good, "reconcile")),
        status=Status(**_section(good, "status")),
        limits=Limits(**_section(good, "limits")),
        nomad=_api("nomad", good, found),
        consul=_api("consul", good, found),
        route53=_route53(good, found),
    )
    _check_forward(config, found)
    if found.mistakes:
        found.mistakes.sort(key=lambda mistake: mistake.line or 0)
        raise ConfigError(found.mistakes)
    return config


def _top(data: Mapping[str, Any], good: Mapping[str, Any], found: Collector) -> dict[str, Any]:
    if "cluster" not in data:
        found.wrong((), "says no cluster", 'cluster = "production": whose records these are')
    cluster = good.get("cluster", "")
    if cluster and not _CLUSTER.fullmatch(cluster):
        found.wrong(("cluster",), "takes at most 63 lower-case letters, digits and -")
    for key in ("audience", "issuer"):
        if len(good.get(key, "")) > 200:
            found.wrong((key,), "must not be longer than 200 characters")
    keys = ("audience", "issuer", "ttl")
    return {"cluster": cluster, **{key: good[key] for key in keys if key in good}}


def _section(good: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = dict(good.get(name, {}))
    for key in _DURATIONS[name]:
        if key in table:
            table[key] = parse_duration(table[key])
    return table


def _check_forward(config: KickConfig, found: Collector) -> None:
    forward = config.status.forward
    if forward and (why := _bad_url(forward)):
        found.wrong(("status", "forward"), why, "such as https://status.example.com/api")


def _api(name: str, good: Mapping[str, Any], found: Collector) -> Api:
    table = dict(good.get(name, {}))
    address = table.get("address")
    if address is not None and not (name == "nomad" and address.startswith("unix:")):
        try:
            table["address"] = parse_address(address, port=4646 if name == "nomad" else 8500)
        except ValueError as error:
            found.wrong((name, "address"), str(error))
    elif address is not None and not address.startswith(("unix:/", "unix:${")):
        found.wrong((name, "address"), "must hold an absolute path after unix:")
    pair = ("cert_file", "key_file")
    if sum(key in table for key in pair) == 1:
        [given] = [key for key in pair if key in table]
        [other] = [key for key in pair if key not in table]
        found.wrong((name, given), f"needs {other} beside it")
    return Api(**table)


def _route53(good: Mapping[str, Any], found: Collector) -> Route53Access:
    table = dict(good.get("route53", {}))
    if "role" in table and not _ROLE.fullmatch(table["role"]):
        hint = "such as arn:aws:iam::123456789012:role/kick"
        found.wrong(("route53", "role"), "must be the ARN of a role", hint)
    if "region" in table and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", table["region"]):
        found.wrong(("route53", "region"), "is no region", "such as eu-central-1")
    for key in ("endpoint", "sts_endpoint"):
        if key in table and (why := _bad_url(table[key])):
            found.wrong(("route53", key), why)
    return Route53Access(**table)


def _bad_url(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError:
        return "is no address"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "must begin with http:// or https:// and a host"
    if "@" in parts.netloc:
        return "must not hold a user or a password"
    if re.search(r"\s", text) or parts.fragment:
        return "must not hold spaces or a fragment"
    return None
