"""Before and after a rollout: tag the version, and write down what was verified.

No verdict depends on either: what could not be written is said in a note, and the rollout goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit import VERSION
from toolkit.config.commit import commit_of
from toolkit.errors import ApiError, ServerError, UnreachableError
from toolkit.rollout import last_verified, provenance_tags
from toolkit.rollout.direct import is_work
from toolkit.rollout.provenance import (
    KEPT,
    VERIFIED,
    begun,
    copy_of,
    digest_of,
    is_taggable,
    own,
    tagged,
)
from toolkit.rollout.read import registration
from toolkit.spec.events import Stage
from toolkit.spec.plan import LiveJob, Plan, Submission
from toolkit.spec.provenance import LastVerified, Origin, Provenance
from toolkit.spec.report import DeployReport
from toolkit.workflows.clock import Clock
from toolkit.workflows.session import Session


@dataclass(frozen=True, slots=True)
class Tagged:
    """A registered version and what is known of where it came from."""

    job: Mapping[str, Any]
    """As registered."""
    version: int
    index: int
    """Its JobModifyIndex."""
    provenance: Provenance | None = None
    """None for a version that is not of our making."""
    done: bool = False
    """The version carries our tag."""
    owed: bool = False
    """It does not yet, for Nomad did not answer: it has to be tried once more."""
    neat: bool = False
    """So did the one before it, or there was none: no tag was copied in between."""

    @property
    def said(self) -> Provenance | None:
        """Where it came from, with the tag that it has."""
        if self.provenance is None or not self.owed:
            return self.provenance
        return replace(self.provenance, tag="")


def origin_of(session: Session, plan: Plan) -> Origin:
    """Where a plan's job comes from; asks git, and never fails."""
    commit = commit_of(session.settings.project, session.settings.git)
    return Origin(
        commit=commit.id,
        dirty=commit.dirty,
        digest=digest_of(plan.rendered, tuple(secret.reveal() for secret in plan.secrets)),
        actor=session.settings.actor,
        tool=VERSION,
    )


def origin_again(session: Session, raw: Mapping[str, Any]) -> Origin:
    """Where an older version came from that is registered again, by whoever does that now."""
    found = tagged(raw)
    return Origin(
        commit=found.commit if found else None,
        dirty=found.dirty if found else None,
        digest=found.digest if found else "",
        actor=session.settings.actor,
        tool=VERSION,
    )


def begin(
    session: Session, plan: Plan, submission: Submission, origin: Origin, clock: Clock
) -> Tagged:
    """Tag what was just registered."""
    if submission.unchanged and plan.live is not None:
        return already(plan.live.raw)
    found = begun(origin, submission.release, submission.version, submission.submitted_at)
    neat = plan.live is None or own(plan.live.raw) is not None
    version = Tagged(plan.job, submission.version, submission.modify_index, neat=neat)
    if not is_taggable(plan.job):
        return replace(version, provenance=replace(found, tag=""))
    try:
        provenance_tags.write(session.world, plan.job_id, found)
    except (ServerError, UnreachableError) as exc:
        # Such as between two leaders: at the end of the rollout there is one again.
        clock.say("note", f"version {submission.version} is not tagged yet: {exc.message}")
        return replace(version, provenance=found, owed=True)
    except ApiError as exc:
        clock.say("note", f"version {submission.version} is not tagged: {exc.message}")
        return replace(version, provenance=replace(found, tag=""))
    return replace(version, provenance=found, done=True)


def already(raw: Mapping[str, Any]) -> Tagged:
    """A version that was registered before, with the tag that it has."""
    found = own(raw)
    return Tagged(
        raw,
        int(raw.get("Version") or 0),
        int(raw.get("JobModifyIndex") or 0),
        found,
        done=found is not None,
    )


def finish(session: Session, report: DeployReport, version: Tagged, clock: Clock) -> DeployReport:
    """Write the verdict into the tag, and what was verified into its variable."""
    found = version.provenance
    if found is not None:
        found = replace(found, verdict=report.verdict)
    problem = None
    try:
        if (version.done or version.owed) and found is not None:
            provenance_tags.write(session.world, report.job, found)
            version = replace(version, done=True, owed=False)
    except ApiError as exc:
        problem = exc.message
        found = replace(version, provenance=found).said
    try:
        # What was verified is written down even where a tag could not be.
        verified = _verified(session, report, replace(version, provenance=found), clock)
        if version.done and problem is None and not _is_tidy(version, report):
            versions = session.nomad.versions(report.job)
            provenance_tags.tidy(session.world, report.job, versions, verified)
    except ApiError as exc:
        problem = problem or exc.message
    if problem is not None:
        clock.say("note", f"the tags of {report.job} are not up to date: {problem}")
    return replace(report, provenance=found)


