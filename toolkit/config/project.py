"""toolkit.toml: found upwards, validated, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from toolkit.config import cluster_environment, notify
from toolkit.config.checks import validate
from toolkit.config.clusterfile_names import cluster_names
from toolkit.config.near import suggest
from toolkit.config.schema import PROJECT_KEYS, key_tree
from toolkit.config.source import Source, read_toml
from toolkit.config.tree import FolderTree, LayeredTree, builtin_tree
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.jobspec import EMPTY
from toolkit.spec.target import Visibility
from toolkit.spec.tree import Tree

PROJECT_FILE = "toolkit.toml"
PARALLEL = 4
"""Jobs of a stack that roll at a time: most of a rollout is waiting."""

_REMOTE = (
    "nomad", "consul", "kick", "hook", "edge", "traefik_user", "proxy", "ca_file", "cert_file",
    "key_file", "tls_server_name", "consul_ca_file", "consul_cert_file", "consul_key_file",
    "consul_tls_server_name",
)  # fmt: skip
"""Keys that a local environment cannot have: `toolkit dev` says where its agents are."""


class EnvironmentFile(NamedTuple):
    """One `[environments.NAME]`, as written; None where it leaves something open."""

    name: str
    local: bool = False
    driver: str | None = None
    nomad: str | None = None
    consul: str | None = None
    kick: str | None = None
    hook: str | None = None
    edge: Mapping[Visibility, str] = MappingProxyType({})
    traefik_user: str | None = None
    proxy: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    tls_server_name: str | None = None
    consul_ca_file: str | None = None
    consul_cert_file: str | None = None
    consul_key_file: str | None = None
    consul_tls_server_name: str | None = None
    registry: str | None = None
    registry_user: str | None = None
    namespace: str | None = None
    region: str | None = None
    datacenters: tuple[str, ...] = ("*",)
    node_pool: str = "default"
    protected: bool = False
    variables: Mapping[str, Any] = EMPTY
    rollout: Mapping[str, Any] = EMPTY
    cluster: str | None = None
    """The cluster whose file makes this environment."""
    inherits: str | None = None
    """Of a rehearsal: the environment that it has everything else from."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """toolkit.toml, validated."""

    default_environment: str | None = None
    environments: Mapping[str, EnvironmentFile] = field(default_factory=dict)
    stack: tuple[str, ...] = ()
    parallel: int = PARALLEL
    """Jobs of the stack that roll at the same time."""
    variables: Mapping[str, Any] = EMPTY
    rollout: Mapping[str, Any] = EMPTY
    notify: Mapping[str, Any] = EMPTY
    """`[notify]`, checked; the environment is needed to resolve it."""
    source: Source = field(default=Source(PROJECT_FILE), repr=False)
    """For the lines in messages."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its file, and the tree that its jobs are read from."""

    root: Path | None
    """The folder; None when the tree is a git commit."""
    tree: Tree
    file: ProjectFile


def find_project(start: Path) -> Project | None:
    """The project that `start` is in, or None; ConfigError for mistakes in its toolkit.toml."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if _is_there(folder / PROJECT_FILE):
            return load_project(LayeredTree(FolderTree(folder), builtin_tree()), folder)
    return None


def load_project(tree: Tree, root: Path | None = None) -> Project:
    """The project of a tree; ConfigError with every mistake of its toolkit.toml.

    The tree is taken as it is: lay it over `builtin_tree()` to have the built-in jobs too.
    """
    try:
        raw = tree.read(PROJECT_FILE)
    except KeyError as error:
        mistake = Mistake(PROJECT_FILE, None, None, f"does not exist in {tree.name}")
        raise ConfigError([mistake], hint="toolkit init makes one") from error
    source, data = read_toml(PROJECT_FILE, raw)
    good, mistakes = validate(data, key_tree(PROJECT_KEYS), source)
    written = good.get("environments", {})
    clusters = cluster_names(tree)
    tables = cluster_environment.tables(written, clusters, _REMOTE)
    mistakes += _check_environments(data, good, tables, source)
    mistakes += cluster_environment.check_tables(written, clusters, _REMOTE, source)
    mistakes += _check_stack(good, source, tree)
    if isinstance(data.get("notify"), dict):
        mistakes += notify.check(good.get("notify", EMPTY), data["notify"], tables, source)
    if mistakes:
        raise ConfigError(mistakes)
    environments = {name: _environment(name, table) for name, table in tables.items()}
    file = ProjectFile(
        default_environment=good.get("default_environment"),
        environments=environments,
        stack=tuple(good.get("stack", {}).get("jobs", ())),
        parallel=good.get("stack", {}).get("parallel", PARALLEL),
        variables=good.get("variables", EMPTY),
        rollout=good.get("rollout", EMPTY),
        notify=good.get("notify", EMPTY),
        source=source,
    )
    return Project(root, tree, file)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that we may not look into
        return False


def _environment(name: str, table: dict[str, Any]) -> EnvironmentFile:
    values = dict(table)
    if "datacenters" in values:
        values["datacenters"] = tuple(values["datacenters"]) or ("*",)
    return EnvironmentFile(name, **values)


def _check_environments(
    data: dict[str, Any], good: dict[str, Any], tables: Mapping[str, Any], source: Source
) -> list[Mistake]:
    mistakes = []
    environments = data.get("environments", {})
    if isinstance(environments, dict):
        environments = {**tables, **environments}
    default = good.get("default_environment")
    if default is not None and isinstance(environments, dict) and default not in environments:
        message = f'there is no environment "{default}"'
        hint = suggest(default, environments) or f"add [environments.{default}]"
        mistakes.append(source.mistake(("default_environment",), message, hint))
    for name, table in good.get("environments", {}).items():
        path = ("environments", name)
        if table.get("local"):
            message, hint = "a local environment takes this from toolkit dev", "remove one of them"
            mistakes += [
                source.mistake((*path, key), message, hint) for key in _REMOTE if key in table
            ]
        for prefix in ("", "consul_"):
            pair = [f"{prefix}cert_file", f"{prefix}key_file"]
            if sum(key in table for key in pair) == 1:
                [given] = [key for key in pair if key in table]
                [other] = [key for key in pair if key not in table]
                mistakes.append(source.mistake((*path, given), f"needs {other} beside it"))
    return mistakes


def _check_stack(good: dict[str, Any], source: Source, tree: Tree) -> list[Mistake]:
    names = good.get("stack", {}).get("jobs", ())
    if not names:
        return []
    from toolkit.config.names import job_names

    known = job_names(tree)
    path = ("stack", "jobs")
    mistakes = [
        source.mistake(path, f'there is no job "{name}"', suggest(name, known))
        for name in names
        if name not in known
    ]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    return mistakes + [source.mistake(path, f'names job "{name}" twice') for name in twice]
