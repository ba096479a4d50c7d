"""Where the kick server is: said by the environment, or found in Consul and believed by Nomad.

A caller's Nomad token goes to the server. Whoever may register a service in Consul could call it
`kick`, so an instance is asked only when Nomad says that it is one of the job's, at that port.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.clients.kick import Kick
from toolkit.errors import ApiError, DeniedError, NotFoundError, RefusedError, UnreachableError
from toolkit.rollout import read
from toolkit.spec.observed import ConsulInstance
from toolkit.workflows.session import Session

JOB = "kick"
"""The job's ID in Nomad, and its service's name in Consul."""


def connect(session: Session) -> Kick:
    """A client of the environment's kick server; nothing has been asked of it yet.

    RefusedError when there is none that can be believed, and what to do about it.
    """
    said = session.target.kick
    if said is None:
        raise RefusedError("this environment has no kick server")
    address = said.address or _locate(session)
    return Kick(replace(said, address=address), sleep=session.world.sleep)


def _locate(session: Session) -> str:
    try:
        page = session.consul.service(JOB)
        instances = read.consul_instances(JOB, page.value or [])
        if not instances:
            raise _absent(session, hidden=page.filtered)
        passing = [each for each in instances if each.passing]
        if not passing:
            raise RefusedError(
                f"the kick server of environment {session.target.environment} is not well:"
                f" {_complaint(instances)}",
                hint=f"toolkit explain {JOB}",
            )
        for instance in passing:
            if _is_the_jobs(session, instance):
                return instance.url
    except (UnreachableError, DeniedError) as exc:
        # Who may not look, or cannot, may still know.
        exc.hint = _or(session, exc.hint)
        raise
    strangers = ", ".join(each.url for each in passing)
    raise RefusedError(
        f"what Consul calls {JOB} at {strangers} is no instance of job {JOB} in namespace"
        f" {session.target.namespace}; no token was sent there",
        hint=_or(session, "--namespace says where the job is"),
    )


def _or(session: Session, hint: str | None) -> str | None:
    """The hint, and that the server's address can be said; a local one is found or not there."""
    if session.target.local:
        return hint
    key = f'kick = "http://…" under [environments.{session.target.environment}] of toolkit.toml'
    said = "KICK_ADDR" if session.settings.project is None else key
    return f"{hint + '; or ' if hint else ''}say where the kick server is: {said}"


def _complaint(instances: Iterable[ConsulInstance]) -> str:
    for instance in instances:
        for check in instance.checks:
            if check.status != "passing":
                said = check.output.strip().partition("\n")[0]
                return f"{check.name} is {check.status}" + (f" ({said})" if said else "")
    return "it does not pass in Consul"


def _absent(session: Session, *, hidden: bool) -> RefusedError:
    where = f"environment {session.target.environment}"
    if hidden:
        return RefusedError(
            f"Consul shows no service {JOB} of {where} to this token",
            hint=_or(session, "set CONSUL_HTTP_TOKEN to one that may read services"),
        )
    with contextlib.suppress(ApiError):
        job = session.nomad.job(JOB)
        if job is not None and not job.get("Stop"):
            return RefusedError(
                f"the kick server of {where} does not run: Consul has no service {JOB},"
                " and Nomad has the job",
                hint=f"toolkit explain {JOB}",
            )
    return RefusedError(
        f"no kick server runs in {where}: Consul has no service {JOB}",
        hint=f"toolkit deploy {JOB}",
    )


def _is_the_jobs(session: Session, instance: ConsulInstance) -> bool:
    if instance.allocation is None:
        return False
    try:
        allocation = session.nomad.allocation(instance.allocation)
    except NotFoundError:
        return False
    return (
        allocation.get("JobID") == JOB
        and allocation.get("Namespace") == session.target.namespace
        and allocation.get("ClientStatus") == "running"
        and (instance.address, instance.port) in _ports(allocation)
    )


def _ports(allocation: Mapping[str, Any]) -> set[tuple[str, int]]:
    shared = (allocation.get("AllocatedResources") or {}).get("Shared") or {}
    return {
        (str(port.get("HostIP")), int(port.get("Value") or 0)) for port in shared.get("Ports") or []
    }
