"""What a crash left between a ref and its record, and what becomes of it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from toolkit.repos.records import Intent
from toolkit.spec.deployment import Deployment, LogLine, State
from toolkit.spec.repo import Repo
from toolkit.spec.report import Verdict

_LOG = " · toolkit repo log "
END = "end"
"""Stage of a log's last line."""


def moved(
    head: str | None, records: Sequence[Deployment], intents: Sequence[Intent]
) -> list[Intent]:
    """The intents whose ref moved, in the order in which it did.

    The branch was at a commit if it is there now, or if something moved it on from there.
    """
    left = {each.record.commit: each for each in intents}
    pushed = [each for each in records if each.kind in {"push", "repair"}]
    for each in pushed:
        left.pop(each.commit, None)
    been = {head, *(each.before for each in pushed)}
    found: list[Intent] = []
    while True:
        next_one = next((left[commit] for commit in left if commit in been), None)
        if next_one is None:
            return found[::-1]
        found.append(left.pop(next_one.record.commit))
        been.add(next_one.record.before)


def is_unknown(head: str, records: Sequence[Deployment]) -> bool:
    """True where the branch is at a commit that no push's record has."""
    return all(each.commit != head for each in records if each.kind in {"push", "repair"})


def nobody_s(repo: Repo, head: str, at: float) -> Deployment:
    """The record of a commit that nobody is known to have pushed."""
    return Deployment(
        id=0, repo=repo.name, commit=head, before=None, pusher="", accessor="", kind="repair",
        created=at, changed=at,
    )  # fmt: skip


def ended(last: LogLine | None) -> tuple[State, str] | None:
    """The verdict that the log has and the record had not yet: state and sentence."""
    if last is None or last.stage != END or last.document is None:
        return None
    words: dict[Any, Verdict] = {word: word for word in get_args(Verdict)}
    word = words.get(last.document.get("verdict"))
    return None if word is None else (word, last.text.partition(_LOG)[0])


def last_line(record: Deployment) -> str:
    """`deployed in 9.1 s, 0 failed probes · toolkit repo log shop 31`."""
    said = record.sentence
    if not said.startswith(record.state):
        said = f"{record.state}: {said}"
    return f"{said}{_LOG}{record.repo} {record.id}"


def how_far(record: Deployment, last: LogLine | None) -> str:
    """Why a record that was open needs a token now."""
    if record.kind == "repair" and not record.pusher:
        return f"the branch is at {record.commit[:7]}, and no deployment knows of that"
    match record.state:
        case "waiting":
            return "the server ended before its turn came; nothing was registered"
        case "building":
            return "the server ended while it was built; nothing was registered"
    if last is None or not last.text:
        return "the server ended when it was about to deploy"
    whose = f"{last.job}: " if last.job else ""
    return f"the server ended in mid-rollout, after: {whose}{last.text}"
