"""The zones, targets and edges of kick.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any, NamedTuple

from toolkit.config.hostnames import parse_hostname
from toolkit.config.kick_schema import VISIBILITIES
from toolkit.config.lines import KeyPath
from toolkit.config.ranges import LOOPBACK, NEVER, Network, never, parse_ip
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.dns import Alias, Zone
from toolkit.spec.policy import Edge, Targets
from toolkit.spec.target import Visibility

_ZONE_ID = re.compile(r"Z[A-Z0-9]{1,31}", re.ASCII)
_OWNERS = ("_toolkit", "_wildcard")
"""Labels of owner records (`toolkit.dns.names`)."""


class Collector(NamedTuple):
    """Where mistakes are gathered."""

    source: Source
    mistakes: list[Mistake]

    def wrong(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Add a mistake at `path`."""
        self.mistakes.append(self.source.mistake(path, message, hint))

    def hostname(self, path: KeyPath, text: str) -> str | None:
        """The one spelling of a name; None after a mistake."""
        try:
            name = parse_hostname(text)
        except ValueError as error:
            self.wrong(path, f'"{_short(text)}" {error}')
            return None
        if not set(_OWNERS).isdisjoint(name.split(".")):
            self.wrong(path, f'"{name}" is a name that owner records are kept at')
            return None
        return name


def read_zones(
    data: Mapping[str, Any], good: Mapping[str, Any], found: Collector
) -> tuple[tuple[Zone, ...], bool]:
    """The zones, and whether all of them are right, so that names can be held against them."""
    before = len(found.mistakes)
    zones: dict[tuple[str, str], Zone] = {}
    ids: set[str] = set()
    if not data.get("zone"):
        found.wrong((), "says no zone", "add [[zone]] with name, visibility and provider")
    written = _rows(data.get("zone"))
    for at, row in enumerate(good.get("zone", ())):
        path: KeyPath = ("zone", at)
        for key in ("name", "provider"):
            if key not in written[at]:
                found.wrong(path, f"says no {key}")
        name = found.hostname((*path, "name"), row["name"]) if "name" in row else None
        provider, id_ = row.get("provider"), row.get("id", "")
        _check_id(path, provider, id_, written[at], found)
        if name is None or provider is None:
            continue
        if name.startswith("*.") or "_" in name:
            found.wrong((*path, "name"), f'"{name}" is no name of a zone')
            continue
        zone = Zone(name, row.get("visibility", "public"), provider, id_)
        if (name, zone.visibility) in zones:
            found.wrong((*path, "name"), f"there is a {zone.visibility} zone {name} already")
        if id_ and id_ in ids:
            found.wrong((*path, "id"), "is the id of another zone here")
        ids.add(id_)
        zones.setdefault((name, zone.visibility), zone)
    whole = bool(zones) and all(map(_is_whole, written, good.get("zone", ())))
    return tuple(zones.values()), whole and before == len(found.mistakes)


