"""The merged layers, already checked -> JobSpec."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.config import canary, dns, identity, image, probing
from toolkit.config.durations import parse_duration
from toolkit.config.layers import Layer, leaf, plain
from toolkit.config.overlay import Merged
from toolkit.spec.agents import AgentPorts
from toolkit.spec.jobspec import (
    Build,
    Check,
    Dispatch,
    Driver,
    JobKind,
    JobSpec,
    Origin,
    Port,
    Resources,
    RolloutSettings,
    Route,
    Schedule,
    ServedRelease,
)
from toolkit.spec.target import Target

if TYPE_CHECKING:
    from toolkit.config.plain import PlainJob

_JOB_PORTS = (
    "edge_public", "edge_private", "traefik_api", "kick_http", "kick_dns", "kick_dns_private",
    "hook_http",
)  # fmt: skip
"""Those of the local cluster's ports that shipped jobs have."""


def assemble(
    merged: Merged,
    name: str,
    source: str,
    template: str,
    target: Target,
    root: Path | None,
    python: str,
) -> JobSpec:
    """The JobSpec of a templated job; `name`: where the job file gives it none."""
    job = merged.values
    values = plain(job)
    kind: JobKind = values.get("kind", "service")
    everywhere = kind in {"system", "sysbatch"}
    node_class = None if target.local else values.get("node_class")
    return JobSpec(
        name=values.get("name", name),
        kind=kind,
        source=source,
        template=template,
        **_common(merged, values),
        count=None if everywhere else values.get("count", 1),
        count_origin=None if everywhere else _origin(job, "count") or Origin("default"),
        driver=_driver(values.get("driver", {})),
        resources=Resources(**values.get("resources", {})),
        environment={k: _text(v) for k, v in values.get("environment", {}).items()},
        ports=_ports(values.get("ports", {}), target),
        route=_route(values.get("route")),
        check=_check(values.get("check")),
        dns=dns.settings(values),
        identities=identity.settings(values),
        schedule=_schedule(values.get("schedule")),
        dispatch=_dispatch(values.get("dispatch")),
        variables=values.get("variables", {}),
        node_class=node_class,
        node_pool=None if target.local else values.get("node_pool"),
        constraints=_constraints(values, node_class),
        context=_context(target, root, python, None if target.local else values.get("node_pool")),
    )


def assemble_plain(
    merged: Merged, source: str, template: str, scanned: PlainJob, target: Target
) -> JobSpec:
    """The JobSpec of a plain job file: only the variables that it declares are handed over."""
    job = merged.values
    values = plain(job)
    known = values.get("variables", {})
    variables = {name: known[name] for name in scanned.variables if name in known}
    common = _common(merged, values)
    release = common["release_origin"]
    if "release" in scanned.variables and release and release.source == "--release":
        variables["release"] = common["release"]
    return JobSpec(
        name=scanned.names[0],
        kind=values.get("kind") or _plain_kind(scanned.kind),
        source=source,
        template=template,
        plain=True,
        **common,
        count=values.get("count"),
        count_origin=_origin(job, "count"),
        variables=variables,
        context={"env": _environment(target)},
    )


def _common(merged: Merged, values: dict[str, Any]) -> dict[str, Any]:
    release = values.get("release", {})
    from_files = merged.file_release
    compared = canary.settings(values["canary"]) if "canary" in values else None
    return {
        "kind_origin": _origin(merged.values, "kind"),
        "release": release.get("version"),
        "release_origin": _origin(merged.values, "release", "version"),
        "file_release": from_files.value if from_files else None,
        "served": _served(release),
        "rollout": canary.with_steps(_rollout(values.get("rollout", {})), compared),
        "canary": compared,
        "probe": probing.settings(values.get("probe")),
        "secrets": tuple(values.get("secrets", {}).get("keys", ())),
        "build": _build(values.get("build", {})),
        "image": image.settings(values.get("image")),
        "depends": tuple(values.get("depends", ())),
        "depends_origin": _origin(merged.values, "depends"),
        "lint_allow": tuple(values.get("lint", {}).get("allow", ())),
        "system": values.get("system", False),
    }


