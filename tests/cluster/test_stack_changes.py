"""Change sets in words: what, why, and a warning where a server would lose what it keeps."""

from __future__ import annotations

import pytest

from tests.cluster.machines import cluster
from toolkit.cluster.stack.changes import additions, explain
from toolkit.cluster.template import render_template
from toolkit.spec.cloudformation import Change, Why
from toolkit.spec.cluster_apply import ChangeRow

CLUSTER = cluster()


def one(change: Change) -> ChangeRow:
    (row,) = explain([change], CLUSTER)
    return row


def modify(logical: str, kind: str, replacement: str, *why: Why) -> Change:
    return Change("Modify", logical, f"AWS::{kind}", "id-1", replacement, why)


@pytest.mark.parametrize(
    ("action", "replacement", "word"),
    [
        ("Add", "", "make"),
        ("Remove", "", "remove"),
        ("Import", "", "take in"),
        ("Modify", "False", "change"),
        ("Modify", "", "change"),
        ("Modify", "Conditional", "maybe replace"),
        ("Modify", "True", "replace"),
        ("Dynamic", "", "unclear"),
        ("SyncWithActual", "", "unclear"),
        ("", "", "unclear"),
    ],
)
def test_every_action_has_its_word(action: str, replacement: str, word: str) -> None:
    row = one(Change(action, "Queue", "AWS::SQS::Queue", "q", replacement))
    assert (row.word, row.kind, row.physical) == (word, "SQS::Queue", "q")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Why("Properties.MinSize", "DirectModification", "Never"), "MinSize changes"),
        (
            Why("Properties.Size", "DirectModification", "Always"),
            "Size changes, which takes another one",
        ),
        (
            Why("Properties.X", "DirectModification", "Conditionally"),
            "X changes, which may take another one",
        ),
        (
            Why("Properties.LaunchTemplate", "ResourceAttribute", "Never", "Lt.LatestVersion"),
            "LaunchTemplate follows Lt.LatestVersion",
        ),
        (Why("", "DirectModification", "", "", "Tags"), "tags changes"),
        (Why("", "Automatic"), "it changes"),
    ],
)
def test_a_reason_names_its_property_and_what_it_takes(why: Why, said: str) -> None:
    assert one(modify("X", "SQS::Queue", "False", why, why)).reasons == (said,)


@pytest.mark.parametrize(
    ("logical", "kind", "told"),
    [
        ("Eni1", "EC2::NetworkInterface", "server-1 loses its network interface"),
        ("Data2", "EC2::Volume", "server-2 loses its data volume"),
        ("Server3", "AutoScaling::AutoScalingGroup", "server-3's machine goes at once"),
        ("PoolFrontend", "AutoScaling::AutoScalingGroup", "all machines of the pool frontend"),
        ("PoolGone", "AutoScaling::AutoScalingGroup", "a pool that is not in the file any more"),
        ("Edge", "ElasticLoadBalancingV2::LoadBalancer", "requests from the world end"),
        ("Vpc", "EC2::VPC", "every machine in it is replaced too"),
        ("PrivateSubnetA", "EC2::Subnet", "every machine in it is replaced too"),
    ],
)
def test_what_cannot_be_had_again_is_warned_of(logical: str, kind: str, told: str) -> None:
    replaced = one(modify(logical, kind, "True"))
    assert told in replaced.warning
    assert told in one(Change("Remove", logical, f"AWS::{kind}", "id-1")).warning
    perhaps = one(modify(logical, kind, "Conditional"))
    assert perhaps.warning == f"if it is replaced: {replaced.warning}"
    assert one(modify(logical, kind, "False")).warning == ""
    assert one(Change("Add", logical, f"AWS::{kind}")).warning == ""


def test_another_launch_template_replaces_no_group() -> None:
    """CloudFormation calls it conditional: a group with an update policy would replace machines."""
    follows = Why("Properties.LaunchTemplate", "ResourceAttribute", "Conditionally", "Lt.Latest")
    row = one(modify("Server1", "AutoScaling::AutoScalingGroup", "Conditional", follows))
    assert (row.word, row.warning) == ("change", "")
    assert row.reasons == ("LaunchTemplate follows Lt.Latest",)


def test_another_name_replaces_a_group() -> None:
    name = Why("Properties.AutoScalingGroupName", "DirectModification", "Conditionally")
    row = one(modify("Server1", "AutoScaling::AutoScalingGroup", "Conditional", name))
    assert row.word == "maybe replace"
    assert row.warning


@pytest.mark.parametrize(
    ("logical", "kind"),
    [
        ("ServerLt1", "EC2::LaunchTemplate"),
        ("BootServer", "SSM::Parameter"),
        ("SgServer", "EC2::SecurityGroup"),
        ("Data9", "EC2::Volume"),
    ],
)
def test_what_nobody_notices_is_not_warned_of(logical: str, kind: str) -> None:
    assert one(modify(logical, kind, "True")).warning == ""


def test_the_weightiest_come_first() -> None:
    rows = explain(
        [
            Change("Add", "A", "AWS::X::Y"),
            modify("B", "X::Y", "False"),
            Change("Remove", "C", "AWS::X::Y"),
            modify("E", "X::Y", "True"),
            modify("D", "X::Y", "True"),
        ],
        CLUSTER,
    )
    assert [row.logical for row in rows] == ["D", "E", "C", "B", "A"]


def test_a_stack_from_nothing_is_all_of_its_template() -> None:
    template = render_template(CLUSTER)
    rows = additions(template)
    assert len(rows) == template.resources
    assert {row.word for row in rows} == {"make"}
    assert ChangeRow("make", "Data1", "EC2::Volume") in rows


def test_every_servers_parts_are_known_by_their_logical_ids() -> None:
    """A template that renames them must not lose the warnings."""
    resources = {row.logical: row.kind for row in additions(render_template(CLUSTER))}
    for number in (1, 2, 3):
        for logical in (f"Eni{number}", f"Data{number}", f"Server{number}"):
            change = Change("Remove", logical, f"AWS::{resources[logical]}", "id")
            assert f"server-{number}" in one(change).warning
    for pool in CLUSTER.all_pools:
        groups = [name for name in resources if name.startswith("Pool")]
        warned = {one(Change("Remove", name, f"AWS::{resources[name]}")).warning for name in groups}
        assert f"all machines of the pool {pool.name} go at once" in warned
