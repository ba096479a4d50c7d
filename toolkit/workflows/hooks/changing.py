"""`toolkit hook create | push | rollback | rm | destroy`: another version runs, or none."""

from __future__ import annotations

from pathlib import Path

from toolkit.clients.hook import HookServer
from toolkit.clients.hook_bundles import (
    create_hooks,
    destroy_hooks,
    hooks_of,
    push_hooks,
    remove_hooks,
    rollback_hooks,
)
from toolkit.clients.server import Json
from toolkit.errors import RefusedError
from toolkit.repos.bundle_files import to_json
from toolkit.spec.bundle import HookSet
from toolkit.spec.hook_reports import HookChangeReport, HookVerdict
from toolkit.workflows.hooks.folder import read_folder
from toolkit.workflows.hooks.reading import notes_on, read_set
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.session import Session

SHORT = 12
"""Digits of a digest, for people."""


def create(
    session: Session, repo: str, folder: Path | None = None, *, confirm: Confirm = unanswered
) -> HookChangeReport:
    """Let a repository with hooks be there, whether it was or not, and push a folder to them.

    Nothing that is there is deleted or overwritten: not the repository, not its hooks.
    """
    files = None if folder is None else read_folder(folder)
    ask(session.target, confirm, f"create hooks of repository {repo}")
    with connect(session) as server:
        server.put_repo(repo, {})
        reply = create_hooks(server, repo)
        if files is not None:
            pushed = push_hooks(server, repo, to_json(files))
            return _pushed(session, server, repo, pushed.body, changed=pushed.status == 201)
        made = reply.status == 201
        found = read_set(reply.body)
        how = "may have hooks now; none is there yet" if made else f"has hooks: {_how(found)}"
        return _report(
            session,
            server,
            "created" if made else "unchanged",
            f"{repo} {how}",
            reply.body,
            next_=None if found.versions else f"toolkit hook push {repo} FOLDER",
        )


def push(
    session: Session, repo: str, folder: Path, *, confirm: Confirm = unanswered
) -> HookChangeReport:
    """Let the files of a folder run on pushes from now on; NotFoundError without the repository.

    What was pushed before stays, for `rollback`.
    """
    files = read_folder(folder)
    ask(session.target, confirm, f"change the hooks of repository {repo}")
    with connect(session) as server:
        reply = push_hooks(server, repo, to_json(files))
        return _pushed(session, server, repo, reply.body, changed=reply.status == 201)


def rollback(
    session: Session, repo: str, version: str | None = None, *, confirm: Confirm = unanswered
) -> HookChangeReport:
    """Let the version before run again, or one by the beginning of its digest."""
    ask(session.target, confirm, f"change the hooks of repository {repo}")
    with connect(session) as server:
        before = _set(server, repo)
        raw = rollback_hooks(server, repo, version)
        now = read_set(raw)
        same = before is not None and (before.current, before.off) == (now.current, now.off)
        sentence = f"{repo} {'ran so already' if same else 'is back'}: {_how(now)}"
        return _report(session, server, "unchanged" if same else "rolled-back", sentence, raw)


def remove(
    session: Session, repo: str, hook: str | None = None, *, confirm: Confirm = unanswered
) -> HookChangeReport:
    """Let no hook run, or not this one; all versions stay."""
    ask(session.target, confirm, f"take hooks of repository {repo} off")
    with connect(session) as server:
        before = _set(server, repo)
        raw = remove_hooks(server, repo, hook)
        now = read_set(raw)
        same = before is not None and (before.current, before.off) == (now.current, now.off)
        what = f"no hook of {repo} runs" if hook is None else f"{hook} of {repo} does not run"
        sentence = f"{what}{' any more' if not same else ', as before'}"
        again = "" if hook is None else f" {now.current[:SHORT]}"
        return _report(
            session,
            server,
            "unchanged" if same else "off",
            f"{sentence}; every version is kept",
            raw,
            next_=f"toolkit hook rollback {repo}{again}",
        )


def destroy(session: Session, repo: str, *, confirm: Confirm = unanswered) -> HookChangeReport:
    """Move all versions to the server's trash; the repository itself is not touched."""
    with connect(session) as server:
        environment = session.target.environment
        if not confirm(f"destroy all versions of the hooks of {repo} in {environment}"):
            raise RefusedError("not confirmed; nothing was changed")
        trash = destroy_hooks(server, repo).get("trash")
        return HookChangeReport(
            verdict="destroyed",
            sentence=f"the hooks of {repo} are in the server's trash; the repository stays",
            environment=environment,
            address=server.endpoint.address,
            repo=repo,
            trash=trash if isinstance(trash, str) else "",
        )


def _pushed(
    session: Session, server: HookServer, repo: str, raw: Json, *, changed: bool
) -> HookChangeReport:
    found = read_set(raw)
    if not changed:
        return _report(
            session, server, "unchanged", f"{repo} ran these files already: {_how(found)}", raw
        )
    earlier = len(found.versions) > 1
    return _report(
        session,
        server,
        "pushed",
        f"{repo}: {_how(found)}",
        raw,
        next_=f"toolkit hook rollback {repo}" if earlier else None,
    )


def _report(
    session: Session,
    server: HookServer,
    verdict: HookVerdict,
    sentence: str,
    raw: Json,
    *,
    next_: str | None = None,
) -> HookChangeReport:
    found = read_set(raw)
    return HookChangeReport(
        verdict=verdict,
        sentence=sentence,
        environment=session.target.environment,
        address=server.endpoint.address,
        repo=found.repo,
        found=found,
        notes=notes_on(found, raw),
        next=next_,
    )


def _set(server: HookServer, repo: str) -> HookSet | None:
    raw = hooks_of(server, repo)
    return None if raw is None else read_set(raw)


def _how(found: HookSet) -> str:
    """What runs, in words."""
    if not found.current:
        return "none runs"
    active = ", ".join(found.active) or "nothing that a server runs"
    return f"version {found.current[:SHORT]} with {active}"
