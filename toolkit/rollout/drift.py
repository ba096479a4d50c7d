"""What others changed in a job since toolkit registered it last.

A version is ours when the memory in its source says so, or when it carries the name that a verified
deploy gives. Reads nothing beyond what the plan has read while the live version is ours; else the
kept versions, and the sources of the newest few.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import diff, memory, provenance, read
from toolkit.rollout.secrets import stored
from toolkit.rollout.world import World
from toolkit.spec.plan import DiffLine, Drift, LiveJob, Memory, VersionMark

LOOKS = 6
"""At most so many sources are read: as many versions as Nomad keeps without being told to."""

_QUIET = {"Stop"}
"""That the job is stopped is said by the plan itself."""

_BOOKKEEPING = {
    "CreateIndex",
    "JobModifyIndex",
    "ModifyIndex",
    "NomadTokenID",
    "Stable",
    "Status",
    "StatusDescription",
    "SubmitTime",
    "Version",
    "VersionTag",
}
"""What Nomad notes beside a job: two versions that differ in nothing else are the same job."""


def since_ours(
    world: World, live: LiveJob, submission: Mapping[str, Any] | None, secrets: Collection[str]
) -> Drift:
    """The live version against the newest one of ours; no call when that is the live one.

    `submission` is the live version's; `secrets` are values that must not be shown. What may not be
    read is `unseen`, never an error.
    """
    mark = memory.written(submission)
    if _is_ours(live.raw, mark):
        return Drift("none", _mark(live.raw), _mark(live.raw))
    # Others may have written a secret of the job into the job itself.
    hidden = {*secrets, *stored(world, str(live.raw["ID"]))}
    try:
        return _compare(world, live, mark, source_kept=submission is not None, secrets=hidden)
    except ApiError as exc:
        return Drift("unseen", _mark(live.raw), detail=f"cannot see the history: {exc.message}")


def _compare(
    world: World,
    live: LiveJob,
    mark: Memory | None,
    *,
    source_kept: bool,
    secrets: Collection[str],
) -> Drift:
    job_id, now = str(live.raw["ID"]), _mark(live.raw)
    versions = _until(world.nomad.versions(job_id), live.version)
    shown = next((raw for raw in versions if mark and mark.version == raw["Version"]), None)
    if mark is not None and shown is not None:
        # The source is that of an older version of ours: scaled, stopped, or registered again.
        changes = _changes(world, live, mark.version or 0, secrets)
        if not changes:
            again = now.version - (mark.version or 0) > 1 and not live.stopped
            return Drift("reverted" if again else "none", now, _mark(shown))
    if mark is not None and mark.version is not None and shown is None:
        # Put back from before the versions that Nomad keeps, by Nomad or by somebody: what is
        # different from a newer one of ours, which may have failed, nobody changed.
        gone = VersionMark(mark.version, mark.deployed)
        return Drift("unseen", now, gone, detail=f"version {mark.version} is no longer kept")
    ours, missing = _newest_of_ours(world, job_id, versions[1:], mark)
    if not source_kept:
        missing = [live.version, *missing]
    blind = f"{_versions(missing)} may be ours too, without a source to tell" if missing else ""
    if ours is not None:
        same = shown is not None and ours is shown
        found = changes if same else _changes(world, live, int(ours["Version"]), secrets)
        return Drift("changed" if found else "none", now, _mark(ours), found, blind)
    oldest = int(versions[-1]["Version"]) if versions else live.version
    if blind:
        return Drift("unseen", now, detail=blind)
    if oldest > 0:
        detail = f"Nomad keeps nothing before version {oldest}, and none of the kept ones is ours"
        return Drift("unseen", now, detail=detail)
    return Drift("never", now)


def _until(versions: Sequence[dict[str, Any]], newest: int) -> list[dict[str, Any]]:
    """The versions up to the live one, newest first; one that came meanwhile is not our subject."""
    return [raw for raw in versions if int(raw.get("Version") or 0) <= newest]


def _newest_of_ours(
    world: World, job_id: str, versions: Sequence[dict[str, Any]], mark: Memory | None
) -> tuple[dict[str, Any] | None, list[int]]:
    """The newest version of ours, and those above it that may be too: no source was seen."""
    missing: list[int] = []
    for looks, raw in enumerate(versions):
        number = int(raw.get("Version") or 0)
        ours = _is_ours(raw, mark)
        if not ours:
            submission = world.nomad.submission(job_id, number) if looks < LOOKS else None
            if submission is None:
                missing.append(number)
            ours = _is_ours(raw, memory.written(submission))
        if ours:
            again = _put_back(world, job_id, versions[:looks], versions[looks:], mark)
            if again is None:
                return raw, missing
            older, since = again
            return older, [each for each in missing if each > since]
    return None, missing


def _put_back(
    world: World,
    job_id: str,
    above: Sequence[dict[str, Any]],
    kept: Sequence[dict[str, Any]],
    mark: Memory | None,
) -> tuple[dict[str, Any], int] | None:
    """The older version of ours that one of `above` registered again, and the number of that one.

    `kept` are the newest of ours, which failed or was taken back, and those below it. What is
    different from that newest one, the revert has changed, and nobody else.
    """
    newest, *older = kept
    for raw in above:
        if _same(raw, newest):
            return None
        for found in older[:LOOKS]:
            if not _same(raw, found):
                continue
            number = int(found.get("Version") or 0)
            if _is_ours(found, mark) or _is_ours(
                found, memory.written(world.nomad.submission(job_id, number))
            ):
                return found, int(raw.get("Version") or 0)
    return None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True when two versions are the same job, whoever registered them and when."""
    names = (one.keys() | other.keys()) - _BOOKKEEPING
    return all(one.get(name) == other.get(name) for name in names)


