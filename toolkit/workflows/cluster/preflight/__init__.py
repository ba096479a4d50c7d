"""What AWS says before anything is made: every finding at once, within a number of calls.

Questions are asked in the order of what fails most often and costs most to find out late. One that
AWS does not answer is a finding; one that there is no call left for is said to be unasked. What an
answer means is judged in `toolkit.cluster.preflight`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from toolkit.cluster.preflight import judge
from toolkit.cluster.template.forms import CLUSTER_TAG
from toolkit.config.clusterfile import ClusterFile
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Preflight, Seen
from toolkit.workflows.cluster.preflight.asking import Asking
from toolkit.workflows.cluster.preflight.machines import (
    ask_addresses,
    ask_images,
    ask_interfaces,
    ask_machines,
    ask_types,
    ask_vpcs,
    ask_zones,
)
from toolkit.workflows.cluster.preflight.names import (
    ask_boundary,
    ask_certificate,
    ask_domain,
    ask_groups,
    ask_key,
    ask_records,
    ask_roles,
)

if TYPE_CHECKING:
    from toolkit.clients.aws.cloud import Cloud
    from toolkit.spec.cloudformation import StackView

EMPTY = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"})
"""What a stack says that has nothing yet, or nothing any more."""
NEW = (
    ask_zones, ask_types, ask_domain, ask_certificate, ask_boundary, ask_addresses, ask_vpcs,
    ask_machines, ask_images, ask_records, ask_key, ask_groups, ask_roles, ask_interfaces,
)  # fmt: skip
"""Questions where there is no stack, those first that matter most."""
OLD = (
    ask_zones, ask_types, ask_machines, ask_images, ask_certificate, ask_domain, ask_records,
    ask_addresses, ask_boundary, ask_key, ask_groups,
)  # fmt: skip
"""And where there is one: of interfaces its own cannot be told from others'."""


def preflight(
    file: ClusterFile,
    cloud: Cloud,
    stack: StackView | None,
    *,
    now: float,
    calls: int | None = None,
) -> Preflight:
    """What would fail, what may, and what nobody could say; reads only.

    `stack`: the one of the cluster's name, None where there is none. `now`: seconds since the
    epoch. `calls`: at most so many requests (pages of very long lists apart); what there was none
    left for is in `unasked`. None: everything is asked. ApiError when the credentials cannot be
    used or AWS is not reached at all; RefusedError when they are of another account.
    """
    account = cloud.identity().account
    asking = Asking(cloud, calls)
    seen = Seen(account, stack=_whose(stack, file.cluster))
    for question in OLD if seen.stack == "ours" else NEW:
        seen = question(file.cluster, asking, seen)
    unasked = tuple(dict.fromkeys(asking.unasked))
    return Preflight(
        account=account,
        region=cloud.region,
        findings=judge(file, seen, now=now),
        checked=tuple(each for each in dict.fromkeys(asking.checked) if each not in unasked),
        unasked=unasked,
    )


def _whose(stack: StackView | None, cluster: Cluster) -> Literal["none", "ours", "others"]:
    # What is empty has no tags yet: `is_our_draft` tells whose it is, before anybody asks here.
    if stack is None or stack.status in {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}:
        return "none"
    if stack.tags.get(CLUSTER_TAG) != cluster.name:
        return "others"
    return "none" if stack.status in EMPTY else "ours"
