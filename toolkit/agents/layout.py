"""Where the local agents keep what: `.toolkit/dev` of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toolkit.spec.agents import STATE_FILE, AgentName

AGENTS: tuple[AgentName, ...] = ("consul", "nomad")
"""In the order of their start: Nomad registers in Consul."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one project's folder for local agents."""

    root: Path
    """The project's root, absolute and without links, as process and mount tables have it."""

    @classmethod
    def of(cls, root: Path) -> Layout:
        """The layout of the project at `root`."""
        return cls(root.resolve())

    @property
    def state(self) -> Path:
        """The state file."""
        return self.root / STATE_FILE

    @property
    def dev(self) -> Path:
        """The folder of the local agents."""
        return self.state.parent

    @property
    def lock(self) -> Path:
        """Held by the one command that starts or stops agents."""
        return self.dev / "lock"

    @property
    def alloc(self) -> Path:
        """Nomad's allocations; its name is short because sockets below it may not be long."""
        return self.dev / "alloc"

    @property
    def client(self) -> Path:
        """Nomad's client state in dev mode."""
        return self.dev / "client"

    @property
    def data(self) -> Path:
        """What the agents keep over a restart, when they were started to keep it."""
        return self.dev / "data"

    @property
    def kept_alloc(self) -> Path:
        """Nomad's allocations, when the agents keep their data."""
        return self.data / "alloc"

    @property
    def tokens(self) -> Path:
        """The tokens that the kept data knows."""
        return self.data / "tokens.json"

    def config(self, name: AgentName) -> Path:
        """The agent's configuration."""
        return self.dev / f"{name}.json"

    def log(self, name: AgentName) -> Path:
        """The agent's log of this run."""
        return self.dev / f"{name}.log"

    def previous_log(self, name: AgentName) -> Path:
        """The agent's log of the run before."""
        return self.dev / f"{name}.previous.log"
