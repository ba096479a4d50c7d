"""Where a job is: a name in the project's tree, or a path that the user gave."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from toolkit.config.names import JOB_FILE, PLAIN, resolve_job
from toolkit.config.project import PROJECT_FILE, Project
from toolkit.config.tree import FolderTree, LayeredTree, builtin_tree
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.tree import Tree

SUFFIXES = (".hcl", ".nomad")


class JobPlace(NamedTuple):
    """A job's files: the tree that config and render read, and the paths in it."""

    tree: Tree
    folder: str
    """Path of the job's folder with a trailing slash; empty for the top of the tree."""
    name: str
    """What the job is called unless a file says otherwise."""
    plain: str | None = None
    """Path of the plain job file that was named itself; None: the folder decides."""


def is_path(job: str) -> bool:
    """True when `job` is meant as a path: it has a slash or a job file's suffix."""
    return "/" in job or job in {".", ".."} or job.endswith(SUFFIXES)


def locate_job(project: Project | None, job: str) -> JobPlace:
    """Where the files of `job` are; ConfigError when it is neither a known name nor a job's path.

    A path outside of the project makes a tree of its own: that folder, over the built-in jobs. In a
    project that is a commit every name is a job's: whoever wrote it may not name files here.
    """
    if is_path(job) and not (project is not None and project.root is None):
        return _by_path(project, job)
    if project is None:
        message = f'"{job}" is the name of a job, and there is no {PROJECT_FILE} here or above'
        hint = "name a path such as ./shop.nomad.hcl, or make a project with toolkit init"
        raise ConfigError([Mistake("JOB", None, None, message, hint)])
    name = resolve_job(project.tree, job)
    return JobPlace(project.tree, f"jobs/{name}/", name)


def _by_path(project: Project | None, job: str) -> JobPlace:
    try:
        path = Path(job).resolve()
        folder, file = (path, "") if path.is_dir() else (path.parent, path.name)
        if file and not path.is_file():
            raise _refusal(f"there is no file {job}")
        if file in {JOB_FILE, PLAIN} and (folder / JOB_FILE).is_file():
            file = ""
        elif not file and not (folder / JOB_FILE).is_file():
            if not (folder / PLAIN).is_file():
                raise _refusal(f"{job} holds neither {JOB_FILE} nor {PLAIN}")
            file = PLAIN
    except (OSError, ValueError, RuntimeError) as error:
        raise _refusal(f"{job!r} cannot be read") from error
    if file and not file.endswith(SUFFIXES):
        raise _refusal(f"{job} is no job file: its name ends neither in .hcl nor in .nomad")
    tree, inside = _tree_around(project, folder)
    plain = f"{inside}{file}" if file else None
    return JobPlace(tree, inside, folder.name, plain)


def _tree_around(project: Project | None, folder: Path) -> tuple[Tree, str]:
    if project is not None and project.root is not None:
        root = project.root.resolve()
        if folder.is_relative_to(root):
            inside = folder.relative_to(root).as_posix()
            return project.tree, "" if inside == "." else f"{inside}/"
    return LayeredTree(FolderTree(folder), builtin_tree()), ""


def _refusal(message: str) -> ConfigError:
    return ConfigError([Mistake("JOB", None, None, message)])
