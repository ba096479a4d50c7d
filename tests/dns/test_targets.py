"""Records lead to this cluster, in whatever way an address or a name is dressed."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dns.kicks import KICK, policy
from toolkit.config.ranges import LOOPBACK, NEVER, embedded, is_within, never
from toolkit.dns.policy import zone_for
from toolkit.dns.targets import bad_target
from toolkit.spec.dns import Alias, Record
from toolkit.spec.target import Visibility

POLICY = policy()
NAMES: dict[Visibility, str] = {"public": "a.apps.example.com", "private": "a.apps.internal"}
LB = Alias("lb-1.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5")


def why_not(type_: str, value: str, visibility: Visibility, edge: tuple[str, ...] = ()) -> str:
    name = NAMES[visibility]
    record = Record(name, type_, 60, (value,))
    wrong = bad_target(POLICY, zone_for(POLICY, name, visibility), record, edge)
    return wrong[0] if wrong else ""


@pytest.mark.parametrize(
    ("type_", "value", "visibility"),
    [
        ("A", "203.0.113.0", "public"),
        ("A", "203.0.113.255", "public"),
        ("AAAA", "2001:db8::1", "public"),
        ("A", "10.1.255.255", "private"),
        ("A", "192.168.7.7", "private"),
        ("CNAME", "lb-9.eu-central-1.elb.amazonaws.com", "public"),
        ("CNAME", "elb.amazonaws.com", "public"),
        ("CNAME", "other.example.co.uk", "public"),
        ("CNAME", "example.com", "public"),
        ("CNAME", "a.b.apps.internal", "private"),
        ("CNAME", "other.example.co.uk", "private"),
        ("SRV", "1 1 80 node.apps.internal", "private"),
        ("TXT", "10.0.0.1", "public"),
    ],
)
def test_what_is_of_the_cluster_or_allowed_may_be_a_target(
    type_: str, value: str, visibility: Visibility
) -> None:
    assert why_not(type_, value, visibility) == ""


STRANGE = [
    "203.0.112.255", "203.0.114.0", "8.8.8.8", "10.1.0.1", "192.168.7.7", "2001:db9::1",
    "127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1",
    "100.100.100.200", "192.0.0.192", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254",
    "fd00:ec2::23", "fd20:ce::254", "100::1", "::ffff:203.0.113.7", "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe", "::127.0.0.1", "::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",
    "2002:a9fe:a9fe::", "2001:0:0:0:0:0:5601:5601", "fe80::1%eth0", "0177.0.0.1", "0x7f000001",
    "2130706433", "127.1", "203.0.113.7 ", "x",
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE)
def test_other_addresses_are_no_target_in_a_public_zone(value: str) -> None:
    assert why_not("AAAA" if ":" in value else "A", value, "public")


@pytest.mark.parametrize("value", ["203.0.113.7", "10.2.0.1", "192.168.7.8", "169.254.169.254"])
def test_other_addresses_are_no_target_in_a_private_zone(value: str) -> None:
    assert why_not("A", value, "private")


@pytest.mark.parametrize(
    ("type_", "value", "visibility"),
    [
        ("CNAME", "evil.example", "public"),
        ("CNAME", "evilexample.com", "public"),
        ("CNAME", "evilelb.amazonaws.com", "public"),
        ("CNAME", "amazonaws.com", "public"),
        ("CNAME", "secret.apps.internal", "public"),
        ("CNAME", "co.uk", "private"),
        ("SRV", "1 1 80 evil.example", "private"),
        ("SRV", "1 1 80 apps.internal", "public"),
    ],
)
def test_names_of_others_are_no_target(type_: str, value: str, visibility: Visibility) -> None:
    assert "is a name of others" in why_not(type_, value, visibility)


def test_one_bad_value_among_good_ones_is_enough() -> None:
    zone = zone_for(POLICY, NAMES["public"], "public")
    values = ("203.0.113.1", "203.0.113.2", "8.8.8.8")
    wrong = bad_target(POLICY, zone, Record(NAMES["public"], "A", 60, values))
    assert wrong is not None
    assert wrong[0] == "8.8.8.8 is no address of this cluster"


def test_a_record_without_values_leads_nowhere() -> None:
    zone = zone_for(POLICY, NAMES["public"], "public")
    assert bad_target(POLICY, zone, Record(NAMES["public"], "A", 60))


@pytest.mark.parametrize(
    ("alias", "name", "right"),
    [
        (LB, "a.apps.example.com", True),
        (Alias(LB.target, LB.zone, healthy=True), "a.apps.example.com", True),
        (Alias(LB.target, "ZOTHER"), "a.apps.example.com", False),
        (Alias("lb-2.eu-central-1.elb.amazonaws.com", LB.zone), "a.apps.example.com", False),
        (Alias("apps.example.com", "ZAPPS"), "a.apps.example.com", False),
        (LB, "a.apps.internal", False),
    ],
)
def test_an_alias_leads_to_the_edge_of_its_zones_alone(
    alias: Alias, name: str, right: bool
) -> None:
    zone = zone_for(POLICY, name, "private" if name.endswith("internal") else "public")
    assert (bad_target(POLICY, zone, Record(name, "A", None, alias=alias)) is None) == right


def test_addresses_of_an_edge_that_only_the_cluster_knows_are_targets_unless_nobodys() -> None:
    assert why_not("A", "198.51.100.7", "public")
    assert why_not("A", "198.51.100.7", "public", ("198.51.100.7",)) == ""
    assert why_not("A", "198.51.100.8", "public", ("198.51.100.7",))
    assert "link-local" in why_not("A", "169.254.169.254", "public", ("169.254.169.254",))


def test_loopback_is_a_target_only_where_development_says_so_and_the_zone_is_local() -> None:
    development = policy(KICK.replace("[targets]", "[targets]\nloopback = true"))
    zones = {zone.id or "local": zone for zone in development.zones}
    for value in ("127.0.0.1", "127.9.9.9", "::1"):
        type_ = "AAAA" if ":" in value else "A"
        local = Record("a.example.com", type_, 60, (value,))
        assert bad_target(development, zones["local"], local) is None
        assert bad_target(development, zones["ZPUBLIC"], local)
        assert bad_target(POLICY, zones["local"], local)
    still = Record("a.example.com", "A", 60, ("169.254.169.254",))
    assert bad_target(development, zones["local"], still)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(inner: object) -> None:
    number = int(ip_address(str(inner)))
    dressed = [
        ip_address((0xFFFF << 32) | number),
        ip_address((0x2002 << 112) | (number << 80)),
        ip_address((0x64FF9B << 96) | number),
        ip_address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]
    for address in dressed:
        assert embedded(address) == inner
        assert (never(address) is None) == (never(ip_address(number)) is None)


@given(st.ip_addresses())
def test_no_address_of_a_range_that_never_is_passes(text: object) -> None:
    address = ip_address(str(text))
    forbidden = any(address in network for network, _ in (*NEVER, *((n, "") for n in LOOPBACK)))
    if forbidden:
        assert never(address)
    assert not is_within(address, (ip_network("192.0.2.0/24"),)) or not forbidden
