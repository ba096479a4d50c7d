"""What an agent is built from, and where the result is kept."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from toolkit.spec.agents import AgentName

_NUMBER = 1
"""Raised when the same inputs should build again."""

LICENCE = "BUSL-1.1"
FLAGS = ("-trimpath", "-gcflags=all=-dwarf=false", "-ldflags=-s -w")
_TAGS: dict[AgentName, str] = {"nomad": "ui codegen_generated", "consul": ""}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how one agent is built, Go itself apart."""

    name: AgentName
    package: str
    version: str
    go_mod: str
    go_sum: str
    flags: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Changes when the result would."""
        parts = [str(_NUMBER), self.go_mod, self.go_sum, *self.flags]
        parts += [sys.platform, platform.machine()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CachedBuild:
    """A build that was kept."""

    path: Path
    version: str
    go: str
    """The version of Go that built it."""
    built_at: str = ""


def recipe_for(name: AgentName) -> Recipe:
    """The recipe of one agent, from the modules inside the package."""
    folder = files("toolkit.agents") / "modules" / name
    go_mod = (folder / "go.mod").read_text()
    package = f"github.com/hashicorp/{name}"
    pinned = re.search(rf"^\s*(?:require )?{re.escape(package)} v(\S+)", go_mod, re.MULTILINE)
    assert pinned is not None, f"{name}: its module does not pin it"  # noqa: S101
    tags = (f"-tags={_TAGS[name]}",) if _TAGS[name] else ()
    return Recipe(
        name=name,
        package=package,
        version=pinned.group(1),
        go_mod=go_mod,
        go_sum=(folder / "go.sum").read_text(),
        flags=(*FLAGS, *tags),
    )


def folder_of_builds(cache: Path) -> Path:
    """Where this project keeps builds, inside the user's cache folder."""
    return cache / "nomad-toolkit" / "agents"


def build_folder(recipe: Recipe, cache: Path, go: str, go_platform: str) -> Path:
    """Where the build of `recipe` by that Go belongs."""
    key = hashlib.sha256(f"{recipe.digest}\0{go}\0{go_platform}".encode()).hexdigest()[:16]
    return folder_of_builds(cache) / f"{recipe.name}-{recipe.version}-{key}"


def kept_builds(recipe: Recipe, cache: Path) -> tuple[CachedBuild, ...]:
    """Finished builds of `recipe` by any Go, newest first."""
    found = []
    for facts in folder_of_builds(cache).glob(f"{recipe.name}-*/build.json"):
        try:
            data = json.loads(facts.read_text())
        except (OSError, ValueError):
            continue
        binary = facts.with_name(recipe.name)
        if data.get("recipe") == recipe.digest and binary.is_file():
            found.append(CachedBuild(binary, data["version"], data["go"], data["built_at"]))
    return tuple(sorted(found, key=lambda build: build.built_at, reverse=True))
