"""How the services of a repository are built."""

from __future__ import annotations

import shlex
from typing import Any

from toolkit.spec.repo import Build
from toolkit.spec.repo_builds import RepoBuildReport
from toolkit.views.text import staged


def lines(report: RepoBuildReport) -> list[str]:
    """The end in one sentence, then a line for each service."""
    result = staged(report.verdict, report.sentence)
    for build in report.builds:
        result += staged("build", f"{build.service}: {how(build)}")
    return result


def how(build: Build) -> str:
    """`make wheel → dist/backend.tar.gz`, or `image of services/backend/Dockerfile`."""
    if build.dockerfile:
        return f"image of {build.dockerfile}"
    return f"{shlex.join(build.command)} → {build.artifact}"


def document(report: RepoBuildReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.repo-build/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "repo": report.repo,
        "builds": [
            {
                "service": build.service,
                "command": list(build.command),
                "artifact": build.artifact,
                "dockerfile": build.dockerfile,
            }
            for build in report.builds
        ],
    }
