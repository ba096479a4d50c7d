"""Why the scheduler could not place something, in sentences; pure but for `explained`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from toolkit.rollout.causes.nearby import Nearby, look, nowhere, port_of
from toolkit.rollout.read import groups
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause

_ADVICE = {
    "host volumes": "make the volume on a node (`host_volume` of its client), or name one it has",
    "csi": "look at the volume and its plugin: `nomad volume status`, `nomad plugin status`",
    "secrets provider": "set the secrets provider up on the nodes, or take the secret block out",
    "devices": "choose a device that the nodes have, see `nomad node status -verbose`",
    "network": "choose a network mode or host network that the nodes have",
    "consul": "see why the nodes' Nomad finds no Consul: `toolkit doctor`",
    "vault": "see why the nodes' Nomad finds no Vault, or take the vault block out",
    "discovery": "switch nomad_service_discovery on for the nodes, or use Consul's services",
    "signals": "name a signal that the nodes' system knows",
    "distinct_hosts": "add nodes, or lower count: each instance must have a node of its own",
    "distinct_property": "add nodes with other values of the property, or raise its limit",
}
_IMPLICIT = (
    (r"attr\.plugins\.secrets\.([\w-]+)", "the secrets provider {}", "secrets provider"),
    (r"attr\.plugins\.cni\.version\.([\w-]+)", "the CNI plugin {}", "network"),
    (r"attr\.(?:unique\.)?consul", "a Consul agent beside it", "consul"),
    (r"attr\.vault", "a Vault that it reaches", "vault"),
    (r"attr\.nomad\.service_discovery", "Nomad's own services switched on", "discovery"),
    (r"attr\.os\.signals.*set_contains (\S+)", "the signal {}", "signals"),
)
"""Constraints that Nomad adds by itself: what they ask of a node, and which advice helps."""


def explained(
    world: World, failed: Mapping[str, Any] | None, job: Mapping[str, Any], at: float | None = None
) -> tuple[Cause, ...]:
    """`causes`, with holders of ports, drivers' health, closed nodes looked up; never raises."""
    return causes(failed, job, look(world, failed, job), at)


def causes(
    failed: Mapping[str, Any] | None,
    job: Mapping[str, Any],
    nearby: Nearby | None = None,
    at: float | None = None,
) -> tuple[Cause, ...]:
    """One cause per group in a plan's or an evaluation's `FailedTGAllocs`.

    `at`: seconds since the epoch of the scheduler's look.
    """
    return tuple(
        _cause(group, metric or {}, job, nearby or Nearby(), at)
        for group, metric in sorted((failed or {}).items())
    )


def _cause(
    group: str,
    metric: Mapping[str, Any],
    job: Mapping[str, Any],
    nearby: Nearby,
    at: float | None,
) -> Cause:
    count = int(metric.get("CoalescedFailures") or 0) + 1
    constraints: Mapping[str, int] = metric.get("ConstraintFiltered") or {}
    exhausted: Mapping[str, int] = metric.get("DimensionExhausted") or {}
    classes: Mapping[str, int] = metric.get("ClassFiltered") or {}
    evidence = [_missing(name, number, job, group) for name, number in sorted(constraints.items())]
    evidence += [_lacking(name, number, job, group) for name, number in sorted(exhausted.items())]
    evidence += [f"placement: {_nodes(n)} of class {name} filtered" for name, n in classes.items()]
    evidence += [f"quota: {limit}" for limit in metric.get("QuotaExhausted") or []]
    evidence += [line for name in exhausted for line in nearby.holders.get(port_of(name) or "", ())]
    if "missing drivers" in constraints:
        evidence += [
            line for name in _of_group(job, group) for line in nearby.drivers.get(name, ())
        ]
    available: Mapping[str, int] = metric.get("NodesAvailable") or {}
    evidence += [
        f"placement: datacenter {name} has {_nodes(int(number))} for new work"
        for name, number in sorted(available.items())
        if not int(number)
    ]
    if nowhere(metric):
        evidence += [f"node: {node.name} is ready and {node.word}" for node in nearby.shut]
        evidence += nearby.unseen
    reason, advice = _main(group, metric, constraints, exhausted, job, nearby)
    instances = "1 instance" if count == 1 else f"{count} instances"
    return Cause(
        kind="unplaced",
        summary=f"{instances} of group {group} cannot be placed: {reason}",
        group=group,
        evidence=tuple(evidence),
        advice=advice,
        at=at,
    )


