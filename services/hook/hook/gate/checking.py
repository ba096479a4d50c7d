"""In a child: a pushed commit loaded, rendered and planned; nothing is changed.

What is wrong is said as `toolkit plan --all` says it, file and line with it, all at once. The
server itself has of this only the values: what plans is imported by the functions that do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hook.children.errand import Errand, Message
from hook.children.loading import settings_of
from toolkit.errors import ExitCode, RefusedError
from toolkit.rollout.sentences import group_words
from toolkit.serving.bounded import bounded
from toolkit.spec.agents import AgentState
from toolkit.spec.hook import HookConfig
from toolkit.spec.plan import Plan
from toolkit.spec.stack import StackReport, StackRow

JOBS = 200
"""Jobs of a stack that one push deploys: each costs Nomad a few calls before the ref moves."""
MOST = 1000
"""Lines and names that are taken over from a child."""
NAMED = 40
"""Jobs that the sentence names; a screen has no room for more."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a check needs to know beside the commit's files and the pusher's token."""

    config: HookConfig
    agents: AgentState | None = None
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A commit that may be deployed."""

    sentence: str
    """`backend 1.4.0 → 1.5.0 (2 canaries), frontend unchanged`."""
    digest: str
    """SHA-256 over the rendered jobs and their names."""
    lines: tuple[str, ...] = ()
    """What there is to say besides."""
    jobs: tuple[str, ...] = ()


def check(errand: Errand) -> Message:
    """The commit planned: the members of a `Checked`; RefusedError, ConfigError, … when it may not.

    An API that does not answer, or refuses the token, is an ApiError of its own kind.
    """
    from toolkit.workflows.session import open_session
    from toolkit.workflows.stack.look import plan_all

    asked: Check = errand.argument
    settings = settings_of(
        errand.tree, asked.config, errand.token, given=asked.given, agents=asked.agents
    )
    names = settings.project.file.stack if settings.project else ()
    if len(names) > JOBS:
        raise RefusedError(
            f"[stack] in toolkit.toml has {len(names):,} jobs, and one push deploys {JOBS} at most",
            hint="split the stack over several repositories",
        )
    session = open_session(settings)
    try:
        report = plan_all(session)
    finally:
        session.close()
    if report.code not in {ExitCode.OK, ExitCode.CHANGES}:
        raise refusal(report)
    plans = [row.plan for row in report.rows if row.plan is not None]
    return {
        "sentence": sentence(report.rows),
        "digest": digest(plans),
        "lines": list(notes(report.rows)),
        "jobs": [row.job for row in report.rows],
    }


def checked(value: Message) -> Checked:
    """What the child said, as a value; whatever it said, it is texts, and not too many."""
    return Checked(
        str(value.get("sentence", "")),
        bounded(str(value.get("digest", "")), 100),
        _texts(value.get("lines")),
        _texts(value.get("jobs")),
    )


def _texts(said: object) -> tuple[str, ...]:
    return tuple(str(each) for each in said[:MOST]) if isinstance(said, list) else ()


def refusal(report: StackReport) -> RefusedError:
    """Why the stack may not begin, every reason at once, and what to do next at the end."""
    from toolkit.views import stack as stack_view

    return RefusedError("\n".join(stack_view.lines(report)))


def sentence(rows: Sequence[StackRow]) -> str:
    """What becomes of each job, those that change first as they stand in the stack."""
    said = [f"{row.job} {words(row.plan)}" for row in rows if row.plan is not None]
    more = len(said) - NAMED
    return ", ".join(said[:NAMED]) + (f" and {more} more" if more > 0 else "")


def words(plan: Plan) -> str:
    """`1.4.0 → 1.5.0 (2 canaries)`, `unchanged`."""
    if not plan.changed:
        return "unchanged"
    before = plan.live.release if plan.live is not None and not plan.live.stopped else None
    release = plan.release or ""
    if before and release and before != release:
        release = f"{before} → {release}"
    groups = [(group.group, group_words(group)) for group in plan.groups]
    told = [f"{name}: {text}" if len(groups) > 1 else text for name, text in groups if text]
    counts = f"({'; '.join(told)})" if told else ""
    return " ".join(part for part in (release, counts) if part) or "changes"


def notes(rows: Sequence[StackRow]) -> list[str]:
    """What the plans warn of, a line each."""
    found = []
    for row in rows:
        if row.plan is not None:
            found += [f"{row.job}: {note}" for note in row.plan.notes]
            found += [
                f"{row.job}: {finding.message}: {finding.reason} ({finding.rule})"
                for finding in row.plan.lint
                if finding.level == "warning" and not finding.allowed
            ]
    return found


def digest(plans: Sequence[Plan]) -> str:
    """SHA-256 over what was rendered, so that two commits that deploy the same can be told."""
    total = hashlib.sha256()
    for plan in sorted(plans, key=lambda plan: plan.job_id):
        rendered = plan.rendered
        for part in (plan.job_id, rendered.hcl, rendered.variables or ""):
            data = part.encode()
            total.update(len(data).to_bytes(8, "big") + data)
    return f"sha256:{total.hexdigest()}"
