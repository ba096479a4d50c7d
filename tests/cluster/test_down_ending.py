"""What of a cluster goes, what must not, and what is said of what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster import templates
from toolkit.cluster.ending import (
    Holdings,
    is_ours,
    not_ours,
    question,
    squatters,
    strangers,
    stuck,
    unaccounted,
)
from toolkit.cluster.network import hosts
from toolkit.spec.aws import InterfaceView, KeyView, Tagged, VolumeView, ZoneRecord
from toolkit.spec.cloudformation import StackResource, StackView

CLUSTER = templates.cluster()
STACK = StackView("arn:1", CLUSTER.name, "CREATE_COMPLETE", tags={"toolkit:cluster": CLUSTER.name})
VOLUME = VolumeView("vol-1", "available", "eu-west-1a", 20, encrypted=True)
KEY = KeyView("k", "arn:k", "Enabled")


def record(name: str, type_: str, identifier: str = "") -> ZoneRecord:
    """A record of the private zone."""
    return ZoneRecord(name, type_, identifier, ("x",), alias=False, raw={})


def failed(
    logical: str, kind: str, reason: str = "", status: str = "DELETE_FAILED"
) -> StackResource:
    """A resource that could not be deleted."""
    return StackResource(logical, f"id-{logical}", f"AWS::{kind}", status, reason)


def test_the_question_names_all_that_goes() -> None:
    has = Holdings(STACK, 7, (VOLUME, VOLUME, VOLUME), 21, KEY, ("a.example.com",))
    asked = question(CLUSTER, "123456789012", has, keep_data=False)
    assert asked == (
        f"destroy the cluster {CLUSTER.name} in eu-west-1, account 123456789012, for good: the"
        f" stack {CLUSTER.name} (CREATE_COMPLETE) and all that it made, 7 machines with all that"
        " runs there, 1 public name of its jobs (a.example.com), 3 data volumes with all that"
        " Nomad and Consul know, 21 secrets and their key?"
    )


def test_the_question_spells_out_names_as_far_as_one_reads() -> None:
    names = tuple(f"{each}.example.com" for each in "abcdefg")
    asked = question(CLUSTER, "123456789012", Holdings(names=names), keep_data=True)
    assert "7 public names of its jobs (a.example.com, b.example.com," in asked
    assert "e.example.com and 2 more)" in asked


def test_the_question_promises_what_is_kept() -> None:
    has = Holdings(STACK, 1, (VOLUME,), 21, KEY)
    asked = question(CLUSTER, "123456789012", has, keep_data=True)
    assert "data volume with" not in asked
    assert "21" not in asked
    assert asked.endswith(
        "1 machine with all that runs there, but its data volumes, secrets and key?"
    )


@pytest.mark.parametrize(
    ("has", "runs", "data"),
    [
        (Holdings(), False, False),
        (Holdings(STACK), True, False),
        (Holdings(machines=1), True, False),
        (Holdings(names=("a.example.com",)), True, False),
        (Holdings(volumes=(VOLUME,)), False, True),
        (Holdings(secrets=1), False, True),
        (Holdings(key=KEY), False, True),
    ],
)
def test_whatever_there_is_of_a_cluster_is_something(has: Holdings, runs: bool, data: bool) -> None:
    assert (has.runs, has.has_data) == (runs, data)


def test_a_private_zone_loses_all_but_what_the_stack_deletes_itself() -> None:
    domain, server = CLUSTER.private_domain, next(iter(hosts(CLUSTER)))
    own = [record(domain, "NS"), record(domain, "SOA"), record(server, "A")]
    others = [
        record(domain, "A"),
        record(domain, "TXT"),
        record(f"sub.{domain}", "NS"),
        record(server, "AAAA"),
        record(server, "A", "blue"),
        record(f"shop.{domain}", "CNAME"),
        record(f"*.{domain}", "SRV"),
    ]
    assert strangers(CLUSTER, [*own, *others]) == tuple(others)


def test_what_is_in_the_way_is_named_before_what_waits_for_it() -> None:
    left = stuck(
        CLUSTER,
        [
            failed("Vpc", "EC2::VPC", "The vpc has dependencies and cannot be deleted."),
            failed("PrivateSubnetA", "EC2::Subnet"),
            failed("Zone", "Route53::HostedZone", "The specified hosted zone contains records."),
            failed("Data1", "EC2::Volume", "Volume is in use"),
            failed("Edge", "ElasticLoadBalancingV2::LoadBalancer", status="DELETE_COMPLETE"),
        ],
    )
    assert [each.name for each in left] == [
        "Data1 (id-Data1)", "Zone (id-Zone)", "PrivateSubnetA (id-PrivateSubnetA)", "Vpc (id-Vpc)",
    ]  # fmt: skip
    why = {each.kind: (each.why, each.advice) for each in left}
    assert why["EC2::Volume"][0] == "it is attached to a machine · Volume is in use"
    assert "aws ec2 detach-volume --volume-id id-Data1" in why["EC2::Volume"][1]
    assert why["Route53::HostedZone"][0] == (
        "it has records that the stack did not make · The specified hosted zone contains records"
    )
    assert "did not make is in it" in why["EC2::Subnet"][0]
    assert "Name=subnet-id,Values=id-PrivateSubnetA" in why["EC2::Subnet"][1]
    assert all(each.advice.endswith(f"toolkit cluster down {CLUSTER.name}") for each in left)


def test_a_resource_of_a_kind_without_advice_says_what_aws_said() -> None:
    (left,) = stuck(CLUSTER, [failed("Notices", "SQS::Queue", "Access denied.")])
    assert (left.why, left.advice) == ("Access denied", f"toolkit cluster down {CLUSTER.name}")


def test_interfaces_of_others_in_the_clusters_network_are_named() -> None:
    resources = [failed("PrivateSubnetA", "EC2::Subnet"), failed("Eni1", "EC2::NetworkInterface")]
    found = [
        InterfaceView("id-Eni1", "available", "10.42.0.11"),
        InterfaceView("eni-lambda", "in-use", "10.42.0.99", "AWS Lambda VPC ENI-x"),
        InterfaceView("eni-db", "in-use", "10.42.0.98", attached="i-7"),
    ]
    left = squatters(CLUSTER, found, resources)
    assert [(each.name, each.why) for each in left] == [
        ("eni-lambda", "somebody else's, in the cluster's network · AWS Lambda VPC ENI-x"),
        ("eni-db", "somebody else's, in the cluster's network · at i-7"),
    ]


def test_a_stack_is_ours_by_its_tag_and_not_by_its_name() -> None:
    assert is_ours(STACK, CLUSTER)
    for tags in ({}, {"toolkit:cluster": "other"}, {"Toolkit:Cluster": CLUSTER.name}):
        other = replace(STACK, tags=tags)
        assert not is_ours(other, CLUSTER)
        assert f"toolkit:cluster = {CLUSTER.name}" in not_ours(other, CLUSTER).message


def test_only_what_was_to_be_kept_is_accounted_for() -> None:
    listed = [
        Tagged("ec2:volume", "vol-1", "available"),
        Tagged("ec2:volume", "vol-2", "in-use"),
        Tagged("iam:role", "prod-x"),
    ]
    left = unaccounted(listed, kept=["vol-1"])
    assert [(each.kind, each.name, each.why) for each in left] == [
        ("ec2:volume", "vol-2", "it is in-use"),
        ("iam:role", "prod-x", ""),
    ]
