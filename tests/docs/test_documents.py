"""What the documents name exists: links, files, commands, make targets, rooms, codes, rules."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bench.answers.__main__ import MEASURES
from tests.docs.pages import PAGES, ROOT, blocks, commands, prose, text
from toolkit.cli.main import program
from toolkit.errors import ExitCode
from toolkit.rollout.lint import RULES

CALLS = [(page, command) for page in PAGES for command in commands(page)]

# Beginnings of paths in this checkout; anything else in backticks is something of the user's.
OURS = re.compile(r"^(toolkit|tests|docs|bench|services|jobs|\.ci|\.github)/[\w./*-]+$")
THEIRS = {"services/hello/main.py", "jobs/hello/job.toml", "jobs/hello/job.nomad.hcl.j2"}
"""In a project that `toolkit init` has made."""
NAMED = re.compile(r"NAME|\*")
VARIABLES = re.compile(r"^toolkit/(locks|last-verified|stacks)/")
"""Paths of Nomad variables, which are no files."""


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("http://", "https://", "#toolkit")):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page} links to {target}"
        assert not anchor or anchor in anchors(path), f"{page}: no heading for {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    named = [word for word in re.findall(r"`([^`\n]+)`", prose(page)) if OURS.match(word)]
    for word in named:
        if VARIABLES.match(word):
            continue
        if word in THEIRS or (page.startswith("toolkit/") and not word.startswith("toolkit/")):
            made = ROOT / "toolkit/workflows/skeleton"
            assert list(made.glob(NAMED.sub("*", word))), f"{page} names {word}"
        elif NAMED.search(word):
            assert list(ROOT.glob(NAMED.sub("*", word))), f"{page} names {word}"
        elif not word.startswith("toolkit/jobs"):  # where the wheel has what is `jobs` here
            assert (ROOT / word).exists(), f"{page} names {word}"


@pytest.mark.parametrize(("page", "line"), CALLS)
def test_every_command_is_one_that_the_parser_takes(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = program()
    context: Any = command.make_context("toolkit", ["help"], obj=None)
    while words and hasattr(command, "get_command"):
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"{page}: no command {name}"
    command.make_context("toolkit", words, parent=context)


def test_commands_are_found_in_the_pages() -> None:
    lines = [line for _, line in CALLS]
    assert "toolkit deploy ./shop.nomad.hcl --var tag=1.4.2" in lines
    assert "toolkit init shop" in lines
    assert "toolkit secret set hello api_key" in lines
    assert len(lines) > 40


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_text_exists(page: str) -> None:
    names = set(re.findall(r"`toolkit ([a-z]+)(?: [^`]*)?`", prose(page)))
    known = program().list_commands(None)  # type: ignore[arg-type]
    assert names <= set(known), f"{page}: {names - set(known)}"


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    made = set(
        re.findall(
            r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    named = set(re.findall(r"(?:`|^\$ )make ([a-z]+)", text(page), flags=re.MULTILINE))
    assert named <= made, f"{page}: {named - made}"


def test_the_makefile_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split())
    assert phony == set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_gives_nothing_of_a_machine_away(page: str) -> None:
    for word in ("/work/", "/root/", "/home/"):
        assert word not in text(page), f"{page} says {word}"


def test_the_architecture_draws_the_layers_of_the_contract() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    assert next(blocks("ARCHITECTURE.md")).body.splitlines() == layers


def test_the_architecture_has_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "toolkit").glob("*/__init__.py")}
    assert {"cli", "spec"} <= rooms
    table = set(re.findall(r"^\| .*?`toolkit/([a-z]+)`", text("ARCHITECTURE.md"), re.MULTILINE))
    assert table == rooms


def test_the_exit_codes_of_the_reference_are_the_programs() -> None:
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    section = page.partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
    assert codes == sorted(int(code) for code in ExitCode)


def test_every_lint_rule_is_documented_with_its_reason() -> None:
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    missing = [rule for rule, why in RULES.items() if f"| `{rule}` | {why} |" not in page]
    assert not missing


def test_the_changelog_is_one_sentence_each() -> None:
    body = text("CHANGELOG.md")
    assert re.search(r"^## \[Unreleased\]$", body, re.MULTILINE)
    kinds = re.findall(r"^### (.+)$", body, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    entries = [" ".join(part.split()) for part in re.split(r"^- ", body, flags=re.MULTILINE)[1:]]
    for entry in entries:
        sentence = entry.partition("## ")[0].strip()
        assert sentence.endswith("."), sentence
        assert ". " not in sentence, sentence


def test_every_question_has_its_figures() -> None:
    blocks = re.findall(
        r"<!-- figures: (\w+) -->\n(.*?)<!-- end -->", text("docs/answers.md"), re.DOTALL
    )
    assert [name for name, _ in blocks] == list(MEASURES)
    assert all("|" in figures for _, figures in blocks)
