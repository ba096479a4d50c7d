"""What the shipped job of a server of ours needs beside its template: its file, and the server.

`kick_job` and `hook_job` are these for one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from toolkit.config.tree import read_or_none
from toolkit.errors import ConfigError, Mistake, RefusedError
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Target
from toolkit.spec.tree import Tree

Find = Callable[[str], object]
"""Looks for a module; None when there is none."""


@dataclass(frozen=True, slots=True)
class ServerJob:
    """One server of ours, as a job."""

    name: str
    """Of the job, of its module and of its file: `kick` has kick.toml."""
    load: Callable[[bytes, str], object]
    """Reads its file; ConfigError with every mistake."""

    @property
    def folder(self) -> str:
        """Of the job in a project, with a slash at the end."""
        return f"jobs/{self.name}/"

    def is_meant(self, spec: JobSpec) -> bool:
        """True of a job whose template is at the shipped one's place."""
        return spec.template == f"{self.folder}job.nomad.hcl.j2"

    def policy_file(self, target: Target) -> str:
        """Path of the file that counts in an environment; a local one has the shipped one."""
        here = self.name if target.local else f"{self.name}.{target.environment}"
        return f"{self.folder}{here}.toml"

    def missing_policy(self, tree: Tree, spec: JobSpec, target: Target) -> str | None:
        """Path of the file that the job needs and the project lacks; None: it lacks none."""
        if not self.is_meant(spec):
            return None
        path = self.policy_file(target)
        return path if read_or_none(tree, path) is None else None

    def check_policy(self, tree: Tree, spec: JobSpec, target: Target) -> None:
        """ConfigError with every mistake of the file, before a server refuses to start with it."""
        if not self.is_meant(spec):
            return
        path = self.policy_file(target)
        text = read_or_none(tree, path)
        if text is None:
            message = (
                f"does not exist in {tree.name}: nothing says what the {self.name} server may do"
            )
            hint = f"{self.folder}{self.name}.toml is the one of a local cluster;"
            hint += f" docs/{self.name}.md has every key"
            raise ConfigError([Mistake(path, None, None, message, hint)])
        self.load(text, path)

    def runs_here(self, spec: JobSpec) -> bool:
        """True when the task runs the server in the Python that toolkit runs with."""
        driver = spec.driver
        if not self.is_meant(spec) or driver is None or driver.name != "raw_exec":
            return False
        arguments = list(driver.config.get("args", ()))[:2]
        return "command" not in driver.config and arguments == ["-m", self.name]

    def check_installed(self, spec: JobSpec, *, find: Find = find_spec) -> None:
        """RefusedError when the task would run a server that its Python does not have."""
        if self.runs_here(spec) and find(self.name) is None:
            raise RefusedError(
                f"the {self.name} server is not installed in the Python that toolkit runs with",
                hint=f"pip install toolkit-{self.name} there;"
                f" of a clone: pip install ./services/{self.name}",
            )
