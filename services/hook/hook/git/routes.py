"""The URLs of git, and the order in which a request is looked at."""

from __future__ import annotations

from starlette.routing import Route

from hook.git.parts import GitParts

PATHS = (
    "/{repo}.git/info/refs",
    "/{repo}.git/git-upload-pack",
    "/{repo}.git/git-receive-pack",
    "/{repo}/archive/{file}",
)
"""All of them; whatever else is asked for does not exist."""


def git_routes(parts: GitParts) -> list[Route]:
    """Routes for the application's table; every method of a path is answered by its route."""
    raise NotImplementedError
