"""What callers ask for: fields of old and of today, and every mistake at once with its field."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.dns.records import REQUEST_SCHEMA, Asked, BadRecordError, from_request, make_record
from toolkit.spec.dns import Alias, Record

NAME = "shop.example.com"
SCHEMA = json.loads(json.dumps({**REQUEST_SCHEMA}))


def asked(**body: Any) -> Asked:
    return from_request({"hostname": NAME, **body})


def wrongs(**body: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadRecordError) as raised:
        asked(**body)
    assert raised.value.message.isprintable()
    assert raised.value.field == raised.value.wrongs[0].field
    return [(wrong.field, wrong.message) for wrong in raised.value.wrongs]


RIGHT = [
    ({"ip_address": "203.0.113.7"}, "A", ("203.0.113.7",)),
    ({"ip_address": "203.0.113.7", "type": "A"}, "A", ("203.0.113.7",)),
    ({"values": ["203.0.113.9", "203.0.113.7"] * 2}, "A", ("203.0.113.7", "203.0.113.9")),
    ({"values": ["2001:DB8:0::7"], "type": "AAAA"}, "AAAA", ("2001:db8::7",)),
    ({"values": ["Other.EXAMPLE.com."], "type": "CNAME"}, "CNAME", ("other.example.com",)),
    ({"values": ["v=spf1 -all"], "type": "TXT"}, "TXT", ("v=spf1 -all",)),
    ({"values": ['a "quoted\\ text'], "type": "TXT"}, "TXT", ('a "quoted\\ text',)),
    ({"values": ["0 5 8080 N1.example.com"], "type": "SRV"}, "SRV", ("0 5 8080 n1.example.com",)),
    ({"ip_address": "n1.example", "port": 80, "type": "SRV"}, "SRV", ("1 1 80 n1.example",)),
    ({"ip_address": "n1.example.com", "port": 8080}, "SRV", ("1 1 8080 n1.example.com",)),
]  # fmt: skip


@pytest.mark.parametrize(("body", "type_", "values"), RIGHT)
def test_a_request_becomes_a_record_in_its_one_spelling(
    body: dict[str, Any], type_: str, values: tuple[str, ...]
) -> None:
    assert asked(**body) == Asked(Record(NAME, type_, 60, values), None)
    jsonschema.validate({"hostname": NAME, **body}, SCHEMA)


def test_the_name_the_zone_and_the_ttl_are_taken_as_they_are_meant() -> None:
    body = {"hostname": r"\123HOP.example.com.", "ip_address": "203.0.113.7", "zone": "private"}
    assert from_request({**body, "ttl": 5}) == Asked(
        Record(NAME, "A", 5, ("203.0.113.7",)), "private"
    )
    assert from_request(body, default_ttl=30).record.ttl == 30


def test_an_alias_has_neither_values_nor_a_ttl() -> None:
    alias = {"target": "LB-1.eu-central-1.ELB.amazonaws.com.", "zone": "Z215JYRZR1TBD5"}
    known = Alias("lb-1.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5")
    assert asked(alias=alias).record == Record(NAME, "A", None, (), known)
    healthy = asked(alias={**alias, "healthy": True}, type="AAAA").record
    assert (healthy.type, healthy.alias and healthy.alias.healthy) == ("AAAA", True)
    assert wrongs(alias=alias, ttl=60)[0][0] == "ttl"
    assert wrongs(alias=alias, type="TXT") == [("type", "of an alias must be A or AAAA")]
    assert [field for field, _ in wrongs(alias=alias, values=["203.0.113.7"])] == ["alias"]
    assert wrongs(alias={**alias, "zone": "z/../x"})[0][0] == "alias.zone"
    assert wrongs(alias={**alias, "target": "10.0.0.1"})[0][0] == "alias.target"
    assert wrongs(alias={"target": "a.example"}) == [("alias.zone", "must be given")]
    assert wrongs(alias="edge") == [("alias", "must be an object")]


BAD_VALUES = [
    *[("A", value, "no IP address") for value in (
        "1.2.3", "1", "010.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "1.2.3.4.5",
        "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4/32", "１.2.3.4", "localhost",
        "1.2.3.4\0", "1..2.3", "-1.2.3.4", "1.2.3.4:80", "[::1]", "::ffff:0x1",
    )],
    ("A", "2001:db8::7", "is an IPv6 address"),
    ("A", "::ffff:10.0.0.1", "IPv4 address 10.0.0.1 written as IPv6"),
    ("AAAA", "::ffff:10.0.0.1", "IPv4 address 10.0.0.1 written as IPv6"),
    ("AAAA", "::FFFF:a9fe:a9fe", "169.254.169.254 written as IPv6"),
    ("AAAA", "fe80::1%eth0", "interface"),
    ("AAAA", "10.0.0.1", "is an IPv4 address"),
    ("CNAME", "10.0.0.1", "address"),
    ("CNAME", "*.example.com", "no name to lead to"),
    ("CNAME", "_toolkit.example.com", "no name to lead to"),
    ("CNAME", "a b", "no name"),
    ("CNAME", NAME, "leads to itself"),
    ("CNAME", NAME.upper() + ".", "leads to itself"),
    ("TXT", "tab\there", "printable"),
    ("TXT", "two\nlines", "printable"),
    ("TXT", "caf\u00e9", "printable"),
    ("TXT", "heritage=toolkit,cluster=other,kind=people,types=A", "records of owners"),
    ("TXT", '"heritage=external-dns,external-dns/owner=x"', "records of owners"),
    ("TXT", " Heritage=x", "records of owners"),
    ("SRV", "1 1 8080", "priority, weight"),
    ("SRV", "1 1 8080 n1.example.com x", "priority, weight"),
    ("SRV", "1  1 8080 n1.example.com", "priority, weight"),
    ("SRV", "01 1 8080 n1.example.com", "priority, weight"),
    ("SRV", "+1 1 8080 n1.example.com", "priority, weight"),
    ("SRV", "1 1 0 n1.example.com", "out of range"),
    ("SRV", "1 1 65536 n1.example.com", "out of range"),
    ("SRV", "99999 1 80 n1.example.com", "out of range"),
    ("SRV", "1 1 80 10.0.0.1", "address"),
    ("SRV", "1 1 80 .", "empty"),
    ("SRV", "1 1 80 _http._tcp.example.com", "holds _"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "value", "why"), BAD_VALUES)
def test_a_value_that_is_none_is_refused_with_its_field(type_: str, value: str, why: str) -> None:
    [(field, message)] = wrongs(type=type_, values=[value])
    assert field == "values[0]"
    assert why in message


def test_the_fields_of_old_are_named_as_they_were_written() -> None:
    assert wrongs(ip_address="10.0.0")[0][0] == "ip_address"
    assert wrongs(ip_address="10.0.0.1", port=80)[0][0] == "ip_address"
    assert wrongs(ip_address=NAME, type="CNAME")[0] == ("ip_address", "leads to itself")


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(BadRecordError) as raised:
        from_request(
            {
                "hostname": "shop..example.com",
                "values": ["1.2.3", "203.0.113.7", "localhost"],
                "ttl": True,
                "zone": "publik",
                "typ": "A",
                "tll\n\x1b[31m": 1,
            }
        )
    found = [(wrong.field, wrong.hint) for wrong in raised.value.wrongs]
    assert sorted(field for field, _ in found) == sorted(
        ["ttl", "zone", "", "", "hostname", "values[0]", "values[2]"]
    )
    assert ("zone", 'did you mean "public"?') in found
    assert ("", 'did you mean "type"?') in found
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["values"]),
        ({"values": []}, ["values"]),
        ({"values": "203.0.113.7"}, ["values"]),
        ({"values": [7]}, ["values[0]"]),
        ({"values": [None]}, ["values[0]"]),
        ({"values": [""]}, ["values[0]"]),
        ({"values": ["203.0.113.7"] * 101}, ["values"]),
        ({"values": ["x" * 2001], "type": "TXT"}, ["values[0]"]),
        ({"values": ["a.example", "b.example"], "type": "CNAME"}, ["values"]),
        ({"values": ["203.0.113.7"], "ip_address": "203.0.113.7"}, ["ip_address"]),
        ({"ip_address": 7}, ["ip_address"]),
        ({"ip_address": "203.0.113.7", "port": 80, "type": "A"}, ["port"]),
        ({"ip_address": NAME, "type": "SRV"}, ["port"]),
        ({"values": ["1 1 80 a.example"], "type": "SRV", "port": 80}, ["port"]),
        ({"ip_address": "a.example", "port": "80"}, ["port"]),
        ({"ip_address": "a.example", "port": 80.0}, ["port"]),
        ({"ip_address": "a.example", "port": True}, ["port"]),
        ({"ip_address": "a.example", "port": 0}, ["port"]),
        ({"ip_address": "a.example", "port": 65536}, ["port"]),
        ({"ip_address": "203.0.113.7", "ttl": 0}, ["ttl"]),
        ({"ip_address": "203.0.113.7", "ttl": 86401}, ["ttl"]),
        ({"ip_address": "203.0.113.7", "ttl": 10**400}, ["ttl"]),
        ({"ip_address": "203.0.113.7", "ttl": None}, ["ttl"]),
        ({"ip_address": "203.0.113.7", "type": None}, ["type"]),
        ({"ip_address": "203.0.113.7", "type": ["A"]}, ["type"]),
        ({"ip_address": "203.0.113.7", "type": "a"}, ["type"]),
        ({"ip_address": "203.0.113.7", "hostname": 7}, ["hostname"]),
        ({"ip_address": "203.0.113.7", "hostname": "_x.example.com"}, ["hostname"]),
        ({"ip_address": "203.0.113.7", "hostname": "_toolkit.example.com"}, ["hostname"]),
        ({"ip_address": "203.0.113.7", "zone": 7}, ["zone"]),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(body: dict[str, Any], fields: list[str]) -> None:
    assert [field for field, _ in wrongs(**body)] == fields


def test_a_mistake_in_one_field_makes_none_in_others() -> None:
    body = {"hostname": "_http._tcp.example.com", "values": ["1 1 80 a.example"], "port": "80"}
    with pytest.raises(BadRecordError) as raised:
        from_request(body)
    assert [wrong.field for wrong in raised.value.wrongs] == ["port"]
    assert [field for field, _ in wrongs(values=["x"], type="a", ttl=0)] == ["type", "ttl"]


@pytest.mark.parametrize("type_", ["NS", "SOA", "MX", "CAA", "DS", "PTR", "NAPTR", "SPF", "ANY"])
def test_other_types_cannot_be_asked_for_at_all(type_: str) -> None:
    assert wrongs(values=["ns.example.com"], type=type_)[0][0] == "type"
    with pytest.raises(BadRecordError) as raised:
        make_record(NAME, type_, ["ns.example.com"])
    assert raised.value.field == "type"


@pytest.mark.parametrize("body", [None, [], "x", 7, [{"hostname": NAME}]])
def test_a_document_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(BadRecordError, match="must be a JSON object"):
        from_request(body)


def test_names_of_services_hold_underscores_where_no_address_is() -> None:
    for type_, value in (("SRV", "1 1 80 a.example"), ("TXT", "x"), ("CNAME", "a.example")):
        assert make_record("_http._tcp.example.com", type_, [value]).name.startswith("_http")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
FIELD = st.sampled_from([*SCHEMA["properties"], "hostnam"])
LIKELY = st.sampled_from(
    ["shop.example.com", "203.0.113.7", "A", "SRV", "public", 80, ["203.0.113.7"], ["1 1 1 a.b"],
     {"target": "a.b", "zone": "Z1"}]
)  # fmt: skip


@given(st.dictionaries(FIELD, LIKELY | JSON, max_size=6))
def test_whatever_is_asked_is_a_record_or_a_refusal_and_the_schema_refuses_no_record(
    body: dict[str, Any],
) -> None:
    try:
        record = from_request(body).record
    except BadRecordError as error:
        assert error.wrongs
        assert error.message.isprintable()
        return
    jsonschema.validate(body, SCHEMA)
    again = make_record(record.name, record.type, record.values, ttl=record.ttl, alias=record.alias)
    assert again == record
