"""What `toolkit deploy hook` needs on the machine, and what `toolkit validate hook` says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.config.hook import load_hook
from toolkit.config.project import load_project
from toolkit.config.settings import Flags, load_settings
from toolkit.config.tree import LayeredTree, builtin_tree
from toolkit.errors import ConfigError, RefusedError
from toolkit.repos.builds import Code, given
from toolkit.repos.git import MINIMUM
from toolkit.repos.policy import permit
from toolkit.spec.identity import Workload
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.tree import DictTree
from toolkit.workflows.hook_job import HOOK, check_programs
from toolkit.workflows.init import init
from toolkit.workflows.render import render_job

PROJECT = """
[environments.dev]
local = true
driver = "raw_exec"
[environments.production]
nomad = "http://10.0.0.1:4646"
consul = "http://10.0.0.1:8500"
driver = "docker"
"""
SHIPPED = Path(__file__).parents[2] / "jobs" / "hook" / "hook.toml"


def rendered(root: Path, environment: str = "dev") -> JobSpec:
    (root / "toolkit.toml").write_text(PROJECT)
    return render_job(load_settings(Flags(environment=environment), {}, root), "hook").spec


def own(root: Path, text: str, name: str = "hook.toml") -> None:
    folder = root / "jobs" / "hook"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (None, "there is none on this machine"),
        ("git version 2.35.9", "needs git 2.36 or newer"),
        ("git version 1.99.1", "needs git 2.36 or newer"),
        ("no version at all", "needs git 2.36 or newer"),
    ],
)
def test_a_machine_whose_git_will_not_do_is_told(
    tmp_path: Path, said: str | None, told: str
) -> None:
    spec = rendered(tmp_path)
    with pytest.raises(RefusedError, match=told) as caught:
        check_programs(spec, version=lambda: said)
    assert "install" in (caught.value.hint or "")


@pytest.mark.parametrize("said", ["git version 2.36.0", "git version 2.39.5 (Apple)", "git 3.0"])
def test_a_newer_one_does(tmp_path: Path, said: str) -> None:
    check_programs(rendered(tmp_path), version=lambda: said)


def test_every_place_that_says_which_git_it_needs_says_the_same() -> None:
    root = Path(__file__).parents[2]
    numbers = re.compile(r"git ([0-9]+\.[0-9]+)")
    page = numbers.findall((root / "docs/hook.md").read_text())
    image = (root / "services/hook/Dockerfile").read_text()
    assert {*page, *numbers.findall(image)} == {".".join(map(str, MINIMUM))}
    assert f"found >= {list(MINIMUM)} " in image


def test_git_is_started_with_limits_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no prlimit") as caught:
        check_programs(rendered(tmp_path), which=lambda name: None)
    assert caught.value.hint == "install util-linux"


def test_what_runs_in_a_container_needs_nothing_here(tmp_path: Path) -> None:
    own(tmp_path, SHIPPED.read_text(), "hook.production.toml")
    check_programs(rendered(tmp_path, "production"), version=lambda: None)
    HOOK.check_installed(rendered(tmp_path, "production"), find=lambda name: None)


def test_a_server_that_is_not_installed_is_told_with_what_to_install(tmp_path: Path) -> None:
    spec = rendered(tmp_path)
    HOOK.check_installed(spec)
    with pytest.raises(RefusedError, match="not installed in the Python") as caught:
        HOOK.check_installed(spec, find=lambda name: None)
    assert "pip install toolkit-hook" in (caught.value.hint or "")


def test_another_environment_needs_a_file_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"jobs/hook/hook\.production\.toml.*does not exist"):
        rendered(tmp_path, "production")


def test_every_mistake_of_the_file_is_told_before_anything_is_deployed(tmp_path: Path) -> None:
    own(tmp_path, 'cluster = "dev"\nurl = "ftp://nowhere"\nodrer = "queue"\n')
    with pytest.raises(ConfigError) as caught:
        rendered(tmp_path)
    found = {(each.where, each.key, each.line) for each in caught.value.mistakes}
    assert {("jobs/hook/hook.toml", "url", 2), ("jobs/hook/hook.toml", "odrer", 3)} <= found


def test_a_job_of_that_name_that_is_nobodys_server_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "hook"
    folder.mkdir(parents=True)
    (folder / "job.nomad.hcl").write_text('job "hook" {\n  group "a" {}\n}\n')
    check_programs(rendered(tmp_path), version=lambda: None)


def test_a_new_projects_job_runs_from_what_was_pushed(tmp_path: Path) -> None:
    init(tmp_path / "shop")
    local = load_settings(Flags(), {}, tmp_path / "shop")
    assert "local/code" not in render_job(local, "hello").hcl
    code = Code("http://127.0.0.1:8655", "shop", "4" * 40, "sha256:" + "a" * 64, "hook.dev")
    project = load_project(LayeredTree(tree_of(tmp_path / "shop"), builtin_tree()))
    pushed = replace(local, project=project, flags=Flags(given=given(code, {})))
    text = render_job(pushed, "hello").hcl
    assert f"/shop/archive/{'4' * 40}.tar.gz" in text
    assert '"${NOMAD_TASK_DIR}/code/services/hello/main.py"' in text
    assert str(tmp_path) not in text
    # The policy of a local cluster's server lets it.
    rules = load_hook(SHIPPED.read_text()).policy
    caller = Workload("default", "hello", "app", "a", 0.0)
    permit(rules, caller, "shop", "read")


def tree_of(folder: Path) -> DictTree:
    """The folder as a commit is: without a place on this machine."""
    files = (each for each in folder.rglob("*") if each.is_file())
    return DictTree({each.relative_to(folder).as_posix(): each.read_bytes() for each in files})
