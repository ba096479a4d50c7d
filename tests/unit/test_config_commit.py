"""Which commit a project is at, asked of a real git; and who deploys."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from toolkit.config.actor import LONGEST, actor_of
from toolkit.config.commit import NONE, Commit, commit_of, read_commit
from toolkit.config.project import load_project
from toolkit.config.settings import Flags, load_settings
from toolkit.spec.tree import DictTree

ENVIRON = {"PATH": os.defpath + ":" + "/usr/local/bin", "HOME": "/nonexistent"}


def git(folder: Path, *arguments: str) -> str:
    """Git's answer; the identity is nobody's."""
    answer = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.invalid", *arguments],
        cwd=folder, env=ENVIRON, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return answer.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, and the project in a folder of it."""
    project = tmp_path / "deploy"
    project.mkdir()
    (project / "toolkit.toml").write_text("")
    (tmp_path / ".gitignore").write_text(".toolkit/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_tree(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert read_commit(repository / "deploy", ENVIRON) == Commit(head, False)
    kept = repository / "deploy" / ".toolkit"
    kept.mkdir()
    (kept / "state").write_text("ignored")
    assert read_commit(repository / "deploy", ENVIRON).dirty is False


@pytest.mark.parametrize("change", ["edited", "new", "deleted", "staged", "beside the project"])
def test_a_tree_that_differs(repository: Path, change: str) -> None:
    file = repository / "deploy" / "toolkit.toml"
    match change:
        case "edited":
            file.write_text("# other\n")
        case "new":
            (repository / "deploy" / "new.toml").write_text("")
        case "deleted":
            file.unlink()
        case "staged":
            file.write_text("# other\n")
            git(repository, "add", ".")
        case _:
            (repository / "app.py").write_text("")
    found = read_commit(repository / "deploy", ENVIRON)
    assert found == Commit(git(repository, "rev-parse", "HEAD"), True)


def test_no_git_no_repository_no_commit(tmp_path: Path, repository: Path) -> None:
    assert read_commit(repository, {"PATH": str(tmp_path / "empty")}) == NONE
    assert read_commit(repository / "missing", ENVIRON) == NONE
    apart = tmp_path / "apart"
    apart.mkdir()
    git(apart, "init", "-q")
    assert read_commit(apart, ENVIRON) == NONE
    assert commit_of(None, ENVIRON) == NONE


def test_a_tree_that_takes_too_long_to_look_through(repository: Path) -> None:
    found = read_commit(repository, ENVIRON, seconds=0.0)
    assert found == Commit(git(repository, "rev-parse", "HEAD"), None)


def test_a_repository_runs_nothing_and_is_not_written_to(repository: Path) -> None:
    """A pushed tree may bring any configuration along."""
    trap = repository / "trap"
    script = repository / "trap.sh"
    script.write_text(f"#!/bin/sh\necho > {trap}\n")
    script.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(script))
    git(repository, "config", "core.hooksPath", str(repository / "hooks"))
    (repository / "hooks").mkdir()
    hook = repository / "hooks" / "post-index-change"
    hook.write_text(script.read_text())
    hook.chmod(0o755)
    os.utime(repository / "deploy" / "toolkit.toml", (1, 1))  # git would refresh its index
    index = (repository / ".git" / "index").read_bytes()
    assert read_commit(repository, ENVIRON).dirty is True
    assert not trap.exists()
    assert (repository / ".git" / "index").read_bytes() == index


def test_what_git_sees_of_the_environment_is_chosen(tmp_path: Path) -> None:
    """GIT_DIR of a hook that runs us would name another repository; tokens are none of git's."""
    (tmp_path / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    environ = {**ENVIRON, "GIT_DIR": "/elsewhere", "NOMAD_TOKEN": "t", "GIT_CONFIG_COUNT": "1"}
    assert load_settings(Flags(), environ, tmp_path, contact=False).git == ENVIRON


def test_a_tree_that_is_a_commit_is_clean() -> None:
    tree = DictTree({"toolkit.toml": b""}, name="ab" * 20)
    assert commit_of(load_project(tree), ENVIRON) == Commit("ab" * 20, False)
    assert commit_of(load_project(DictTree({"toolkit.toml": b""})), ENVIRON) == NONE


@pytest.mark.parametrize(
    ("environ", "actor"),
    [
        ({"TOOLKIT_ACTOR": " release train ", "GITHUB_ACTIONS": "true"}, "release train"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ann", "GITHUB_RUN_ID": "12"},
         "ann@github run 12"),
        ({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ann"}, "ann@gitlab"),
        ({"JENKINS_URL": "http://j", "BUILD_NUMBER": "7"}, "ci@jenkins run 7"),
        ({"GITHUB_ACTOR": "ann", "USER": "bob"}, f"bob@{os.uname().nodename}"),
        ({"LOGNAME": "eve", "USER": "bob"}, f"eve@{os.uname().nodename}"),
        ({"TOOLKIT_ACTOR": "a\x1b[31m\nb\u202e"}, "a [31m b"),
    ],
)  # fmt: skip
def test_who_deploys(environ: dict[str, str], actor: str) -> None:
    assert actor_of(environ) == actor


def test_whoever_it_is_has_a_short_name() -> None:
    assert actor_of({})
    assert len(actor_of({"TOOLKIT_ACTOR": "x" * 5000})) == LONGEST
