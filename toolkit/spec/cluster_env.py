"""What `toolkit cluster env` and `toolkit cluster ssh` come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from toolkit.errors import ExitCode

EnvWord = Literal["open", "stopped"]


@dataclass(frozen=True, slots=True)
class EnvReport:
    """Variables for a shell, and what holds the way that they describe."""

    cluster: str
    environment: str
    word: EnvWord
    sentence: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """To be exported; tokens among them."""
    unset: tuple[str, ...] = ()
    """Variables that contradict, or that are not to lead anywhere any more."""
    proxy: str = ""
    tunnel: str = ""
    """Machine that the tunnel goes in at; empty where there is no tunnel of ours."""
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> ExitCode:
        """Always fine: what goes wrong is an error."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class SshPlan:
    """The program that takes our place."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    sentence: str = ""
    """Which machine, and which way."""
