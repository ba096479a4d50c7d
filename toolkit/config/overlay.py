"""All layers of settings over each other, flags on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.config.given import Flags
from toolkit.config.jobfile import JobFile
from toolkit.config.kinds import check_release
from toolkit.config.layers import Layer, Leaf, leaf, lift, merge, table
from toolkit.config.lines import KeyPath
from toolkit.config.project import EnvironmentFile, Project
from toolkit.config.source import Source
from toolkit.config.variables import read_flags, read_var_files
from toolkit.errors import Mistake

if TYPE_CHECKING:
    from toolkit.config.plain import PlainJob


class Merged(NamedTuple):
    """The layers over each other."""

    values: Layer
    file_release: Leaf | None
    """The release that counts without `--release`."""


def lay_over(
    project: Project | None,
    environment: EnvironmentFile | None,
    file: JobFile,
    declared: PlainJob | None,
    flags: Flags,
    mistakes: list[Mistake],
) -> Merged:
    """Every layer, the last one winning; what is wrong with flags is added to `mistakes`.

    `declared`: what a plain job file declares; None for a template.
    """
    files, found = read_var_files(flags.var_files, project.root if project else None)
    mistakes += found
    base, driver = _project_layers(project, environment)
    below = merge(*base, file.shared, driver, file.own, {"variables": files} if files else {})
    set_variables, set_environment, found = read_flags(
        flags.variables,
        table(below, "variables") or {},
        declared.variables if declared else {},
    )
    mistakes += found
    merged = merge(
        below,
        {"variables": set_variables} if set_variables else {},
        {"environment": set_environment} if set_environment else {},
    )
    release = _file_release(merged)
    top: Layer = {"release": {"version": release}} if release else {}
    if flags.release is not None:
        if wrong := check_release(flags.release):
            mistakes.append(Mistake("--release", None, None, wrong))
        top = {"release": {"version": Leaf(flags.release, Source("--release"))}}
    if flags.count is not None:
        if flags.count < 0:
            mistakes.append(Mistake("--count", None, None, "must not be negative"))
        top["count"] = Leaf(flags.count, Source("--count"))
    return Merged(merge(merged, top), release)


def _project_layers(
    project: Project | None, environment: EnvironmentFile | None
) -> tuple[list[Layer], Layer]:
    """What toolkit.toml says for all jobs, and the driver that it says for this environment."""
    if project is None:
        return [], {}
    file, source = project.file, project.file.source
    layers = [_tables(file.rollout, file.variables, source, ())]
    if environment is None:
        return layers, {}
    path = ("environments", environment.name)
    layers.append(_tables(environment.rollout, environment.variables, source, path))
    if environment.driver is None:
        return layers, {}
    return layers, {"driver": {"name": Leaf(environment.driver, source, (*path, "driver"))}}


def _tables(
    rollout: Mapping[str, Any], variables: Mapping[str, Any], source: Source, path: KeyPath
) -> Layer:
    tables = {"rollout": rollout, "variables": variables}
    return {name: lift(values, source, (*path, name)) for name, values in tables.items() if values}


def _file_release(merged: Layer) -> Leaf | None:
    """The release without `--release`; a variable `release` is the one of a job that names none."""
    named, variable = leaf(merged, "release", "version"), leaf(merged, "variables", "release")
    if named is None and variable and check_release(variable.value) is None:
        return variable
    return named