def _origin(job: Layer, *path: str) -> Origin | None:
    found = leaf(job, *path)
    return found.origin() if found else None


def _served(release: dict[str, Any]) -> ServedRelease | None:
    header, json = release.get("header"), release.get("json")
    if header is None and json is None:
        return None
    return ServedRelease(release.get("path", "/"), header, json)


def _rollout(values: dict[str, Any]) -> RolloutSettings:
    """Durations are the float fields of `RolloutSettings`."""
    durations = {field.name for field in fields(RolloutSettings) if field.type == "float"}
    settings: dict[str, Any] = {
        name: parse_duration(value) if name in durations else value
        for name, value in values.items()
    }
    return RolloutSettings(**settings)


def _driver(values: dict[str, Any]) -> Driver | None:
    name = values.get("name")
    return Driver(name, values.get(name, {})) if name else None


def _build(values: dict[str, Any]) -> Build:
    watch = values.get("watch")
    usual = Build()
    return Build(
        command=tuple(values.get("command", ())),
        directory=values.get("directory", usual.directory).removesuffix("/"),
        watch=None if watch is None else tuple(path.removesuffix("/") for path in watch),
        timeout=parse_duration(values["timeout"]) if "timeout" in values else usual.timeout,
    )


def _ports(values: dict[str, Any], target: Target) -> tuple[Port, ...]:
    """Shipped jobs' standard ports move with the local agents: two clusters fit one machine."""
    moved: dict[int, int] = {}
    if target.agents:
        moved = {
            getattr(AgentPorts(), name): getattr(target.agents.ports, name) for name in _JOB_PORTS
        }
    ports = []
    for label, port in values.items():
        static = port.get("static")
        ports.append(Port(label, moved.get(static, static), port.get("to")))
    return tuple(ports)


def _route(values: dict[str, Any] | None) -> Route | None:
    if values is None:
        return None
    return Route(**{**values, "hosts": tuple(values.get("hosts", ()))})


def _check(values: dict[str, Any] | None) -> Check | None:
    if values is None:
        return None
    settings = dict(values)
    for name in {"interval", "timeout"} & set(values):
        settings[name] = parse_duration(values[name])
    return Check(**settings)


def _schedule(values: dict[str, Any] | None) -> Schedule | None:
    return None if values is None else Schedule(**values)


def _dispatch(values: dict[str, Any] | None) -> Dispatch | None:
    if values is None:
        return None
    keys = ("meta_required", "meta_optional")
    return Dispatch(**{**values, **{key: tuple(values.get(key, ())) for key in keys}})


def _constraints(values: dict[str, Any], node_class: str | None) -> tuple[dict[str, str], ...]:
    given = [{"operator": "=", **item} for item in values.get("constraints", ())]
    if node_class:
        given.append({"attribute": "${node.class}", "operator": "=", "value": node_class})
    return tuple(given)


def _plain_kind(kind: str | None) -> JobKind:
    match kind:
        case "system" | "batch" | "sysbatch":
            return kind
        case _:
            return "service"


def _text(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _environment(target: Target, node_pool: str | None = None) -> dict[str, Any]:
    """`node_pool`: what the job says; it counts where the environment's would."""
    edge = target.cluster_edge
    return {
        "name": target.environment,
        "namespace": target.namespace,
        "region": target.region,
        "datacenters": list(target.datacenters),
        "node_pool": node_pool or target.node_pool,
        "local": target.local,
        "cluster": target.cluster,
        "edge": edge and asdict(edge),
        "nomad": target.nomad.address,
        "consul": target.consul.address,
    }


def _context(
    target: Target, root: Path | None, python: str, node_pool: str | None
) -> dict[str, Any]:
    project = {"python": python}
    if root is not None:
        project["root"] = str(root)
    context: dict[str, Any] = {"env": _environment(target, node_pool), "project": project}
    if target.local:
        agents = target.agents
        context["agents"] = {
            "traefik": agents.traefik if agents else "traefik",
            "ports": asdict(agents.ports if agents else AgentPorts()),
            "acl": bool(agents and agents.acl),
        }
    elif target.rehearsed:
        access = target.access
        context["agents"] = {"traefik": (access.traefik if access else "") or "traefik"}
    return context
