"""What the stages of one call about a stack share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.rollout.halt import Halt
from toolkit.spec.events import OnEvent
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DEFAULTS, DeployOptions
from toolkit.workflows.protection import Confirm
from toolkit.workflows.session import Session

NAMED = 8
"""At most so many jobs are named on a line."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What the user asked for of a whole stack."""

    job: DeployOptions = DEFAULTS
    """Of each job's own rollout."""
    atomic: bool = False
    parallel: int | None = None
    """None: as toolkit.toml says."""


DEFAULT = StackOptions()


@dataclass(frozen=True)
class Journey:
    """What the stages of one `deploy --all` share."""

    session: Session
    options: StackOptions
    limit: int
    halt: Halt
    clock: Clock
    on_event: OnEvent
    confirm: Confirm

    @property
    def stack(self) -> tuple[str, ...]:
        """The names in `[stack] jobs`."""
        project = self.session.settings.project
        return () if project is None else project.file.stack


def named_some(names: Sequence[str]) -> str:
    """The names, or the first of many and how many more."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
