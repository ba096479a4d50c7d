"""Trees: nothing outside of them exists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from toolkit.config.names import job_names, resolve_job
from toolkit.config.tree import FolderTree, LayeredTree, builtin_tree
from toolkit.errors import ConfigError
from toolkit.spec.tree import DictTree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "project-2").mkdir()
    (tmp_path / "project-2" / "file").write_text("a folder whose name only starts the same")
    root = tmp_path / "project"
    (root / "jobs" / "a").mkdir(parents=True)
    (root / "jobs" / "a" / "job.toml").write_text("a")
    return root


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "jobs/../../secret.txt", "/etc/passwd", "", ".", "..", "jobs//a/job.toml",
     "jobs/./a/job.toml", "jobs/a", "jobs/a/job.toml/x", "nothing", "a\0b", "jobs\\a",
     "../project-2/file"],
)  # fmt: skip
def test_what_is_not_there_or_not_inside_has_no_bytes(root: Path, path: str) -> None:
    with pytest.raises(KeyError):
        FolderTree(root).read(path)


def test_a_link_that_leads_outside_is_refused_and_not_listed(root: Path) -> None:
    (root / "file").symlink_to(root.parent / "secret.txt")
    (root / "folder").symlink_to(root.parent / "project-2")
    tree = FolderTree(root)
    for path in ("file", "folder/file"):
        with pytest.raises(ConfigError, match="leads outside"):
            tree.read(path)
    assert list(tree.paths()) == ["jobs/a/job.toml"]
    assert list(tree.paths("folder/")) == []
    assert list(tree.paths("../project-2/")) == []


def test_links_inside_are_followed_and_circles_end(root: Path) -> None:
    (root / "jobs" / "b").symlink_to("a")
    (root / "jobs" / "a" / "up").symlink_to("..")
    (root / "circle").symlink_to("circle")
    tree = FolderTree(root)
    assert tree.read("jobs/b/job.toml") == b"a"
    assert "jobs/b/job.toml" in set(tree.paths("jobs/"))
    with pytest.raises((KeyError, ConfigError)):
        tree.read("circle")


def test_a_pipe_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(KeyError):
        FolderTree(root).read("pipe")


def test_hidden_folders_are_not_listed(root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("x")
    assert list(FolderTree(root).paths()) == ["jobs/a/job.toml"]


def test_a_folder_that_is_itself_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert FolderTree(tmp_path / "link").read("jobs/a/job.toml") == b"a"
    assert list(FolderTree(tmp_path / "link").paths("jobs/")) == ["jobs/a/job.toml"]


def test_the_first_tree_wins() -> None:
    first = DictTree({"jobs/_lib/macros": b"mine", "jobs/a/job.toml": b"mine"})
    second = DictTree(
        {"jobs/_lib/macros": b"theirs", "jobs/_lib/more": b"theirs", "jobs/a/job.toml": b"theirs"}
    )
    tree = LayeredTree(first, second)
    assert tree.read("jobs/_lib/macros") == b"mine"
    assert tree.read("jobs/_lib/more") == b"theirs"
    assert tree.read("jobs/a/job.toml") == b"mine"
    assert list(tree.paths()) == ["jobs/_lib/macros", "jobs/_lib/more", "jobs/a/job.toml"]
    with pytest.raises(KeyError):
        tree.read("jobs/b")


def test_a_job_with_a_template_of_its_own_is_not_mixed_with_a_built_in_one() -> None:
    theirs = {"jobs/a/job.toml": b"theirs", "jobs/a/job.nomad.hcl.j2": b"theirs"}
    plain = LayeredTree(DictTree({"jobs/a/job.nomad.hcl": b"mine"}), DictTree(theirs))
    assert list(plain.paths()) == ["jobs/a/job.nomad.hcl"]
    with pytest.raises(KeyError):
        plain.read("jobs/a/job.toml")
    settings = LayeredTree(DictTree({"jobs/a/job.toml": b"mine"}), DictTree(theirs))
    assert settings.read("jobs/a/job.nomad.hcl.j2") == b"theirs"
    assert settings.read("jobs/a/job.toml") == b"mine"
    more = LayeredTree(DictTree({"jobs/a/kick.toml": b"mine"}), DictTree(theirs))
    assert more.read("jobs/a/job.nomad.hcl.j2") == b"theirs"
    assert more.read("jobs/a/kick.toml") == b"mine"


def test_the_built_in_tree_has_jobs_and_nothing_else() -> None:
    tree = builtin_tree()
    paths = list(tree.paths())
    assert "jobs/traefik/job.toml" in paths
    assert all(path.startswith("jobs/") for path in paths)
    for path in ("toolkit/__init__.py", "errors.py", "pyproject.toml"):
        with pytest.raises(KeyError):
            tree.read(path)


JOBS = DictTree(
    dict.fromkeys(
        ["jobs/_lib/job.toml", "jobs/backend/job.toml", "jobs/backup/job.nomad.hcl",
         "jobs/front/job.toml", "jobs/frontend/job.toml", "jobs/frontend/deep/job.toml",
         "jobs/empty/README.md", "jobs/job.toml"],
        b"",
    )
)  # fmt: skip


def test_job_names() -> None:
    assert job_names(JOBS) == ("backend", "backup", "front", "frontend")
    assert job_names(DictTree({})) == ()


@pytest.mark.parametrize(
    ("text", "name"), [("front", "front"), ("fronte", "frontend"), ("backe", "backend")]
)
def test_a_job_by_name_or_beginning(text: str, name: str) -> None:
    assert resolve_job(JOBS, text) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [("back", "backend, backup"), ("bakend", '"backend"'), ("", "no job"), ("xyz", "known:")],
)
def test_a_job_that_is_not_clear(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        resolve_job(JOBS, text)
