"""What the hook server is asked about the hooks of a repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.clients.hook import HookServer, repo_path
from toolkit.clients.server import Json, Reply
from toolkit.errors import NotFoundError

UPLOAD_SECONDS = 120.0


def hooks_of(server: HookServer, repo: str) -> Json | None:
    """The versions of a repository's hooks; None where it has none, or there is no such one."""
    try:
        return server.ask("GET", repo_path(repo, "hooks")).body
    except NotFoundError:
        return None


def version_of(server: HookServer, repo: str, version: str | None) -> Json:
    """One version by the beginning of its digest, or the one that runs."""
    return server.ask("GET", repo_path(repo, "hooks", version or "current")).body


def create_hooks(server: HookServer, repo: str) -> Reply:
    """Let a repository have hooks; 201 when it had none."""
    return server.ask("PUT", repo_path(repo, "hooks"), write=True)


def push_hooks(server: HookServer, repo: str, files: Mapping[str, Any]) -> Reply:
    """Let these files be the version that runs; 200 when they were already."""
    data = json.dumps(files).encode()
    return server.ask(
        "POST",
        repo_path(repo, "hooks"),
        data=data,
        media="application/json",
        seconds=UPLOAD_SECONDS,
    )


def rollback_hooks(server: HookServer, repo: str, version: str | None) -> Json:
    """Let the version before run, or one by the beginning of its digest."""
    body = {} if version is None else {"version": version}
    return server.ask("PUT", repo_path(repo, "hooks", "current"), body=body).body


def remove_hooks(server: HookServer, repo: str, hook: str | None) -> Json:
    """Let none run, or not this one."""
    more = ("current",) if hook is None else ("current", hook)
    return server.ask("DELETE", repo_path(repo, "hooks", *more), write=True).body


def destroy_hooks(server: HookServer, repo: str) -> Json:
    """Move all versions to the server's trash."""
    return server.ask("DELETE", repo_path(repo, "hooks"), write=True).body
