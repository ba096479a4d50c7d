"""The check of a pushed commit, as the server sees it: files gathered, the rest done by a child."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hook.children.children import Children, Stop
from hook.children.errand import Result, Work
from hook.children.files import gather
from hook.children.loading import agents_of
from hook.gate.checking import Check, Checked, checked
from toolkit.errors import RefusedError
from toolkit.spec.hook import HookConfig
from toolkit.spec.target import Secret
from toolkit.spec.tree import Tree

CALL = "hook.gate.checking:check"


class Checks:
    """Checks commits; one for the process, used by several threads."""

    def __init__(self, config: HookConfig, children: Children):
        self._config = config
        self._children = children
        self._stop = Stop(grace=0)  # a check has nothing to put in order

    def stop(self) -> None:
        """End every check, now and from now on: their pushes are refused."""
        self._stop.set()

    def check(
        self,
        tree: Tree,
        token: Secret,
        *,
        given: Mapping[str, Any],
        on_fault: Callable[[str], None] = lambda _message: None,
    ) -> Checked:
        """The commit as it would be deployed; RefusedError with everything that is wrong."""
        limits = self._config.limits
        work = Work(
            CALL,
            Check(self._config, agents_of(self._config), given),
            token,
            gather(tree, limits),
        )
        result = self._children.run(
            work, memory=limits.check_memory, seconds=limits.check_seconds, stop=self._stop
        )
        if result.end == "done":
            return checked(result.value)
        if result.end in {"bug", "died"}:
            on_fault(result.message)
        raise refusal(result)


def refusal(result: Result) -> RefusedError:
    """Why a check that is not done refuses the push."""
    match result.end:
        case "refused":
            return RefusedError(result.message, hint=result.hint)
        case "memory" | "deadline":
            return RefusedError(
                f"the check of this commit {result.message}",
                hint="a template may loop, or toolkit.toml may name too much; toolkit plan --all"
                " shows it on your machine",
            )
        case "stopped":
            return RefusedError("the server is stopping: push again")
        case _:
            return RefusedError(
                "an error of the server's own while it checked this commit", hint="its log has more"
            )
