"""What Nomad says will happen if the job is submitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.spec.cause import Cause
from toolkit.spec.provenance import Origin
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.target import Secret


@dataclass(frozen=True, slots=True)
class Memory:
    """What the job file said when a version was deployed."""

    release: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    deployed: str | None = None
    """The release that was registered with it, which `--release` may have changed."""
    version: int | None = None
    """The job version that was registered with it; a later one only shows the same memory."""


LintLevel = Literal["warning", "refused"]


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What will happen to one group, in numbers of instances (Nomad's annotations)."""

    group: str
    place: int = 0
    canary: int = 0
    replace: int = 0
    """Destructive updates."""
    in_place: int = 0
    stop: int = 0
    migrate: int = 0
    preempt: int = 0
    ignore: int = 0


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One changed field, secrets already redacted."""

    path: str
    """`group[web].task[app].env[RELEASE]`."""
    kind: Literal["Added", "Deleted", "Edited"]
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class VersionMark:
    """A version of the job, by number."""

    version: int
    release: str | None
    at: float | None = None
    """When it was registered, in seconds since the epoch; None: no longer kept."""


DriftState = Literal["none", "changed", "reverted", "never", "unseen"]
"""`reverted`: an older version of ours is live again; `never`: no version was registered by
toolkit; `unseen`: what Nomad still keeps does not tell."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What others changed in the job since toolkit registered it last."""

    state: DriftState
    live: VersionMark
    since: VersionMark | None = None
    """The newest version that toolkit registered, as far as it is known."""
    changes: tuple[DiffLine, ...] = ()
    """From that version to the live one, secrets redacted."""
    detail: str = ""
    """What could not be seen, and why."""


@dataclass(frozen=True, slots=True)
class ScaledCount:
    """A group whose count is not what the job file says, because somebody scaled it."""

    group: str
    live: int
    asked: int
    """In the job file."""
    kept: bool
    """True when a deploy keeps the live one."""
    previous: int | None = None
    """Before it was scaled."""
    by: str | None = None
    """`nomad job scale`, `toolkit scale`, `an autoscaler`; None: Nomad keeps no record of it."""
    at: float | None = None
    """Seconds since the epoch."""
    message: str = ""
    """What was said with it, secrets redacted."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something in the job that loses requests or hides failures."""

    rule: str
    """A stable word; `[lint] allow = ["rule"]` in job.toml accepts it."""
    level: LintLevel
    message: str
    reason: str
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class LiveJob:
    """The job as it is registered now."""

    version: int
    modify_index: int
    """JobModifyIndex: the check index."""
    kind: str
    release: str | None
    stopped: bool
    stable: bool
    counts: dict[str, int]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan is a value, and submit takes nothing else."""

    rendered: RenderedJob
    job: dict[str, Any] = field(repr=False)
    """The job as Nomad parsed it, with the count and release that will be submitted."""
    check_index: int = 0
    """JobModifyIndex that the plan was made against; 0: the job does not exist."""
    live: LiveJob | None = None
    groups: tuple[GroupPlan, ...] = ()
    diff: tuple[DiffLine, ...] = ()
    lint: tuple[LintFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    unplaced: tuple[Cause, ...] = ()
    """Why it does not fit; empty when it does."""
    notes: tuple[str, ...] = ()
    """What the tool decided on the way: a live count kept, a live release about to change."""
    changed: bool = True
    """False: the live job is already exactly this."""
    remembered: Memory = Memory()
    """What the job file itself says, kept with the version for the next deploy."""
    secrets: tuple[Secret, ...] = ()
    """Values of the job's secrets, for redaction only."""
    question: str | None = None
    """What a person must confirm before this plan is submitted."""
    drift: Drift | None = None
    """What others changed since our last deploy; None: the job does not exist yet."""
    scaled: tuple[ScaledCount, ...] = ()
    origin: Origin | None = None
    """Where the job comes from; None: from the project's files as they are now."""
    environment: str = ""
    address: str = ""
    namespace: str = ""
    made_at: float = 0.0
    """Seconds since the epoch."""

    @property
    def job_id(self) -> str:
        """Nomad's id of the job."""
        return str(self.job["ID"])

    @property
    def release(self) -> str | None:
        """The release in the job that will be submitted (`meta.release`)."""
        meta = self.job.get("Meta") or {}
        release = meta.get("release")
        return None if release is None else str(release)

    @property
    def fits(self) -> bool:
        """True when the scheduler's dry run placed everything."""
        return not self.unplaced


@dataclass(frozen=True, slots=True)
class Submission:
    """What was registered, read back."""

    job_id: str
    version: int
    modify_index: int
    """JobModifyIndex of what we registered."""
    evaluation: str | None
    check_index: int
    submitted_at: float
    """Seconds since the epoch."""
    previous: LiveJob | None
    release: str | None
    unchanged: bool = False
    """Nothing was different: Nomad made no new version."""
    resolved: bool = False
    """True when the reply was lost and the outcome was found by reading."""
