"""Why the scheduler could not place something, in sentences; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.rollout.read import groups
from toolkit.spec.cause import Cause


def causes(failed: Mapping[str, Any] | None, job: Mapping[str, Any]) -> tuple[Cause, ...]:
    """One cause per group in a plan's or an evaluation's `FailedTGAllocs`."""
    return tuple(
        _cause(group, metric or {}, job) for group, metric in sorted((failed or {}).items())
    )


def _cause(group: str, metric: Mapping[str, Any], job: Mapping[str, Any]) -> Cause:
    evaluated = int(metric.get("NodesEvaluated") or 0)
    constraints: Mapping[str, int] = metric.get("ConstraintFiltered") or {}
    exhausted: Mapping[str, int] = metric.get("DimensionExhausted") or {}
    count = int(metric.get("CoalescedFailures") or 0) + 1
    evidence = [_missing(name, number, job, group) for name, number in sorted(constraints.items())]
    evidence += [_lacking(name, number, job, group) for name, number in sorted(exhausted.items())]
    evidence += [f"quota: {limit}" for limit in metric.get("QuotaExhausted") or []]
    reason, advice = _main(evaluated, constraints, exhausted, metric, job)
    instances = "1 instance" if count == 1 else f"{count} instances"
    return Cause(
        kind="unplaced",
        summary=f"{instances} of group {group} cannot be placed: {reason}",
        group=group,
        evidence=tuple(evidence),
        advice=advice,
    )


def _main(
    evaluated: int,
    constraints: Mapping[str, int],
    exhausted: Mapping[str, int],
    metric: Mapping[str, Any],
    job: Mapping[str, Any],
) -> tuple[str, str]:
    if "missing drivers" in constraints:
        return (
            f"no eligible node has the driver {_drivers(job)}",
            "choose a driver that the nodes have ([env.NAME.driver] name), or install it",
        )
    if exhausted:
        name = next(iter(sorted(exhausted)))
        if "port collision" in name:
            return (
                f"the static port is taken ({name})",
                "use a dynamic port, or free the port; a canary of a static port never fits",
            )
        return (
            f"not enough {_dimension(name)} on {_nodes(sum(exhausted.values()))}",
            f"lower resources.{_dimension(name)}, add nodes, or use fewer canaries",
        )
    if constraints:
        name = next(iter(sorted(constraints)))
        return f"no node satisfies {name}", "see `nomad node status -verbose` for node attributes"
    if evaluated == 0:
        where = ", ".join(job.get("Datacenters") or ["*"])
        pool = job.get("NodePool") or "default"
        return (
            f"no eligible node in datacenter {where}, node pool {pool}",
            "check datacenters and node_pool of the environment, and that nodes are ready",
        )
    if metric.get("QuotaExhausted"):
        return "the namespace's quota is used up", "raise the quota or lower the request"
    return "the scheduler found no node", "see the placement counts above"


def _missing(name: str, number: int, job: Mapping[str, Any], _group: str) -> str:
    if name == "missing drivers":
        return f"placement: {_nodes(number)} without driver {_drivers(job)}"
    return f"placement: {_nodes(number)} filtered by {name}"


def _lacking(name: str, number: int, job: Mapping[str, Any], group: str) -> str:
    asked = _asked(job, group, _dimension(name))
    return f"placement: {_nodes(number)} out of {name}{asked}"


def _asked(job: Mapping[str, Any], group: str, dimension: str) -> str:
    units = {"memory": ("MemoryMB", "MB"), "cpu": ("CPU", "MHz")}
    if dimension not in units:
        return ""
    field, unit = units[dimension]
    for candidate in groups(job):
        if candidate["Name"] == group:
            total = sum(
                int((task.get("Resources") or {}).get(field) or 0)
                for task in candidate.get("Tasks") or []
            )
            return f" (one instance asks for {total} {unit})"
    return ""


def _dimension(name: str) -> str:
    return "disk" if "disk" in name else name.split(":")[0].strip()


def _drivers(job: Mapping[str, Any]) -> str:
    names = {
        task.get("Driver") or "?" for group in groups(job) for task in group.get("Tasks") or []
    }
    return ", ".join(sorted(names))


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
