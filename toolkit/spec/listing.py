"""What the smaller commands return: looks, lists and single operations, all JSON-able."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from toolkit.errors import ExitCode, Mistake
from toolkit.spec.chain import Verification
from toolkit.spec.events import Event
from toolkit.spec.plan import DiffLine
from toolkit.spec.provenance import LastVerified, Provenance
from toolkit.spec.report import VERDICT_CODES

JobState = Literal["running", "pending", "stopped", "dead", "not deployed"]


@dataclass(frozen=True, slots=True)
class ValidateReport:
    """Every job's mistakes at once, and who looked."""

    environment: str
    jobs: tuple[str, ...]
    """Jobs looked at."""
    judge: Literal["offline", "Nomad"]
    """`offline`: configuration, template and a light look at the HCL; `Nomad`: its own parser and
    validator too."""
    judge_detail: str
    """`Nomad 1.11.3 at 127.0.0.1:4646`, or why it was not asked."""
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def code(self) -> ExitCode:
        """Refused when anything is wrong."""
        return ExitCode.REFUSED if self.mistakes else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Launched:
    """How many jobs a periodic or parameterized job launched that Nomad still keeps."""

    pending: int
    running: int
    dead: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job in the list of a namespace."""

    name: str
    kind: str
    """Nomad's type; of a job that is not deployed, the job file's."""
    state: JobState
    release: str | None
    version: int | None
    wanted: int | None
    """Instances that should run; of a system job one per node that it was placed on."""
    running: int
    healthy: int | None
    """By Nomad's word; None: nothing that judges it (no deployment)."""
    deployment: str | None
    """Status of the latest deployment."""
    ours: bool
    """True when the project has a job file for it, or there is no project."""
    failed: int = 0
    """Allocations that failed; of the list since the job was registered, as Nomad counts them."""
    lost: int = 0
    complete: int = 0
    launched: Launched | None = None
    """Of a job that only launches others, in the list."""

    @property
    def has_failed(self) -> bool:
        """True of a job that is over and did not all end well; Nomad calls every end `dead`."""
        return self.state == "dead" and self.failed + self.lost > 0

    @property
    def runs_short(self) -> bool:
        """True when fewer instances of a service run than should; other kinds end by themselves."""
        meant = self.kind == "service" and self.state in {"running", "pending"}
        return meant and self.running < (self.wanted or 0)


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One Consul check of an instance, as it stands."""

    name: str
    status: str
    output: str
    """First line of what the check said."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One allocation of a job, with what Consul says of it."""

    allocation: str
    group: str
    node: str
    version: int
    state: str
    """Nomad's client status."""
    wanted: bool
    """Nomad wants it to run; False: on its way out."""
    healthy: bool | None
    canary: bool
    restarts: int
    consul: str
    """`passing`, `warning`, `critical`, `missing`, `unseen`, or `-` for a job without services."""
    address: str
    """`host:port`; empty when it has none."""
    checks: tuple[CheckLine, ...] = ()


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """The latest deployment of a job."""

    id: str
    version: int
    status: str
    description: str
    placed: int
    healthy: int
    desired: int
    canaries: int
    promoted: bool


