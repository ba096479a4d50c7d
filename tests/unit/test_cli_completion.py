"""The completion scripts, run by the shells that this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.cli import catalog, shells

BIN = Path(sys.executable).parent
REMOTES = """\
[remote "hook"]
\turl = http://127.0.0.1:8655/shop.git
[remote "origin"]
\turl = https://github.example.com/other.git
[credential "http://127.0.0.1:8655"]
\thelper =
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text("[environments.dev]\n[environments.staging]\n")
    for name in ("alpha", "alps"):
        job = tmp_path / "jobs" / name
        job.mkdir(parents=True)
        (job / "job.nomad.hcl").write_text('job "x" {}\n')
    (tmp_path / "shop.nomad.hcl").write_text('job "shop" {}\n')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(REMOTES)
    return tmp_path


def shell_of(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(folder: Path, command: list[str], text: str) -> str:
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        command, input=text, cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def bash_completes(folder: Path, line: str) -> set[str]:
    """What bash offers at the end of `line`."""
    words = line.split(" ")
    script = shells.bash(shells.words())
    script += "COMP_WORDS=(" + " ".join(f"'{word}'" for word in words) + ")\n"
    script += f"COMP_CWORD={len(words) - 1}\n_toolkit\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    command = [shell_of("bash"), "--norc"]
    return set(run(folder, command, script).split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("toolkit de", {"deploy", "dev"}),
        ("toolkit dev ", {"up", "down", "status", "logs", "watch"}),
        ("toolkit secret s", {"set"}),
        ("toolkit dev logs n", {"nomad"}),
        ("toolkit completion ", {"bash", "zsh", "fish"}),
        ("toolkit deploy al", {"alpha", "alps"}),
        ("toolkit deploy sh", {"shop.nomad.hcl"}),
        ("toolkit deploy --rel", {"--release"}),
        ("toolkit deploy -e sta", {"staging"}),
        ("toolkit deploy --release ", set[str]()),
        ("toolkit secret set --e", {"--env"}),
        ("toolkit help hist", {"history"}),
        ("toolkit init --js", {"--json"}),
        ("toolkit repo log ", {"shop"}),
        ("toolkit repo log o", set[str]()),
        ("toolkit repo create ", set[str]()),
        ("toolkit hook push ", {"shop"}),
        ("toolkit cluster re", {"rehearse"}),
        ("toolkit cluster rehearse ", {"up", "down", "status"}),
        ("toolkit cluster rehearse up --work", {"--workers"}),
        ("toolkit cluster rehearse up ", set[str]()),
    ],
)
def test_bash_completes(project: Path, line: str, offered: set[str]) -> None:
    assert bash_completes(project, line) == offered


def test_bash_outside_a_project_offers_no_job_and_no_error(tmp_path: Path) -> None:
    assert bash_completes(tmp_path, "toolkit deploy ") == set()


def test_a_broken_project_does_not_disturb_the_shell(project: Path) -> None:
    (project / "toolkit.toml").write_text("[[[")
    assert bash_completes(project, "toolkit deploy -e ") == set()


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_another_shell_reads_its_script(project: Path, name: str) -> None:
    shell = shell_of(name)
    path = project / f"completion.{name}"
    path.write_text(shells.SCRIPTS[name](shells.words()))
    run(project, [shell, "-n", str(path)], "")


def zsh_completes(folder: Path, line: str) -> str:
    """What the script hands to zsh's own functions at the end of `line`."""
    words = line.split(" ")
    (folder / "_toolkit.zsh").write_text(shells.zsh(shells.words()))
    script = "compdef() {}\n_describe() { print -rl -- ${(P)4} }\n"
    script += "_arguments() { print -rl -- $@ }\n"
    script += ". ./_toolkit.zsh\nwords=(" + " ".join(f"'{word}'" for word in words) + ")\n"
    return run(folder, [shell_of("zsh"), "-f"], f"{script}CURRENT={len(words)}\n_toolkit\n")


def fish_completes(folder: Path, line: str) -> str:
    (folder / "toolkit.fish").write_text(shells.fish(shells.words()))
    return run(folder, [shell_of("fish"), "-N"], f"source toolkit.fish\ncomplete -C '{line}'\n")


@pytest.mark.parametrize("completes", [zsh_completes, fish_completes])
@pytest.mark.parametrize(
    ("line", "offered", "other"),
    [
        ("toolkit ", "deploy", "--workers"),
        ("toolkit cluster ", "rehearse", "deploy"),
        ("toolkit cluster rehearse ", "status", "template"),
        ("toolkit cluster rehearse up -", "workers", "offline"),
        ("toolkit deploy -", "release", "workers"),
        ("toolkit secret ", "set", "workers"),
    ],
)
def test_zsh_and_fish_complete(
    project: Path, completes: Callable[[Path, str], str], line: str, offered: str, other: str
) -> None:
    said = completes(project, line)
    assert offered in said
    assert other not in said


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_script_knows_every_command_and_option(name: str) -> None:
    words = shells.words()
    text = shells.SCRIPTS[name](words)
    for entry in catalog.COMMANDS:
        assert entry.name.split()[-1] in text
    for option in {option for word in words for option in word.options}:
        long = option.names[-1]
        assert (f"-l {long[2:]}" if name == "fish" else long) in text


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_only_names_are_asked_for(name: str) -> None:
    text = shells.SCRIPTS[name](shells.words())
    asked = {
        part.split()[0] for part in text.split("$(toolkit ")[1:] + text.split("'(toolkit ")[1:]
    }
    assert asked - {"completion"} == {"_environments", "_jobs", "_repos"}
