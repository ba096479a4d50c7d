"""What was pushed, as the settings of a command: its own jobs, and nobody's word but ours on where.

Of the pushed toolkit.toml count `[stack]`, `[variables]`, `[rollout]`, and of the environment that
this server deploys to `variables`, `rollout` and `driver`. All else in it has to be right, as
for `toolkit validate`, and is then left out: where Nomad, Consul, the edge, a registry or another
server are, who we are there, what proxy and what certificates are trusted, who is told of rollouts,
whether anybody is asked. What a job itself may do on a node is Nomad's matter: its ACLs judge the
pusher's token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from toolkit.config.given import Flags
from toolkit.config.near import suggest
from toolkit.config.project import EnvironmentFile, Project, ProjectFile, load_project
from toolkit.config.settings import Settings
from toolkit.config.tree import LayeredTree, builtin_tree
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import AgentState
from toolkit.spec.hook import HookConfig
from toolkit.spec.jobspec import EMPTY
from toolkit.spec.target import Endpoint, Secret, Target
from toolkit.spec.tree import DictTree, Tree

_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)

NOWHERE = Path("/dev/null/toolkit")
"""A folder that nobody can make: compiled templates are code, and nothing pushed becomes kept."""


PARALLEL = 16
"""Jobs of a stack that roll at a time at most: each has a thread in the child."""


def settings_of(
    tree: Tree,
    config: HookConfig,
    token: Secret,
    *,
    given: Mapping[str, Any] = EMPTY,
    agents: AgentState | None = None,
    actor: str = "",
) -> Settings:
    """The settings under which a commit is planned and deployed; ConfigError with all mistakes.

    `token`: the pusher's, for Nomad. `given`: what the push gives its jobs (`Building.given`).
    `agents`: of `agents_of`. `actor`: who deploys, as locks and tags say it. Reads no file and no
    environment, so that it is the same in every process.
    """
    project = load_project(LayeredTree(tree, builtin()))
    name = config.target.environment
    return Settings(
        project=replace(project, file=_only_ours(project, config)),
        target=_target(config, token, agents),
        flags=Flags(environment=name, given=given),
        cache_dir=NOWHERE,
        nomad_bin=None,
        consul_bin=None,
        traefik_bin=None,
        no_color=True,
        actor=actor,
    )


def agents_of(config: HookConfig) -> AgentState | None:
    """The local agents, in development, without their tokens; called by the server, not a child.

    ConfigError when the file of their state is said and cannot be read.
    """
    path = config.target.state
    if not path:
        return None
    try:
        state = AgentState.from_json(Path(path).read_text())
    except _DAMAGED as exc:
        reason = getattr(exc, "strerror", None) or "it is damaged"
        mistake = Mistake("hook.toml", "target.state", None, f"cannot be read: {reason}")
        raise ConfigError([mistake], hint="toolkit dev up, then toolkit deploy hook") from exc
    return replace(state, nomad_token="", consul_token="", traefik_token="")


@lru_cache(maxsize=1)
def builtin() -> Tree:
    """The jobs that come with toolkit, in memory: a child may not be able to read their files."""
    tree = builtin_tree()
    return DictTree({path: tree.read(path) for path in tree.paths()}, tree.name)


def _only_ours(project: Project, config: HookConfig) -> ProjectFile:
    """The pushed file, with nothing in it that says where or as whom."""
    name, file = config.target.environment, project.file
    written = file.environments.get(name)
    if written is None and file.environments:
        message = f'there is no environment "{name}", and that is where a push goes'
        hint = suggest(name, file.environments) or f"add [environments.{name}]"
        raise ConfigError([file.source.mistake(("environments",), message, hint)])
    written = written or EnvironmentFile(name)
    ours = EnvironmentFile(
        name,
        local=bool(config.target.state),
        driver=written.driver,
        variables=written.variables,
        rollout=written.rollout,
    )
    # The others keep their names, which job files may have tables of.
    others = {each: EnvironmentFile(each) for each in file.environments}
    return replace(
        file,
        default_environment=name,
        environments={**others, name: ours},
        notify=EMPTY,
        parallel=min(file.parallel, PARALLEL),
    )


def _target(config: HookConfig, token: Secret, agents: AgentState | None) -> Target:
    said = config.target
    nomad = replace(said.nomad, token=token)
    return Target(
        environment=said.environment,
        nomad=nomad,
        consul=said.consul,
        edge=dict(said.edge),
        traefik=said.traefik,
        kick=Endpoint("Kick", "", "Consul", token=token, ca_file=nomad.ca_file),
        namespace=said.namespace,
        region=said.region,
        datacenters=said.datacenters,
        node_pool=said.node_pool,
        pushed=True,
        local=bool(said.state),
        agents=agents,
    )
