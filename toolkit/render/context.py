"""The names that a template sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.spec.jobspec import JobSpec


def context(spec: JobSpec) -> dict[str, Any]:
    """Exactly the names that a template may use, as plain dicts, lists and scalars.

    `env`, `project` and `agents` are what `spec.context` holds; a name that is not there is
    undefined in the template, which is an error where it is used. Durations are seconds.
    """
    rollout = spec.rollout
    names: dict[str, Any] = {
        "job": {
            "name": spec.name,
            "kind": spec.kind,
            "count": spec.count,
            "node_class": spec.node_class,
        },
        "release": spec.release,
        "driver": spec.driver and {"name": spec.driver.name, "config": spec.driver.config},
        "resources": {
            "cpu": spec.resources.cpu,
            "memory": spec.resources.memory,
            "memory_max": spec.resources.memory_max,
        },
        "environment": spec.environment,
        "ports": [
            {"label": port.label, "static": port.static, "to": port.to} for port in spec.ports
        ],
        "route": spec.route
        and {
            "hosts": spec.route.hosts,
            "path": spec.route.path,
            "visibility": spec.route.visibility,
            "port": spec.route.port,
        },
        "check": spec.check
        and {
            "kind": spec.check.kind,
            "path": spec.check.path,
            "port": spec.check.port,
            "interval": spec.check.interval,
            "timeout": spec.check.timeout,
        },
        "dns": spec.dns
        and {
            "hostnames": spec.dns.hostnames,
            "zone": spec.dns.zone,
            "target": spec.dns.target,
            "type": spec.dns.type,
            "ttl": spec.dns.ttl,
            "port": spec.dns.port,
        },
        "identities": [
            {
                "name": identity.name,
                "audience": identity.audience,
                "ttl": identity.ttl,
                "file": identity.file,
                "env": identity.env,
            }
            for identity in spec.identities
        ],
        "schedule": spec.schedule
        and {
            "cron": spec.schedule.cron,
            "time_zone": spec.schedule.time_zone,
            "prohibit_overlap": spec.schedule.prohibit_overlap,
        },
        "dispatch": spec.dispatch
        and {
            "payload": spec.dispatch.payload,
            "file": spec.dispatch.file,
            "meta_required": spec.dispatch.meta_required,
            "meta_optional": spec.dispatch.meta_optional,
        },
        "rollout": {
            "canaries": canaries(spec),
            "max_parallel": rollout.max_parallel,
            "min_healthy_time": rollout.min_healthy_time,
            "healthy_deadline": rollout.healthy_deadline,
            "progress_deadline": rollout.progress_deadline,
            "shutdown_delay": rollout.shutdown_delay,
            "kill_timeout": rollout.kill_timeout,
            "auto_revert": rollout.auto_revert,
            "fail_fast": rollout.fail_fast,
            "timeout": rollout.timeout,
            "restart_attempts": rollout.restart_attempts,
            "restart_delay": rollout.restart_delay,
        },
        "secrets": spec.secrets,
        "constraints": spec.constraints,
        "var": spec.variables,
    }
    names.update(spec.context)
    return {name: _thaw(value) for name, value in names.items()}


def canaries(spec: JobSpec) -> int:
    """The number of canaries: `all` is one for each instance."""
    if spec.rollout.canaries == "all":
        return 1 if spec.count is None else spec.count
    return spec.rollout.canaries


def _thaw(value: Any) -> Any:
    """Plain dicts and lists, which the sandbox knows how to keep from being changed."""
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thaw(item) for item in value]
    return value
