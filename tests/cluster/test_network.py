"""Where a cluster's machines are: inside the range, apart, and where they were before."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from tests.cluster.cluster_files import FULL, PLAIN, read
from toolkit.cluster.network import (
    LETTERS,
    capacity,
    hosts,
    resolver,
    server_address,
    slots,
    subnets,
    zone_subnets,
)
from toolkit.config import clusterfile_network
from toolkit.spec.cluster import PRIVATE_BITS, Cluster, Pool

CLUSTER = read(PLAIN).cluster

networks = st.tuples(st.integers(16, 22), st.integers(0, 2**16 - 1)).map(
    lambda both: IPv4Network((0x0A000000 + (both[1] << 8) & (-1 << (32 - both[0])), both[0]))
)


def blocks(cluster: Cluster) -> list[IPv4Network]:
    return [each for zone in subnets(cluster) for each in (zone.public, zone.private)]


def test_the_subnets_of_the_usual_cluster() -> None:
    assert [(str(zone.public), str(zone.private)) for zone in subnets(CLUSTER)] == [
        ("10.42.192.0/21", "10.42.0.0/19"),
        ("10.42.200.0/21", "10.42.32.0/19"),
        ("10.42.208.0/21", "10.42.64.0/19"),
    ]
    assert hosts(CLUSTER) == {
        "server-1.prod.internal": "10.42.0.11",
        "server-2.prod.internal": "10.42.32.12",
        "server-3.prod.internal": "10.42.64.13",
    }
    assert resolver(CLUSTER) == "10.42.0.2"


def test_servers_are_in_the_first_three_zones_of_the_file() -> None:
    cluster = read(FULL).cluster
    assert [(slot.name, slot.zone[-1], slot.host) for slot in slots(cluster)] == [
        ("server-1", "c", "server-1.prod.example.com"),
        ("server-2", "a", "server-2.prod.example.com"),
        ("server-3", "b", "server-3.prod.example.com"),
    ]


@given(networks)
def test_all_subnets_are_inside_apart_and_large_enough(network: IPv4Network) -> None:
    cluster = replace(CLUSTER, network=network, zones=tuple(f"eu-west-1{each}" for each in LETTERS))
    found = blocks(cluster)
    assert all(each.subnet_of(network) for each in found)
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))
    # A balancer's subnet has to be a /27 at least, and to have eight addresses to spare.
    assert all(zone.public.prefixlen <= 27 and capacity(zone.public) >= 8
               for zone in subnets(cluster))  # fmt: skip
    for slot, zone in zip(slots(cluster), subnets(cluster), strict=False):
        address = IPv4Address(slot.address)
        first = zone.private.network_address
        assert address in zone.private
        assert int(address) - int(first) > 3  # AWS has the first four, and the last
        assert address != zone.private.broadcast_address
    assert len({slot.address for slot in slots(cluster)}) == 3


@given(networks, st.permutations(LETTERS), st.integers(3, 6), st.integers(1, 500))
def test_nothing_moves_when_zones_or_pools_come_and_go(
    network: IPv4Network, order: list[str], count: int, most: int
) -> None:
    zones = tuple(f"eu-west-1{letter}" for letter in order[:count])
    small = replace(CLUSTER, network=network, zones=zones[:3])
    large = replace(
        small,
        zones=zones,
        pools=MappingProxyType({**small.pools, "more": Pool("more", "t3.large", max=most)}),
    )
    assert subnets(large)[:3] == subnets(small)
    assert slots(large) == slots(small)
    turned = replace(small, zones=tuple(reversed(zones[:3])))
    assert set(subnets(turned)) == set(subnets(small))


def test_the_file_and_the_network_agree_on_zones_and_room() -> None:
    assert clusterfile_network.LETTERS == LETTERS
    network = IPv4Network("10.0.0.0/22")
    private = zone_subnets(network, "eu-west-1a").private
    assert private.prefixlen == network.prefixlen + PRIVATE_BITS
    assert capacity(private) == 123
    assert server_address(network, "eu-west-1b", 2) == "10.0.0.140"