def _is_ours(raw: Mapping[str, Any], mark: Memory | None) -> bool:
    """True when that memory was written for this version, or its name is one that we give."""
    number = int(raw.get("Version") or 0)
    release = (raw.get("Meta") or {}).get("release")
    said = provenance.own(raw)
    if said is not None:
        # A copy that Nomad made is not what we registered, although we gave it its name.
        if said.copy_of is None:
            return True
    elif (raw.get("VersionTag") or {}).get("Name") == provenance.tag_name(release, number):
        return True
    if mark is None:
        return False
    # Memories of before they had a version belong to the release that they name.
    return mark.version == number if mark.version is not None else mark.deployed == release


def _changes(
    world: World, live: LiveJob, since: int, secrets: Collection[str]
) -> tuple[DiffLine, ...]:
    """What is different in the live version, field by field."""
    for raw in world.nomad.versions(str(live.raw["ID"]), since=since):
        if int(raw.get("Version") or 0) == live.version:
            lines = diff.lines(raw.get("Diff") or {}, secrets)
            return tuple(line for line in lines if line.path not in _QUIET)
    return ()


def without_counts(drift: Drift, groups: Collection[str]) -> Drift:
    """The drift without the counts of `groups`, which are told as scaled."""
    known = {f"group[{name}].Count" for name in groups}
    left = tuple(line for line in drift.changes if line.path not in known)
    if drift.state != "changed" or len(left) == len(drift.changes):
        return drift
    return replace(drift, changes=left, state="changed" if left else "none")


def _mark(raw: Mapping[str, Any]) -> VersionMark:
    release = (raw.get("Meta") or {}).get("release")
    return VersionMark(
        version=int(raw.get("Version") or 0),
        release=None if release is None else str(release),
        at=(raw.get("SubmitTime") or 0) / read.NANO or None,
    )


def _versions(numbers: Sequence[int]) -> str:
    """`version 8`, `versions 7 and 8`, `versions 2 to 8`."""
    first, last = min(numbers), max(numbers)
    if first == last:
        return f"version {first}"
    word = "and" if len(numbers) == 2 else "to"
    return f"versions {first} {word} {last}"
