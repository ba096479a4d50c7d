"""Names, values and refusals as Route 53 writes them, and as we do; pure."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.clients.dns.listing import covered, list_order
from toolkit.clients.dns.route53_errors import blamed
from toolkit.clients.dns.route53_values import (
    from_name,
    from_rrset,
    from_text,
    to_batch,
    to_rrset,
    to_text,
)
from toolkit.spec.dns import Alias, Change, Record

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)


@given(TEXTS)
def test_a_text_comes_back_as_it_went(text: str) -> None:
    assert from_text(to_text(text)) == text


@given(TEXTS)
def test_a_text_goes_as_route53_takes_it(text: str) -> None:
    value = to_text(text)
    assert value.isascii() and value.isprintable()
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    assert value == " ".join(f'"{each}"' for each in strings)
    assert all(len(re.sub(r"\\([0-7]{3}|.)", "x", each)) <= 255 for each in strings)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"plain"', "plain"),
        ('"one" "two"', "onetwo"),
        ('"one""two"', "onetwo"),
        ('""', ""),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ('"h\\303\\251"', "hé"),
        ('"hé"', "hé"),
        ('"\\377"', "\\xff"),
        ("bare", "bare"),
        ('"semi; colon"', "semi; colon"),
        ('"open', '"open'),
    ],
)
def test_texts_of_others_are_read(value: str, text: str) -> None:
    assert from_text(value) == text


def test_a_long_text_is_cut_into_strings() -> None:
    assert to_text("x" * 600) == f'"{"x" * 255}" "{"x" * 255}" "{"x" * 90}"'
    assert to_text("") == '""'
    # Between the bytes of a character if need be: they are joined before they are text again.
    assert from_text(to_text("é" * 200)) == "é" * 200


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_value_of_anybody_breaks_us(value: str) -> None:
    # Whatever it says, it goes through every JSON document.
    assert from_text(value).encode().decode() == from_text(value)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("shop.example.com.", "shop.example.com"),
        ("\\052.example.com.", "*.example.com"),
        ("a\\052.example.com.", "a\\052.example.com"),
        ("x\\057y.example.com.", "x\\057y.example.com"),
        ("EXAMPLE.com", "example.com"),
    ],
)
def test_names_are_read(theirs: str, ours: str) -> None:
    assert from_name(theirs) == ours


def test_pointers_have_their_dot_there_and_not_here() -> None:
    srv = Record("_a._tcp.x", "SRV", 60, ("1 2 80 host.x",))
    cname = Record("c.x", "CNAME", 60, ("host.x",))
    assert to_rrset(srv)["ResourceRecords"] == [{"Value": "1 2 80 host.x."}]
    assert to_rrset(cname)["ResourceRecords"] == [{"Value": "host.x."}]
    assert from_rrset(to_rrset(srv)) == srv
    assert from_rrset(to_rrset(cname)) == cname


def test_an_alias_has_no_ttl() -> None:
    alias = Record("www.x", "A", None, alias=Alias("lb.y", "Z1", healthy=True))
    assert to_rrset(alias) == {
        "Name": "www.x.",
        "Type": "A",
        "AliasTarget": {"HostedZoneId": "Z1", "DNSName": "lb.y.", "EvaluateTargetHealth": True},
    }
    assert from_rrset(to_rrset(alias)) == alias


@pytest.mark.parametrize(
    ("more", "type_"),
    [
        ({"SetIdentifier": "blue", "Weight": 0}, "A (weighted: blue)"),
        ({"SetIdentifier": "eu", "Region": "eu-west-1"}, "A (latency: eu)"),
        ({"SetIdentifier": "x", "GeoLocation": {"CountryCode": "*"}}, "A (geolocation: x)"),
        ({"SetIdentifier": "x", "GeoProximityLocation": {}}, "A (geoproximity: x)"),
        ({"SetIdentifier": "x", "Failover": "PRIMARY"}, "A (failover: x)"),
        ({"SetIdentifier": "x", "MultiValueAnswer": False}, "A (multivalue: x)"),
        ({"SetIdentifier": "x", "CidrRoutingConfig": {}}, "A (IP-based: x)"),
        ({"SetIdentifier": "x"}, "A (routed: x)"),
        ({"TrafficPolicyInstanceId": "t"}, "A (traffic policy)"),
        ({"HealthCheckId": "h"}, "A (health check)"),
        ({}, "A"),
    ],
)
def test_what_is_routed_says_so_in_its_type(more: dict[str, Any], type_: str) -> None:
    said = {"Name": "a.x.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    assert from_rrset(said | more).type == type_


def test_a_comment_is_as_long_as_route53_takes() -> None:
    batch = to_batch([Change("CREATE", Record("a.x", "A", 60, ("192.0.2.1",)))], "c" * 300)
    assert len(batch["Comment"]) == 256


CHANGES = [
    Change("DELETE", Record("shop.x.y", "A", 60, ("192.0.2.1",))),
    Change("CREATE", Record("shop.x.y", "A", 60, ("192.0.2.2",))),
    Change("CREATE", Record("*.x.y", "TXT", 60, ('say "hi"',))),
    Change("CREATE", Record("evil.z", "CNAME", 60, ("x.y",))),
]


@pytest.mark.parametrize(
    ("reason", "keys"),
    [
        (
            "Tried to create resource record set [name='shop.x.y.', type='A'] but it already "
            "exists",
            {("shop.x.y", "A")},
        ),
        (
            "Tried to delete resource record set [name='\\052.x.y.', type='TXT'] but the values "
            "provided do not match the current values",
            {("*.x.y", "TXT")},
        ),
        ("RRSet with DNS name evil.z. is not permitted in zone x.y.", {("evil.z", "CNAME")}),
        (
            "RRSet of type CNAME with DNS name evil.z. is not permitted as it conflicts with other "
            "records with the same DNS name in zone x.y.",
            {("evil.z", "CNAME")},
        ),
        (
            "The request contains an invalid set of changes for a resource record set "
            "'TXT \\052.x.y.'",
            {("*.x.y", "TXT")},
        ),
        (
            "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a "
            "valid IPv4 address) encountered with '192.0.2.2''",
            {("shop.x.y", "A")},
        ),
        ("Duplicate Resource Record: '192.0.2.1'", {("shop.x.y", "A")}),
        (
            "Invalid Resource Record: 'FATAL problem: UnsupportedCharacter (Value contains "
            'unsupported characters) encountered with \'"say \\"hi\\""\'\'',
            {("*.x.y", "TXT")},
        ),
        (
            "InvalidInput: Invalid request: Expected exactly one of [AliasTarget], but found none "
            "in Change with [Action=DELETE, Name=shop.x.y., Type=A, SetIdentifier=null]",
            {("shop.x.y", "A")},
        ),
        ("RRSet of type A with DNS name other.x.y. is not permitted", set()),
        ("Something that was never said before", set()),
    ],
)
def test_a_reason_names_its_changes(reason: str, keys: set[tuple[str, str]]) -> None:
    assert set(blamed([reason], CHANGES)) == keys


def test_nobody_is_blamed_while_one_reason_is_a_riddle() -> None:
    known = "Duplicate Resource Record: '192.0.2.1'"
    assert blamed([known, "Something new"], CHANGES) == ()


LABELS = st.text("ab-_09", min_size=1, max_size=3)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)


def by_labels(name: str) -> str:
    return "\0".join(reversed(name.split(".")))


@given(
    st.sets(NAMES, min_size=1, max_size=12), NAMES, st.sets(NAMES, max_size=6), st.integers(1, 4)
)
def test_a_part_of_a_list_never_hides_a_record(
    there: set[str], first: str, others: set[str], page: int
) -> None:
    """Whichever of the two orders a server has: by characters, or by labels."""
    for order in (list_order, by_labels):
        rest = sorted((name for name in there if order(name) >= order(first)), key=order)
        upto = rest[page] if len(rest) > page else None
        for name in others | there:
            if covered(name, first, upto):
                assert (name in there) == (name in rest[:page])
