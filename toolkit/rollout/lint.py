"""What in a job loses requests or hides failures, each with its reason; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolkit.rollout.declared import TRAEFIK_API, services
from toolkit.rollout.read import NANO, groups
from toolkit.spec.plan import GroupPlan, LintFinding, LiveJob

CLIENT_MAX_KILL_TIMEOUT = 30.0
"""Seconds; the default of a Nomad client's `max_kill_timeout`."""

RULES: dict[str, str] = {
    "no-check": "a service without a check counts as healthy at once, in Nomad and at the edge",
    "no-shutdown-delay": "requests in flight to the old instance fail when it is killed at once",
    "count-one": "the only instance is stopped before its replacement starts",
    "static-port-canary": "a canary cannot start where the old instance holds the port",
    "router-tags": "while both releases run, Traefik drops a router whose two definitions differ",
    "release-in-place": "Consul would advertise a release that the running process is not",
    "kill-timeout": "a client caps it at its max_kill_timeout, 30 s unless configured",
    "no-auto-revert": "a release that fails stays registered, and nobody restores the old one",
    "revert-at-once": "the revert replaces every instance at once, healthy or not",
    "dns-not-declared": "no name follows the job, because no service's meta asks for one",
    "identity-not-declared": "the task gets no token, because no task's identity asks for one",
    "edge-restart": "every request fails while the only edge is down",
}
"""Rule -> why it matters; `[lint] allow` takes these words."""

DNS_HOSTNAME = "toolkit_dns_hostname"
"""Key of a service's meta that asks the kick server for names."""

_RELEASE_TAG = re.compile(r"(version|release)\b|v?\d+(\.\d+)+", re.IGNORECASE)
"""A tag that says which release an instance is: `version=1.0.0`, or `v1.0.0` alone."""

_REFUSED = {"router-tags", "release-in-place", "edge-restart"}


def check(
    job: Mapping[str, Any],
    live: LiveJob | None,
    plan: Sequence[GroupPlan],
    *,
    allow: Collection[str] = (),
    dns: bool = False,
    identities: Collection[str] = (),
) -> tuple[LintFinding, ...]:
    """Every finding, the allowed ones marked.

    `dns`: the job file asks for names; `identities`: the tokens that it asks for.
    """
    found = [*_job(job), *_against_live(job, live, plan)]
    if dns and not any(service.meta.get(DNS_HOSTNAME) for service in services(job)):
        text = "the job file has [dns], and its template does not carry it"
        found.append(_finding("dns-not-declared", text))
    for name in sorted(set(identities) - _identities(job)):
        text = f"the job file has [identity.{name}], and its template does not carry it"
        found.append(_finding("identity-not-declared", text))
    return tuple(replace(finding, allowed=finding.rule in allow) for finding in found)


def _identities(job: Mapping[str, Any]) -> set[str]:
    tasks = [task for group in groups(job) for task in group.get("Tasks") or ()]
    return {str(each.get("Name")) for task in tasks for each in task.get("Identities") or ()}


def _finding(rule: str, message: str) -> LintFinding:
    level = "refused" if rule in _REFUSED else "warning"
    return LintFinding(rule, level, message, RULES[rule])  # type: ignore[arg-type]


