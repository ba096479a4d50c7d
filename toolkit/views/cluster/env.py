"""The way into a cluster as a shell reads it, and as a document."""

from __future__ import annotations

import shlex
from typing import Any

from toolkit.spec.cluster_env import EnvReport


def lines(report: EnvReport) -> list[str]:
    """Commands of any POSIX shell, for `eval`."""
    unset = [f"unset {' '.join(report.unset)}"] if report.unset else []
    given = (f"{name}={shlex.quote(value)}" for name, value in report.variables.items())
    return [*unset, *(f"export {each}" for each in given)]


def talk(report: EnvReport) -> list[str]:
    """What a person is told beside it."""
    return [report.sentence, *(f"note: {note}" for note in report.notes)]


def document(report: EnvReport) -> dict[str, Any]:
    """The report for programs, tokens included: that is what they ask for."""
    return {
        "schema": "toolkit.cluster-env/1",
        "cluster": report.cluster,
        "environment": report.environment,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "variables": dict(report.variables),
        "unset": list(report.unset),
        "proxy": report.proxy or None,
        "tunnel": report.tunnel or None,
        "notes": list(report.notes),
    }