def _is_whole(written: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    return set(written) == set(kept)


def _check_id(
    path: KeyPath, provider: str | None, id_: str, written: Mapping[str, Any], found: Collector
) -> None:
    if provider == "local" and "id" in written:
        found.wrong((*path, "id"), "is Route 53's, and the zone is local", "remove it")
    if provider != "route53":
        return
    if "id" not in written:
        hint = 'id = "Z…": aws route53 list-hosted-zones shows it'
        found.wrong(path, "says no id of the hosted zone", hint)
    elif id_ and not _ZONE_ID.fullmatch(id_):
        hint = "the part after /hostedzone/" if "/" in id_ else "Z and capital letters or digits"
        found.wrong((*path, "id"), f'"{_short(id_)}" is no id of a hosted zone', hint)


def read_targets(good: Mapping[str, Any], zones: Iterable[Zone], found: Collector) -> Targets:
    """`[targets]`."""
    table = good.get("targets", {})
    loopback = table.get("loopback", False)
    if loopback and not any(zone.provider == "local" for zone in zones):
        found.wrong(("targets", "loopback"), "means nothing: no zone is local")
    networks = {
        key: tuple(
            network
            for text in table.get(key, ())
            if (network := _network(("targets", key), text, loopback, found)) is not None
        )
        for key in VISIBILITIES
    }
    cnames = tuple(
        name
        for text in table.get("cnames", ())
        if (name := _suffix(("targets", "cnames"), text, found)) is not None
    )
    return Targets(networks["public"], networks["private"], cnames, loopback)


def _network(path: KeyPath, text: str, loopback: bool, found: Collector) -> Network | None:
    try:
        network = ip_network(text)
    except ValueError:
        found.wrong(path, f'"{_short(text)}" is no network', _network_hint(text))
        return None
    if network.prefixlen == 0:
        found.wrong(path, f'"{text}" would allow every address', "say the cluster's own networks")
        return None
    for other, why in (*((each, "loopback") for each in LOOPBACK), *NEVER):
        inside = network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
        if inside and not (loopback and why == "loopback"):
            hint = "development: loopback = true" if why == "loopback" else None
            found.wrong(path, f'"{text}" can never be a target: {why}', hint)
            return None
    return network


def _network_hint(text: str) -> str:
    try:
        return f"did you mean {ip_network(text, strict=False)}?"
    except ValueError:
        return "such as 203.0.113.0/24 or 2001:db8::/32"


def _suffix(path: KeyPath, text: str, found: Collector) -> str | None:
    name = found.hostname(path, text)
    if name is None:
        return None
    if name.startswith("*."):
        found.wrong(path, f'"{name}" needs no *', f'"{name[2:]}" means it and all below it')
        return None
    if "." not in name:
        found.wrong(path, f'"{name}" is a top level: it would allow almost every name')
        return None
    return name


def read_edges(
    data: Mapping[str, Any], good: Mapping[str, Any], targets: Targets, found: Collector
) -> dict[Visibility, Edge]:
    """`[edge.public]` and `[edge.private]`."""
    edges: dict[Visibility, Edge] = {}
    visibilities: tuple[Visibility, ...] = ("public", "private")
    for visibility in visibilities:
        table = good.get("edge", {}).get(visibility)
        if table is None:
            continue
        path: KeyPath = ("edge", visibility)
        written = data["edge"][visibility]
        ways = [key for key in ("addresses", "alias", "service") if key in written]
        if not ways:
            found.wrong(path, "says neither addresses, an alias nor a service")
        for other in ways[1:]:
            found.wrong((*path, other), f"says {ways[0]} already", "keep one of them")
        if "namespace" in written and "service" not in written:
            found.wrong((*path, "namespace"), "is that of the service, and there is none")
        if table.get("addresses") == []:
            found.wrong((*path, "addresses"), "must not be empty")
        edges[visibility] = Edge(
            addresses=_addresses(path, table.get("addresses", ()), targets.loopback, found),
            alias=_alias(path, written, table, found),
            service=table.get("service", ""),
            namespace=table.get("namespace", "default"),
        )
    return edges


def _addresses(
    path: KeyPath, texts: Iterable[str], loopback: bool, found: Collector
) -> tuple[str, ...]:
    addresses = set()
    for text in texts:
        try:
            address = parse_ip(text)
        except ValueError as error:
            found.wrong((*path, "addresses"), f'"{_short(text)}" {error}')
            continue
        if why := never(address, loopback=loopback):
            found.wrong((*path, "addresses"), f'"{address}" can never be a target: {why}')
        addresses.add(str(address))
    return tuple(sorted(addresses))


def _alias(
    path: KeyPath, written: Mapping[str, Any], table: Mapping[str, Any], found: Collector
) -> Alias | None:
    alias = table.get("alias")
    if alias is None:
        return None
    for key in ("target", "zone"):
        if key not in written["alias"]:
            found.wrong((*path, "alias"), f"says no {key}")
    zone = alias.get("zone", "")
    if zone and not _ZONE_ID.fullmatch(zone):
        found.wrong((*path, "alias", "zone"), f'"{_short(zone)}" is no id of a hosted zone')
    target = None
    if "target" in alias:
        target = found.hostname((*path, "alias", "target"), alias["target"])
    if target is None:
        return None
    return Alias(target, zone, alias.get("healthy", False))


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return value if isinstance(value, list) and all(isinstance(row, dict) for row in value) else []


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
