"""What a push gives its jobs, as a file for `--var-file`."""

from __future__ import annotations

import json
from typing import Any

from toolkit.spec.repo_builds import RepoCodeReport


def lines(report: RepoCodeReport) -> list[str]:
    """TOML: a table for the code, and one for each service that was built."""
    result = []
    for table, values in report.values.items():
        head, _, service = table.partition(".")
        result.append(f"[{head}.{_text(service)}]" if service else f"[{head}]")
        result += [f"{name} = {_text(value)}" for name, value in values.items()]
    return result


def document(report: RepoCodeReport) -> dict[str, Any]:
    """The same for programs."""
    built = {
        table.removeprefix("build."): dict(values)
        for table, values in report.values.items()
        if table.startswith("build.")
    }
    return {
        "schema": "toolkit.repo-code/1",
        "repo": report.repo,
        "commit": report.commit,
        "values": {"code": dict(report.values["code"]), "build": built},
    }


def _text(value: str) -> str:
    # What JSON leaves as it is and TOML does not take.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
