"""`toolkit hook list` and `show`: what there is."""

from __future__ import annotations

from toolkit.clients.hook_bundles import hooks_of, version_of
from toolkit.spec.hook_reports import HookListReport, HookShowReport
from toolkit.workflows.hooks.reading import read_entries, read_set, read_version
from toolkit.workflows.repo.find import connect
from toolkit.workflows.session import Session


def list_hooks(session: Session, repo: str | None = None) -> HookListReport:
    """The hooks of all repositories that the token may read, or of one."""
    with connect(session) as server:
        if repo is None:
            names = sorted(str(each.get("name")) for each in server.repos())
        else:
            # So that a name that is wrong is told from one without hooks.
            names = [str(server.repo(repo).get("name"))]
        raw = [each for each in (hooks_of(server, name) for name in names) if each is not None]
        reasons = {str(each["why_not"]) for each in raw if each.get("why_not")}
        return HookListReport(
            environment=session.target.environment,
            address=server.endpoint.address,
            sets=tuple(read_set(each) for each in raw),
            repo=repo,
            why_not=min(reasons, default=None),
        )


def show_hooks(session: Session, repo: str, version: str | None = None) -> HookShowReport:
    """What one version holds: the one that runs, or one by the beginning of its digest."""
    with connect(session) as server:
        raw = version_of(server, repo, version)
        return HookShowReport(
            environment=session.target.environment,
            address=server.endpoint.address,
            repo=repo,
            version=read_version(raw),
            current=raw.get("current") is True,
            entries=read_entries(raw),
        )
