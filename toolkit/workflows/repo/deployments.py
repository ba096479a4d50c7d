"""`toolkit repo log`, `redeploy`, `rollback` and `resume`: a deployment, followed to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from toolkit.clients.hook import HookServer
from toolkit.errors import AbsentError
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.repo_reports import RepoAction, RepoDeploymentReport
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.repo.reading import read_deployment, read_line
from toolkit.workflows.session import Session

END = "end"
"""Stage of the last line of a log, which says how it ended."""

OnLine = Callable[[LogLine], None]
"""Called for each line of the log, in its order."""


def log(
    session: Session, name: str, number: int | None, *, follow: bool, on_line: OnLine
) -> RepoDeploymentReport:
    """The log of a deployment, the newest without a `number`; `follow`: until it is final.

    AbsentError when the repository has none.
    """
    with connect(session, name) as server:
        found = _newest(server, name) if number is None else server_says(server, name, number)
        return _followed(session, server, "log", found, follow=follow, on_line=on_line)


def deploy_again(
    session: Session,
    action: Literal["redeploy", "rollback"],
    name: str,
    number: int | None,
    *,
    follow: bool,
    on_line: OnLine,
    confirm: Confirm = unanswered,
) -> RepoDeploymentReport:
    """Let the commit of a deployment be deployed anew, with our token; the branch stays.

    Without a `number`: of a redeploy the newest, of a rollback the last good one before it.
    """
    ask(session.target, confirm, f"{action} {name}")
    with connect(session, name) as server:
        found = read_deployment(server.deploy_again(name, action, number))
        return _followed(session, server, action, found, follow=follow, on_line=on_line)


def resume(
    session: Session,
    name: str,
    number: int,
    *,
    follow: bool,
    on_line: OnLine,
    confirm: Confirm = unanswered,
) -> RepoDeploymentReport:
    """Let a deployment that needs a token go on with ours."""
    ask(session.target, confirm, f"resume deployment {number} of {name}")
    with connect(session, name) as server:
        found = read_deployment(server.resume(name, number))
        return _followed(session, server, "resume", found, follow=follow, on_line=on_line)


def server_says(server: HookServer, name: str, number: int) -> Deployment:
    """The record of one deployment; NotFoundError when there is none."""
    return read_deployment(server.deployment(name, number))


def _newest(server: HookServer, name: str) -> Deployment:
    found = [read_deployment(raw) for raw in server.deployments(name, limit=1)]
    if not found:
        raise AbsentError(
            f"nothing of {name} was deployed yet",
            hint=f"git push to its deploy branch; toolkit repo show {name} says which that is",
        )
    return max(found, key=lambda each: each.id)


def _followed(
    session: Session,
    server: HookServer,
    action: RepoAction,
    found: Deployment,
    *,
    follow: bool,
    on_line: OnLine,
) -> RepoDeploymentReport:
    name, number = found.repo, found.id
    told = False
    if follow or action == "log":
        for raw in server.log(name, number, follow=follow):
            line = read_line(raw)
            told = line.stage == END
            on_line(line)
        found = server_says(server, name, number)
    return RepoDeploymentReport(
        action=action,
        environment=session.target.environment,
        address=server.endpoint.address,
        deployment=found,
        followed=follow,
        told=told and found.is_final,
        next=_next(found),
    )


def _next(found: Deployment) -> str | None:
    if found.state == "needs-token":
        return f"toolkit repo resume {found.repo} {found.id}"
    if not found.is_final:
        return f"toolkit repo log {found.repo} {found.id}"
    return None
