"""What Nomad's policies allow, decided as Nomad decides it.

Rules come parsed by Nomad itself (`RulesJSON` of a policy). An exact namespace decides alone;
without one the closest glob does: the one with the fewest characters to fill in. `deny` clears
what it stands beside. The same holds for paths of variables, where namespace and path are one key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_READ = frozenset({"list-jobs", "parse-job", "read-job", "read-job-scaling"})
_SHORT: dict[str, frozenset[str]] = {
    "deny": frozenset({"deny"}),
    "read": _READ,
    "write": _READ
    | {
        "scale-job", "submit-job", "dispatch-job", "read-logs", "read-fs", "alloc-exec",
        "alloc-lifecycle",
    },
    "scale": frozenset({"read-job-scaling", "scale-job", "read-job"}),
}  # fmt: skip
"""What `policy = "…"` stands for, as far as our commands ask; Nomad writes it out itself."""

_SEPARATOR = "\x00"
_LEVELS = ("deny", "write", "read", "list")
"""Of several policies the first of these that one of them says."""

Sets = Mapping[str, frozenset[str]]
"""Name or glob -> capabilities."""


@dataclass(frozen=True, slots=True)
class Grants:
    """All that a token's policies allow together."""

    everything: bool = False
    """A management token, or nobody is asked."""
    namespaces: Sets = field(default_factory=dict)
    variables: Sets = field(default_factory=dict)
    """By namespace and path, joined by a zero byte."""
    node: str = ""
    agent: str = ""
    operator: str = ""

    def allows(self, namespace: str, *capabilities: str) -> bool:
        """True when one of the capabilities is granted in the namespace."""
        if self.everything:
            return True
        return bool(closest(self.namespaces, namespace) & set(capabilities))

    def allows_everywhere(self, capability: str) -> bool:
        """True when the capability is granted in every namespace there may be."""
        if self.everything:
            return True
        every = self.namespaces.get("*", frozenset())
        return all(capability in granted for granted in (every, *self.namespaces.values()))

    def allows_variable(self, namespace: str, path: str, capability: str) -> bool:
        """True when the variable at the path may be used so."""
        if self.everything:
            return True
        return capability in closest(self.variables, namespace + _SEPARATOR + path)

    def reads(self, what: str) -> bool:
        """True when `node`, `agent` or `operator` may be read."""
        return self.everything or getattr(self, what) in {"read", "write"}


def combine(rules: Iterable[Mapping[str, Any]]) -> Grants:
    """The rules of several policies as Nomad puts them together."""
    namespaces: dict[str, frozenset[str]] = {}
    variables: dict[str, frozenset[str]] = {}
    levels: dict[str, set[str]] = {"Node": set(), "Agent": set(), "Operator": set()}
    for each in rules:
        for space in each.get("Namespaces") or ():
            name = space["Name"]
            granted = set(space.get("Capabilities") or ()) | _SHORT.get(
                space.get("Policy") or "", frozenset()
            )
            merge(namespaces, name, granted)
            for path in (space.get("Variables") or {}).get("Paths") or ():
                capabilities = set(path.get("Capabilities") or ())
                if "read" in capabilities:
                    capabilities.add("list")
                key = name + _SEPARATOR + path["PathSpec"]
                variables[key] = variables.get(key, frozenset()) | capabilities
        for what, said in levels.items():
            said.add((each.get(what) or {}).get("Policy") or "")
    node, agent, operator = (
        next((level for level in _LEVELS if level in said), "") for said in levels.values()
    )
    return Grants(False, namespaces, variables, node, agent, operator)


def merge(sets: dict[str, frozenset[str]], name: str, granted: set[str]) -> None:
    """Add what a policy grants to what others grant; `deny` wins."""
    before = sets.get(name, frozenset())
    denied = "deny" in before | granted
    sets[name] = frozenset({"deny"}) if denied else before | granted


def closest(sets: Sets, name: str) -> frozenset[str]:
    """The capabilities that count for a name: its own, else those of the closest glob."""
    if name in sets and "*" not in name:
        return sets[name]
    best: tuple[int, str] | None = None
    for pattern in sorted(each for each in sets if "*" in each):
        if not _fits(pattern, name):
            continue
        distance = len(name) - len(pattern) + pattern.count("*")
        # Of two as close Nomad's sort puts the later one first.
        if best is None or distance <= best[0]:
            best = (distance, pattern)
    return frozenset() if best is None else sets[best[1]]


def _fits(pattern: str, name: str) -> bool:
    parts = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(parts, name, re.DOTALL) is not None
