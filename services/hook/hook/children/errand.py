"""What goes to a child and what comes back: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.errors import ExitCode
from toolkit.spec.target import Secret
from toolkit.spec.tree import DictTree, Tree

Message = Mapping[str, Any]
"""What a child says; it has to fit into JSON."""

End = Literal["done", "refused", "memory", "deadline", "stopped", "died", "bug"]
"""`refused`: an error of the tool's own, meant for a person. `stopped`: the server asked for it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a child is to do."""

    call: str
    """`package.module:function`; it takes an `Errand` and returns a `Message`."""
    argument: Any = None
    """For the function; frozen values, which go through pickle on the way there only."""
    token: Secret = field(default=Secret(""))
    tree: Tree = field(default=DictTree({}))
    """Held in memory: a child reads no files. `files.gather` makes one from a commit."""


@dataclass(frozen=True, slots=True)
class Errand:
    """The same, as the function has it in the child."""

    argument: Any
    token: Secret
    tree: Tree
    say: Callable[[Message], None]
    """Send a message; from any thread."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a child ended."""

    end: End
    value: Message = field(default_factory=dict)
    """What the function returned, when `done`."""
    message: str = ""
    """Why it is not `done`; of an error of the tool's its message, which may have many lines."""
    hint: str | None = None
    code: ExitCode = ExitCode.OK
    error: str = ""
    """Name of the error's class, when `refused`: `ConfigError`, `DeniedError`, …"""
