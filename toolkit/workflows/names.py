"""What a user means by a job's name: a job of the project, or one that only the cluster knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.config.locate import is_path
from toolkit.config.names import job_names
from toolkit.config.project import Project
from toolkit.config.tree import LayeredTree
from toolkit.errors import ConfigError, RefusedError
from toolkit.spec.jobspec import JobSpec
from toolkit.workflows.session import Session

CHILD = re.compile(r"/(dispatch|periodic)-\d+")
"""In the id that Nomad gives to a child, which looks like a path."""


@dataclass(frozen=True, slots=True)
class Found:
    """A job by Nomad's id, and its job file where the project has one."""

    id: str
    spec: JobSpec | None


def find(session: Session, name: str, *, whole: bool = False) -> Found:
    """The job that `name` stands for.

    A job file is preferred; without one the name is Nomad's id as it is, or the only id that
    starts with it. ConfigError for a job file with mistakes, or a name that nobody knows. `whole`:
    the beginning of a name is refused, for what changes a job.
    """
    if whole:
        refuse_beginning(session, name)
    try:
        spec = session.load(name)
    except ConfigError:
        # The name may be of a job that is not the project's; mistakes in a job file stay mistakes.
        if is_ours(session, name):
            raise
        known = [str(stub["ID"]) for stub in session.nomad.jobs(name)]
        if name in known:
            return Found(name, None)
        if whole and known:
            raise _beginning(name, known) from None
        if len(known) == 1:
            return Found(known[0], None)
        raise
    return Found(spec.name, spec)


def refuse_beginning(session: Session, name: str) -> None:
    """RefusedError where `name` is only the beginning of the name of a job of the project.

    The job that was meant may be gone, and another one's name begin like its own.
    """
    project = session.settings.project
    if project is None or is_path(name):
        return
    names = job_names(project.tree)
    meant = [job for job in names if name and job.startswith(name)]
    if meant and name not in names:
        raise _beginning(name, meant)


def _beginning(name: str, known: Sequence[str]) -> RefusedError:
    begin = "begins" if len(known) == 1 else "begin"
    return RefusedError(
        f'there is no job "{name}", only {", ".join(known)} {begin} like it',
        hint="write the whole name of the job that is to change",
    )


def is_ours(session: Session, name: str) -> bool:
    """True when the project has job files that `name` could mean, or it is a path."""
    project = session.settings.project
    if is_path(name):
        return not CHILD.search(name)
    return project is not None and any(job.startswith(name) for job in job_names(project.tree))


def project_jobs(session: Session) -> tuple[Mapping[str, JobSpec | None], tuple[str, ...]]:
    """The project's jobs by name, and remarks; None for a job file with mistakes."""
    project = session.settings.project
    found: dict[str, JobSpec | None] = {}
    remarks: list[str] = []
    if project is None:
        return found, ()
    for name in own_names(project):
        try:
            spec = session.load(name)
        except ConfigError as exc:
            found[name] = None
            remarks.append(f"{name}: its job file has mistakes: {exc.mistakes[0]}")
        else:
            found[spec.name] = spec
    return found, tuple(remarks)


def own_names(project: Project) -> tuple[str, ...]:
    """The stack in its order, then the project's other jobs.

    Of the jobs that came with toolkit only those that the stack names.
    """
    tree = project.tree
    own = job_names(tree.first if isinstance(tree, LayeredTree) else tree)
    stack = project.file.stack
    return (*stack, *(name for name in own if name not in stack))
