"""Is the job still registered as we left it? Asked before anything is called good; pure."""

from __future__ import annotations

from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Ask, Decision, End, Wait
from toolkit.spec.observed import DeploymentView
from toolkit.spec.plan import LiveJob

READ_SECONDS = 15.0
"""Seconds in which Nomad must say what is registered, before that is unknown."""
STOPPED = "somebody stopped the job"
PURGED = "somebody purged the job"


def confirmed(watched: Watched, answers: Answers, then: End) -> Decision:
    """`then`, once Nomad says that exactly version `then.version` is registered and not stopped."""
    found, version = answers.registered, then.version
    if found is None:
        return _ask(watched, answers, then)
    if found == "gone":
        return _end("stopped", PURGED, watched, then.deployment)
    if _is_behind(watched, found, version):
        if answers.now >= answers.did.ask_again:
            return Ask("job")
        return Wait(answers.did.ask_again, "an answer that is not older than what we know")
    if found.stopped:
        return _end("stopped", STOPPED, watched, then.deployment)
    if found.version > version:
        detail = f"version {found.version} replaced it"
        return _end("superseded", detail, watched, then.deployment)
    anew = version == watched.version and found.modify_index != watched.modify_index
    if found.version < version or anew:
        detail = "somebody purged the job and registered it anew"
        return _end("superseded", detail, watched, then.deployment)
    return then


def became(watched: Watched, answers: Answers, otherwise: str) -> Decision:
    """What became of our version, when Nomad's lists say that it is gone or replaced.

    While it is registered after all, `otherwise` says what is waited for.
    """
    still = Wait(watched.deadline, otherwise)
    decided = confirmed(
        watched, answers, End("undecided", otherwise, watched.version, answers.last)
    )
    return still if isinstance(decided, End) and decided.end == "undecided" else decided


def _ask(watched: Watched, answers: Answers, then: End) -> Decision:
    did = answers.did
    if did.asking_since is None:
        return Ask("job")
    if "Nomad" in answers.denied or answers.now >= did.asking_since + READ_SECONDS:
        detail = f"{then.end} in Nomad, but what is registered cannot be read: {did.asked_error}"
        return End("lost", detail, watched.version, then.deployment)
    if answers.now >= did.ask_again:
        return Ask("job")
    return Wait(did.ask_again, "Nomad to say what is registered")


def _is_behind(watched: Watched, found: LiveJob, version: int) -> bool:
    """True for the answer of a server that does not know of our registration, or of a revert."""
    before_revert = version > found.version and found.modify_index == watched.modify_index
    return found.modify_index < watched.modify_index or before_revert


def _end(end: str, detail: str, watched: Watched, deployment: DeploymentView | None) -> End:
    return End(end, detail, watched.version, deployment)  # type: ignore[arg-type]
