"""hook.toml, validated: who may do what, where the server deploys to, and what a push may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.spec.repo import Order, Right
from toolkit.spec.target import Endpoint, Visibility


@dataclass(frozen=True, slots=True)
class RepoGrant:
    """Rights to some repositories."""

    repos: tuple[str, ...]
    """Exact names, or `*` alone for all."""
    rights: frozenset[Right]
    """As written; `admin` includes `push`, `push` includes `read`."""


@dataclass(frozen=True, slots=True)
class PersonRule:
    """Grants of whoever has one of these policies or roles, or a management token."""

    grants: tuple[RepoGrant, ...]
    policies: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    management: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadRule:
    """Grants of one job's tasks; matched exactly, and never more than `read`."""

    namespace: str
    job: str
    grants: tuple[RepoGrant, ...]
    task: str = ""
    """Empty: any task of the job."""


@dataclass(frozen=True, slots=True)
class RepoPolicy:
    """What is not granted is refused."""

    people: tuple[PersonRule, ...] = ()
    workloads: tuple[WorkloadRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PushLimits:
    """What one push may cost; bytes, seconds and counts."""

    pack_bytes: int = 256 << 20
    objects: int = 200_000
    refs: int = 100
    """Ref lines of one push."""
    files: int = 20_000
    """Files of a commit that is deployed."""
    file_bytes: int = 1 << 20
    """Of a file that configuration or a template reads."""
    depth: int = 32
    path_bytes: int = 400
    seconds: float = 600.0
    """From the first byte of a push to the last byte of its pack."""
    check_seconds: float = 30.0
    check_memory: int = 512 << 20
    deploy_seconds: float = 3600.0
    deploy_memory: int = 768 << 20
    log_bytes: int = 4 << 20
    pushes: int = 32
    """On their way in at once: each is a git and some threads, and what thinks has bounds of its
    own."""
    pushes_of_one: int = 24
    clones: int = 16
    requests: int = 64


@dataclass(frozen=True, slots=True)
class HookLimits:
    """What a script of a repository may cost."""

    seconds: float = 60.0
    memory: int = 512 << 20
    output: int = 1 << 20
    user: str = "nobody"
    """As whom it runs; whoever runs the server has to be root for that."""
    same_user: bool = False
    """Run it as the server itself where it cannot be somebody else; never outside development."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Where what a repository's settings name is built, and what one build may cost."""

    driver: str = ""
    """Of the Nomad job that runs a command: `docker`, or `raw_exec` in development; empty: in
    development `raw_exec`, elsewhere no command is run."""
    image: str = ""
    """What a command runs in; driver `docker` only."""
    python: str = "python3"
    """There, for the few lines around the command."""
    node_pool: str = ""
    """Where builds run; empty: where the target's jobs do."""
    cpu: int = 500
    """MHz."""
    memory: int = 512
    """MB."""
    seconds: float = 900.0
    bytes: int = 512 << 20
    """Of what is built."""
    kept: int = 20
    """Builds of one service, those that were asked for last."""
    engine: str = ""
    """`DOCKER_HOST` of the engine that builds Dockerfiles; empty: the server has none."""
    registry: str = ""
    """Where images are pushed: `registry.example/shop`; empty: they stay in that engine."""
    registry_user: str = ""
    """Its password is the server's own secret."""


@dataclass(frozen=True, slots=True)
class HookTarget:
    """The environment that pushes are deployed to; a push says nothing of this."""

    environment: str
    nomad: Endpoint
    consul: Endpoint
    """Both without a token: the pusher's is taken, and `consul_token` from the task's variables."""
    edge: Mapping[Visibility, str] = field(default_factory=dict)
    traefik: Endpoint | None = None
    namespace: str = "default"
    region: str = "global"
    datacenters: tuple[str, ...] = ("*",)
    node_pool: str = "default"
    state: str = ""
    """Path of the local agents' state file, in development; empty elsewhere."""


@dataclass(frozen=True, slots=True)
class HookConfig:
    """The whole of hook.toml."""

    cluster: str
    audience: str
    """What tokens of workloads have to be made for: `hook.dev`."""
    url: str
    """Where people and workloads reach the server: `http://127.0.0.1:8655`."""
    target: HookTarget
    policy: RepoPolicy
    issuer: str = ""
    limits: PushLimits = field(default_factory=PushLimits)
    hooks: HookLimits = field(default_factory=HookLimits)
    builds: BuildSettings = field(default_factory=BuildSettings)
    order: Order = "newest"
    """Of repositories that say nothing else."""
    trash: float = 30 * 86400.0
    """Seconds that what was deleted can still be had back."""
