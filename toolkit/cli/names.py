"""Names for completion, one a line: jobs and environments of the project around the folder."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import ToolkitError


def names(question: str) -> str:
    """The answer to `_jobs` or `_environments`.

    Nothing where there is no project, or a broken one: a shell that completes is no place for an
    error.
    """
    from toolkit.config.names import job_names
    from toolkit.config.project import find_project

    try:
        project = find_project(Path.cwd())
        if project is None:
            return ""
        jobs = question == "_jobs"
        found = job_names(project.tree) if jobs else tuple(project.file.environments)
    except (ToolkitError, OSError):
        return ""
    return "".join(f"{name}\n" for name in found)
