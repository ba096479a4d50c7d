"""The documents as tests read them: their blocks, their console sessions, their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/tutorial.md",
    "docs/operations.md",
    "docs/answers.md",
    "docs/kick.md",
    "docs/hook.md",
    "docs/cluster.md",
    "docs/reference.md",
    "docs/security.md",
    "docs/schemas/README.md",
    "toolkit/workflows/skeleton/README.md",
)

_BLOCK = re.compile(
    r"(?:^<!-- (?P<order>.+?) -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `order` is the comment right above it: `append: jobs/hello/job.toml`."""

    kind: str
    body: str
    order: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a console session, and what the page shows below it."""

    command: str
    shown: tuple[str, ...]


def text(page: str) -> str:
    """The page, without what is generated into it."""
    whole = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"<!-- generated: .*?<!-- end: [a-z.-]+ -->", "", whole, flags=re.DOTALL)


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks, from the top."""
    for match in _BLOCK.finditer(text(page)):
        yield Block(match["kind"], match["body"], match["order"])


def steps(block: Block) -> Iterator[Step]:
    """The commands of a `console` block."""
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield Step(command, tuple(shown))


def commands(page: str) -> Iterator[str]:
    """Every `toolkit` call in the console blocks of a page, as one simple command each."""
    for block in blocks(page):
        if block.kind != "console":
            continue
        for step in steps(block):
            bare = re.split(r"\s+#\s", step.command)[0]
            for simple in re.split(r"&&|\|", bare):
                found = re.search(r"(?:^|\s|/)toolkit (?P<words>[^<>]+)", simple)
                if found:
                    yield f"toolkit {found['words'].strip()}"


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _BLOCK.sub("", text(page))
