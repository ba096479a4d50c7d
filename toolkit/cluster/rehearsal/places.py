"""Where a rehearsal keeps what: `.toolkit/rehearsal/NAME` of a project, its owner's alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from toolkit.spec.cluster_access import REHEARSALS, access_file

MARKER = "TOOLKIT_REHEARSAL"
"""Environment variable that names the folder of the rehearsal that a process belongs to."""


@dataclass(frozen=True, slots=True)
class Places:
    """Paths of one rehearsal."""

    root: Path
    """The project's, absolute and without links."""
    cluster: str

    @property
    def folder(self) -> Path:
        """All that it keeps; mode 0700."""
        return self.root / REHEARSALS / self.cluster

    @property
    def lock(self) -> Path:
        """Held by the one command that changes it; outside of what `down` deletes."""
        return self.root / REHEARSALS / f".{self.cluster}.lock"

    @property
    def access(self) -> Path:
        """How its environment is reached."""
        return self.root / access_file(self.cluster)

    @property
    def state(self) -> Path:
        """What was started."""
        return self.folder / "state.json"

    @property
    def authority(self) -> Path:
        """The certificate that all others are signed with."""
        return self.folder / "ca.pem"

    @property
    def store(self) -> Path:
        """The secrets."""
        return self.folder / "store"

    @property
    def programs(self) -> Path:
        """The agents, each in a folder named after its sum; every machine has it."""
        return self.folder / "lib"

    @property
    def names(self) -> Path:
        """Name -> addresses, as the operator's relay looks them up."""
        return self.folder / "names.json"

    @property
    def targets(self) -> Path:
        """What the balancer listens at and has behind it."""
        return self.folder / "targets.json"

    @property
    def health(self) -> Path:
        """What the balancer found, written by it."""
        return self.folder / "health.json"

    def machine(self, name: str) -> Path:
        """The folder of one machine."""
        return self.folder / "machines" / name

    def log(self, name: str) -> Path:
        """What a process that is no machine says."""
        return self.folder / f"{name}.log"

    @property
    def group(self) -> str:
        """Name of its cgroups, the same at every start."""
        return f"toolkit-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}"
