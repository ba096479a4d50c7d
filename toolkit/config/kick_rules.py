"""`[policy]` of kick.toml: its rules, and those that could never grant anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.config.hostnames import is_in
from toolkit.config.kick_schema import PERSON_MOST, VISIBILITIES, WORKLOAD_MOST
from toolkit.config.kick_zones import Collector
from toolkit.config.lines import KeyPath
from toolkit.config.near import suggest
from toolkit.spec.dns import WRITABLE, Zone
from toolkit.spec.policy import SPECIAL, Grant, PersonRule, Policy, WorkloadRule
from toolkit.spec.target import Visibility

_ADDRESSES = {"A", "AAAA"}
_NEVER_SET = {"NS", "SOA", "MX", "CAA", "DS"}
_CHILD = re.compile(r"/(?:dispatch|periodic)-")


def read_workloads(
    rules: Mapping[str, Any],
    data: Mapping[str, Any],
    partial: Policy,
    settled: bool,
    found: Collector,
) -> tuple[WorkloadRule, ...]:
    """`[[policy.workload]]`; `settled`: names can be held against the zones of `partial`."""
    read: list[WorkloadRule] = []
    seen: dict[tuple[str, str, str], int] = {}
    for at, row in enumerate(rules.get("workload", ())):
        path: KeyPath = ("policy", "workload", at)
        written = data["policy"]["workload"][at]
        if "job" not in written:
            found.wrong(path, "says no job", 'job = "…": its ID in Nomad')
        for key in ("namespace", "job", "task"):
            _check_exact((*path, key), row.get(key, ""), found)
        job = row.get("job", "")
        if _CHILD.search(job):
            hint = f'say "{_CHILD.split(job)[0]}"'
            found.wrong((*path, "job"), "is a child: its token carries its parent's name", hint)
        grants = _grants(path, row, written, WORKLOAD_MOST, partial, settled, found)
        who = (row.get("namespace", "default"), job, row.get("task", ""))
        if job and _is_read(row, written, ("namespace", "job", "task")):
            first = seen.setdefault(who, at)
            if first != at:
                line = found.source.line(("policy", "workload", first))
                task = f" task {who[2]}" if who[2] else ""
                message = f"{who[0]}/{job}{task} has a rule already, at line {line}"
                found.wrong(path, message, "put all grants into one rule")
        read.append(WorkloadRule(*who, grants))
    return tuple(read)


def read_people(
    rules: Mapping[str, Any],
    data: Mapping[str, Any],
    partial: Policy,
    settled: bool,
    found: Collector,
) -> tuple[PersonRule, ...]:
    """`[[policy.person]]`."""
    read: list[PersonRule] = []
    seen: dict[object, int] = {}
    for at, row in enumerate(rules.get("person", ())):
        path: KeyPath = ("policy", "person", at)
        written = data["policy"]["person"][at]
        for key in ("policies", "roles"):
            for name in row.get(key, ()):
                _check_exact((*path, key), name, found)
        rule = PersonRule(
            policies=frozenset(row.get("policies", ())),
            roles=frozenset(row.get("roles", ())),
            management=row.get("management", False),
            overrule=row.get("overrule", False),
            grants=_grants(path, row, written, PERSON_MOST, partial, settled, found),
        )
        if _is_read(row, written, ("policies", "roles", "management")):
            if not (rule.policies or rule.roles or rule.management):
                hint = 'policies = ["…"], roles = ["…"] or management = true'
                found.wrong(path, "is nobody's rule", hint)
            first = seen.setdefault((rule.policies, rule.roles, rule.management), at)
            if first != at:
                line = found.source.line(("policy", "person", first))
                message = f"has the same holders as the rule at line {line}"
                found.wrong(path, message, "put all grants into one rule")
        read.append(rule)
    return tuple(read)


def _is_read(row: Mapping[str, Any], written: Mapping[str, Any], keys: Iterable[str]) -> bool:
    return all((key in row) == (key in written) for key in keys)


def _check_exact(path: KeyPath, text: str, found: Collector) -> None:
    if "*" in text:
        found.wrong(path, f'"{text}" is compared whole: a * stands for nothing else')


def _grants(
    path: KeyPath,
    row: Mapping[str, Any],
    written: Mapping[str, Any],
    most: int,
    partial: Policy,
    settled: bool,
    found: Collector,
) -> tuple[Grant, ...]:
    if not written.get("grants"):
        found.wrong(path, "grants nothing", 'grants = [{ names = ["shop.example.com"] }]')
    tables = row.get("grants", ())
    return tuple(
        _grant((*path, "grants", at), table, written["grants"][at], most, partial, settled, found)
        for at, table in enumerate(tables)
    )


def _grant(
    path: KeyPath,
    table: Mapping[str, Any],
    written: Mapping[str, Any],
    most: int,
    partial: Policy,
    settled: bool,
    found: Collector,
) -> Grant:
    if "names" not in written or table.get("names") == []:
        found.wrong((*path, "names"), "says no name", '["shop.example.com", "*.shop.example.com"]')
    texts = table.get("names", ())
    spelled = [found.hostname((*path, "names"), text) for text in texts]
    known = tuple(name for name in spelled if name is not None)
    types = tuple(each for each in WRITABLE if each in table.get("types", ("A", "AAAA")))
    special = frozenset(each for each in SPECIAL if each in table.get("grant", ()))
    zones = _zones(path, table, written, known, partial, settled, found)
    grant = Grant(known, types, zones, table.get("most", most), special)
    _check_words(path, table, found)
    if settled and len(known) == len(texts) and zones:
        _check_reach(path, grant, partial, found)
        _check_targets(path, grant, partial, found)
    return grant


def _check_words(path: KeyPath, table: Mapping[str, Any], found: Collector) -> None:
    if table.get("types") == []:
        found.wrong((*path, "types"), "must not be empty")
    for name in table.get("types", ()):
        if name.upper() in _NEVER_SET:
            hint = f"takes {', '.join(WRITABLE)}"
            found.wrong((*path, "types"), f"{name} records are never set by kick", hint)
        elif name not in WRITABLE:
            found.wrong((*path, "types"), f'"{name}" is no type', suggest(name, WRITABLE))
    for name in table.get("zones", ()):
        if name not in VISIBILITIES:
            message = f'"{name}" is no visibility of zones'
            found.wrong((*path, "zones"), message, suggest(name, VISIBILITIES))
    if table.get("zones") == []:
        found.wrong((*path, "zones"), "must not be empty")
    for name in table.get("grant", ()):
        if name.upper() in _NEVER_SET:
            message = f"{name} records are never set by kick, so there is nothing to grant"
            found.wrong((*path, "grant"), message)
        elif name not in SPECIAL:
            found.wrong((*path, "grant"), f'"{name}" is nothing to grant', suggest(name, SPECIAL))


def _zones(
    path: KeyPath,
    table: Mapping[str, Any],
    written: Mapping[str, Any],
    names: tuple[str, ...],
    partial: Policy,
    settled: bool,
    found: Collector,
) -> tuple[Visibility, ...]:
    """Those that were said, or those that hold the names; both at once must be said."""
    visibilities: tuple[Visibility, ...] = ("public", "private")
    if "zones" in written:
        return tuple(each for each in visibilities if each in table.get("zones", ()))
    if not settled:
        return ()
    held = {zone.visibility for zone in partial.zones for name in names if _lies_in(name, zone)}
    if len(held) > 1:
        message = "lie in public and in private zones, and the grant does not say which it means"
        found.wrong((*path, "names"), message, 'zones = ["public"], or ["public", "private"]')
        return ()
    if not held:
        for outside in names:
            _outside(path, outside, "", partial, found)
    return tuple(held)


def _check_reach(path: KeyPath, grant: Grant, partial: Policy, found: Collector) -> None:
    """Every name lies in a zone, every zone holds a name, every special right has a name."""
    for name in sorted({name for name in grant.names if grant.names.count(name) > 1}):
        found.wrong((*path, "names"), f'has "{name}" twice')
    for name in dict.fromkeys(grant.names):
        zones = [holder for each in grant.zones if (holder := _holder(name, each, partial))]
        if not zones:
            _outside(path, name, " or ".join(grant.zones), partial, found)
        elif "apex" not in grant.special and all(zone.name == name for zone in zones):
            message = f'"{name}" is the name of a zone itself'
            found.wrong((*path, "names"), message, 'grant = ["apex"] if that is meant')
    for visibility in grant.zones:
        if not any(_holder(name, visibility, partial) for name in grant.names):
            found.wrong((*path, "zones"), f"none of the names lies in a {visibility} zone")
    if "wildcard" in grant.special and not any(name.startswith("*.") for name in grant.names):
        hint = 'names = ["*.shop.example.com"] covers the wildcard of shop.example.com'
        found.wrong((*path, "grant"), '"wildcard" means nothing: no name begins with *.', hint)
    if "apex" in grant.special and not any(
        zone.name == name or (name.startswith("*.") and zone.name.endswith(name[1:]))
        for zone in partial.zones
        if zone.visibility in grant.zones
        for name in grant.names
    ):
        found.wrong((*path, "grant"), '"apex" means nothing: no name is that of a zone')


def _check_targets(path: KeyPath, grant: Grant, partial: Policy, found: Collector) -> None:
    """Addresses in zones for which no address is a target can never be set."""
    if not grant.types or not set(grant.types) <= _ADDRESSES:
        return
    if any((mistake.key or "").startswith(("targets", "edge")) for mistake in found.mistakes):
        return  # what is meant there is not known
    for visibility in grant.zones:
        networks = partial.targets.public if visibility == "public" else partial.targets.private
        loopback = partial.targets.loopback and any(
            zone.provider == "local" and zone.visibility == visibility for zone in partial.zones
        )
        if not (networks or loopback or visibility in partial.edges):
            message = f"no address may be set in {visibility} zones"
            hint = f"say [targets] {visibility} or [edge.{visibility}]"
            found.wrong((*path, "types"), message, hint)


def _outside(path: KeyPath, name: str, where: str, partial: Policy, found: Collector) -> None:
    shown = f"{where} zone" if where else "zone"
    zones = ", ".join(sorted({str(zone) for zone in partial.zones}))
    found.wrong((*path, "names"), f'"{name}" lies in no {shown}', f"zones: {zones}")


def _holder(name: str, visibility: str, partial: Policy) -> Zone | None:
    holders = [
        zone for zone in partial.zones if zone.visibility == visibility and _lies_in(name, zone)
    ]
    return max(holders, key=lambda zone: len(zone.name), default=None)


def _lies_in(name: str, zone: Zone) -> bool:
    return is_in(name.removeprefix("*."), zone.name)
