"""`toolkit repo restore`: a deleted repository back from the server's trash."""

from __future__ import annotations

from toolkit.spec.repo_reports import RepoRestoreReport
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.repo.reading import read_row
from toolkit.workflows.session import Session


def restore_repo(
    session: Session, name: str, trash: str | None = None, *, confirm: Confirm = unanswered
) -> RepoRestoreReport:
    """Have a repository back as it was; `trash`: what it is called there, else the newest.

    NotFoundError when none of that name is there; RefusedError while the name is another's.
    """
    ask(session.target, confirm, f"restore repository {name}")
    with connect(session, name) as server:
        row = read_row(server.restore_repo(name, trash), server.endpoint.address)
        return RepoRestoreReport(
            sentence=f"{name} is there as it was; a push to {row.repo.branch} deploys",
            environment=session.target.environment,
            address=server.endpoint.address,
            row=row,
            next=f"toolkit repo show {name}",
        )
