"""What is known without a cluster, or from the jobs: what they need, which agents run here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.agents.start import last_lines
from toolkit.errors import ApiError, ServerError
from toolkit.rollout import declared, read
from toolkit.rollout.health.local import LocalAgent
from toolkit.spec.jobspec import JobSpec
from toolkit.workflows.dev_report import runs
from toolkit.workflows.doctor.gather import Looks
from toolkit.workflows.names import project_jobs
from toolkit.workflows.session import Session

MOST = 30
"""How many registered jobs are read."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """What the jobs need of the cluster: the project's, or without a project the namespace's."""

    names: tuple[str, ...] = ()
    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Driver -> jobs."""
    routed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Job -> entry points that its routes name."""
    services: tuple[str, ...] = ()
    using: tuple[str, ...] = ()
    """Jobs that have Consul services."""
    system: tuple[str, ...] = ()
    """System jobs."""
    secret: tuple[str, ...] = ()
    """Jobs whose files say that they have secrets."""


def jobs(session: Session, done: Looks) -> Jobs:
    """Job files first, then what is registered; a Nomad that shows none leaves the files."""
    specs, _remarks = project_jobs(session)
    known = {name: spec for name, spec in specs.items() if spec is not None}
    voice = done["nomad_leader"].value
    answers = voice is not None and bool(voice.leader)
    if session.settings.project is None:
        if not answers:
            raise ServerError("Nomad does not list them, see the check nomad", system="Nomad")
        stubs = [each for each in session.nomad.jobs() if not each.get("Stop")]
        names = [str(each["ID"]) for each in stubs if not each.get("ParentID")]
    else:
        names = list(known)
    needs = _Needs()
    for name in names:
        needs.add_spec(name, known.get(name))
    for name in names[:MOST] if answers else ():
        try:
            raw = session.nomad.job(name)
        except ApiError:
            # The checks of Nomad itself say what is wrong.
            if session.settings.project is None:
                raise
            break
        if raw is not None and not raw.get("Stop"):
            needs.add_job(name, raw)
    return needs.value(names)


class _Needs:
    """Adds up what the jobs need."""

    def __init__(self) -> None:
        self.drivers: dict[str, dict[str, None]] = {}
        self.routed: dict[str, dict[str, None]] = {}
        self.services: dict[str, None] = {}
        self.using: dict[str, None] = {}
        self.system: dict[str, None] = {}
        self.secret: dict[str, None] = {}

    def add_spec(self, name: str, spec: JobSpec | None) -> None:
        """What a job file says."""
        if spec is None:
            return
        if spec.driver is not None:
            self.drivers.setdefault(spec.driver.name, {})[name] = None
        if spec.route is not None:
            self.routed.setdefault(name, {})[spec.route.visibility] = None
            self.using[name] = None
        if spec.secrets:
            self.secret[name] = None
        if spec.kind == "system":
            self.system[name] = None

    def add_job(self, name: str, raw: Mapping[str, Any]) -> None:
        """What a registered job says."""
        for group in read.groups(raw):
            for task in group.get("Tasks") or ():
                self.drivers.setdefault(str(task["Driver"]), {})[name] = None
        for service in declared.services(raw):
            self.using[name] = None
            if "${" not in service.name:
                self.services[service.name] = None
            for route in service.routes:
                points = self.routed.setdefault(name, {})
                points |= dict.fromkeys(route.entry_points)
        if raw.get("Type") == "system":
            self.system[name] = None

    def value(self, names: list[str]) -> Jobs:
        """The sum."""
        return Jobs(
            names=tuple(names),
            drivers={driver: tuple(jobs) for driver, jobs in self.drivers.items()},
            routed={job: tuple(points) for job, points in self.routed.items()},
            services=tuple(self.services),
            using=tuple(self.using),
            system=tuple(self.system),
            secret=tuple(self.secret),
        )


def agents(session: Session, _done: Looks) -> tuple[LocalAgent, ...]:
    """The agents that `toolkit dev up` started, as they stand."""
    state = session.target.agents
    if state is None:
        return ()
    return tuple(
        LocalAgent(
            each.name,
            alive=(alive := runs(each)),
            address=state.consul_address if each.name == "consul" else state.nomad_address,
            pid=each.pid,
            last_lines=() if alive else last_lines(Path(each.log))[-5:],
        )
        for each in state.processes
    )
