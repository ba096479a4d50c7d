"""The equipment of a cluster: the jobs with `system = true`, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import ExitCode
from toolkit.spec.stack import StackReport


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A job that is equipment and that the project does not say enough about."""

    job: str
    why: str
    """`jobs/kick/kick.prod.toml does not exist`."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a cluster is equipped with."""

    jobs: tuple[str, ...]
    """Names in the project, in the project's order."""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Equipped:
    """One job of the equipment, and how its turn ended."""

    job: str
    word: str
    """A verdict; `not begun`: its turn never came."""
    sentence: str
    code: ExitCode
    release: str | None = None
    next: str | None = None
    """The next command to type, where it did not go well; it says the environment."""


@dataclass(frozen=True, slots=True)
class EquipReport:
    """What became of the equipment of a cluster."""

    cluster: str
    environment: str
    jobs: tuple[Equipped, ...]
    """In the order in which they had their turns."""
    left_out: tuple[LeftOut, ...]
    sentence: str
    seconds: float = 0.0
    stack: StackReport | None = None
    """All that was found out; None: there was nothing to deploy."""

    @property
    def code(self) -> ExitCode:
        """That of the first job that is not 0: such a cluster is not up."""
        bad = [each.code for each in self.jobs if each.code is not ExitCode.OK]
        return bad[0] if bad else ExitCode.OK

    @property
    def next(self) -> str | None:
        """The next command to type: about the first job that did not go well."""
        bad = [each for each in self.jobs if each.code is not ExitCode.OK]
        return bad[0].next if bad else None
