"""Deny by default: exact callers, names by whole labels, and what no rule says is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dns.kicks import (
    EVERYBODY,
    KICK,
    MANAGER,
    NOBODY,
    OPERATOR,
    SHOP,
    WEB,
    WILD,
    policy,
    workload,
)
from tests.dns.matcher import allowed
from toolkit.dns.names import BadNameError, wanted_name
from toolkit.dns.policy import (
    may_ask,
    may_overrule,
    may_see,
    permit,
    permit_removal,
    zone_for,
)
from toolkit.dns.records import BadRecordError
from toolkit.errors import ForbiddenError
from toolkit.spec.dns import Record, Zone
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.policy import Policy
from toolkit.spec.target import Visibility

POLICY = policy()
VALUES = {
    ("A", "public"): "203.0.113.7",
    ("A", "private"): "10.1.0.7",
    ("AAAA", "public"): "2001:db8::7",
    ("CNAME", "public"): "other.example.com",
    ("CNAME", "private"): "other.apps.internal",
    ("SRV", "public"): "1 1 80 other.example.com",
    ("SRV", "private"): "1 1 80 other.apps.internal",
}


def ask(
    caller: Caller,
    name: str,
    type_: str = "A",
    visibility: Visibility | None = None,
    held: int = 0,
    policy: Policy = POLICY,
) -> None:
    zone = zone_for(policy, name, visibility)
    value = VALUES.get((type_, zone.visibility), "x")
    permit(policy, caller, zone, Record(name, type_, 60, (value,)), held=held)


def refusal(caller: Caller, name: str) -> ForbiddenError:
    with pytest.raises(ForbiddenError) as raised:
        ask(caller, name)
    return raised.value


@pytest.mark.parametrize(
    ("name", "visibility", "zone"),
    [
        ("shop.apps.example.com", None, "ZAPPS"),
        ("a.b.c.apps.example.com", None, "ZAPPS"),
        ("apps.example.com", "public", "ZAPPS"),
        ("www.example.com", "public", "ZPUBLIC"),
        ("www.example.com", "private", ""),
        ("evilapps.example.com", "public", "ZPUBLIC"),
        ("www.example.co.uk", None, "ZCOUK"),
        ("*.apps.internal", None, "ZPRIVATE"),
    ],
)
def test_a_name_belongs_to_the_longest_zone_by_whole_labels(
    name: str, visibility: Visibility | None, zone: str
) -> None:
    only_public = replace(POLICY, zones=tuple(z for z in POLICY.zones if z.id))
    assert zone_for(POLICY if visibility else only_public, name, visibility).id == zone


@pytest.mark.parametrize(
    "name", ["evilexample.com", "co.uk", "uk", "com", "internal", "xapps.internal", "example.org"]
)
def test_a_name_outside_every_zone_has_none(name: str) -> None:
    with pytest.raises(ForbiddenError, match="lies in no zone of this server") as raised:
        zone_for(POLICY, name)
    assert "apps.internal (private)" in str(raised.value.hint)
    with pytest.raises(ForbiddenError, match="no private zone"):
        zone_for(POLICY, "www.example.co.uk", "private")


def test_a_name_in_a_public_and_a_private_zone_has_to_say_which() -> None:
    with pytest.raises(BadRecordError) as raised:
        zone_for(POLICY, "shop.apps.example.com")
    assert raised.value.field == "zone"
    assert "apps.example.com (public) and example.com (private)" in raised.value.message


def test_what_a_rule_says_is_permitted() -> None:
    ask(SHOP, "shop.apps.example.com", visibility="public")
    ask(SHOP, "a.b.shop.apps.example.com", "AAAA", visibility="public")
    ask(SHOP, "n1.shop.apps.internal", "SRV")
    ask(WEB, "_acme-challenge.example.co.uk", "TXT")
    ask(WILD, "*.wild.apps.example.com", visibility="public")
    ask(WILD, "*.deep.wild.apps.example.com", visibility="public")
    ask(OPERATOR, "anything.apps.example.com", "CNAME", visibility="public")
    ask(MANAGER, "example.com", "TXT", visibility="public")
    ask(MANAGER, "apps.example.com", visibility="public")
    ask(MANAGER, "*.example.com", visibility="private")


@pytest.mark.parametrize(
    "caller",
    [
        workload("shop-admin"),
        workload("sho"),
        workload("Shop"),
        workload("shop "),
        workload("shop/dispatch-1"),
        workload("shop", "other"),
        workload("shop", ""),
        workload("shop", "default2"),
        workload("default/shop", ""),
        workload("web"),
        workload("web", task=""),
        workload("web", task="certs2"),
        workload("", ""),
        workload("wild"),
        NOBODY,
        Person("", ""),
        Person("1", "dns"),
        Person("1", "jo", policies=frozenset({"dns2", "DNS", "operators"})),
        Person("1", "jo", roles=frozenset({"dns", "operators2"})),
    ],
)
def test_who_is_not_exactly_named_has_no_rule(caller: Caller) -> None:
    assert "no rule for" in refusal(caller, "shop.apps.internal").message
    assert not may_ask(POLICY, caller)
    assert not may_see(POLICY, caller, POLICY.zones[1], "shop.apps.example.com")


@pytest.mark.parametrize(
    ("caller", "name", "type_", "why", "hint"),
    [
        (SHOP, "shop2.apps.example.com", "A", "names it", 'names = ["shop2.apps.example.com"]'),
        (SHOP, "evilshop.apps.example.com", "A", "names it", "names ="),
        (SHOP, "apps.example.com", "A", "names it", "names ="),
        (SHOP, "shop.apps.example.com", "TXT", "for TXT records", 'types = ["TXT"]'),
        (SHOP, "shop.apps.example.com", "CNAME", "for CNAME records", 'types = ["CNAME"]'),
        (SHOP, "shop.apps.example.com", "NS", "A, AAAA, CNAME, TXT, SRV records only", "None"),
        (SHOP, "*.shop.apps.example.com", "A", "a wildcard needs", 'grant = ["wildcard"]'),
        (SHOP, "*.apps.example.com", "A", "names it", "names ="),
        (WILD, "*.apps.example.com", "A", "names it", "names ="),
        (OPERATOR, "apps.example.com", "A", "names it", "names ="),
        (OPERATOR, "*.apps.example.com", "A", "a wildcard needs", 'grant = ["wildcard"]'),
        (MANAGER, "www.example.co.uk", "A", "names it", "names ="),
        (SHOP, "_toolkit.shop.apps.example.com", "TXT", "owner records", "no part of a name"),
        (SHOP, "SHOP.apps.example.com", "A", "spelled shop.apps.example.com", "None"),
    ],
)
def test_a_refusal_names_what_was_asked_and_what_the_rule_lacks(
    caller: Caller, name: str, type_: str, why: str, hint: str
) -> None:
    zone = zone_for(POLICY, name.lower(), "public")
    with pytest.raises(ForbiddenError) as raised:
        permit(POLICY, caller, zone, Record(name, type_, 60, ("203.0.113.7",)), held=0)
    assert why in raised.value.message
    assert name in raised.value.message
    assert hint in str(raised.value.hint)
    with pytest.raises(ForbiddenError):
        permit_removal(POLICY, caller, zone, name, type_)


def test_a_grant_for_public_zones_is_none_for_private_ones_of_the_same_names() -> None:
    with pytest.raises(ForbiddenError, match="no grant of it is for private zones") as raised:
        ask(SHOP, "shop.apps.example.com", "A", "private")
    assert raised.value.hint == 'zones = ["private"]'


@pytest.mark.parametrize(
    ("name", "special"), [("example.com", "apex"), ("*.theirs.example.com", "wildcard")]
)
def test_whoever_adds_what_is_said_is_not_told_of_something_else_next(
    name: str, special: str
) -> None:
    with pytest.raises(ForbiddenError, match="no grant of its rule names it") as raised:
        ask(SHOP, name, visibility="public")
    assert raised.value.hint == f'names = ["{name}"] with grant = ["{special}"] would'


def test_an_apex_is_granted_by_name_only() -> None:
    plain = policy(KICK.replace('grant = ["apex", "wildcard"]', 'grant = ["wildcard"]').replace(
        'names = ["example.com", ', "names = ["))  # fmt: skip
    ask(MANAGER, "apps.example.com", visibility="private", policy=plain)
    with pytest.raises(ForbiddenError, match="a zone's own name needs a grant of its own"):
        ask(MANAGER, "apps.example.com", visibility="public", policy=plain)


def test_no_more_records_than_a_grant_says() -> None:
    ask(SHOP, "shop.apps.example.com", visibility="public", held=2)
    with pytest.raises(ForbiddenError, match="3 records are held already") as raised:
        ask(SHOP, "shop.apps.example.com", visibility="public", held=3)
    assert "at most 3" in str(raised.value.hint)
    permit_removal(POLICY, SHOP, zone_for(POLICY, "shop.apps.example.com", "public"),
                   "shop.apps.example.com", "A")  # fmt: skip


def test_a_target_of_others_is_refused_though_the_name_is_granted() -> None:
    zone = zone_for(POLICY, "shop.apps.example.com", "public")
    record = Record("shop.apps.example.com", "A", 60, ("8.8.8.8",))
    with pytest.raises(ForbiddenError, match=r"8\.8\.8\.8 is no address of this cluster"):
        permit(POLICY, SHOP, zone, record, held=0)
    permit(POLICY, SHOP, zone, record, held=0, edge={"8.8.8.8"})


@pytest.mark.parametrize(
    "zone",
    [
        Zone("example.com", "public", "route53", "ZPUBLIC"),
        Zone("example.com", "private", "local"),
        Zone("apps.internal", "private", "route53", "ZPRIVATE"),
        Zone("apps.example.com", "public", "route53", "ZOTHER"),
        Zone("com", "public", "route53", "ZCOM"),
    ],
)
def test_a_record_goes_into_its_own_zone_alone(zone: Zone) -> None:
    with pytest.raises(ForbiddenError):
        permit(POLICY, SHOP, zone, Record("shop.apps.example.com", "A", 60, ("203.0.113.7",)),
               held=0)  # fmt: skip


def test_only_people_whose_rule_says_so_overrule_jobs() -> None:
    zone = zone_for(POLICY, "shop.apps.example.com", "public")
    asked = [
        caller
        for caller in EVERYBODY
        if may_overrule(POLICY, caller, zone, "shop.apps.example.com", "A")
    ]
    assert asked == [MANAGER]
    assert not may_overrule(POLICY, MANAGER, POLICY.zones[2], "www.example.co.uk", "A")


def test_who_may_set_a_name_may_see_it() -> None:
    zone = zone_for(POLICY, "shop.apps.example.com", "public")
    seeing = [c for c in EVERYBODY if may_see(POLICY, c, zone, "shop.apps.example.com")]
    assert seeing == [SHOP, OPERATOR, MANAGER]
    assert not may_see(POLICY, SHOP, POLICY.zones[4], "shop.apps.example.com")


def test_messages_bound_what_others_chose() -> None:
    loud = workload("x" * 5000 + "\x1b[31m\n")
    with pytest.raises(ForbiddenError) as raised:
        ask(loud, "shop.apps.internal")
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 300


PARTS = st.sampled_from(
    ["shop", "evilshop", "wild", "a", "*", "_toolkit", "_wildcard", "_http", "apps", "xapps", "web"]
)
TOPS = st.sampled_from(
    ["example.com", "apps.example.com", "shop.apps.example.com", "wild.apps.example.com",
     "example.co.uk", "co.uk", "apps.internal", "shop.apps.internal", "evilexample.com", "internal",
     "_toolkit.shop.apps.example.com"]
)  # fmt: skip
NAMES = st.builds(lambda parts, top: ".".join([*parts, top]), st.lists(PARTS, max_size=3), TOPS)
CALLERS = st.sampled_from(EVERYBODY) | st.builds(
    Workload,
    st.sampled_from(["default", "edge", "defaul", ""]),
    st.sampled_from(["shop", "web", "wild", "shop-admin", ""]),
    st.sampled_from(["", "app", "certs"]),
    st.just("a"),
    st.just(0.0),
)
TYPES = st.sampled_from(["A", "AAAA", "CNAME", "TXT", "SRV", "NS", "SOA", "MX", "CAA", "DS", "a"])


@settings(max_examples=400)
@given(CALLERS, NAMES, TYPES, st.sampled_from(POLICY.zones))
def test_nothing_is_permitted_but_what_the_rules_say(
    caller: Caller, name: str, type_: str, zone: Zone
) -> None:
    expected = allowed(POLICY, caller, zone, name, type_)
    try:
        expected = expected and wanted_name(name) == name
    except BadNameError:
        expected = False
    value = VALUES.get((type_, zone.visibility), "203.0.113.7")
    record = Record(name, type_, 60, (value if type_ != "TXT" else "x",))
    if (type_, zone.visibility) == ("AAAA", "private"):
        record = replace(record, values=("2001:db8::7",))
        expected_set = False  # no target
    else:
        expected_set = expected
    assert says_yes(lambda: permit_removal(POLICY, caller, zone, name, type_)) == expected
    assert says_yes(lambda: permit(POLICY, caller, zone, record, held=0)) == expected_set


def says_yes(question: object) -> bool:
    assert callable(question)
    try:
        question()
    except ForbiddenError:
        return False
    return True
