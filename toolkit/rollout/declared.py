"""What a job promises to the outside: its Consul services and its routes at the edge; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.rollout.read import groups

TRAEFIK_API = "traefik-api"
"""The Consul service under which each Traefik offers its API."""

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_HOST = re.compile(r"Host\(([^)]*)\)")
_PATH = re.compile(r"Path(?:Prefix)?\(([^)]*)\)")
_NOT_NAME = re.compile(r"[^A-Za-z0-9]+")
_QUOTED = re.compile(r"[`\"]([^`\"]*)[`\"]")


@dataclass(frozen=True, slots=True)
class Route:
    """One router that the job's tags ask Traefik for."""

    router: str
    service: str
    """Traefik's service name, without the provider."""
    rule: str
    host: str | None
    path: str
    entry_points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One Consul service of a group."""

    group: str
    task: str | None
    name: str
    port: str
    tags: tuple[str, ...]
    checked: bool
    routes: tuple[Route, ...]
    check_path: str | None = None
    """Of the first HTTP check on the service's own port."""
    meta: Mapping[str, str] = field(default_factory=dict, hash=False)


def services(job: Mapping[str, Any]) -> tuple[Service, ...]:
    """The Consul services that every instance of the job registers, group's and tasks' own."""
    found = []
    for group in groups(job):
        holders: list[tuple[str | None, dict[str, Any]]] = [(None, group)]
        holders += [(task["Name"], task) for task in group.get("Tasks") or []]
        for task, holder in holders:
            for raw in holder.get("Services") or []:
                if (raw.get("Provider") or "consul") != "consul":
                    continue
                names = _names(job, group, task)
                name = _interpolate(raw.get("Name") or "", names)
                tags = tuple(_interpolate(tag, names) for tag in raw.get("Tags") or ())
                found.append(
                    Service(
                        group=group["Name"],
                        task=task,
                        name=name,
                        port=raw.get("PortLabel") or "",
                        tags=tags,
                        checked=bool(raw.get("Checks")),
                        routes=routes(name, tags),
                        check_path=_check_path(raw),
                        meta=raw.get("Meta") or {},
                    )
                )
    return tuple(found)


def addressed(job: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names of services in Consul with the address that the job says of them: not its node's."""
    return tuple(
        (str(raw.get("Name") or ""), str(raw["Address"]))
        for group in groups(job)
        for holder in (group, *(group.get("Tasks") or ()))
        for raw in holder.get("Services") or ()
        if raw.get("Address") and (raw.get("Provider") or "consul") == "consul"
    )


def _check_path(service: Mapping[str, Any]) -> str | None:
    for check in service.get("Checks") or []:
        port = check.get("PortLabel") or service.get("PortLabel")
        if check.get("Type") == "http" and port == service.get("PortLabel"):
            plain = (check.get("Protocol") or "http") == "http"
            return str(check.get("Path") or "/") if plain else None
    return None


def routes(service: str, tags: Sequence[str]) -> tuple[Route, ...]:
    """The HTTP routers that Traefik makes of a service's tags; empty unless it is enabled."""
    labels = [(key.strip(), value.strip()) for key, _, value in (t.partition("=") for t in tags)]
    if ("traefik.enable", "true") not in [(key.lower(), value.lower()) for key, value in labels]:
        return ()
    routers: dict[str, dict[str, str]] = {}
    named: set[str] = set()
    for key, value in labels:
        parts = key.split(".")
        if len(parts) < 5 or [part.lower() for part in parts[:2]] != ["traefik", "http"]:
            continue
        if parts[2].lower() == "services":
            named.add(parts[3])
        elif parts[2].lower() == "routers":
            routers.setdefault(parts[3], {})[".".join(parts[4:]).lower()] = value
    # What Traefik's Consul provider does without a name: the service's own, normalised.
    default = next(iter(named)) if len(named) == 1 else _NOT_NAME.sub("-", service)
    if not routers:
        routers[default] = {}
    return tuple(_route(name, default, options) for name, options in sorted(routers.items()))


def _route(router: str, default: str, options: Mapping[str, str]) -> Route:
    rule = options.get("rule", "")
    hosts = [host for group in _HOST.findall(rule) for host in _QUOTED.findall(group)]
    paths = [path for group in _PATH.findall(rule) for path in _QUOTED.findall(group)]
    points = options.get("entrypoints", "").split(",")
    return Route(
        router=router,
        service=options.get("service", default),
        rule=rule,
        host=hosts[0] if hosts else None,
        path=paths[0] if paths else "/",
        entry_points=tuple(point.strip() for point in points if point.strip()),
    )


def _names(job: Mapping[str, Any], group: Mapping[str, Any], task: str | None) -> dict[str, str]:
    names = {
        "JOB": job.get("Name") or job["ID"],
        "TASKGROUP": group["Name"],
        "TASK": task or "",
        "NOMAD_JOB_NAME": job.get("Name") or job["ID"],
        "NOMAD_JOB_ID": job["ID"],
        "NOMAD_GROUP_NAME": group["Name"],
        "NOMAD_TASK_NAME": task or "",
        "NOMAD_NAMESPACE": job.get("Namespace") or "default",
        "NOMAD_REGION": job.get("Region") or "global",
    }
    for meta in (job.get("Meta") or {}, group.get("Meta") or {}):
        names |= {f"NOMAD_META_{key}": str(value) for key, value in meta.items()}
    return names


def _interpolate(text: str, names: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: names.get(match.group(1), match.group(0)), text)
