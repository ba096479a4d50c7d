"""A change set in words: what happens to each resource, why, and what that does to the cluster.

Pure. What is replaced is made anew under another id, and the old one is deleted or kept. That is
harmless for most resources and the end of a server's data or place for a few: those are warned of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from toolkit.cluster.boot import group_id
from toolkit.cluster.network import slots
from toolkit.spec.cloudformation import Change, Why
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_apply import ChangeRow, ChangeWord
from toolkit.spec.cluster_template import Template

ORDER: tuple[ChangeWord, ...] = (
    "replace", "maybe replace", "remove", "unclear", "change", "take in", "make",
)  # fmt: skip
"""What a reader has to see first."""
GOING: frozenset[ChangeWord] = frozenset({"replace", "maybe replace", "remove"})
"""After these what was there may not be there any more."""

_INTERFACE, _VOLUME = "EC2::NetworkInterface", "EC2::Volume"
_GROUP, _BALANCER = "AutoScaling::AutoScalingGroup", "ElasticLoadBalancingV2::LoadBalancer"
_WHOLE = {"EC2::VPC", "EC2::Subnet"}
_NEW_GROUP = {"AutoScalingGroupName", "InstanceId"}
"""Properties that a group is replaced for. CloudFormation calls others conditional, because of an
update policy by which it replaces machines or the group; ours have none."""


def explain(changes: Iterable[Change], cluster: Cluster) -> tuple[ChangeRow, ...]:
    """Every change as a row, the weightiest first."""
    return _sorted(_row(each, cluster) for each in changes)


def additions(template: Template) -> tuple[ChangeRow, ...]:
    """What making the stack from nothing makes: all of the template."""
    resources = json.loads(template.body)["Resources"]
    return _sorted(
        ChangeRow("make", logical, str(each["Type"]).removeprefix("AWS::"))
        for logical, each in resources.items()
    )


def _row(change: Change, cluster: Cluster) -> ChangeRow:
    kind = change.kind.removeprefix("AWS::")
    word, details = _word(change), change.details
    if word == "maybe replace" and kind == _GROUP and details and not _asks_for_group(details):
        word, details = "change", tuple(replace(each, recreation="") for each in details)
    warning = _warning(word, change.logical, kind, cluster) if word in GOING else ""
    if warning and word == "maybe replace":
        warning = f"if it is replaced: {warning}"
    return ChangeRow(word, change.logical, kind, change.physical, _reasons(details), warning)


def _word(change: Change) -> ChangeWord:
    match change.action, change.replacement:
        case "Add", _:
            return "make"
        case "Remove", _:
            return "remove"
        case "Import", _:
            return "take in"
        case "Modify", "True":
            return "replace"
        case "Modify", "Conditional":
            return "maybe replace"
        case "Modify", _:
            return "change"
        case _:
            return "unclear"


def _asks_for_group(details: Iterable[Why]) -> bool:
    return any(each.property.removeprefix("Properties.") in _NEW_GROUP for each in details)


def _reasons(details: Sequence[Why]) -> tuple[str, ...]:
    """A clause for each cause; the same one twice is one."""
    return tuple(dict.fromkeys(_reason(each) for each in details))


def _reason(why: Why) -> str:
    name = why.property.removeprefix("Properties.") or why.scope.lower() or "it"
    said = f"{name} follows {why.cause}" if why.cause else f"{name} changes"
    if why.recreation == "Always":
        return f"{said}, which takes another one"
    if why.recreation == "Conditionally":
        return f"{said}, which may take another one"
    return said


def _warning(word: ChangeWord, logical: str, kind: str, cluster: Cluster) -> str:
    """What it does to the cluster that this is not what it was any more."""
    slot = _slot_of(logical, cluster)
    if slot and kind == _INTERFACE:
        return (
            f"{slot} loses its network interface, which its machine cannot go on without,"
            " and its place among the servers"
        )
    if slot and kind == _VOLUME:
        rest = "" if word == "remove" else ", and an empty one takes its place"
        return f"{slot} loses its data volume, which is kept outside of the stack{rest}"
    if slot and kind == _GROUP:
        return (
            f"{slot}'s machine goes at once, whatever the other servers do: two such at a time"
            " end the quorum"
        )
    pool = next((each for each in cluster.all_pools if group_id(each.name) == logical), None)
    if kind == _GROUP:
        whose = f"the pool {pool.name}" if pool else "a pool that is not in the file any more"
        return f"all machines of {whose} go at once"
    if kind == _BALANCER:
        return "requests from the world end until the names lead to the new balancer"
    if kind in _WHOLE:
        return "every machine in it is replaced too"
    return ""


def _slot_of(logical: str, cluster: Cluster) -> str:
    """`server-1` for the parts of its slot; empty for all else."""
    for slot in slots(cluster):
        if logical in {group_id(slot.name), f"Eni{slot.number}", f"Data{slot.number}"}:
            return slot.name
    return ""


def _sorted(rows: Iterable[ChangeRow]) -> tuple[ChangeRow, ...]:
    return tuple(sorted(rows, key=lambda each: (ORDER.index(each.word), each.logical)))