def _main(
    group: str,
    metric: Mapping[str, Any],
    constraints: Mapping[str, int],
    exhausted: Mapping[str, int],
    job: Mapping[str, Any],
    nearby: Nearby,
) -> tuple[str, str]:
    """Why, and what to do. A node that is only full comes nearer than one that is excluded."""
    if exhausted:
        return _full(exhausted, nearby)
    if metric.get("QuotaExhausted"):
        limits = ", ".join(map(str, metric["QuotaExhausted"]))
        return f"the namespace's quota is used up ({limits})", "raise the quota, or ask for less"
    if "missing drivers" in constraints:
        return (
            f"no eligible node has the driver {', '.join(_of_group(job, group))}",
            "choose a driver that the nodes have ([env.NAME.driver] name), or install it",
        )
    if constraints:
        name = max(sorted(constraints), key=lambda name: constraints[name]).strip()
        for pattern, what, topic in _IMPLICIT:
            if match := re.search(pattern, name):
                return f"no node has {what.format(*match.groups())}", _ADVICE[topic]
        advice = next((text for word, text in _ADVICE.items() if word in name.lower()), None)
        usual = "see `nomad node status -verbose` for node attributes"
        return f"no node satisfies {name}", advice or usual
    if not int(metric.get("NodesEvaluated") or 0):
        where = ", ".join(job.get("Datacenters") or ["*"])
        pool = job.get("NodePool") or "default"
        if nearby.shut:
            named = ", ".join(f"{node.name} is {node.word}" for node in nearby.shut)
            return (
                f"no eligible node in datacenter {where}, node pool {pool}: {named}",
                f"`toolkit explain {nearby.shut[0].id[:8]}` says how to open"
                f" {nearby.shut[0].name} for work again",
            )
        return (
            f"no eligible node in datacenter {where}, node pool {pool}",
            "check datacenters and node_pool of the environment, and that nodes are ready and not"
            " draining",
        )
    return "the scheduler found no node", "see the placement counts above"


def _full(exhausted: Mapping[str, int], nearby: Nearby) -> tuple[str, str]:
    name = max(sorted(exhausted), key=lambda name: exhausted[name])
    if "port collision" in name:
        port = port_of(name)
        mine = any("this very job" in line for line in nearby.holders.get(port or "", ()))
        why = (
            "another instance of the job has it, and two cannot stand on one node: use a dynamic"
            " port, fewer instances, or no canary"
            if mine
            else "use a dynamic port, or free the port; a canary of a static port never fits"
        )
        return f"the static port {f'{port} ' if port else ''}is taken", why
    dimension = _dimension(name)
    return (
        f"not enough {dimension} on {_nodes(sum(exhausted.values()))}",
        f"lower resources.{dimension}, add nodes, or use fewer canaries",
    )


def _missing(name: str, number: int, job: Mapping[str, Any], group: str) -> str:
    if name == "missing drivers":
        return f"placement: {_nodes(number)} without driver {', '.join(_of_group(job, group))}"
    return f"placement: {_nodes(number)} filtered by {name.strip()}"


def _lacking(name: str, number: int, job: Mapping[str, Any], group: str) -> str:
    if "port collision" in name:
        return f"placement: {_nodes(number)} with {name.removeprefix('network: ')}"
    return f"placement: {_nodes(number)} out of {name}{_asked(job, group, _dimension(name))}"


def _asked(job: Mapping[str, Any], group: str, dimension: str) -> str:
    found = next((each for each in groups(job) if each["Name"] == group), None)
    if found is None:
        return ""
    if dimension == "disk":
        size = int((found.get("EphemeralDisk") or {}).get("SizeMB") or 0)
        return f" (one instance asks for {size} MB)" if size else ""
    units = {"memory": ("MemoryMB", "MB"), "cpu": ("CPU", "MHz"), "cores": ("Cores", "cores")}
    if dimension not in units:
        return ""
    key, unit = units[dimension]
    total = sum(
        int((task.get("Resources") or {}).get(key) or 0) for task in found.get("Tasks") or []
    )
    return f" (one instance asks for {total} {unit})"


def _dimension(name: str) -> str:
    return "disk" if "disk" in name else name.split(":")[0].strip()


def _of_group(job: Mapping[str, Any], group: str) -> list[str]:
    """The drivers of one group; of all where it is not the job's."""
    found = [each for each in groups(job) if each["Name"] == group] or groups(job)
    return sorted({task.get("Driver") or "?" for each in found for task in each.get("Tasks") or []})


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
