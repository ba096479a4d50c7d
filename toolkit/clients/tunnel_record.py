"""The tunnel that was left standing for a shell: one file beside the cluster's other ones."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit.clients.tunnel import Tunnel, end_group, identity, proxy_at
from toolkit.errors import RefusedError

FILE = "tunnel.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A tunnel, as it was when it was left."""

    pid: int
    group: int
    started: str
    """With the number it tells the process from every other one."""
    port: int
    instance: str
    """The machine that it goes in at."""

    @property
    def stands(self) -> bool:
        """Whether that very process runs."""
        return bool(self.started) and identity(self.pid) == self.started

    @property
    def proxy(self) -> str:
        """As an `Endpoint` takes it."""
        return proxy_at(self.port)


def keep(folder: Path, tunnel: Tunnel, instance: str) -> Kept:
    """Record a tunnel that stands, by rename; RefusedError where it cannot be."""
    kept = Kept(tunnel.pid, tunnel.group, identity(tunnel.pid), tunnel.port, instance)
    path = folder / FILE
    part = folder / f".{FILE}.{os.getpid()}.part"
    try:
        part.write_text(json.dumps(asdict(kept)) + "\n")
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise RefusedError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc
    return kept


def read_kept(folder: Path) -> Kept | None:
    """What was recorded, whether it stands or not; None where nothing readable is."""
    try:
        said = json.loads((folder / FILE).read_text())
        kept = Kept(
            int(said["pid"]), int(said["group"]), str(said["started"]), int(said["port"]),
            str(said["instance"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if kept.pid > 1 and kept.group > 1 and 0 < kept.port < 65536 else None


def end_kept(folder: Path) -> bool:
    """End the recorded tunnel and forget it; False when none stood."""
    kept = read_kept(folder)
    stood = kept is not None and kept.stands
    if kept is not None and stood:
        end_group(kept.group)
    (folder / FILE).unlink(missing_ok=True)
    return stood
