"""`toolkit cluster rehearse down`: nothing of it stays, however it was ended before."""

from __future__ import annotations

import os
from pathlib import Path

from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import marked
from toolkit.cluster.rehearsal.state import exclusive, forget
from toolkit.config.clusterfile_names import CLUSTERS, wrong_name
from toolkit.errors import ConfigError, Mistake, RefusedError
from toolkit.spec.cluster import REHEARSAL
from toolkit.spec.rehearsal import RehearsalReport
from toolkit.workflows.cluster.files import need_project
from toolkit.workflows.cluster.rehearse.talk import is_there, places_of


def down(folder: Path, name: str, *, user: int | None = None) -> RehearsalReport:
    """End the rehearsal of a cluster, and delete all that it kept; nothing to end is fine.

    The cluster file is not read: it may have changed, or be gone. AgentError when something stays.
    """
    if why := wrong_name(name):
        raise ConfigError([Mistake(CLUSTERS, None, None, f'the name "{name[:80]}" {why}')])
    places = places_of(need_project(folder), name)
    nothing = RehearsalReport(name, name + REHEARSAL, "down", f"there was no rehearsal of {name}")
    if not _may_be_there(places) and not marked(places.folder):
        return nothing
    if (os.geteuid() if user is None else user) != 0:
        raise RefusedError(
            f"the rehearsal of {name} is root's", hint="run the same command with sudo"
        )
    with exclusive(places):
        clear(places)
        forget(places)
    sentence = f"machines, networks, cgroups and secrets of {name}{REHEARSAL} are gone"
    return RehearsalReport(name, name + REHEARSAL, "down", sentence)


def _may_be_there(places: Places) -> bool:
    try:
        return is_there(places)
    except PermissionError:
        # Somebody's: of whom we are not.
        return True
