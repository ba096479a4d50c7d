"""Reports: what a workflow returns. Frozen, JSON-able, with a word and an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.analysis import AnalysisReport
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.events import Event
from toolkit.spec.lock import LockReport
from toolkit.spec.plan import Plan
from toolkit.spec.probe import ProbeReport
from toolkit.spec.provenance import Provenance
from toolkit.spec.timeline import Timeline

Verdict = Literal[
    "deployed", "unchanged", "completed", "submitted", "refused", "failed", "unplaced",
    "unknown", "unverified", "superseded", "reverted", "held",
]  # fmt: skip

VERDICT_CODES: dict[Verdict, ExitCode] = {
    "deployed": ExitCode.OK,
    "unchanged": ExitCode.OK,
    "completed": ExitCode.OK,
    "submitted": ExitCode.OK,
    "refused": ExitCode.REFUSED,
    "failed": ExitCode.FAILED,
    "unplaced": ExitCode.UNPLACED,
    "unknown": ExitCode.UNKNOWN,
    "unverified": ExitCode.UNVERIFIED,
    "superseded": ExitCode.SUPERSEDED,
    "reverted": ExitCode.REVERTED,
    "held": ExitCode.HELD,
}


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the seconds went; each None when the stage was not reached."""

    total: float
    render: float | None = None
    plan: float | None = None
    submit: float | None = None
    nomad: float | None = None
    """Nomad's own clock: from submit to the end of its deployment, our gate deducted."""
    healthy: float | None = None
    """From submit to Nomad's own word that every new instance is healthy."""
    gate: float | None = None
    """From Nomad's healthy to promotion."""
    verify: float | None = None
    """From the end of Nomad's deployment to the verdict."""
    edge_wait: float = 0.0
    """Part of `gate` and `verify` spent waiting for Traefik to show a change."""


@dataclass(frozen=True, slots=True)
class DeployReport:
    """One rollout, or the verification of one: everything that was printed, and more."""

    verdict: Verdict
    sentence: str
    """The end said in one sentence: `backend 1.1.0, 2 of 2 verified, in 7.1 s (…)`."""
    job: str
    environment: str
    address: str
    namespace: str
    release: str | None
    """The release asked for."""
    previous_release: str | None
    serving: str | None
    """The release verified to serve at the end; None when none was verified."""
    version: int | None
    """Job version that was registered."""
    deployment: str | None
    evaluation: str | None
    timings: Timings
    verification: Verification | None = None
    causes: tuple[Cause, ...] = ()
    next: str | None = None
    """The next command to type."""
    plan: Plan | None = None
    events: tuple[Event, ...] = ()
    calls: int = 0
    """HTTP calls made to Nomad."""
    expired_waits: int = 0
    """Of these, blocking queries that ended with nothing new."""
    probe: ProbeReport | None = None
    """None: nobody asked through the edge while it rolled."""
    provenance: Provenance | None = None
    """Where the version that this is about came from; None: it is not of our making."""
    analysis: AnalysisReport | None = None
    """Of the canaries beside stable instances; None: they were not compared."""
    lock: LockReport | None = None
    """The deploy lock of the job; None: nothing was to be submitted."""
    timeline: Timeline | None = None
    """The rollout in time; None where nobody watched one."""

    @property
    def code(self) -> ExitCode:
        """The exit code that the verdict stands for."""
        return VERDICT_CODES[self.verdict]
