"""`toolkit repo delete`: a repository goes to the server's trash, its jobs stay."""

from __future__ import annotations

from toolkit.errors import RefusedError
from toolkit.spec.repo_reports import RepoDeleteReport
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.session import Session


def delete_repo(session: Session, name: str, *, confirm: Confirm = unanswered) -> RepoDeleteReport:
    """Take a repository away; NotFoundError when there is none, before anybody is asked."""
    with connect(session, name) as server:
        server.repo(name)
        environment = session.target.environment
        question = f"delete repository {name} of environment {environment}, with its deployments"
        if not confirm(question):
            raise RefusedError("not confirmed; nothing was changed")
        said = server.delete_repo(name)
        trash = said.get("trash")
        return RepoDeleteReport(
            verdict="deleted",
            sentence=f"{name} is in the server's trash; what it deployed goes on running",
            environment=environment,
            address=server.endpoint.address,
            repo=name,
            trash=trash if isinstance(trash, str) else "",
        )
