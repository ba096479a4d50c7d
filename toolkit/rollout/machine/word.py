"""The verdict's word for a snapshot; pure."""

from __future__ import annotations

from toolkit.rollout.machine.answers import Answers, Proof, Watched
from toolkit.rollout.machine.decide import decide
from toolkit.rollout.machine.decisions import End
from toolkit.rollout.verdict import Judged, judge
from toolkit.spec.chain import Verification
from toolkit.spec.outcome import Outcome


def verdict_of(watched: Watched, answers: Answers, *, unchanged: bool = False) -> Judged:
    """The word for what is known now: `unknown` until it is over and proven."""
    decided = decide(watched, answers)
    if not isinstance(decided, End):
        return Judged("unknown", "it is not over")
    outcome = Outcome(decided.end, decided.detail, decided.version)
    found = fitting(outcome, answers.proof, watched.version)
    probe = answers.probe
    spent = probe.reason if probe is not None and probe.word == "bad" else None
    return judge(outcome, found, unchanged=unchanged, spent=spent)


def fitting(outcome: Outcome, proof: Proof | None, asked: int) -> Verification | None:
    """The proof, if it is of a version that may serve after that end.

    After a success or a revert that is the version which counts now; after a failure that
    nothing was put in place of, it is any but the one that failed.
    """
    if proof is None:
        return None
    if outcome.end == "failed" or (outcome.end == "unplaced" and outcome.version == asked):
        return proof.verification if proof.version != asked else None
    return proof.verification if proof.version == outcome.version else None
