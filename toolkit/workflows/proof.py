"""What should serve at the end of a rollout, verified along the chain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout import direct, launcher, read, verify
from toolkit.rollout.machine import Answers, End, Proof, Watched, evaluations
from toolkit.rollout.machine.registration import confirmed
from toolkit.rollout.world import World
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import AllocationView
from toolkit.spec.outcome import End as Word
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import LiveJob, Submission
from toolkit.workflows.session import Session

T = TypeVar("T")

CONVERGE = 15.0
"""Seconds that Consul and Traefik are given to show what Nomad says is over."""
GLANCE = 3.0
"""The same where nothing was changed."""
AFTER_LOSS = 120.0
"""The same for Consul's list of instances, where Nomad or Consul did not answer for a while: an
agent that could not tell the servers of an instance tries again when it compares all it has."""
UNREAD_STEP = 0.5
"""Seconds between tries to read Nomad's side of the proof."""


def newest(session: Session, job_id: str) -> tuple[LiveJob, LiveJob | None]:
    """The registered version of a job and the one before it; NotFoundError without the job."""
    versions = [read.live_job(raw) for raw in session.nomad.versions(job_id)]
    if not versions:
        raise NotFoundError(
            f"job {job_id} is not registered in namespace {session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint=f"toolkit deploy {job_id}",
        )
    return versions[0], versions[1] if len(versions) > 1 else None


def of_live(
    session: Session,
    live: LiveJob,
    served: ServedRelease | None,
    *,
    wait: float,
    alone: bool = True,
) -> verify.Looked:
    """Verify the job as it is registered now; not `alone` while older instances may be there."""
    if direct.is_launched_later(live.raw):
        return verify.Looked(launcher.verification(live.raw, live.version))
    return along(session, live.raw, {live.version}, served, wait=wait, alone=alone)


def along(
    session: Session,
    job: Mapping[str, Any],
    versions: Collection[int],
    served: ServedRelease | None,
    *,
    wait: float,
    behind: float = 0.0,
    seen: Sequence[AllocationView] | None = None,
    alone: bool = True,
) -> verify.Looked:
    """Verify `job`; `seen` are allocations just read, so that the first look needs no call.

    `wait` and `behind` are those of `verify.verify`.
    """

    def expect(found: Sequence[AllocationView] | None = None) -> verify.Expectation:
        if found is None:
            found = _allocations(session, str(job["ID"]))
        wanted = None
        if job.get("Type") in {"system", "sysbatch"}:
            wanted = verify.system_count(session.world, job, found)
        expected = verify.expect(job, found, versions, served=served, wanted=wanted)
        return replace(expected, alone=alone)

    return verify.verify(session.world, expect(seen), wait=wait, refresh=expect, behind=behind)


def _allocations(session: Session, job_id: str) -> tuple[AllocationView, ...]:
    return read.allocations(session.nomad.allocations(job_id).value or [])


@dataclass(frozen=True, slots=True)
class Found:
    """What there was to prove at the end of a rollout."""

    looked: verify.Looked | None = None
    version: int | None = None
    """The job version that was looked at."""
    registered: LiveJob | None = None
    """What is registered where a failed version was not taken back."""

    @property
    def proof(self) -> Proof | None:
        """The chain and whose it is."""
        if self.looked is None or self.version is None:
            return None
        return Proof(self.version, self.looked.verification)


def at_end(
    session: Session,
    outcome: Outcome,
    submission: Submission,
    job: Mapping[str, Any],
    served: ServedRelease | None,
) -> Found:
    """Verify what should serve now: the new release, or after a failure an older one.

    `job` is what was registered; nothing is looked at where nothing is left that could serve.
    """
    if outcome.end == "successful":
        if direct.is_launched_later(job):
            looked = verify.Looked(launcher.verification(job, outcome.version))
            return Found(looked, outcome.version)
        seen = outcome.allocations
        behind = _behind(outcome)
        looked = along(
            session, job, {outcome.version}, served, wait=CONVERGE, behind=behind, seen=seen
        )
        return Found(looked, outcome.version)
    went_back = outcome.end == "unplaced" and outcome.version != submission.version
    if outcome.end == "reverted" or went_back:
        return _gone_back(session, outcome, submission, served)
    if outcome.end in {"failed", "unplaced"}:
        return _older(session, outcome, submission, served)
    return Found()


