"""Machines of an earlier configuration are told by what they were started with."""

from __future__ import annotations

import json

from tests.cluster import templates
from toolkit.cluster.stack.digests import earlier, earlier_then
from toolkit.cluster.template import render_template
from toolkit.spec.aws import GroupView, InstanceView
from toolkit.spec.cluster_apply import ChangeRow, EarlierRow

SERVER = {"toolkit:slot": "server-1", "toolkit:digest": "new"}
POOL = {"toolkit:pool": "worker", "toolkit:digest": "new"}
GROUPS = (
    GroupView("prod-pool-worker", 2, 1, 3, (), POOL),
    GroupView("prod-server-1", 1, 0, 1, (), SERVER),
)


def machine(name: str, group: str, digest: str, state: str = "running") -> InstanceView:
    tags = {"aws:autoscaling:groupName": group}
    if digest:
        tags["toolkit:digest"] = digest
    return InstanceView(name, state, "t3.small", "eu-west-1a", "10.0.0.1", tags=tags)


def test_only_those_whose_digest_is_not_their_groups() -> None:
    found = earlier(
        GROUPS,
        [
            machine("i-1", "prod-pool-worker", "old"),
            machine("i-2", "prod-pool-worker", "new"),
            machine("i-3", "prod-server-1", "old"),
            machine("i-4", "prod-pool-worker", "old", "shutting-down"),
            machine("i-5", "another", "old"),
            machine("i-6", "prod-server-1", ""),
        ],
    )
    servers = (EarlierRow("i-3", "server-1"), EarlierRow("i-6", "server-1"))
    assert found == (*servers, EarlierRow("i-1", "worker"))


def test_a_group_without_a_digest_has_no_earlier_machines() -> None:
    group = GroupView("prod-bastion", 1, 1, 1, (), {})
    assert earlier([group], [machine("i-1", "prod-bastion", "")]) == ()


def test_what_a_change_leaves_is_told_by_the_template_it_would_have() -> None:
    template = render_template(templates.cluster())
    groups = {
        str(each["Properties"]["AutoScalingGroupName"]): {
            tag["Key"]: tag["Value"] for tag in each["Properties"]["Tags"]
        }["toolkit:digest"]
        for each in json.loads(template.body)["Resources"].values()
        if each["Type"].endswith("AutoScalingGroup")
    }
    there = [machine(f"i-{name}", name, digest) for name, digest in groups.items()]
    assert earlier_then(template, (), there) == ()
    old = [machine(each.id, each.group, "old") for each in there]
    assert len(earlier_then(template, (), old)) == len(groups)
    replaced = ChangeRow("replace", "Server2", "AutoScaling::AutoScalingGroup")
    changed = ChangeRow("change", "Server1", "AutoScaling::AutoScalingGroup")
    names = [each.name for each in earlier_then(template, (replaced, changed), old)]
    assert names[:2] == ["server-1", "server-3"]
    assert len(names) == len(groups) - 1
