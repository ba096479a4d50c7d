"""Owner records: what we write is what we read, and nothing else is taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dns.stock import NAME, PEOPLE, SHOP, mark, text, there
from toolkit.dns.ownership import (
    is_owner_name,
    owned_name,
    owner_name,
    owner_record,
    owner_text,
    read_claim,
)
from toolkit.spec.dns import Claim, Owner

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
TYPES = st.sets(st.sampled_from(["A", "AAAA", "CNAME", "SRV", "TXT"]), min_size=1)
JOBS = st.builds(Owner, WORDS, st.just("job"), WORDS, WORDS)
PEOPLES = st.builds(Owner, WORDS, st.just("people"))
CLAIMS = st.builds(lambda owner, types: Claim(owner, tuple(sorted(types))), JOBS | PEOPLES, TYPES)


@given(CLAIMS)
def test_what_we_write_we_read(claim: Claim) -> None:
    said = owner_text(claim)
    assert read_claim(said) == claim
    assert said.isascii() and said.isprintable() and '"' not in said


@given(st.text(max_size=200) | CLAIMS.map(owner_text).map(lambda text: text.replace("job", "Job")))
def test_what_we_read_we_would_write(said: str) -> None:
    claim = read_claim(said)
    assert claim is None or owner_text(claim) == said


@given(CLAIMS, CLAIMS)
def test_two_claims_never_look_the_same(one: Claim, other: Claim) -> None:
    assert (owner_text(one) == owner_text(other)) == (one == other)


def test_how_it_reads() -> None:
    claim = Claim(Owner("prod", "job", "default", "shop, the=2nd"), ("A", "AAAA"))
    assert owner_text(claim) == (
        "heritage=toolkit,cluster=prod,kind=job,namespace=default,job=shop%2C the%3D2nd,"
        "types=A+AAAA"
    )
    assert owner_text(Claim(PEOPLE, ("TXT",))) == (
        "heritage=toolkit,cluster=prod,kind=people,types=TXT"
    )


@pytest.mark.parametrize(
    "said",
    [
        "",
        "v=spf1 -all",
        "heritage=external-dns,external-dns/owner=prod,external-dns/resource=ingress/x/y",
        "heritage=toolkit",
        "heritage=toolkit,cluster=,kind=people,types=A",
        "heritage=toolkit,cluster=prod,kind=robots,types=A",
        "heritage=toolkit,cluster=prod,kind=job,types=A",
        "heritage=toolkit,cluster=prod,kind=people,namespace=x,job=y,types=A",
        "heritage=toolkit,cluster=prod,kind=people,types=",
        "heritage=toolkit,cluster=prod,kind=people,types=A+A",
        "heritage=toolkit,cluster=prod,kind=people,types=TXT+A",
        "heritage=toolkit,cluster=prod,kind=people,types=A,more=1",
        "heritage=toolkit,cluster=prod,kind=people,types=A ",
        "HERITAGE=toolkit,cluster=prod,kind=people,types=A",
        "heritage=toolkit,cluster=pr%6Fd,kind=people,types=A",
        "heritage=toolkit,cluster=%FF,kind=people,types=A",
        "heritage=toolkit,cluster=%,kind=people,types=A",
    ],
)
def test_what_we_did_not_write_is_not_ours(said: str) -> None:
    assert read_claim(said) is None
    assert there(marks=(text(said, name=owner_name(NAME)),)).owner is None


def test_ours_beside_a_stranger_s_text_is_not_ours_alone() -> None:
    ours = mark(SHOP, "A")
    assert there(marks=(ours,)).owner == SHOP
    both = text(*ours.values, "v=spf1 -all", name=ours.name)
    assert there(marks=(both,)).owner is None


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("shop.example.com", "_toolkit.shop.example.com"),
        ("example.com", "_toolkit.example.com"),
        ("*.example.com", "_toolkit._wildcard.example.com"),
        ("_http._tcp.example.com", "_toolkit._http._tcp.example.com"),
    ],
)
def test_where_the_owner_record_is(name: str, at: str) -> None:
    assert owner_name(name) == at
    assert owned_name(at) == name
    assert not is_owner_name(name)
    assert owner_record(name, Claim(SHOP, ("A",))).name == at


@pytest.mark.parametrize(
    "name",
    [
        "_toolkit.example.com",
        "_toolkit._wildcard.example.com",
        "x._toolkit.example.com",
        "*._toolkit.example.com",
        # Its owner record would be where that of `*.example.com` is.
        "_wildcard.example.com",
    ],
)
def test_names_that_are_kept_for_owner_records(name: str) -> None:
    assert is_owner_name(name)
    with pytest.raises(ValueError, match="kept for owner records"):
        owner_name(name)
    assert owned_name(f"_toolkit.{name}") in (None, "*.example.com")


def test_other_names_hold_no_owner_records() -> None:
    assert owned_name("shop.example.com") is None
    assert owned_name("my_toolkit.example.com") is None
    assert not is_owner_name("my_toolkit.example.com")
    assert not is_owner_name("toolkit.example.com")
