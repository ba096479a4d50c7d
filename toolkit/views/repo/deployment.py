"""A deployment's log, line by line, and how it stands at the end."""

from __future__ import annotations

from typing import Any

from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.repo_reports import RepoDeploymentReport
from toolkit.views.repo.parts import deployment_document
from toolkit.views.text import WIDTH, staged

WORDLESS = {"", "target", "step", "end"}
"""Stages whose text speaks for itself."""


def line(said: LogLine, width: int = 0) -> list[str]:
    """As an event of a rollout is shown: `backend   plan      1.0.0 → 1.1.0`.

    `width`: columns of the longest name of a job so far.
    """
    shown = said.text.splitlines()
    if said.stage not in WORDLESS:
        shown = staged(said.stage, said.text)
    if not said.job:
        return shown
    return [f"{said.job:<{max(width, WIDTH - 2)}}  {each}" for each in shown]


def line_document(said: LogLine) -> dict[str, Any]:
    """One line for programs; the last one holds the stack's own document."""
    return {
        "schema": "toolkit.repo-log/1",
        "number": said.number,
        "at": said.at,
        "stage": said.stage,
        "job": said.job,
        "text": said.text,
        "document": said.document,
    }


def lines(report: RepoDeploymentReport) -> list[str]:
    """The state and its sentence, where the log did not end with it; what to type next."""
    found = report.deployment
    result = [] if report.told else staged(found.state, found.sentence or _sentence(found))
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def document(report: RepoDeploymentReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.repo-deployment/1",
        "action": report.action,
        "verdict": report.deployment.state,
        "code": int(report.code),
        "sentence": report.deployment.sentence or _sentence(report.deployment),
        "environment": report.environment,
        "address": report.address,
        "deployment": deployment_document(report.deployment),
        "followed": report.followed,
        "next": report.next,
    }


def _sentence(found: Deployment) -> str:
    return f"deployment {found.id} of {found.repo}"
