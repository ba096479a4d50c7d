"""`toolkit report`: a rollout to look back at, from what was kept or from what Nomad knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from toolkit.config.locate import is_path
from toolkit.errors import ApiError, RefusedError
from toolkit.spec.kept import KeptReport, KeptReports, PageReport
from toolkit.workflows import report_live
from toolkit.workflows.report_store import folder_of, listed, load, time_of
from toolkit.workflows.session import Session


def reports(session: Session, job: str | None = None) -> KeptReports:
    """What is kept of a job, or of all, newest first; asks nobody."""
    found = listed(folder_of(session.settings))
    if job is None:
        return found
    name = _name(session, job, found)
    mine = tuple(each for each in found.reports if each.job == name)
    return KeptReports(found.folder, mine, found.notes)


def report(
    session: Session, job: str | None = None, *, last: int = 1, live: bool = False
) -> PageReport:
    """The rollout that is asked for: the newest kept one of a job, the `last`-newest, or by its id.

    Without a kept one, or with `live`, it is put together from what Nomad still knows.
    RefusedError or NotFoundError where neither knows the job.
    """
    found = listed(folder_of(session.settings))
    if job is not None and (live or not _kept(session, job, found)):
        if last > 1:
            raise _too_few(job, 0)
        return report_live.report(session, job, kept=found.notes)
    here = _kept(session, job, found)
    if not here:
        raise RefusedError(
            f"no report is kept in {found.folder or 'this project, which is a git commit'}",
            hint="toolkit report JOB puts one together from what Nomad knows of a job",
        )
    if last > len(here):
        raise _too_few(job or here[0].job, len(here))
    chosen = here[last - 1]
    folder = folder_of(session.settings)
    assert folder is not None  # noqa: S101 - something was listed in it
    try:
        document = load(folder, chosen.id)
    except (OSError, ValueError) as exc:
        # Another deploy may have removed it at this moment.
        raise RefusedError(f"report {chosen.id} cannot be read: {exc}") from exc
    notes = (*found.notes, *(_newer(session, chosen, document) if last == 1 else ()))
    return PageReport("kept", chosen.id, time_of(chosen.id), document, notes=notes)


def place(session: Session, page: PageReport) -> Path:
    """Where a page is written unless the user says where: beside its report, and gone with it."""
    folder = folder_of(session.settings)
    if folder is None:
        raise RefusedError(
            "this project is a git commit, which has no folder for the page",
            hint="-o FILE says where to write it",
        )
    return folder / f"{page.id or quote(page.job, safe='')}.html"


def _kept(session: Session, job: str | None, found: KeptReports) -> list[KeptReport]:
    """What is kept of it in this environment, newest first; an id is asked for by itself."""
    by_id = [each for each in found.reports if each.id == job]
    if by_id:
        return by_id
    target = session.target
    here = [
        each
        for each in found.reports
        if (each.environment, each.namespace) == (target.environment, target.namespace)
    ]
    if job is None:
        return here
    name = _name(session, job, found)
    return [each for each in here if each.job == name]


def _name(session: Session, job: str, found: KeptReports) -> str:
    """The job that is meant: by its job file's path, its name, or the only name that begins so."""
    if is_path(job) and all(each.job != job for each in found.reports):
        return session.load(job).name
    names = {each.job for each in found.reports}
    begun = [name for name in names if name.startswith(job)]
    return begun[0] if job not in names and len(begun) == 1 else job


def _too_few(job: str, number: int) -> RefusedError:
    kept = "no report" if not number else f"only {number} report{'' if number == 1 else 's'}"
    return RefusedError(f"{kept} of {job} kept here", hint="toolkit report --list shows them")


def _newer(session: Session, chosen: KeptReport, document: Mapping[str, Any]) -> tuple[str, ...]:
    """What was registered since, or why that is not known; the page stays that of back then."""
    if chosen.version is None:
        return ()
    known = max(chosen.version, *_versions(document), 0)
    try:
        raw = session.nomad.job(chosen.job)
    except ApiError as exc:
        return (f"whether anything was registered since is not known: {exc.message}",)
    version = int((raw or {}).get("Version") or 0)
    if raw is None or version <= known:
        return ()
    return (
        f"version {version} was registered since, without a report here: "
        f"`toolkit report {chosen.job} --live` shows what Nomad knows of it",
    )


def _versions(document: Mapping[str, Any]) -> list[int]:
    """Versions that the report is about beside its own: a revert registers one."""
    try:
        return [int(bar["version"]) for bar in document["timeline"]["bars"]]
    except (KeyError, TypeError, ValueError):
        # None was drawn, or somebody edited it: whoever makes the page says so.
        return []
