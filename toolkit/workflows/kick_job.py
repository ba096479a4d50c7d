"""What the shipped job `kick` needs beside its template: a kick.toml that holds, and the server."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from toolkit.config.tree import read_or_none
from toolkit.errors import ConfigError, Mistake, RefusedError
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Target
from toolkit.spec.tree import Tree

FOLDER = "jobs/kick/"
TEMPLATE = f"{FOLDER}job.nomad.hcl.j2"


def policy_file(target: Target) -> str:
    """Path of the kick.toml that counts in an environment; a local one has the shipped one."""
    name = "kick.toml" if target.local else f"kick.{target.environment}.toml"
    return FOLDER + name


def missing_policy(tree: Tree, spec: JobSpec, target: Target) -> str | None:
    """Path of the kick.toml that the job needs and the project lacks; None: it lacks none."""
    if spec.template != TEMPLATE:
        return None
    path = policy_file(target)
    return path if read_or_none(tree, path) is None else None


def check_policy(tree: Tree, spec: JobSpec, target: Target) -> None:
    """ConfigError with every mistake of the file, before a server has to refuse to start with it.

    Only of a job whose template is at the shipped one's place.
    """
    if spec.template != TEMPLATE:
        return
    path = policy_file(target)
    text = read_or_none(tree, path)
    if text is None:
        message = f"does not exist in {tree.name}: nothing says what the kick server may do"
        hint = f"{FOLDER}kick.toml is the one of a local cluster; docs/kick.md has every key"
        raise ConfigError([Mistake(path, None, None, message, hint)])
    # Not at the top: no other job needs it.
    from toolkit.config.kick import load_kick

    load_kick(text, path)


def check_installed(spec: JobSpec, *, find: Callable[[str], object] = find_spec) -> None:
    """RefusedError when the task would run a server that its Python does not have.

    `find` looks for a module and returns None when there is none.
    """
    driver = spec.driver
    if spec.template != TEMPLATE or driver is None or driver.name != "raw_exec":
        return
    if "command" in driver.config or list(driver.config.get("args", ()))[:2] != ["-m", "kick"]:
        return
    if find("kick") is None:
        raise RefusedError(
            "the kick server is not installed in the Python that toolkit runs with",
            hint="pip install toolkit-kick there; of a clone: pip install ./services/kick",
        )