def _job(job: Mapping[str, Any]) -> Iterator[LintFinding]:
    if job.get("Type") != "service":
        return
    declared = services(job)
    for group in groups(job):
        name = group["Name"]
        mine = [service for service in declared if service.group == name]
        update = group.get("Update") or job.get("Update") or {}
        canaries = int(update.get("Canary") or 0)
        count = 1 if group.get("Count") is None else int(group["Count"])
        for service in mine:
            if not service.checked:
                yield _finding("no-check", f"service {service.name} of group {name} has no check")
        tasks = group.get("Tasks") or []
        if (
            mine
            and not group.get("ShutdownDelay")
            and not all(t.get("ShutdownDelay") for t in tasks)
        ):
            yield _finding("no-shutdown-delay", f"group {name} has no shutdown_delay")
        if mine and count == 1 and not canaries:
            yield _finding("count-one", f"group {name} has count 1 and no canary")
        ports = _static_ports(group)
        if canaries and ports:
            yield _finding("static-port-canary", f"group {name} has static port {ports[0]}")
        for task in group.get("Tasks") or []:
            seconds = (task.get("KillTimeout") or 0) / NANO
            if seconds > CLIENT_MAX_KILL_TIMEOUT:
                text = f"task {task['Name']} has kill_timeout {seconds:g} s"
                yield _finding("kill-timeout", text)
        if not update.get("AutoRevert"):
            yield _finding("no-auto-revert", f"group {name} has auto_revert off")
        elif not canaries and count > 1:
            yield _finding("revert-at-once", f"group {name} has auto_revert and no canaries")


def _against_live(
    job: Mapping[str, Any], live: LiveJob | None, plan: Sequence[GroupPlan]
) -> Iterator[LintFinding]:
    if live is None or live.stopped:
        return
    before = _definitions(live.raw)
    for (kind, name), said in _definitions(job).items():
        if before.get((kind, name), said) != said:
            yield _finding("router-tags", f"{kind} {name} changes its traefik.* tags")
    replaced = sum(group.replace + group.place + group.canary for group in plan)
    updated = not replaced and any(group.in_place for group in plan)
    # Of a job whose processes differ from the live version's, only what runs an older version just
    # like it can be updated in place: after failed deploys, the way back to what still serves.
    if updated and _advertises(job, live.raw) and _processes(job) == _processes(live.raw):
        yield _finding("release-in-place", "only tags or meta change, so no process is replaced")
    declared = {service.name for service in services(live.raw)}
    destroyed = sum(group.replace for group in plan)
    kept = sum(group.ignore + group.in_place for group in plan)
    if TRAEFIK_API in declared and destroyed == 1 and not kept:
        yield _finding("edge-restart", "this replaces the only Traefik")


def _definitions(job: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
    """What the job's tags define in Traefik: kind and name -> what they say."""
    found: dict[tuple[str, str], set[str]] = {}
    for service in services(job):
        for route in service.routes:
            # With what Traefik fills in where a tag is left out.
            found.setdefault(("router", route.router), set()).add(f"service={route.service}")
        if not service.routes:
            continue
        for tag in service.tags:
            key, _, value = tag.partition("=")
            parts = key.strip().split(".")
            if len(parts) < 5 or parts[0].lower() != "traefik":
                continue
            thing = parts[2].lower().removesuffix("s"), parts[3]
            option = ".".join(parts[4:]).lower()
            if option != "service":
                found.setdefault(thing, set()).add(f"{option}={value.strip()}")
    return found


def _advertises(job: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """True when a `version` or `release` in service tags or meta changes."""
    return _advertised(job) != _advertised(live)


def _advertised(job: Mapping[str, Any]) -> list[str]:
    found = []
    for group in groups(job):
        for holder in (group, *(group.get("Tasks") or [])):
            for service in holder.get("Services") or []:
                found += [tag for tag in service.get("Tags") or [] if _RELEASE_TAG.match(tag)]
                meta = service.get("Meta") or {}
                found += [f"{k}={v}" for k, v in meta.items() if k in {"version", "release"}]
    return sorted(found)


def _processes(job: Mapping[str, Any]) -> list[Any]:
    """What Nomad cannot change without another process."""
    found: list[Any] = [job.get("Meta") or {}]
    for group in groups(job):
        tasks = group.get("Tasks") or []
        found.append((group["Name"], group.get("Meta") or {}))
        found += [
            {k: v for k, v in task.items() if k in {"Driver", "Config", "Env", "Meta"} and v}
            for task in tasks
        ]
    return found


def _static_ports(group: Mapping[str, Any]) -> list[int]:
    return [
        int(port["Value"])
        for network in group.get("Networks") or []
        for port in network.get("ReservedPorts") or []
    ]
