"""`distinct_hosts` and `distinct_property`: what a node's neighbours decide; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from toolkit.rollout.fit.facts import (
    ATTRIBUTES_UNREAD,
    AllocationFacts,
    GroupFacts,
    JobFacts,
    NodeFacts,
    Rule,
)
from toolkit.rollout.fit.interpolate import Value, resolve
from toolkit.rollout.fit.room import YES
from toolkit.spec.fit import Cell

_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


@dataclass(frozen=True, slots=True)
class Property:
    """One `distinct_property`, and how often each value is used already."""

    rule: Rule
    limit: int | None
    """None: not a number, so nothing fits."""
    used: Mapping[str, int]
    whole_job: bool

    def left_at(self, node: NodeFacts) -> int:
        """How many more may go where the node's value is."""
        value = resolve(self.rule.left, node)
        if self.limit is None or not value.found or not self.rule.left:
            return 0
        return max(0, self.limit - self.used.get(value.text, 0))


def on_hosts(rules: Iterable[Rule]) -> bool:
    """Whether the first `distinct_hosts` of the rules is on."""
    first = next((rule for rule in rules if rule.operator == "distinct_hosts"), None)
    return first is not None and first.right not in _FALSE


def hosts_limit(job: JobFacts, group: GroupFacts) -> str | None:
    """`job` or `group` when two of them may not share a node; None when they may."""
    if on_hosts(job.constraints):
        return "job"
    return "group" if on_hosts(own(group)) else None


def own(group: GroupFacts) -> tuple[Rule, ...]:
    """The rules of a group in which Nomad looks for distinct ones."""
    return group.constraints


def hosts_cell(limit: str, same_job: int, same_group: int) -> Cell:
    """Whether the node is free of the job's or the group's instances."""
    number = same_job if limit == "job" else same_group
    if not number:
        return YES
    return Cell("no", f"already runs {'the job' if limit == 'job' else 'the group'}", 1.5)


def properties(
    job: JobFacts,
    group: GroupFacts,
    nodes: Mapping[str, NodeFacts],
    allocations: Iterable[AllocationFacts],
    *,
    leaving: Collection[str] = (),
) -> tuple[Property, ...]:
    """Every `distinct_property` that binds the group; instances that leave do not count."""
    mine = [
        allocation
        for allocation in allocations
        if (allocation.namespace, allocation.job) == (job.namespace, job.id)
        and allocation.wanted
        and allocation.id not in leaving
    ]
    found = []
    for whole, rules in ((True, job.constraints), (False, own(group))):
        for rule in rules:
            if rule.operator != "distinct_property":
                continue
            counted = [each for each in mine if whole or each.group == group.name]
            used = Counter(
                value.text
                for each in counted
                if each.node in nodes and (value := resolve(rule.left, nodes[each.node])).found
            )
            found.append(Property(rule, _limit(rule.right), used, whole))
    return tuple(found)


def _limit(text: str) -> int | None:
    if not text:
        return 1
    return int(text) if text.isascii() and text.isdigit() else None


def property_cell(each: Property, node: NodeFacts) -> Cell:
    """Whether the node's value may be used once more."""
    value = resolve(each.rule.left, node)
    if not value.read:
        return Cell("unknown", f"{each.rule.text}: {ATTRIBUTES_UNREAD}")
    if each.left_at(node):
        return YES
    return Cell("no", _unmet(each, value), 1.5)


def _unmet(each: Property, value: Value) -> str:
    name = each.rule.left.removeprefix("${").removesuffix("}")
    if not value.found:
        return f"has no {name} ({each.rule.text})"
    return f"{name} {value.text} is used {each.used.get(value.text, 0)} times already"
