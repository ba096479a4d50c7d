"""Names for completion, one a line: of the project around the folder, and of its git remotes."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.errors import ToolkitError

_SERVER = re.compile(r'^\[credential "(?P<server>https?://[^"/]+)"\]$', re.MULTILINE)


def names(question: str) -> str:
    """The answer to `_jobs`, `_environments` or `_repos`.

    Nothing where there is no project, or a broken one: a shell that completes is no place for an
    error.
    """
    try:
        found = _repos(Path.cwd()) if question == "_repos" else _of_project(question)
    except (ToolkitError, OSError, ValueError):
        return ""
    return "".join(f"{name}\n" for name in found)


def _of_project(question: str) -> tuple[str, ...]:
    from toolkit.config.names import job_names
    from toolkit.config.project import find_project

    project = find_project(Path.cwd())
    if project is None:
        return ()
    return job_names(project.tree) if question == "_jobs" else tuple(project.file.environments)


def _repos(folder: Path) -> list[str]:
    """Repositories that the work tree pushes to, on servers that `toolkit repo create` told git.

    Neither git nor a server is asked: it is typed for.
    """
    places = (each / ".git" / "config" for each in (folder, *folder.parents))
    config = next((each for each in places if each.is_file()), None)
    if config is None:
        return []
    text = config.read_text(errors="replace")
    servers = {match["server"] for match in _SERVER.finditer(text)}
    found = re.findall(r"^\s*url = (https?://[^/\s]+)/([a-z0-9-]+)\.git$", text, re.MULTILINE)
    return sorted({name for server, name in found if server in servers})
