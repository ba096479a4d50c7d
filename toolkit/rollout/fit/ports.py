"""Networks and ports of one node; pure.

A port is had on any address of its host network; the first free one is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from toolkit.rollout.fit.facts import ATTRIBUTES_UNREAD, GroupFacts, NodeFacts, PortAsk
from toolkit.rollout.fit.interpolate import resolve
from toolkit.rollout.fit.room import YES, Room
from toolkit.rollout.fit.versions import parse
from toolkit.spec.fit import Cell

HIGHEST = 65536


def mode_cell(mode: str, node: NodeFacts) -> Cell:
    """Whether the node has a network of that mode; every group needs one but with `none`."""
    if mode == "none" or mode in node.modes or _before_bridges(mode, node):
        return YES
    return Cell("no", f"has no network in {mode} mode", 1.0)


def _before_bridges(mode: str, node: NodeFacts) -> bool:
    """Clients before 0.12 do not say that they have a bridge."""
    version = parse((node.attributes or {}).get("nomad.version", "")) if mode == "bridge" else None
    return version is not None and version.segments < (0, 12, 0)


def alias_cell(network: str, node: NodeFacts) -> Cell:
    """Whether the node has the host network."""
    name = resolve(network, node)
    if not name.read:
        return Cell("unknown", f"host network {network}: {ATTRIBUTES_UNREAD}")
    if not name.found:
        return Cell("no", f"has no {network} to name the host network by", 1.0)
    if name.text in node.aliases:
        return YES
    return Cell("no", f"has no host network {name.text}", 1.0)


def static_cell(port: PortAsk, left: Room, node: NodeFacts) -> Cell:
    """Whether a static port is free."""
    if port.shared and _addresses(port, node):
        return YES
    if _free_on(port, left, node):
        return YES
    addresses = _addresses(port, node)
    if not addresses:
        return Cell("no", f"has no address for port {port.value} in network {port.network}", 1.0)
    kept = all(port.value in reserved for _, reserved in addresses)
    return Cell("no", f"port {port.value} is {'reserved' if kept else 'taken'}", 0.9)


def dynamic_cell(ports: tuple[PortAsk, ...], left: Room, node: NodeFacts) -> Cell:
    """Whether the node's range has as many free ports as one instance asks for."""
    wanted = sum(1 for port in ports if not port.value)
    if dynamic_times(ports, left, node, 1):
        return YES
    for port in ports:
        if not port.value and not _addresses(port, node):
            return Cell("no", f"has no address for a port of network {port.network}", 0.9)
    first, last = node.dynamic
    return Cell("no", f"lacks free ports in {first}-{last}, {wanted} asked for", 0.9)


def _addresses(port: PortAsk, node: NodeFacts) -> list[tuple[str, frozenset[int]]]:
    alias = resolve(port.network, node).text
    return [(each.address, each.reserved) for each in node.addresses if each.alias == alias]


def _free_on(port: PortAsk, left: Room, node: NodeFacts) -> list[str]:
    return [
        address
        for address, reserved in _addresses(port, node)
        if 0 <= port.value < HIGHEST
        and port.value not in reserved
        and (address, port.value) not in left.ports
    ]


def times(group: GroupFacts, left: Room, node: NodeFacts, limit: int) -> int:
    """How many instances find their ports, at most `limit`."""
    for port in group.ports:
        if port.value and not port.shared:
            limit = min(limit, len(_free_on(port, left, node)))
    return dynamic_times(group.ports, left, node, limit)


def dynamic_times(ports: tuple[PortAsk, ...], left: Room, node: NodeFacts, limit: int) -> int:
    """How many instances find their dynamic ports, at most `limit`."""
    dynamic = [port for port in ports if not port.value]
    static = {port.value for port in ports if port.value}
    for network in {port.network for port in dynamic}:
        wanted = sum(1 for port in dynamic if port.network == network)
        free = [_free(address, reserved, left, node, static) for address, reserved in _addresses(
            next(port for port in dynamic if port.network == network), node
        )]  # fmt: skip
        # Of one instance no two ports are the same number, whatever the address.
        if limit and (not free or max(free) < len(dynamic)):
            distinct = _distinct(dynamic, left, node, static)
            if distinct < len(dynamic):
                return 0
        limit = min(limit, sum(free) // wanted)
    return limit


def _free(
    address: str, reserved: frozenset[int], left: Room, node: NodeFacts, static: set[int]
) -> int:
    first, last = node.dynamic
    used = {port for host, port in left.ports if host == address} | static
    # A set comparison beats counting twelve thousand numbers.
    held = {port for port in used | reserved if first <= port <= last}
    return max(0, last - first + 1 - len(held))


def _distinct(ports: Iterable[PortAsk], left: Room, node: NodeFacts, static: set[int]) -> int:
    first, last = node.dynamic
    found: set[int] = set()
    for port in ports:
        for address, reserved in _addresses(port, node):
            found.update(
                number
                for number in range(first, last + 1)
                if number not in reserved
                and number not in static
                and (address, number) not in left.ports
            )
    return len(found)


def take(group: GroupFacts, left: Room, node: NodeFacts) -> Room:
    """What is left with one more instance's ports, which are there."""
    taken = set(left.ports)
    offered = {port.value for port in group.ports if port.value}
    for port in group.ports:
        now = replace(left, ports=frozenset(taken))
        if port.value:
            taken.update((address, port.value) for address in _free_on(port, now, node)[:1])
            continue
        first, last = node.dynamic
        found = next(
            (
                (address, number)
                for address, reserved in _addresses(port, node)
                for number in range(first, last + 1)
                if number not in reserved
                and number not in offered
                and (address, number) not in taken
            ),
            None,
        )
        if found is not None:
            offered.add(found[1])
            taken.add(found)
    return replace(left, ports=frozenset(taken))
