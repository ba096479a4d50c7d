"""The local cluster: the machine it runs on, as a value, and the report about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.agents import AgentName

AgentStatus = Literal["running", "died", "stopped"]

DevWord = Literal["started", "already up", "running", "died", "stopped", "not running"]
"""`died`: an agent that should run does not."""

_GO_KEYS = frozenset(
    {
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME", "PATH", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """What the environment says about this machine; made once from it, then passed on."""

    path: str
    """`PATH`."""
    home: Path
    cache: Path
    """The user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`)."""
    nomad_bin: Path | None = None
    consul_bin: Path | None = None
    traefik_bin: Path | None = None
    beside: Path = Path(sys.executable).parent
    """Where programs are that were installed with toolkit: those of the wheels."""
    docker_endpoint: str | None = None
    """`DOCKER_HOST`: the engine that Nomad's docker driver talks to."""
    go_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a Go build may see: Go's own settings, proxies, certificates."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Machine:
        """The machine as `environ` describes it."""
        home = Path(environ.get("HOME") or "/")
        cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")

        def given(key: str) -> Path | None:
            return Path(environ[key]) if environ.get(key) else None

        go = {
            key: value for key, value in environ.items() if key in _GO_KEYS or key.startswith("GO")
        }
        return cls(
            path=environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
            home=home,
            cache=cache if cache.is_absolute() else home / ".cache",
            nomad_bin=given("NOMAD_BIN"),
            consul_bin=given("CONSUL_BIN"),
            traefik_bin=given("TRAEFIK_BIN"),
            docker_endpoint=environ.get("DOCKER_HOST") or None,
            go_environment=go,
        )


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One local agent, as it stands."""

    name: AgentName
    status: AgentStatus
    pid: int | None
    version: str
    binary: str
    address: str
    """Of its HTTP API."""
    log: str
    """Path of its log file."""
    last_lines: tuple[str, ...] = ()
    """The end of its log, for an agent that died."""


@dataclass(frozen=True, slots=True)
class DevReport:
    """The local cluster after `toolkit dev up`, `down` or `status`."""

    word: DevWord
    sentence: str
    """The end said in one sentence."""
    agents: tuple[AgentRow, ...] = ()
    addresses: dict[str, str] = field(default_factory=dict)
    """What opens in a browser, by name: `Nomad`, `Consul`; empty when nothing runs."""
    acl: bool = False
    """The agents ask for tokens; the state file holds them."""
    data: bool = False
    """The agents keep their state on disk."""
    state_file: str = ""
    notes: tuple[str, ...] = ()
    next: str | None = None
    """The next command to type."""

    @property
    def code(self) -> ExitCode:
        """0, or 3 when an agent died, or when `status` finds nothing running."""
        return ExitCode.FAILED if self.word in {"died", "not running"} else ExitCode.OK
