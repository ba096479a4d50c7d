"""Where a server of ours is: said by the environment, or found in Consul and believed by Nomad.

A caller's Nomad token goes to the server. Whoever may register a service in Consul could call it
`kick` or `hook`, so an instance is asked only when Nomad says that it is one of the job's, at that
port.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from toolkit.errors import ApiError, DeniedError, NotFoundError, RefusedError, UnreachableError
from toolkit.rollout import read
from toolkit.spec.observed import ConsulInstance
from toolkit.spec.target import Endpoint
from toolkit.workflows.session import Session

Name = Literal["kick", "hook"]
"""The job's ID in Nomad, its service's name in Consul, and its key in toolkit.toml."""


def find(session: Session, said: Endpoint | None, name: Name) -> Endpoint:
    """The environment's server of that name; `said`: what the environment says of it.

    RefusedError when there is none that can be believed, and what to do about it.
    """
    if said is None:
        raise RefusedError(f"this environment has no {name} server")
    return replace(said, address=said.address or _locate(session, name))


def _locate(session: Session, name: Name) -> str:
    try:
        page = session.consul.service(name)
        instances = read.consul_instances(name, page.value or [])
        if not instances:
            raise _absent(session, name, hidden=page.filtered)
        passing = [each for each in instances if each.passing]
        if not passing:
            raise RefusedError(
                f"the {name} server of environment {session.target.environment} is not well:"
                f" {_complaint(instances)}",
                hint=f"toolkit explain {name}",
            )
        for instance in passing:
            if _is_the_jobs(session, instance, name):
                return instance.url
    except (UnreachableError, DeniedError) as exc:
        # Who may not look, or cannot, may still know.
        exc.hint = _or(session, exc.hint, name)
        raise
    strangers = ", ".join(each.url for each in passing)
    raise RefusedError(
        f"what Consul calls {name} at {strangers} is no instance of job {name} in namespace"
        f" {session.target.namespace}; no token was sent there",
        hint=_or(session, "--namespace says where the job is", name),
    )


def _or(session: Session, hint: str | None, name: Name) -> str | None:
    """The hint, and that the server's address can be said; a local one is found or not there."""
    if session.target.local:
        return hint
    key = f'{name} = "http://…" under [environments.{session.target.environment}] of toolkit.toml'
    said = f"{name.upper()}_ADDR" if session.settings.project is None else key
    return f"{hint + '; or ' if hint else ''}say where the {name} server is: {said}"


def _complaint(instances: Iterable[ConsulInstance]) -> str:
    for instance in instances:
        for check in instance.checks:
            if check.status != "passing":
                said = check.output.strip().partition("\n")[0]
                return f"{check.name} is {check.status}" + (f" ({said})" if said else "")
    return "it does not pass in Consul"


def _absent(session: Session, name: Name, *, hidden: bool) -> RefusedError:
    where = f"environment {session.target.environment}"
    if hidden:
        return RefusedError(
            f"Consul shows no service {name} of {where} to this token",
            hint=_or(session, "set CONSUL_HTTP_TOKEN to one that may read services", name),
        )
    with contextlib.suppress(ApiError):
        job = session.nomad.job(name)
        if job is not None and not job.get("Stop"):
            return RefusedError(
                f"the {name} server of {where} does not run: Consul has no service {name},"
                " and Nomad has the job",
                hint=f"toolkit explain {name}",
            )
    return RefusedError(
        f"no {name} server runs in {where}: Consul has no service {name}",
        hint=f"toolkit deploy {name}",
    )


def _is_the_jobs(session: Session, instance: ConsulInstance, name: Name) -> bool:
    if instance.allocation is None:
        return False
    try:
        allocation = session.nomad.allocation(instance.allocation)
    except NotFoundError:
        return False
    return (
        allocation.get("JobID") == name
        and allocation.get("Namespace") == session.target.namespace
        and allocation.get("ClientStatus") == "running"
        and (instance.address, instance.port) in _ports(allocation)
    )


def _ports(allocation: Mapping[str, Any]) -> set[tuple[str, int]]:
    shared = (allocation.get("AllocatedResources") or {}).get("Shared") or {}
    return {
        (str(port.get("HostIP")), int(port.get("Value") or 0)) for port in shared.get("Ports") or []
    }
