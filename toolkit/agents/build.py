"""Build agents with Go, once per machine: a cold build takes minutes and says so as it goes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from toolkit.agents import compiler
from toolkit.agents.golang import Go, find_go
from toolkit.agents.recipe import (
    LICENCE,
    CachedBuild,
    build_folder,
    folder_of_builds,
    kept_builds,
    recipe_for,
)
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName
from toolkit.spec.dev import Machine

_LOCK_TIMEOUT = 3600.0
_LOCK_PAUSE = 0.5
COLD_BUILD_BYTES = 6 * 1024**3
"""What a build from nothing needs while it runs; 240 MB of it stay."""
WARM_BUILD_BYTES = 1024**3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time comes from."""

    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
    now: Callable[[], float] = field(default=time.time)


def ways_to_get(name: AgentName) -> str:
    """What a person can do who has no agent."""
    return (
        f"put {name} on PATH, or name one with --{name}-bin or {name.upper()}_BIN, or let toolkit"
        " build it: install Go 1.25.9 or newer, or run pip install 'nomad-toolkit[go]'"
        f" ({name.capitalize()} is licensed under {LICENCE})"
    )


def cached_build(name: AgentName, machine: Machine) -> CachedBuild | None:
    """The kept build of the pinned version: by the Go at hand, or by any when there is no Go."""
    recipe = recipe_for(name)
    kept = kept_builds(recipe, machine.cache)
    if not kept:
        return None
    try:
        go = find_go(machine)
    except AgentError:
        return kept[0]
    folder = build_folder(recipe, machine.cache, go.version, go.platform)
    return next((build for build in kept if build.path.parent == folder), None)


def forget_build(build: CachedBuild) -> None:
    """Take a kept build for none, because it does not run."""
    with contextlib.suppress(OSError):
        build.path.with_name("build.json").unlink(missing_ok=True)


def build_agents(
    names: tuple[AgentName, ...], machine: Machine, *, say: Say, clocks: Clocks | None = None
) -> dict[AgentName, CachedBuild]:
    """Build the pinned agents that are not kept yet, one after the other; AgentError."""
    clocks = clocks or Clocks()
    try:
        go = find_go(machine)
    except AgentError as error:
        raise AgentError(
            f"no {names[0]} on this machine, and {error.message}", hint=ways_to_get(names[0])
        ) from error
    top = folder_of_builds(machine.cache)
    with _explained(top, names[0]):
        top.mkdir(parents=True, exist_ok=True)
        with _exclusive(top / "lock", say, clocks), _workshop(top, go) as shop:
            return {name: _build_or_reuse(name, machine, go, shop, say, clocks) for name in names}


def _build_or_reuse(
    name: AgentName, machine: Machine, go: Go, shop: compiler.Workshop, say: Say, clocks: Clocks
) -> CachedBuild:
    recipe = recipe_for(name)
    folder = build_folder(recipe, machine.cache, go.version, go.platform)
    # Whoever held the lock before us may have built it.
    for kept in kept_builds(recipe, machine.cache):
        if kept.path.parent == folder:
            return kept
    _check_room(folder_of_builds(machine.cache), shop, name)
    say(
        f"{name} {recipe.version}: building it with {go.version} ({LICENCE}),"
        f" once; from nothing that takes minutes"
    )
    began = clocks.monotonic()
    part = shop.folder / f"{name}.part"
    compiler.build(recipe, go, shop, part, say=say, clock=clocks.monotonic)
    built = CachedBuild(
        path=folder / name,
        version=recipe.version,
        go=go.version,
        built_at=datetime.fromtimestamp(clocks.now(), UTC).isoformat(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    part.chmod(0o755)
    part.replace(built.path)
    facts = folder / f".build.json.{os.getpid()}.part"
    facts.write_text(
        json.dumps(
            {
                "recipe": recipe.digest,
                "version": built.version,
                "go": built.go,
                "platform": go.platform,
                "flags": list(recipe.flags),
                "built_at": built.built_at,
            },
            indent=2,
        )
    )
    facts.replace(folder / "build.json")
    say(f"{name} {recipe.version}: built in {clocks.monotonic() - began:.0f} s")
    return built


@contextlib.contextmanager
def _exclusive(lock: Path, say: Say, clocks: Clocks) -> Iterator[None]:
    """One build at a time on this machine: two would need twice the memory."""
    deadline = clocks.monotonic() + _LOCK_TIMEOUT
    with lock.open("a") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if clocks.monotonic() >= deadline:
                    raise AgentError(
                        "another process has been building agents for an hour",
                        hint=f"end it, then delete {lock}",
                    ) from error
            if not waiting:
                say("another process is building agents; waiting for it")
                waiting = True
            clocks.sleep(_LOCK_PAUSE)
        yield


@contextlib.contextmanager
def _workshop(top: Path, go: Go) -> Iterator[compiler.Workshop]:
    """Folders for a build; what is ours is deleted afterwards, whatever happens."""
    folder = top / "workshop"
    # Left by a build that was killed; the lock is ours, so nobody uses it.
    shutil.rmtree(folder, ignore_errors=True)
    # Somebody who has Go has its caches as well, and keeps what is in them.
    ours = go.module_cache is None or go.build_cache is None
    shop = compiler.Workshop(
        folder=folder,
        module_cache=folder / "modules" if go.module_cache is None or ours else go.module_cache,
        build_cache=folder / "objects" if go.build_cache is None or ours else go.build_cache,
        ours=ours,
    )
    try:
        for each in (folder, shop.module_cache, shop.build_cache, shop.temporary):
            each.mkdir(parents=True, exist_ok=True)
        yield shop
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(top: Path, shop: compiler.Workshop, name: AgentName) -> None:
    needed = COLD_BUILD_BYTES if shop.ours else WARM_BUILD_BYTES
    free = shutil.disk_usage(top).free
    if free < needed:
        raise AgentError(
            f"not enough room in {top} to build {name}: {needed / 1e9:.1f} GB are needed,"
            f" {free / 1e9:.1f} GB are free",
            hint="make room there, or move the cache with XDG_CACHE_HOME, or " + ways_to_get(name),
        )


@contextlib.contextmanager
def _explained(top: Path, name: AgentName) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (
            "no space is left there"
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else (error.strerror or str(error)).lower()
        )
        raise AgentError(
            f"cannot keep a build of {name} in {top}: {reason}",
            hint="make room or give the right to write there, or move the cache with"
            " XDG_CACHE_HOME, or " + ways_to_get(name),
        ) from error
