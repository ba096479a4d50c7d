"""What the files of a rehearsal say: where it is, how it is reached, what the balancer found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from toolkit.cluster.rehearsal.places import Places
from toolkit.config.clusterfile import ClusterFile
from toolkit.config.project import Project
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.workflows.cluster.files import need_project, open_cluster


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A cluster file, and where its rehearsal is."""

    file: ClusterFile
    places: Places

    @property
    def cluster(self) -> Cluster:
        """As the file says."""
        return self.file.cluster


def open_rehearsal(folder: Path, name: str) -> Rehearsal:
    """The rehearsal of the cluster of that name; ConfigError with every mistake of its file."""
    file = open_cluster(folder, name)
    return Rehearsal(file, places_of(need_project(folder), name))


def places_of(project: Project, name: str) -> Places:
    """Where the rehearsal of a cluster keeps what."""
    if project.root is None:
        raise RefusedError("a rehearsal needs a project in a folder of this machine")
    return Places(project.root.resolve(), name)


def is_there(places: Places) -> bool:
    """Whether there is a rehearsal's folder; PermissionError where that is somebody else's."""
    # Not Path.exists: what may not be seen is not absent.
    try:
        places.folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read_access(places: Places) -> Access | None:
    """How it is reached; None when nobody wrote that, or not whole."""
    try:
        return Access.from_json(places.access.read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_health(places: Places) -> dict[str, bool]:
    """What the balancer found last, by machine."""
    try:
        said = json.loads(places.health.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {str(name): bool(well) for name, well in said.items()}
