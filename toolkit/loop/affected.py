"""Which jobs a changed path may concern; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from toolkit.loop import ignored


def affected(
    paths: Iterable[str], places: Mapping[str, Sequence[str]]
) -> tuple[frozenset[str], int]:
    """The jobs in whose `places` a path lies, or which lie below it; and how many paths count."""
    found: set[str] = set()
    number = 0
    for path in paths:
        if ignored.path(path):
            continue
        mine = {
            job
            for job, folders in places.items()
            if any(_touches(path, folder) for folder in folders)
        }
        found |= mine
        number += bool(mine)
    return frozenset(found), number


def _touches(path: str, place: str) -> bool:
    return (
        path == place
        or place == "."
        or path.startswith(f"{place}/")
        or place.startswith(f"{path}/")
    )
