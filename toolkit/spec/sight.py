"""What somebody who keeps looking sees: a job with its instances, or all jobs, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.spec.chain import InstanceChain
from toolkit.spec.listing import JobRow

SightWord = Literal["seen", "changed", "lost", "back", "gone"]
"""`seen`: the first look; `lost`, `back`: an API; `gone`: the job, with which the watch is over."""

ChangeWord = Literal["job", "instance", "left", "hold", "note"]


@dataclass(frozen=True, slots=True)
class Change:
    """One transition, as one line."""

    word: ChangeWord
    text: str


@dataclass(frozen=True, slots=True)
class JobSight:
    """One job, as the head of its instances."""

    name: str
    state: str
    """`running`, `pending`, `dead`, `stopped`, `not deployed`."""
    release: str | None = None
    version: int | None = None
    deployment: str | None = None
    """Status of the deployment of this version."""
    healthy: int | None = None
    """Instances of it that are healthy by Nomad's word; None: nothing judges them."""
    wanted: int | None = None
    """Instances that should run; None where nobody says."""

    def headline(self) -> str:
        """`shop 1.1.0 · version 4 · running · deployment successful, 2 of 2 healthy`."""
        parts = [f"{self.name} {self.release}" if self.release else self.name]
        parts += [f"version {self.version}"] if self.version is not None else []
        parts.append(self.state)
        if self.deployment is not None:
            of = f" of {self.wanted}" if self.wanted is not None else ""
            judged = f", {self.healthy}{of} healthy" if self.healthy is not None else ""
            parts.append(f"deployment {self.deployment}{judged}")
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is there now, and what of it is new."""

    environment: str
    address: str
    namespace: str
    word: SightWord
    at: float
    """Seconds since the epoch."""
    changes: tuple[Change, ...]
    job: JobSight | None = None
    """None: all jobs are watched."""
    instances: tuple[InstanceChain, ...] = ()
    """Of the job that is watched."""
    jobs: tuple[JobRow, ...] = ()
