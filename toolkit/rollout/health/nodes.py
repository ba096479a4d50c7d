"""The client nodes: ready, taking work, with the drivers that our jobs need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from toolkit.rollout.health.facts import Node
from toolkit.rollout.health.look import Look, blind
from toolkit.spec.doctor import Check

NAMED = 5
"""How many nodes a line names."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs are put; empty: they say so themselves."""

    pool: str = ""
    datacenters: tuple[str, ...] = ("*",)
    """Names or globs."""

    def has(self, node: Node) -> bool:
        """True when a job that is put here may be placed on the node."""
        in_pool = self.pool in {"", "all", node.pool}
        return in_pool and any(fnmatchcase(node.datacenter, each) for each in self.datacenters)

    def __str__(self) -> str:
        return f"node pool {self.pool}, datacenters {', '.join(self.datacenters)}"


def judge(name: str, nodes: Look[Sequence[Node]], place: Place | None = None) -> Check:
    """Which nodes there are, whether the scheduler may use them, and whether any is at `place`."""
    if (missing := blind(name, "the nodes", nodes)) is not None:
        return missing
    found = nodes.get(())
    if not found:
        return Check(
            name, "failed", "no client node: nothing can be placed",
            advice="start a Nomad agent with `client { enabled = true }`",
        )  # fmt: skip
    ready = [each for each in found if each.takes_work]
    gone = [each for each in found if each.status in {"down", "disconnected"}]
    states: tuple[tuple[str, Callable[[Node], bool]], ...] = (
        ("down", lambda each: each.status == "down"),
        ("disconnected", lambda each: each.status == "disconnected"),
        ("starting", lambda each: each.status == "initializing"),
        ("draining", lambda each: each.draining),
        (
            "ineligible",
            lambda each: each.status == "ready" and not each.eligible and not each.draining,
        ),
    )
    evidence = tuple(
        f"{word}: {names(those)}"
        for word, is_so in states
        if (those := [each for each in found if is_so(each)])
    )
    summary = f"{len(ready)} of {len(found)} {'takes' if len(ready) == 1 else 'take'} work"
    if not ready:
        return Check(
            name, "failed", f"{summary}: nothing can be placed", evidence,
            advice="`nomad node eligibility -enable` and `nomad node drain -disable` let a node "
            "take work again",
        )  # fmt: skip
    if place is not None and not any(map(place.has, ready)):
        where = sorted({f"{each.pool} in {each.datacenter}" for each in ready})
        return Check(
            name, "failed", f"{summary}, none of them where our jobs go ({place})",
            (*evidence, f"there are nodes of {', '.join(where[:NAMED])}"),
            advice="compare `node_pool` and `datacenters` of the environment with the nodes'",
        )  # fmt: skip
    if gone:
        return Check(
            name, "failed", f"{summary}, {len(gone)} lost", evidence,
            advice="look at the Nomad agents there; a node that is gone for good is forgotten by "
            "`nomad system gc`",
        )  # fmt: skip
    return Check(name, "passed", summary, notes=evidence)


def judge_drivers(
    name: str, nodes: Look[Sequence[Node]], needed: Look[Mapping[str, Sequence[str]]]
) -> Check:
    """Drivers that are there and do not work, and drivers that `needed` (driver -> jobs) lacks."""
    if (missing := blind(name, "the nodes", nodes)) is not None:
        return missing
    found = [each for each in nodes.get(()) if each.status == "ready"]
    if not found:
        return Check(
            name, "could not tell", "no node is ready: their drivers are not known",
            advice="see the check nomad-clients",
        )  # fmt: skip
    sick = [
        f"{each.name}: {driver.name}: {driver.description or 'not healthy'}"
        for each in found
        for driver in each.drivers
        if driver.detected and not driver.healthy
    ]
    have = healthy(found)
    lacking = {driver: jobs for driver, jobs in needed.get({}).items() if driver not in have}
    why = {driver: _why(found, driver) for driver in lacking}
    summary = f"healthy on {_of(found)}: {', '.join(sorted(have)) or 'none'}"
    evidence = [
        f"{driver} is needed by {', '.join(jobs)}" + (f"; {why[driver]}" if why[driver] else "")
        for driver, jobs in sorted(lacking.items())
    ] + sick[:NAMED]
    if lacking:
        missing_ones = " and ".join(sorted(lacking))
        return Check(
            name, "failed", f"no ready node has driver {missing_ones} ({summary})",
            tuple(evidence), advice=f"set {missing_ones} up on a node, or choose another driver",
        )  # fmt: skip
    if sick:
        return Check(
            name, "failed", f"{len(sick)} detected and not healthy ({summary})", tuple(evidence),
            advice="`nomad node status -verbose` on that node shows its drivers",
        )  # fmt: skip
    if not needed.seen:
        return Check(
            name, "could not tell", f"{summary}; what our jobs need: {needed.problem}",
            advice=needed.hint,
        )  # fmt: skip
    return Check(name, "passed", summary)


def healthy(nodes: Iterable[Node]) -> set[str]:
    """Drivers that work on some node."""
    return {
        driver.name
        for each in nodes
        for driver in each.drivers
        if driver.detected and driver.healthy
    }


def names(nodes: Sequence[Node]) -> str:
    """The first of them by name."""
    said = [each.name or each.id[:8] for each in nodes[:NAMED]]
    more = len(nodes) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")


def _why(nodes: Sequence[Node], driver: str) -> str:
    said = {
        each.description
        for node in nodes
        for each in node.drivers
        if each.name == driver and each.description
    }
    return sorted(said)[0] if said else ""


def _of(nodes: Sequence[Node]) -> str:
    return "the ready node" if len(nodes) == 1 else f"some of {len(nodes)} ready nodes"
