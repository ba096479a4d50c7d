"""Which jobs the loop has, and which folders concern each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.config.names import resolve_job
from toolkit.config.project import PROJECT_FILE, Project
from toolkit.config.tree import JOBS
from toolkit.errors import ConfigError
from toolkit.spec.depends import Need
from toolkit.spec.jobspec import JobSpec
from toolkit.workflows.names import own_names
from toolkit.workflows.session import Session

PROJECT = ""
"""Stands for toolkit.toml and the list of jobs among the jobs."""
MACROS = f"{JOBS}_lib"
IMAGES = {"docker", "podman", "containerd-driver"}
"""Drivers whose program is in an image: it is only another one once somebody built it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The jobs in the order in which they are deployed first, and what concerns each."""

    jobs: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]]
    """Job -> folders and files of its program; none for one that comes from elsewhere."""
    notes: tuple[str, ...] = ()

    @property
    def places(self) -> dict[str, tuple[str, ...]]:
        """What to watch, by job."""
        found: dict[str, tuple[str, ...]] = {
            job: (*self.sources.get(job, ()), f"{JOBS}{job}", MACROS, PROJECT_FILE)
            for job in self.jobs
        }
        found[PROJECT] = (PROJECT_FILE, JOBS.rstrip("/"))
        return found


def planned(session: Session, named: Sequence[str], before: Planned | None = None) -> Planned:
    """The jobs that were named, or else the stack, or else all jobs of the project.

    Of a job whose file has mistakes what `before` says stays. ConfigError for a name that is none.
    """
    project = session.settings.project
    if project is None or project.root is None:
        return Planned((), {})
    names = _names(project, named)
    sources: dict[str, tuple[str, ...]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for name in names:
        known = before.sources.get(name, ()) if before else ()
        try:
            spec = session.load(name)
        except ConfigError:
            sources[name] = known or usual(project.root, name)
            continue
        sources[name], note = places(project.root, name, spec, known)
        needs[name] = tuple(Need.read(text).job for text in spec.depends)
        notes += [note] if note else []
    return Planned(ordered(names, needs), sources, tuple(notes))


def _names(project: Project, named: Sequence[str]) -> tuple[str, ...]:
    if named:
        return tuple(dict.fromkeys(resolve_job(project.tree, name) for name in named))
    return project.file.stack or own_names(project)


def places(
    root: Path, name: str, spec: JobSpec, known: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], str]:
    """Where a job's program is, and what there is to say about it; `known`: where it was."""
    found = usual(root, name, known) if spec.build.watch is None else spec.build.watch
    if spec.driver is not None and spec.driver.name in IMAGES and not spec.build.command:
        said = (
            f"{name} runs from an image that nothing here builds, so its sources are not watched: "
            "[build] command in its job file would build it"
        )
        return (), said if found else ""
    missing = [place for place in found if not (root / place).exists()]
    note = f"{name}: {', '.join(missing)} is not there yet, and watched for" if missing else ""
    return found, note


def usual(root: Path, name: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The folder of `services` that has the job's name, if there is or was one."""
    place = f"services/{name}"
    return (place,) if place in known or (root / place).is_dir() else ()


def ordered(names: Sequence[str], needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Each job after those that it depends on, else in the order given; circles as they come."""
    found: list[str] = []

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in found or name in above or name not in names:
            return
        for other in needs.get(name, ()):
            add(other, (*above, name))
        found.append(name)

    for name in names:
        add(name, ())
    return tuple(found)
