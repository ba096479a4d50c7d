"""Which deployment gives way, may be resumed, or is gone back to; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import AbsentError, RefusedError
from toolkit.spec.deployment import Deployment

TOOK = {"deployed", "unchanged"}
"""States of a deployment whose commit is what serves."""
NEVER_RAN = {"superseded", "needs-token", "refused"}
"""States of a later deployment that does not stand in the way of an earlier one."""
KEPT = 1000
"""Deployments of a repository that are kept once they are over, each with a log of some MB."""


def latest(records: Sequence[Deployment], repo: str) -> Deployment:
    """What a redeploy takes when nobody names one; AbsentError when there is none."""
    if not records:
        raise AbsentError(
            f"repository {repo} was never deployed",
            hint="git push deploys it",
        )
    ran = [each for each in records if each.state != "superseded"]
    return (ran or list(records))[-1]


def back_to(records: Sequence[Deployment], repo: str) -> Deployment:
    """What a rollback takes when nobody names one.

    The last that was deployed before the current one, of another commit; after a rollback, before
    the one that it went back to. RefusedError when there is none.
    """
    current = latest(records, repo)
    start = current
    by_id = {each.id: each for each in records}
    while start.of is not None and start.of in by_id:
        start = by_id[start.of]
    for each in reversed(records):
        if each.id < start.id and each.state in TOOK and each.commit != current.commit:
            return by_id.get(each.of, each) if each.of is not None else each
    raise RefusedError(
        f"no deployment of {repo} before {start.id} was deployed: there is nothing to go back to",
        hint=f"toolkit repo show {repo} lists its deployments",
    )


def too_old(records: Sequence[Deployment], kept: int) -> list[int]:
    """Numbers of those that are over and not among the newest `kept`, the oldest first.

    Never the push that the branch is at, nor what serves, nor what a rollback would go to.
    """
    needed = [each.id for each in records if each.kind in {"push", "repair"}][-1:]
    took: dict[str, int] = {}
    for each in reversed(records):
        if each.state in TOOK and len(took) < 2:
            took.setdefault(each.commit, each.id)
    over = [each.id for each in records if each.is_final]
    return [
        number
        for number in over[: max(0, len(over) - kept)]
        if number not in needed and number not in took.values()
    ]


def check_took(record: Deployment) -> None:
    """RefusedError where a deployment that is to be gone back to never was deployed."""
    if record.state not in TOOK:
        raise RefusedError(
            f"deployment {record.id} of {record.repo} is {record.state}, so it is nothing to go "
            "back to",
            hint=f"toolkit repo redeploy {record.repo} {record.id} tries it again",
        )


def check_resumable(record: Deployment, records: Sequence[Deployment]) -> None:
    """RefusedError where a deployment does not wait for a token, or a later one went ahead."""
    if record.state != "needs-token":
        raise RefusedError(
            f"deployment {record.id} of {record.repo} is {record.state}: nothing to resume",
            hint=f"toolkit repo redeploy {record.repo} {record.id} deploys its commit again",
        )
    later = [each for each in records if each.id > record.id and each.state not in NEVER_RAN]
    if later:
        raise RefusedError(
            f"deployment {later[-1].id} of {record.repo} came after {record.id}: resuming it would "
            "go back",
            hint=f"toolkit repo redeploy {record.repo} {record.id} deploys its commit all the same",
        )
