"""Where everything of a cluster is: subnets, servers' addresses, and their names.

Computed from the cluster's range and zones alone, so that nothing moves when pools come, go or
grow. A zone's subnets follow from its letter: they stay when another zone is added or removed.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from toolkit.spec.cluster import AWS_KEEPS, PRIVATE_BITS, SERVERS, Cluster, Slot, Subnets

LETTERS = "abcdef"
"""Availability zones end in one of these; no region has more."""
_PUBLIC_BITS = 5
"""Of the last two eighths of the range a quarter each for what is public: balancers want a /27."""
_FIRST = 10
"""Server 1 has its subnet's address plus 11: beyond AWS's own, and easy to read."""


def subnets(cluster: Cluster) -> tuple[Subnets, ...]:
    """The subnets of every zone, in the order of the cluster's zones."""
    return tuple(zone_subnets(cluster.network, zone) for zone in cluster.zones)


def zone_subnets(network: IPv4Network, zone: str) -> Subnets:
    """The subnets of one zone of the VPC's range."""
    at = LETTERS.index(zone[-1])
    private = _cut(network, PRIVATE_BITS, at)
    public = _cut(network, _PUBLIC_BITS, len(LETTERS) * 4 + at)
    return Subnets(zone, public, private)


def capacity(subnet: IPv4Network) -> int:
    """Machines that a subnet has addresses for."""
    return subnet.num_addresses - AWS_KEEPS


def slots(cluster: Cluster) -> tuple[Slot, ...]:
    """The server slots, each in the zone of its number."""
    return tuple(
        Slot(
            number,
            zone,
            server_address(cluster.network, zone, number),
            server_host(cluster, number),
        )
        for number, zone in enumerate(cluster.zones[:SERVERS], 1)
    )


def server_address(network: IPv4Network, zone: str, number: int) -> str:
    """The literal private address of a server slot."""
    return str(zone_subnets(network, zone).private[_FIRST + number])


def server_host(cluster: Cluster, number: int) -> str:
    """`server-1.prod.internal`."""
    return f"server-{number}.{cluster.private_domain}"


def resolver(cluster: Cluster) -> str:
    """Address of the VPC's own DNS resolver: the range's address plus two."""
    return str(cluster.network[2])


def hosts(cluster: Cluster) -> dict[str, str]:
    """Name in the private zone -> address, of everything that has one from the beginning."""
    return {slot.host: slot.address for slot in slots(cluster)}


def _cut(network: IPv4Network, bits: int, at: int) -> IPv4Network:
    prefix = network.prefixlen + bits
    start = int(network.network_address) + (at << (32 - prefix))
    return IPv4Network((start, prefix))
