"""Write provenance into the tags of job versions, and keep their number small.

Tags that are not ours are never touched, and what Nomad copied of ours is told from them by the
version that a description names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from toolkit.errors import ConflictError, NotFoundError
from toolkit.rollout.provenance import KEPT, copy_of, description, own, tagged
from toolkit.rollout.world import World
from toolkit.spec.provenance import Provenance

MOST = 60
"""At most so many tags are taken away after one deploy; the next one goes on."""


def write(world: World, job_id: str, provenance: Provenance) -> None:
    """Tag the version that a provenance is about, or say anew what its tag says.

    One call; ApiError where Nomad does not take it.
    """
    try:
        _put(world, job_id, provenance)
    except ConflictError:
        # Nomad copied the tag into a version that it made meanwhile, and a name is one version's.
        for raw in world.nomad.versions(job_id):
            if _is_copy(raw) and (raw.get("VersionTag") or {}).get("Name") == provenance.tag:
                name_copy(world, job_id, raw)
        _put(world, job_id, provenance)


def name_copy(world: World, job_id: str, raw: Mapping[str, Any]) -> None:
    """Give a version that carries the tag of another one a tag of its own."""
    found = tagged(raw)
    if found is not None:
        _put(world, job_id, copy_of(found, raw))


def tidy(
    world: World, job_id: str, versions: Sequence[Mapping[str, Any]], keep: Collection[int]
) -> None:
    """Take the tags of ours away that are too old, and those that Nomad copied.

    `versions` newest first; the first is the live one. It and those in `keep` stay tagged. No call
    while there is nothing to take away; ApiError where Nomad does not take one.
    """
    if not versions:
        return
    kept = {*keep, int(versions[0].get("Version") or 0)}
    names = list(_names_to_take(versions, kept))
    if not names:
        return
    for raw in versions:
        # Its name is that of an older version: Nomad would take it from here first.
        if int(raw.get("Version") or 0) in kept and _is_copy(raw):
            name_copy(world, job_id, raw)
    for name in names[:MOST]:
        try:
            world.nomad.untag_version(job_id, name)
        except NotFoundError:
            continue


def _names_to_take(versions: Sequence[Mapping[str, Any]], keep: Collection[int]) -> Iterator[str]:
    """Copies first, newest first: of two versions with one name Nomad takes the newer one's."""
    ours = []
    for raw in versions:
        stays = int(raw.get("Version") or 0) in keep
        if _is_copy(raw) and not stays:
            yield str(raw["VersionTag"]["Name"])
        elif tagged(raw) is not None:
            ours.append((raw, stays))
    for raw, stays in reversed(ours[KEPT:]):
        if not stays:
            yield str(raw["VersionTag"]["Name"])


def _is_copy(raw: Mapping[str, Any]) -> bool:
    """True for a version with a tag of ours that was another one's."""
    return tagged(raw) is not None and own(raw) is None


def _put(world: World, job_id: str, provenance: Provenance) -> None:
    world.nomad.tag_version(job_id, provenance.tag, provenance.version, description(provenance))
