"""Which machines run an earlier configuration than their group would start now: pure.

A stack's update changes launch templates and the tag with their digest on the groups; machines keep
the tag that they were started with.
"""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.cluster.template.forms import DIGEST_TAG, POOL_TAG, SLOT_TAG
from toolkit.spec.aws import GroupView, InstanceView
from toolkit.spec.cluster_apply import EarlierRow


def earlier(
    groups: Iterable[GroupView], instances: Iterable[InstanceView]
) -> tuple[EarlierRow, ...]:
    """The machines whose digest is not their group's, servers first; going ones do not count."""
    tags = {group.name: group.tags for group in groups}
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
