"""The reference, the help texts and the exit codes are true to the code."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from toolkit import VERSION
from toolkit._help import HELP
from toolkit.cli import catalog, helptext, reference
from toolkit.cli.lazy import build, build_group
from toolkit.cli.main import program
from toolkit.errors import ExitCode
from toolkit.spec.report import VERDICT_CODES

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
AGAIN = "make it again with: python -m toolkit.cli.helptext --write"


def test_the_help_pages_are_what_typer_prints() -> None:
    assert (ROOT / "toolkit" / "_help.py").read_text(encoding="utf-8") == helptext.module(), AGAIN


@pytest.mark.parametrize("page", sorted(reference.PAGES))
def test_the_reference_is_what_the_code_says(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert reference.fill(text, page) == text, AGAIN


def test_a_mark_with_a_typo_is_an_error() -> None:
    with pytest.raises(ValueError, match="marks are"):
        reference.fill(REFERENCE.replace("generated: lint", "generated: lynt"))


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_every_exit_code_is_explained() -> None:
    assert set(reference.MEANINGS) == set(ExitCode)
    assert set(VERDICT_CODES.values()) <= set(ExitCode)


@pytest.mark.parametrize("page", sorted(HELP))
def test_a_help_page_is_plain_and_narrow(page: str) -> None:
    text = HELP[page]
    assert text.isascii()
    assert text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 80


def test_every_command_has_a_page_and_nothing_else_has() -> None:
    assert set(HELP) == {"", *catalog.BY_NAME}


def test_a_command_is_listed_once() -> None:
    names = [entry.name for entry in catalog.COMMANDS]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("entry", [e for e in catalog.COMMANDS if e.target], ids=lambda e: e.name)
def test_a_command_gives_an_example_or_takes_nothing(entry: catalog.Entry) -> None:
    command = build(entry)
    assert entry.examples or all(param.param_type_name == "option" for param in command.params)


def example_lines() -> list[str]:
    lines = [line for entry in catalog.COMMANDS for line in entry.examples]
    found = [part for line in lines for part in re.findall(r"toolkit [^&|)]*", line)]
    return [re.split(r"\s(?:#|>|<|2>)", line)[0] for line in found]


@pytest.mark.parametrize("line", example_lines())
def test_an_example_is_a_line_that_the_parser_takes(line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = program()
    context: Any = command.make_context("toolkit", ["help"], obj=None)
    while words and hasattr(command, "get_command"):
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"no command {name}"
    command.make_context("toolkit", words, parent=context)


@pytest.mark.parametrize("entry", catalog.COMMANDS, ids=lambda e: e.name)
def test_the_catalog_is_orderly(entry: catalog.Entry) -> None:
    parent, _, _ = entry.name.rpartition(" ")
    if parent:
        assert not catalog.BY_NAME[parent].target
    else:
        assert entry.group in catalog.GROUPS
    if not entry.target:
        assert build_group(entry).list_commands(None)  # type: ignore[arg-type]
        assert catalog.children(entry.name)
    assert not entry.summary.endswith(".")
    assert len(entry.summary) <= 62


def read_from_the_environment() -> set[str]:
    """Names of environment variables in the files that read them."""
    files = (
        "toolkit/config/settings.py", "toolkit/config/actor.py", "toolkit/cli/world.py",
        "toolkit/spec/dev.py",
    )  # fmt: skip
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    return set(re.findall(r'(?:environ\.get\(|environ, |given\()\s*"([A-Z_]+)"', text))


def test_every_environment_variable_is_documented() -> None:
    known = read_from_the_environment()
    assert "NOMAD_ADDR" in known
    assert known - {"HOME", "PATH", "DOCKER_HOST"} == set(reference.VARIABLES)


def test_nothing_else_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "toolkit").rglob("*.py"))
        if re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8"))
        and "skeleton" not in path.parts
    ]
    assert readers == ["toolkit/cli/world.py"]