def _behind(outcome: Outcome) -> float:
    return AFTER_LOSS if outcome.lost else 0.0


def reconfirmed(session: Session, watched: Watched, outcome: Outcome) -> Outcome:
    """A success whose chain broke: unless somebody replaced or stopped the job meanwhile."""
    raw = session.nomad.job(str(watched.job["ID"]))
    answers = Answers(now=0.0, registered="gone" if raw is None else read.live_job(raw))
    then = End("successful", outcome.detail, outcome.version)
    decided = confirmed(watched, answers, then)
    if not isinstance(decided, End):
        return outcome
    return replace(outcome, end=decided.end, detail=decided.detail)


def _gone_back(
    session: Session, outcome: Outcome, submission: Submission, served: ServedRelease | None
) -> Found:
    """After a revert: what it registered, if that is still there."""
    raw = session.nomad.job(submission.job_id)
    if raw is None or read.live_job(raw).version != outcome.version:
        return Found()
    behind = _behind(outcome)
    looked = along(session, raw, {outcome.version}, served, wait=CONVERGE, behind=behind)
    return Found(looked, outcome.version)


def of_work(session: Session, live: LiveJob) -> Outcome:
    """The end of a batch job's version, from its instances; nothing of it serves anybody."""
    found = _allocations(session, str(live.raw["ID"]))
    details: dict[str, tuple[Word, str]] = {
        "completed": ("completed", "its work is done"),
        "failed": ("failed", "its work failed"),
        "stopped": ("stopped", "somebody stopped the job"),
    }
    mine = tuple(a for a in found if a.job_version == live.version)
    word = direct.judge(live.raw, mine, found)
    end, detail = details.get(word, ("undecided", "its work is not done yet"))
    if end == "failed" and (due := _tried_again(session, live)):
        end, detail = "undecided", f"its work failed, and Nomad tries it again: {due}"
    return Outcome(end, detail, live.version, allocations=mine)


def _tried_again(session: Session, live: LiveJob) -> str | None:
    """The evaluation in which failed work is placed anew; None: Nomad is done with it."""
    found = read.evaluations(session.nomad.evaluations(str(live.raw["ID"])))
    due = evaluations.pending(evaluations.since(live.modify_index, found))
    return f"evaluation {due.short}" if due else None


def patiently(world: World, look: Callable[[], T | None]) -> tuple[T | None, str | None]:
    """What `look` saw, or why Nomad could not be asked, tried for `CONVERGE` seconds."""
    deadline = world.clock() + CONVERGE
    while True:
        try:
            return look(), None
        except ApiError as exc:
            if isinstance(exc, DeniedError) or world.clock() >= deadline:
                return None, f"what serves could not be verified: {exc.message}"
            world.sleep(UNREAD_STEP)


def _older(
    session: Session, outcome: Outcome, submission: Submission, served: ServedRelease | None
) -> Found:
    """After a failure without a revert: the newest older version that still has instances."""
    found = _allocations(session, submission.job_id)
    older = {a.job_version for a in found if a.should_run} - {submission.version}
    versions = [read.live_job(raw) for raw in session.nomad.versions(submission.job_id)]
    registered = versions[0] if versions else None
    for live in versions:
        if live.version in older:
            looked = along(
                session, live.raw, {live.version}, served,
                wait=CONVERGE, behind=_behind(outcome), seen=found,
            )  # fmt: skip
            return Found(looked, live.version, registered)
    return Found(registered=registered)
