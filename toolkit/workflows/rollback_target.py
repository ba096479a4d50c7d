"""Which version a rollback goes to, and why; pure.

What was verified comes before what Nomad calls stable: stable only says that the instances were
healthy, and Nomad gives a version that it takes back that mark before anything of it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.errors import RefusedError
from toolkit.rollout import read
from toolkit.rollout.provenance import VERIFIED, own
from toolkit.spec.plan import LiveJob
from toolkit.spec.provenance import LastVerified


@dataclass(frozen=True, slots=True)
class Choice:
    """A version to go back to."""

    version: LiveJob
    why: str = ""
    """`was verified last`; empty where a person named it."""

    @property
    def sentence(self) -> str:
        """`back to version 3, release 1.0.0, which was verified last`."""
        why = f", which {self.why}" if self.why else ""
        return f"back to version {self.version.version}, release {self.version.release or '-'}{why}"


def choose(
    versions: Sequence[LiveJob], to: str | None, job: str, last: LastVerified | None = None
) -> Choice:
    """The version to go back to, of `versions` newest first; `last` is what was verified last.

    `to` is a release, the name of a tag or the number of a version. RefusedError where there is
    nothing to go back to, or not that.
    """
    if to is not None:
        return Choice(_named(versions, to, job))
    found = kept(versions, last)
    for choice in _candidates(versions, found):
        return choice
    gone = ""
    if last is not None and found is None:
        gone = f"; {described(last)}, verified last, is no longer kept by Nomad"
    raise RefusedError(
        f"job {job} has no older release that was verified, or that is stable, to go back to{gone}",
        hint=f"toolkit history {job} shows what Nomad still has; --to names one",
    )


def kept(versions: Sequence[LiveJob], last: LastVerified | None) -> LiveJob | None:
    """The version that was verified last, if Nomad still has it."""
    for version in versions:
        if last is not None and version.version == last.version:
            same = not last.index or version.modify_index == last.index
            return version if same else None
    return None


def put_back(versions: Sequence[LiveJob], last: LastVerified | None) -> bool:
    """True where the live version is the one verified last, registered again and not yet proven."""
    live, found = versions[0], kept(versions, last)
    if found is None or found.version == live.version or live.stopped or live.stable:
        return False
    return read.registration(found.raw) == read.registration(live.raw)


def described(last: LastVerified) -> str:
    """`version 7 (release 1.1.0)`."""
    return f"version {last.version}" + (f" (release {last.release})" if last.release else "")


def _candidates(versions: Sequence[LiveJob], last: LiveJob | None) -> Iterator[Choice]:
    """Best first."""
    live, older = versions[0], [each for each in versions[1:] if not each.stopped]
    if last is not None and (live.stopped or not _alike(last, live)):
        yield Choice(last, "was verified last")
    proven = [each for each in older if (_verdict(each) or "") in VERIFIED]
    if last is None and _verdict(live) not in VERIFIED:
        for version in proven:
            if live.stopped or not _alike(version, live):
                yield Choice(version, "is the newest one that was verified")
    for version in proven:
        if _is_another(version, live):
            yield Choice(version, "was verified before the live one")
    for version in older:
        # What we judged, and did not find to serve, is not what anybody wants back.
        if version.stable and _verdict(version) is None and _is_another(version, live):
            yield Choice(version, "is the newest stable one; no older one is known to be verified")


def _verdict(version: LiveJob) -> str | None:
    found = own(version.raw)
    return None if found is None else found.verdict


def _is_another(version: LiveJob, live: LiveJob) -> bool:
    """True for another release; without releases, for another job."""
    if live.release is None:
        return not _alike(version, live)
    return version.release != live.release


def _alike(one: LiveJob, other: LiveJob) -> bool:
    """True when two versions differ in nothing but how many instances there are."""
    return _without_counts(one) == _without_counts(other)


def _without_counts(version: LiveJob) -> dict[str, Any]:
    job = read.registration(version.raw)
    groups = []
    for group in read.groups(job):
        update = {**(group.get("Update") or {})}
        update.pop("Canary", None)  # as many as instances, where all of them are canaries
        groups.append({**group, "Count": None, "Update": update})
    return {**job, "TaskGroups": groups}


def _named(versions: Sequence[LiveJob], to: str, job: str) -> LiveJob:
    """The version that a person means: a release first, since one may look like a number."""
    found = [version for version in versions if version.release == to]
    if not found:
        named = [v for v in versions if (v.raw.get("VersionTag") or {}).get("Name") == to]
        # Nomad copies tags: the version that was given the name is the oldest that has it.
        found = named[-1:]
    if not found and to.isascii() and to.isdecimal():
        found = [version for version in versions if version.version == int(to)]
    if found:
        return found[0]
    known = ", ".join(f"{v.version} ({v.release or '-'})" for v in versions)
    raise RefusedError(
        f"job {job} has no version, release or tag {to}", hint=f"Nomad still has: {known}"
    )
