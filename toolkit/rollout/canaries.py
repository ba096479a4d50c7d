"""How many canaries a job has, and the same job with another number of them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from toolkit.rollout.direct import counts
from toolkit.rollout.read import groups


def number_of(job: Mapping[str, Any]) -> int:
    """The most canaries that a group of the job has."""
    updates = (group.get("Update") or job.get("Update") or {} for group in groups(job))
    return max((int(update.get("Canary") or 0) for update in updates), default=0)


def with_canaries(job: Mapping[str, Any], canaries: int) -> dict[str, Any]:
    """The job with so many canaries in each group, or as many as the group has instances.

    Nomad takes a number above the count, and places no more than that.
    """
    changed = deepcopy(dict(job))
    wanted = counts(job)
    for group in groups(changed):
        number = min(canaries, wanted[str(group.get("Name"))])
        group["Update"] = {**(group.get("Update") or {}), "Canary": number}
    return changed