@dataclass(frozen=True, slots=True)
class JobDetail:
    """One job, looked at closely."""

    row: JobRow
    stable: bool
    submitted_at: float | None
    """Seconds since the epoch."""
    deployment: DeploymentRow | None
    instances: tuple[InstanceRow, ...]
    routes: tuple[str, ...]
    """Addresses at which the edge serves it, or the routers' rules where no address is known."""
    drift: str | None = None
    """How the live job differs from the job file in release or count; None: it does not."""
    provenance: Provenance | None = None
    """Where the live version came from; None: it does not carry a tag of ours."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What is there: all jobs of a namespace, or one closely."""

    environment: str
    address: str
    namespace: str
    jobs: tuple[JobRow, ...] = ()
    detail: JobDetail | None = None
    notes: tuple[str, ...] = ()
    """What could not be seen, and why."""
    left_out: int = 0
    """Jobs that `--limit` kept from the list; they count below."""
    states: dict[str, int] = field(default_factory=dict)
    """How many jobs are in each state."""
    short: tuple[str, ...] = ()
    """Jobs that run fewer instances than they should."""
    calls: int = 0
    """HTTP calls made to Nomad."""

    @property
    def code(self) -> ExitCode:
        """Looking succeeds, whatever is seen."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a job that Nomad still keeps."""

    version: int
    release: str | None
    submitted_at: float
    """Seconds since the epoch."""
    stable: bool
    live: bool
    """The version that is registered now (and not stopped)."""
    tags: tuple[str, ...]
    deployment: str | None
    """Status of its deployment; None: none, or no longer kept."""
    counts: dict[str, int]
    """Instances by group."""
    stopped: bool = False
    changes: tuple[DiffLine, ...] = ()
    """Against the version before, secrets redacted; empty for the oldest."""
    summary: str = ""
    """`release 1.0.0 → 1.1.0, 2 more changes`; `first version kept` for the oldest."""
    provenance: Provenance | None = None
    """Where it came from; None for a version that does not carry a tag of ours."""
    last_verified: bool = False
    """The version that was verified last."""


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """The versions of a job, newest first."""

    environment: str
    address: str
    namespace: str
    job: str
    versions: tuple[VersionRow, ...]
    last_verified: LastVerified | None = None
    """What was verified last, if that can be seen."""
    notes: tuple[str, ...] = ()
    """What could not be seen, or is not there any more."""

    @property
    def code(self) -> ExitCode:
        """Looking succeeds, whatever is seen."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a task's output, or a remark about where lines come from."""

    allocation: str
    """Full id; empty for a remark about the job."""
    task: str
    source: Literal["stdout", "stderr", "note"]
    text: str

    @property
    def prefix(self) -> str:
        """`5b2c90aa app`, to say before the line."""
        return f"{self.allocation[:8]} {self.task}".strip()


@dataclass(frozen=True, slots=True)
class SecretReport:
    """The keys of a job's secrets; never a value."""

    environment: str
    job: str
    path: str
    """Of the Nomad variable."""
    action: Literal["set", "listed", "deleted"]
    key: str | None
    keys: tuple[str, ...]
    """Keys that are set now, sorted."""
    missing: tuple[str, ...] = ()
    """Keys that the job file names and that are not set."""
    unused: tuple[str, ...] = ()
    """Keys that are set and that the job file does not name."""
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> ExitCode:
        """A list with missing keys is still a list."""
        return ExitCode.OK


OperateVerdict = Literal[
    "scaled", "restarted", "stopped", "purged", "promoted", "aborted", "paused", "resumed",
    "unchanged", "reverted", "failed", "unknown", "unverified", "superseded", "held", "unplaced",
    "refused",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class OperateReport:
    """One operation on a running job, watched to its end."""

    verdict: OperateVerdict
    sentence: str
    """The end said in one sentence."""
    action: str
    job: str
    environment: str
    address: str
    namespace: str
    release: str | None = None
    """The release that serves at the end, as far as it is known."""
    deployment: str | None = None
    verification: Verification | None = None
    notes: tuple[str, ...] = ()
    next: str | None = None
    """The next command to type."""
    events: tuple[Event, ...] = ()
    seconds: float = 0.0

    @property
    def code(self) -> ExitCode:
        """Done is 0; every other word has a rollout's code."""
        codes: dict[str, ExitCode] = {str(word): code for word, code in VERDICT_CODES.items()}
        return codes.get(self.verdict, ExitCode.OK)


@dataclass(frozen=True, slots=True)
class InitReport:
    """A project that was written."""

    folder: str
    files: tuple[str, ...]
    """Paths inside the folder, in the order in which to read them."""
    next: tuple[str, ...]
    """The commands to type, in order."""

    @property
    def code(self) -> ExitCode:
        """It was written, or an error was raised."""
        return ExitCode.OK
