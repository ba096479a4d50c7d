"""The process: how it starts, what it refuses to start with, and how it ends."""

from __future__ import annotations

from pathlib import Path

from tests.services.hook.hook_process import HookProcess, git


def test_a_repository_is_made_cloned_and_described(
    hook_server: HookProcess, tmp_path: Path
) -> None:
    hook_server.make("first")
    assert hook_server.ask("GET", "/repos/first").json()["url"].endswith("/first.git")
    git(
        "clone",
        hook_server.remote("first", "00000000-0000-4000-8000-00000000ad00"),
        str(tmp_path / "c"),
    )