def _is_tidy(version: Tagged, report: DeployReport) -> bool:
    """True where no tag can be too many: few versions, and none that Nomad made since our last."""
    return version.neat and version.version < KEPT and report.verdict == "deployed"


def confirm(session: Session, report: DeployReport, live: LiveJob, clock: Clock) -> DeployReport:
    """The same where nothing was changed: what was verified now may not have been at its rollout.

    One call where the variable names this version already.
    """
    if report.verdict != "unchanged" or is_work(live.raw):
        return replace(report, provenance=own(live.raw))
    return replace(report, provenance=note_verified(session, report.job, live.raw, clock.say))


def note_verified(
    session: Session, job_id: str, raw: Mapping[str, Any], say: Callable[[Stage, str], None]
) -> Provenance | None:
    """Write down that a registered version was verified; what its tag says now, if it is ours.

    One call where that is written already.
    """
    version = already(raw)
    found = version.provenance
    known, _ = last_verified.look(session.world, job_id)
    told = found is None or found.verdict in VERIFIED
    if known is not None and known.index == version.index and told:
        return found
    copied = tagged(raw)
    if found is None and copied is not None:
        # Nomad made this version, as of a job that is scaled, and gave it the other one's tag.
        found = copy_of(copied, raw)
    if found is not None and found.verdict not in VERIFIED:
        found = replace(found, verdict="deployed")
        try:
            provenance_tags.write(session.world, job_id, found)
        except ApiError as exc:
            say("note", f"the tags of {job_id} are not up to date: {exc.message}")
    _note(session, job_id, replace(version, provenance=found), say)
    return found


def _verified(
    session: Session, report: DeployReport, version: Tagged, clock: Clock
) -> tuple[int, ...]:
    """Write down which version was verified; the ones whose tags must stay for that."""
    proven = None
    if not is_work(version.job) and report.verification and report.verification.holds:
        if report.verdict == "reverted":
            proven = _went_back(session, report, version)
        elif report.verdict == "deployed":
            proven = version
    if proven is not None:
        _note(session, report.job, proven, clock.say)
        return (proven.version,)
    known, _ = last_verified.look(session.world, report.job)
    return () if known is None else (known.version,)


def _went_back(session: Session, report: DeployReport, failed: Tagged) -> Tagged | None:
    """The version that was registered in place of the failed one, tagged with where it is from."""
    versions = session.nomad.versions(report.job)
    if not versions or versions[0].get("Stop"):
        return None
    live = already(versions[0])
    release = (live.job.get("Meta") or {}).get("release")
    if live.version == failed.version or release != report.serving:
        return None
    if not failed.done:
        return live
    before = _source(versions)
    if before is None or live.provenance is not None:
        return live
    found = replace(copy_of(before, live.job), verdict="reverted to")
    provenance_tags.write(session.world, report.job, found)
    return replace(live, provenance=found, done=True)


def _source(versions: Sequence[Mapping[str, Any]]) -> Provenance | None:
    """What is known of the version that the newest one is another copy of."""
    live, older = registration(versions[0]), versions[1:]
    if (copied := tagged(versions[0])) is not None:
        return copied
    for raw in older:
        if registration(raw) == live and (found := own(raw)) is not None:
            return found
    return None


def _note(
    session: Session, job_id: str, version: Tagged, say: Callable[[Stage, str], None]
) -> None:
    """Write the variable, or say why not."""
    release = (version.job.get("Meta") or {}).get("release")
    said = last_verified.write(
        session.world,
        LastVerified(
            job=job_id,
            release=None if release is None else str(release),
            version=version.version,
            at=session.world.now(),
            tag=version.provenance.tag or None if version.provenance else None,
            actor=session.settings.actor,
            index=version.index,
        ),
    )
    if said:
        say("note", f"version {version.version} is {said}")
