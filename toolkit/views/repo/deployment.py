"""A deployment's log, line by line, and how it stands at the end."""

from __future__ import annotations

from typing import Any

from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.repo_reports import RepoDeploymentReport
from toolkit.views.repo.parts import deployment_document
from toolkit.views.text import staged


def line(said: LogLine) -> str:
    """As it was said."""
    return said.text


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
    """The state and its sentence; what to type next where something is left to do."""
    found = report.deployment
    result = staged(found.state, found.sentence or _sentence(found))
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
    return f"{found.repo} {found.id}"
