"""The cluster file that a command names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.config.clusterfile import ClusterFile, check_complete, load_cluster
from toolkit.config.project import Project, find_project
from toolkit.errors import ConfigError, Mistake, OtherAccountError, RefusedError


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


@contextmanager
def account_of(file: ClusterFile) -> Iterator[None]:
    """Credentials of another account are refused with the key and line that say which is meant."""
    try:
        yield
    except OtherAccountError as exc:
        message = f"is {exc.meant}, and the AWS credentials are of account {exc.account}"
        mistake = file.source.mistake(("account",), f"{message}: nothing was done")
        hint = f"choose credentials of {exc.meant} (AWS_PROFILE), or correct the file"
        raise RefusedError(str(mistake), hint=hint) from exc
