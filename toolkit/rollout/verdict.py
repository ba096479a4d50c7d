"""One word for a rollout, from Nomad's end of it and the chain; pure.

============  ==============================================================================
successful    deployed if the chain holds, unverified if a link is broken or the probe's budget
              spent, unknown if a link is unseen
reverted,     reverted if the old release's chain holds, unknown if a link of it cannot be
failed        seen, failed otherwise
others        held, stopped -> held; superseded; unplaced; undecided, lost -> unknown
============  ==============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.spec.chain import Verification
from toolkit.spec.outcome import Outcome
from toolkit.spec.report import Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """The word, and why in half a sentence."""

    verdict: Verdict
    why: str


def judge(
    outcome: Outcome,
    verification: Verification | None,
    *,
    unchanged: bool = False,
    spent: str | None = None,
) -> Judged:
    """The verdict of a rollout.

    `verification` is of what should serve at the end: the new release after success, the old one
    after a failure; None where there is nothing to verify. `spent`: why the budget of the probe of
    the new release is spent.
    """
    match outcome.end:
        case "completed":
            return Judged("completed", outcome.detail)
        case "successful":
            return _succeeded(verification, unchanged=unchanged, spent=spent)
        case "reverted" | "failed":
            return _not_taken(outcome, verification)
        case "held" | "ready" | "stopped":
            return Judged("held", outcome.detail)
        case "superseded":
            return Judged("superseded", outcome.detail)
        case "unplaced":
            return Judged("unplaced", outcome.detail)
        case "undecided" | "lost":
            return Judged("unknown", outcome.detail)


def _succeeded(verification: Verification | None, *, unchanged: bool, spent: str | None) -> Judged:
    if verification is None:
        return Judged("unknown", "nothing was verified")
    if (broken := verification.first_broken) is not None:
        return Judged("unverified", f"{broken.name}: {broken.detail}")
    if spent is not None:
        return Judged("unverified", f"probe: {spent}")
    if (unseen := verification.first_unseen) is not None:
        return Judged("unknown", f"{unseen.name}: {unseen.detail}")
    return Judged("unchanged" if unchanged else "deployed", "")


def _not_taken(outcome: Outcome, verification: Verification | None) -> Judged:
    if verification is None or verification.expected == 0:
        return Judged("failed", outcome.detail)
    if (broken := verification.first_broken) is not None:
        return Judged(
            "failed", f"{outcome.detail}; the old release, {broken.name}: {broken.detail}"
        )
    if (unseen := verification.first_unseen) is not None:
        return Judged("unknown", f"{outcome.detail}; {unseen.name}: {unseen.detail}")
    return Judged("reverted", outcome.detail)
