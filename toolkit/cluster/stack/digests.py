"""Which machines run an earlier configuration than their group would start now: pure.

A stack's update changes launch templates and the tag with their digest on the groups; machines keep
the tag that they were started with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from toolkit.cluster.stack.changes import GOING
from toolkit.cluster.template.forms import DIGEST_TAG, POOL_TAG, SLOT_TAG
from toolkit.spec.aws import GroupView, InstanceView
from toolkit.spec.cluster_apply import ChangeRow, EarlierRow
from toolkit.spec.cluster_template import Template

Tags = Mapping[str, str]
_GROUP = "AWS::AutoScaling::AutoScalingGroup"


def earlier(
    groups: Iterable[GroupView], instances: Iterable[InstanceView]
) -> tuple[EarlierRow, ...]:
    """The machines whose digest is not their group's, servers first; going ones do not count."""
    return _unlike({group.name: group.tags for group in groups}, instances)


def earlier_then(
    template: Template, changes: Iterable[ChangeRow], instances: Iterable[InstanceView]
) -> tuple[EarlierRow, ...]:
    """The same once the stack is as the template says; groups that are replaced have none."""
    going = {row.logical for row in changes if row.word in GOING}
    tags = {
        str(each["Properties"]["AutoScalingGroupName"]): {
            str(tag["Key"]): str(tag["Value"]) for tag in each["Properties"].get("Tags", ())
        }
        for logical, each in json.loads(template.body)["Resources"].items()
        if each["Type"] == _GROUP and logical not in going
    }
    return _unlike(tags, instances)


def _unlike(tags: Mapping[str, Tags], instances: Iterable[InstanceView]) -> tuple[EarlierRow, ...]:
    rows = []
    for each in instances:
        wanted = tags.get(each.group, {}).get(DIGEST_TAG)
        if each.state not in {"pending", "running"} or wanted is None:
            continue
        if each.tags.get(DIGEST_TAG) != wanted:
            own = tags[each.group]
            slot, pool = own.get(SLOT_TAG, ""), own.get(POOL_TAG, "")
            rows.append((not slot, EarlierRow(each.id, slot or pool or each.group)))
    return tuple(row for _, row in sorted(rows, key=lambda pair: (pair[0], pair[1].name)))
