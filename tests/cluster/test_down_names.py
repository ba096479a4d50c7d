"""Which names of a zone are the cluster's to delete: by the owner record beside them, exactly."""

from __future__ import annotations

import pytest

from toolkit.dns.ownership import owner_record
from toolkit.spec.dns import Alias, Claim, Owner, Record
from toolkit.workflows.cluster.down.names import Owned, owned

MINE = Owner("prod", "job", "default", "shop")


def a(name: str, type_: str = "A") -> Record:
    """A record at a name."""
    return Record(name, type_, 60, ("203.0.113.7",))


def mark(name: str, owner: Owner = MINE, types: str = "A") -> Record:
    """The owner record of a name."""
    return owner_record(name, Claim(owner, tuple(types.split())))


@pytest.mark.parametrize(
    "other",
    [
        mark("shop.example.com", Owner("prod2", "job", "default", "shop")),
        mark("shop.example.com", Owner("pro", "people")),
        Record("_toolkit.shop.example.com", "TXT", 300, ("heritage=toolkit,cluster=prod",)),
        Record("_toolkit.shop.example.com", "TXT", 300, ("heritage=external-dns,cluster=prod",)),
        Record(
            "_toolkit.shop.example.com",
            "TXT",
            300,
            (mark("x").values[0], mark("x", Owner("b", "people")).values[0]),
        ),
        Record("_toolkit.shop.example.com", "A", 300, mark("x").values),
        Record("shop.example.com", "TXT", 300, mark("x").values),
    ],
    ids=["longer", "shorter", "half", "another tool", "two owners", "another type", "elsewhere"],
)
def test_what_no_owner_record_says_is_the_clusters_is_nobodys_to_delete(other: Record) -> None:
    assert owned([a("shop.example.com"), other], "prod") == ()


def test_types_that_are_not_claimed_stay_at_the_name() -> None:
    records = [a("shop.example.com"), a("shop.example.com", "MX"), mark("shop.example.com")]
    assert owned(records, "prod") == (
        Owned("shop.example.com", (records[0], records[2])),
    )  # fmt: skip


def test_the_owner_record_comes_last_and_goes_alone_when_nothing_is_left_beside_it() -> None:
    alone = mark("gone.example.com", types="A AAAA")
    assert owned([alone], "prod") == (Owned("gone.example.com", (alone,)),)


def test_jobs_and_people_of_the_cluster_wildcards_and_aliases_are_all_its_own() -> None:
    alias = Record("shop.example.com", "A", None, alias=Alias("lb.example.com", "Z1"))
    star = a("*.shop.example.com", "CNAME")
    records = [
        alias,
        mark("shop.example.com"),
        star,
        mark("*.shop.example.com", Owner("prod", "people"), "CNAME"),
    ]
    assert [each.name for each in owned(records, "prod")] == [
        "shop.example.com", "*.shop.example.com",
    ]  # fmt: skip
    assert [each.records for each in owned(records, "prod")] == [
        (alias, records[1]), (star, records[3]),
    ]  # fmt: skip


def test_a_routed_record_of_somebody_else_is_no_record_of_the_claimed_type() -> None:
    routed = Record("shop.example.com", "A (weighted: blue)", 60, ("203.0.113.7",))
    (found,) = owned([routed, mark("shop.example.com")], "prod")
    assert routed not in found.records
