"""What the cluster needs beside what others use, against what the account may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from tests.cluster.preflighting import found, full, only, well
from toolkit.cluster.preflight.quotas import (
    ADDRESSES,
    INTERFACES,
    STANDARD,
    VCPUS,
    VPCS,
    address_need,
    class_of,
    interface_need,
    machine_needs,
)
from toolkit.spec.cluster import Nat
from toolkit.spec.preflight import Unseen

FILE = full()
"""3 servers, control, 2 to 3 in front, a bastion; 1 to 20 workers, four fifths of them spot."""
ON_DEMAND, SPOT = VCPUS[STANDARD, False], VCPUS[STANDARD, True]
DENIED = Unseen("servicequotas:GetServiceQuota is denied", "the right is needed")


def quotas(**others: float | Unseen) -> dict[str, float | Unseen]:
    """Well, but for these; `_` for `-`."""
    changed = {code.replace("_", "-"): limit for code, limit in others.items()}
    return {**well(FILE).quotas, **changed}


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("t3.medium", STANDARD), ("m7gd.xlarge", STANDARD), ("im4gn.large", STANDARD),
        ("is4gen.large", STANDARD), ("z1d.large", STANDARD), ("d3en.xlarge", STANDARD),
        ("g5.xlarge", "g"), ("gr6.4xlarge", "g"), ("vt1.3xlarge", "g"), ("p4d.24xlarge", "p"),
        ("inf2.xlarge", "inf"), ("trn1.2xlarge", "trn"), ("dl1.24xlarge", "dl"), ("f1.large", "f"),
        ("x2gd.large", "x"), ("hpc7g.4xlarge", "hpc"), ("u7i-6tb.112xlarge", "u"), ("t", STANDARD),
    ],
)  # fmt: skip
def test_a_type_counts_against_the_quota_of_its_class(type_: str, name: str) -> None:
    assert class_of(type_) == name


def test_machines_are_counted_with_their_spot_share() -> None:
    vcpus = {"m7g.large": 2, "t4g.small": 2, "t3.small": 2, "m7gd.xlarge": 4, "t4g.nano": 2}
    # On demand 6 + 2 + 2x2 + 2, and of the workers at least one, at most a fifth of twenty.
    assert machine_needs(FILE.cluster, vcpus) == {
        (STANDARD, False): (6 + 2 + 4 + 2 + 4, 6 + 2 + 6 + 2 + 16),
        (STANDARD, True): (0, 64),
    }


@pytest.mark.parametrize(
    ("others", "limit", "kind"),
    [
        (0, 1000.0, ""), (0, 24.0, ""), (3, 30.0, ""), (3, 29.0, "warns"), (0, 16.0, "warns"),
        (1, 16.0, "stops"), (0, 15.0, "stops"), (0, 0.0, "stops"), (900, 900.0, "stops"),
    ],
)  # fmt: skip
def test_vcpus(others: int, limit: float, kind: str) -> None:
    """Of types that all have two: 8 machines on demand at least, 12 at most."""
    used = {(STANDARD, False): others * 2}
    findings = found(FILE, vcpus=used, quotas=quotas(L_1216C47A=limit))
    assert [each.kind for each in findings] == [kind] * bool(kind)


def test_what_is_missing_is_said_with_what_to_ask_for() -> None:
    finding = only(FILE, addresses=3)
    assert (finding.kind, finding.key) == ("stops", "network.nat")
    assert finding.message == (
        "the quota of Elastic IP addresses in eu-west-1 is 5, 3 used by others: the cluster needs 4"
    )
    assert finding.hint == (
        "aws service-quotas request-service-quota-increase --region eu-west-1"
        " --service-code ec2 --quota-code L-0263D0A3 --desired-value 7"
    )


def test_a_pool_that_cannot_grow_is_said_with_both_numbers() -> None:
    finding = only(FILE, quotas=quotas(L_34B43A08=8))
    assert finding.kind == "warns"
    assert finding.message == (
        "the quota of vCPUs of standard spot machines in eu-west-1 is 8, 0 used by others:"
        " the cluster starts with 0, and cannot grow to 32"
    )


@pytest.mark.parametrize(
    ("nat", "kind", "count"),
    [("none", "alb", 0), ("single", "alb", 1), ("per-az", "alb", 4), ("single", "nlb", 5),
     ("none", "nlb", 4), ("per-az", "nlb", 8)],
)  # fmt: skip
def test_addresses_of_nat_and_balancer(nat: Nat, kind: Literal["alb", "nlb"], count: int) -> None:
    cluster = FILE.cluster
    shape = replace(cluster, nat=nat, edge=replace(cluster.edge, kind=kind))
    assert address_need(shape).most == count


def test_interfaces_of_everything() -> None:
    # 3 servers, 4 NAT gateways, a balancer in 4 zones; control, bastion; 2 to 3, 1 to 20.
    need = interface_need(FILE.cluster)
    assert (need.least, need.most) == (3 + 4 + 4 + 2 + 3, 3 + 4 + 4 + 2 + 23)


def test_a_vpc_too_many_stops() -> None:
    finding = only(FILE, vpcs=5)
    assert (finding.kind, finding.key) == ("stops", None)
    assert "5 used by others: the cluster needs 1" in finding.message


@pytest.mark.parametrize("code", [ON_DEMAND.code, SPOT.code])
def test_a_quota_that_nobody_may_read_is_not_known_and_not_fine(code: str) -> None:
    finding = only(FILE, quotas={**well(FILE).quotas, code: DENIED})
    assert finding.kind == "unchecked"
    assert finding.hint == "the right is needed"
    assert finding.message.endswith("could not be checked: servicequotas:GetServiceQuota is denied")


@pytest.mark.parametrize(
    ("answer", "used", "code", "kinds"),
    [
        ("vpcs", 4, VPCS.code, []), ("vpcs", 5, VPCS.code, ["unchecked"]),
        ("addresses", 1, ADDRESSES.code, []), ("addresses", 2, ADDRESSES.code, ["unchecked"]),
        ("interfaces", 4900, INTERFACES.code, []),
        ("interfaces", 4990, INTERFACES.code, ["unchecked"]),
    ],
)  # fmt: skip
def test_what_every_account_has_needs_no_reading(
    answer: str, used: int, code: str, kinds: list[str]
) -> None:
    findings = found(FILE, **{answer: used, "quotas": {**well(FILE).quotas, code: DENIED}})
    assert [each.kind for each in findings] == kinds


@pytest.mark.parametrize("answer", ["vcpus", "addresses", "vpcs", "interfaces"])
def test_use_that_nobody_may_read_is_not_known(answer: str) -> None:
    findings = found(FILE, **{answer: Unseen("ec2:DescribeX is denied")})
    assert {each.kind for each in findings} == {"unchecked"}
    assert all(each.message.startswith("how many ") for each in findings)


@pytest.mark.parametrize(
    ("type_", "spot", "said"),
    [("hpc7a.12xlarge", 0, "the quota of machines of family hpc could not"),
     ("p5.48xlarge", 100, "the quota of spot machines of family p could not")],
)  # fmt: skip
def test_a_family_whose_quota_we_do_not_know_is_said(type_: str, spot: int, said: str) -> None:
    pool: dict[str, Any] = {"type": type_, "min": 1, "max": 1, "spot": spot}
    file = full("pools.worker", pool)
    finding = only(file)
    assert finding.kind == "unchecked"
    assert finding.message.startswith(said)


def test_without_the_types_the_quotas_of_machines_are_not_known_either() -> None:
    findings = found(FILE, types=Unseen("ec2:DescribeInstanceTypes is denied"))
    assert [(each.kind, each.about) for each in findings] == [
        ("unchecked", "types"),
        ("unchecked", "quota"),
    ]


def test_codes_are_those_of_one_quota_each() -> None:
    codes = [quota.code for quota in (*VCPUS.values(), ADDRESSES, VPCS, INTERFACES)]
    assert len(set(codes)) == len(codes)
