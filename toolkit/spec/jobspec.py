"""What to deploy: a job file, validated, with every layer of settings applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.spec.analysis import CanarySettings
from toolkit.spec.image import ImageSettings
from toolkit.spec.probe import ProbeSettings
from toolkit.spec.target import Visibility

JobKind = Literal["service", "system", "batch", "sysbatch"]


class _Empty(Mapping[str, Any]):
    """A mapping of nothing; hashable, so that a dataclass takes it as a default (Python 3.11)."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY: Mapping[str, Any] = _Empty()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from, so that it can be named and written back."""

    source: str
    """A file of the tree, `--release`, `--var`, or `default`."""
    key: str = ""
    """Dotted key path inside a file, such as `release.version` or `env.dev.release`."""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ServedRelease:
    """How to ask a running instance which release it serves."""

    path: str = "/"
    header: str | None = None
    """Response header that holds the release; or:"""
    json: str | None = None
    """Dotted path into a JSON body that holds it."""


@dataclass(frozen=True, slots=True)
class Driver:
    """The task driver chosen for the environment, with its settings."""

    name: str
    config: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class Resources:
    """What one instance may use."""

    cpu: int = 100
    """MHz."""
    memory: int = 128
    """MB, reserved."""
    memory_max: int | None = None
    """MB, the most that it may grow to; None: `memory`."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port label of the group."""

    label: str
    static: int | None = None
    """Reserved on the host; None: Nomad chooses."""
    to: int | None = None
    """Inside the container."""


@dataclass(frozen=True, slots=True)
class Route:
    """How the edge finds the service."""

    hosts: tuple[str, ...] = ()
    path: str = "/"
    """Path prefix."""
    visibility: Visibility = "public"
    port: str = "http"


@dataclass(frozen=True, slots=True)
class Check:
    """The service's health check; durations in seconds."""

    kind: Literal["http", "tcp"] = "http"
    path: str = "/health"
    port: str = "http"
    interval: float = 2.0
    timeout: float = 1.0


@dataclass(frozen=True, slots=True)
class Dns:
    """Names that follow the job, for the kick server to keep."""

    hostnames: tuple[str, ...]
    zone: Visibility
    target: Literal["edge", "instances"]
    type: Literal["A", "AAAA", "SRV"] | None = None
    """None: A and AAAA, as the addresses are."""
    ttl: int | None = None
    """Seconds; None: the kick server's own."""
    port: str = "http"


@dataclass(frozen=True, slots=True)
class Identity:
    """A token that Nomad signs for the task, to be shown to others."""

    name: str
    audience: tuple[str, ...]
    """Who it is for; a server of ours takes one that is for it alone."""
    ttl: float = 3600.0
    """Seconds; Nomad renews the file well before."""
    file: bool = True
    """As `nomad_NAME.jwt` in the task's secrets folder."""
    env: bool = False
    """As NOMAD_TOKEN_NAME, which nobody renews while the task runs."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a batch job starts by itself."""

    cron: str
    time_zone: str = "UTC"
    prohibit_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a batch job is handed when it is dispatched."""

    payload: Literal["optional", "required", "forbidden"] = "optional"
    file: str = "payload"
    """Where the payload is, inside the task's `local/`."""
    meta_required: tuple[str, ...] = ()
    meta_optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """What `toolkit dev watch` does with a changed source; paths inside the project."""

    command: tuple[str, ...] = ()
    """Program and arguments; empty: nothing has to be built."""
    directory: str = "."
    watch: tuple[str, ...] | None = None
    """Folders and files; None: `services/` and the name of the job's folder, where that is one."""
    timeout: float = 600.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """How a new release replaces the old one; durations in seconds."""

    canaries: int | Literal["all"] = "all"
    """`all` is one canary per instance: every new instance is gated before the old ones go."""
    max_parallel: int = 1
    min_healthy_time: float = 5.0
    healthy_deadline: float = 120.0
    progress_deadline: float = 300.0
    shutdown_delay: float = 10.0
    """Between leaving Consul and the kill signal."""
    kill_timeout: float = 25.0
    auto_revert: bool = True
    fail_fast: bool = True
    """Fail the deployment as soon as an allocation can no longer become healthy."""
    timeout: float = 600.0
    """The tool's own deadline for one rollout."""
    restart_attempts: int = 1
    restart_delay: float = 1.0


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job file with all layers applied, or a plain Nomad job file with what we know of it."""

    name: str
    kind: JobKind
    source: str
    """Path of `job.toml`, or of the plain `.nomad.hcl`, inside the tree."""
    template: str
    """Path of the template inside the tree; of a plain job its own path."""
    kind_origin: Origin | None = None
    """Where the job file says its kind; None when it does not."""
    plain: bool = False
    """True: the `.nomad.hcl` goes to Nomad unchanged, `variables` feed its `variable` blocks."""
    release: str | None = None
    release_origin: Origin | None = None
    file_release: str | None = None
    """What the files say without `--release`; None when they say nothing."""
    served: ServedRelease | None = None
    """None: the release is judged by job version, not asked."""
    count: int | None = None
    count_origin: Origin | None = None
    driver: Driver | None = None
    resources: Resources = Resources()
    environment: Mapping[str, str] = EMPTY
    """Environment variables of the task."""
    ports: tuple[Port, ...] = ()
    route: Route | None = None
    check: Check | None = None
    dns: Dns | None = None
    """None: no name follows the job."""
    identities: tuple[Identity, ...] = ()
    schedule: Schedule | None = None
    dispatch: Dispatch | None = None
    rollout: RolloutSettings = RolloutSettings()
    canary: CanarySettings | None = None
    """None: canaries are gated, and not compared."""
    probe: ProbeSettings | None = None
    """None: the job file asks for none."""
    secrets: tuple[str, ...] = ()
    """Keys that must exist in the Nomad variable `nomad/jobs/<name>`."""
    depends: tuple[str, ...] = ()
    """`database`, `migrate:done`: see `toolkit.spec.depends.Need`."""
    depends_origin: Origin | None = None
    build: Build = Build()
    image: ImageSettings = field(default_factory=ImageSettings)
    variables: Mapping[str, Any] = EMPTY
    """For the template (`var.*`), all layers merged; for a plain job its HCL variables."""
    node_class: str | None = None
    node_pool: str | None = None
    """None: the environment's."""
    system: bool = False
    """Equipment: a cluster is only up when it runs there."""
    constraints: tuple[Mapping[str, str], ...] = ()
    lint_allow: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    """What else the template sees: `env`, `project`, `agents`."""
