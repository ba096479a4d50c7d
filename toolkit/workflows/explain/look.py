"""Everything Nomad says about one job, read at once; what cannot be read is said."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, DeniedError
from toolkit.rollout import consul_side, declared, read
from toolkit.spec.observed import (
    AllocationView,
    ConsulInstance,
    DeploymentView,
    EvaluationView,
)
from toolkit.spec.plan import LiveJob
from toolkit.workflows.session import Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobSeen:
    """One job as Nomad has it, and what it still remembers."""

    id: str
    raw: dict[str, Any] | None = field(repr=False)
    """As registered; None: it is not."""
    versions: tuple[LiveJob, ...]
    """Newest first."""
    deployments: tuple[DeploymentView, ...]
    """Oldest first, like the next two."""
    allocations: tuple[AllocationView, ...]
    evaluations: tuple[EvaluationView, ...]
    unseen: tuple[str, ...]

    @property
    def live(self) -> LiveJob:
        """The registered version; only where there is one."""
        assert self.raw is not None  # noqa: S101 - asked by those that looked
        return read.live_job(self.raw)

    def version(self, number: int) -> LiveJob | None:
        """One version, if Nomad still keeps it."""
        return next((each for each in self.versions if each.version == number), None)

    def of_version(self, number: int) -> tuple[AllocationView, ...]:
        """The allocations of one version."""
        return tuple(each for each in self.allocations if each.job_version == number)

    def rollout(self, number: int) -> DeploymentView | None:
        """The latest deployment of one version."""
        mine = [each for each in self.deployments if each.job_version == number]
        return mine[-1] if mine else None

    def blocked(self) -> EvaluationView | None:
        """The evaluation that waits for capacity, if one does."""
        found = [each for each in self.evaluations if each.status == "blocked"]
        return found[-1] if found else None

    def unplaced(self) -> EvaluationView | None:
        """The last evaluation of the registered version that could not place all.

        A deployment that failed is not placed any further, and so nothing waits for it.
        """
        return unplaced(self.evaluations, self.live.modify_index)


def unplaced(evaluations: tuple[EvaluationView, ...], since: int) -> EvaluationView | None:
    """The last evaluation from that index on that could not place all."""
    found = [each for each in evaluations if each.failed and each.create_index >= since]
    return found[-1] if found else None


def look(session: Session, job_id: str) -> JobSeen:
    """Five calls, side by side; raises only when the job itself cannot be read."""
    unseen: list[str] = []

    def try_to(what: str, ask: Callable[[Nomad], T]) -> T | None:
        with session.nomad.clone() as nomad:
            try:
                return ask(nomad)
            except ApiError as exc:
                if what == "the job":
                    raise
                unseen.append(f"{what}: {why(exc)}")
                return None

    with ThreadPoolExecutor(5) as pool:
        job = pool.submit(try_to, "the job", lambda nomad: nomad.job(job_id))
        versions = pool.submit(try_to, "its versions", lambda nomad: nomad.versions(job_id))
        deployments = pool.submit(
            try_to, "its deployments", lambda nomad: nomad.deployments(job_id).value
        )
        allocations = pool.submit(
            try_to, "its allocations", lambda nomad: nomad.allocations(job_id).value
        )
        evaluations = pool.submit(
            try_to, "its evaluations", lambda nomad: nomad.evaluations(job_id)
        )
    raw: Any = job.result()
    return JobSeen(
        id=job_id,
        raw=raw,
        versions=tuple(read.live_job(each) for each in versions.result() or []),
        deployments=read.deployments(deployments.result() or []),
        allocations=read.allocations(allocations.result() or []),
        evaluations=read.evaluations(evaluations.result() or []),
        unseen=tuple(sorted(unseen)),
    )


def why(exc: ApiError) -> str:
    """Why something could not be seen, with the right that is missing where that is known."""
    return (
        f"{exc.message}, {exc.hint}" if isinstance(exc, DeniedError) and exc.hint else exc.message
    )


def consul(
    session: Session, services: tuple[declared.Service, ...]
) -> tuple[list[ConsulInstance], tuple[str, ...]]:
    """Consul's instances of some services, and why they could not all be seen."""
    if not services:
        return [], ()
    side = consul_side.look(session.world, [service.name for service in services])
    return side.everything(), (f"Consul: {side.blind}",) if side.blind else ()
