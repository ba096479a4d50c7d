"""A deployment of a commit by the hook server: its record, its states and its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from toolkit.errors import ExitCode
from toolkit.spec.report import VERDICT_CODES, Verdict

Waiting = Literal["waiting", "building", "deploying", "needs-token"]
"""States that are not the last; `needs-token`: whoever may deploy has to say `resume`."""

State = Waiting | Verdict
"""The last state is the verdict, in the words of `toolkit deploy --all`."""

Kind = Literal["push", "redeploy", "rollback", "repair"]
"""`repair`: the ref had moved, and a crash came before its record."""

OPEN: frozenset[str] = frozenset({"waiting", "building", "deploying", "needs-token"})


@dataclass(frozen=True, slots=True)
class Deployment:
    """The record of one deployment; on disk before anything is registered."""

    id: int
    """Counts from 1 in each repository."""
    repo: str
    commit: str
    before: str | None
    """The commit that the branch was at; None for its first."""
    pusher: str
    """Who asked, as the verifier called them; never a token."""
    accessor: str
    kind: Kind = "push"
    of: int | None = None
    """Of a redeploy or rollback: the deployment whose commit it takes."""
    hooks: str = ""
    """Version (digest) of the repository's hooks at that time; empty: it has none."""
    digest: str = ""
    """SHA-256 over the rendered jobs, as the check before the ref moved saw them."""
    state: State = "waiting"
    sentence: str = ""
    created: float = 0.0
    changed: float = 0.0
    resumed_by: str = ""

    @property
    def is_final(self) -> bool:
        """True when nothing more becomes of it."""
        return self.state not in OPEN

    @property
    def code(self) -> ExitCode:
        """The exit code that the state stands for; `unknown` while it is open."""
        if self.state in OPEN:
            return ExitCode.UNKNOWN
        return VERDICT_CODES[self.state]  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a deployment's log: what was said, when, and of which job."""

    number: int
    """Counts from 1."""
    at: float
    """Seconds since 1970."""
    text: str
    stage: str = ""
    job: str = ""
    document: dict[str, Any] | None = None
    """Of the last line: the report, as `toolkit deploy --all --json` prints it."""
