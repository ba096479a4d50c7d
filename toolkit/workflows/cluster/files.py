"""The cluster file that a command names."""

from __future__ import annotations

from pathlib import Path

from toolkit.config.clusterfile import ClusterFile, check_complete, load_cluster
from toolkit.config.project import Project, find_project
from toolkit.errors import ConfigError, Mistake


def need_project(folder: Path) -> Project:
    """The project that the folder is in; ConfigError where there is none."""
    project = find_project(folder)
    if project is None or project.root is None:
        mistake = Mistake("toolkit.toml", None, None, f"is neither in {folder} nor above it")
        raise ConfigError([mistake], hint="toolkit init makes a project")
    return project


def open_cluster(folder: Path, name: str, *, complete: bool = False) -> ClusterFile:
    """The cluster of that name, validated; ConfigError with every mistake.

    `complete`: for what makes machines or shows how, a sum that is missing is a mistake too.
    """
    file = load_cluster(need_project(folder).tree, name)
    if complete:
        check_complete(file)
    return file
