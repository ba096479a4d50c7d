"""The constraints that Nomad adds to a job when it is registered; pure.

The parser does not add them, so a job that is only a file does not show them yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.rollout.fit.facts import Rule

Json = Mapping[str, Any]

_CNI = ("bridge", "firewall", "host-local", "loopback", "portmap")


def implied(job: Json, group: Json, known: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """What is added to `group` beside the rules of it that are `known`."""
    added: list[Rule] = []
    for rule, by_left in _all(job, group):
        if by_left:
            found = any(each.left == rule.left for each in (*known, *added))
        else:
            found = any(_same(each, rule) for each in (*known, *added))
        if not found:
            added.append(rule)
    return tuple(added)


def _same(one: Rule, other: Rule) -> bool:
    return (one.left, one.operator, one.right) == (other.left, other.operator, other.right)


def _all(job: Json, group: Json) -> Iterator[tuple[Rule, bool]]:
    """The rules in Nomad's order; True where a rule of the same left side stands in for it."""
    tasks = sorted(group.get("Tasks") or [], key=lambda task: str(task["Name"]))
    for task in tasks:
        if vault := task.get("Vault"):
            yield _version("vault", vault.get("Cluster"), ">= 0.6.1", ">= 1.11.0"), True
    for provider in _providers(job):
        yield _rule(f"${{attr.plugins.secrets.{provider}.version}}", "is_set", ""), True
    if any(_wants_numa(task) for task in tasks):
        yield _rule("${attr.nomad.version}", "semver", ">= 1.6.3-dev"), False
        yield _rule("${attr.kernel.name}", "=", "linux"), False
    signals = sorted({signal for task in tasks for signal in _signals(task)})
    if signals:
        yield _rule("${attr.os.signals}", "set_contains", ",".join(signals)), False
    services = _services(group)
    native = [service for service in services if service.get("Provider") == "nomad"]
    if native:
        yield _rule("${attr.nomad.service_discovery}", "=", "true"), False
    if any(service.get("Checks") for service in native):
        yield _rule("${attr.nomad.version}", "semver", ">= 1.4.0"), False
    for service in services:
        if (service.get("Provider") or "consul") == "consul":
            yield _version("consul", service.get("Cluster"), ">= 1.8.0", ">= 1.8.0"), True
    if any(network.get("Mode") == "bridge" for network in group.get("Networks") or []):
        for plugin in _CNI:
            yield _rule(f"${{attr.plugins.cni.version.{plugin}}}", "semver", ">= 0.4.0"), True
    if any(_transparent(service) for service in group.get("Services") or []):
        yield _rule("${attr.plugins.cni.version.consul-cni}", "semver", ">= 1.4.2"), True
        yield _rule("${attr.nomad.version}", "semver", ">= 1.8.0-dev"), True
    if any(task.get("Schedule") for task in tasks):
        yield _rule("${attr.nomad.version}", "semver", ">= 1.8.0-dev"), True


def _rule(left: str, operator: str, right: str) -> Rule:
    return Rule(left, operator, right, implied=True)


def _version(system: str, cluster: str | None, wanted: str, elsewhere: str) -> Rule:
    if cluster and cluster != "default":
        return _rule(f"${{attr.{system}.{cluster}.version}}", "semver", elsewhere)
    return _rule(f"${{attr.{system}.version}}", "semver", wanted)


def _services(group: Json) -> list[Json]:
    tasks = group.get("Tasks") or []
    own: list[Json] = list(group.get("Services") or [])
    return own + [service for task in tasks for service in task.get("Services") or []]


def _providers(job: Json) -> list[str]:
    """Of the whole job: Nomad asks every group for every provider."""
    found = {
        str(secret.get("Provider") or "")
        for group in job.get("TaskGroups") or []
        for task in group.get("Tasks") or []
        for secret in task.get("Secrets") or []
    }
    return sorted(found)


def _wants_numa(task: Json) -> bool:
    numa = (task.get("Resources") or {}).get("NUMA") or {}
    return (numa.get("Affinity") or "none") != "none"


def _signals(task: Json) -> Iterator[str]:
    vault = task.get("Vault") or {}
    if vault.get("ChangeMode") == "signal":
        yield str(vault.get("ChangeSignal") or "").upper()
    if signal := task.get("KillSignal"):
        yield str(signal)
    for template in task.get("Templates") or []:
        if template.get("ChangeMode") == "signal":
            yield str(template.get("ChangeSignal") or "").upper()


def _transparent(service: Json) -> bool:
    sidecar = (service.get("Connect") or {}).get("SidecarService") or {}
    return bool((sidecar.get("Proxy") or {}).get("TransparentProxy"))
