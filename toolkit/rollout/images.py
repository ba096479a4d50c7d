"""Images that changed although the release did not: somebody moved its tag; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.rollout.read import groups
from toolkit.spec.plan import LiveJob

SHORT = len("sha256:") + 12


def moved(live: LiveJob | None, job: Mapping[str, Any]) -> str | None:
    """What a person must confirm: the live release is asked for again, and is another image now."""
    if live is None or live.stopped or live.release is None:
        return None
    if (job.get("Meta") or {}).get("release") != live.release:
        return None
    before, after = dict(_digests(live.raw)), dict(_digests(job))
    for task, (path, digest) in sorted(after.items()):
        known, old = before.get(task, ("", ""))
        if known == path and old != digest:
            return (
                f"release {live.release} is another image than the one that runs: its tag at {path}"
                f" was moved from {old[:SHORT]} to {digest[:SHORT]}"
            )
    return None


def _digests(job: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Group and task -> name and digest of each image that is named by its digest."""
    for group in groups(job):
        for task in group.get("Tasks") or []:
            path, _, digest = str((task.get("Config") or {}).get("image") or "").partition("@")
            if digest:
                yield (str(group.get("Name")), str(task.get("Name"))), (path, digest)
