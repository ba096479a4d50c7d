"""The versions at which all of a stack was verified, kept in one Nomad variable.

A single job that was verified says nothing of the others: what `rollback --all` goes back to is a
state in which all of them were, written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.errors import ApiError, ConflictError, DeniedError
from toolkit.rollout.variable_path import STACKS
from toolkit.rollout.world import World

KEPT = 10
"""States that are kept, the newest ones."""
TRIES = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """What was registered of one job."""

    version: int
    index: int
    """JobModifyIndex: a job that was purged and made again never has it again."""
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of a stack in which every job was verified."""

    at: float
    """Seconds since the epoch."""
    jobs: Mapping[str, Kept]
    """By Nomad's id."""


def path_of(jobs: Sequence[str]) -> str:
    """Where the record of a stack is: a stack is the set of its jobs, by their names."""
    digest = hashlib.sha256("\n".join(sorted(jobs)).encode()).hexdigest()[:16]
    return STACKS + digest


def read(world: World, jobs: Sequence[str]) -> tuple[Entry, ...]:
    """The states, newest first; ApiError where they cannot be read."""
    return decoded(world.nomad.variable(path_of(jobs)))


def add(
    world: World, jobs: Sequence[str], entry: Entry, *, instead: Entry | None = None
) -> str | None:
    """Write a state down as the newest; a sentence where that was not possible, else None.

    `instead`: the state that the stack went back to, forgotten for it with all newer ones.
    """

    def more(known: tuple[Entry, ...]) -> tuple[Entry, ...]:
        rest = known[known.index(instead) + 1 :] if instead in known else known
        return known if rest and rest[0].jobs == entry.jobs else (entry, *rest)[:KEPT]

    return _change(world, jobs, more, "the stack was not written down as verified")


def forget(world: World, jobs: Sequence[str], newer_than: Entry) -> str | None:
    """Forget the states newer than one, because the stack goes back behind them now.

    Before it does: of a way back that was cut short the rest goes to the same state, and not to
    the one that it came from. A sentence where that was not possible, else None.
    """

    def fewer(known: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return known[known.index(newer_than) :] if newer_than in known else known

    return _change(world, jobs, fewer, "the state that the stack leaves was not forgotten")


def _change(
    world: World,
    jobs: Sequence[str],
    changed: Callable[[tuple[Entry, ...]], tuple[Entry, ...]],
    otherwise: str,
) -> str | None:
    path = path_of(jobs)
    try:
        for attempt in range(TRIES):
            kept = world.nomad.variable(path)
            known = decoded(kept)
            if (wanted := changed(known)) == known:
                return None
            index = int((kept or {}).get("ModifyIndex") or 0)
            try:
                world.nomad.put_variable(path, encoded(wanted), check_index=index)
                return None
            except ConflictError:
                if attempt == TRIES - 1:
                    raise
    except DeniedError:
        return f'{otherwise}: the Nomad token has no right on the variables "{STACKS}*"'
    except ApiError as exc:
        return f"{otherwise}: {exc.message}"
    return None


def encoded(entries: Sequence[Entry]) -> dict[str, str]:
    """The items of the variable: a number, the newest first, and what was then."""
    return {
        f"state{number}": json.dumps(
            {
                "at": round(entry.at, 3),
                "jobs": {
                    job: [each.version, each.index, each.release]
                    for job, each in entry.jobs.items()
                },
            },
            sort_keys=True,
        )
        for number, entry in enumerate(entries)
    }


def decoded(variable: Mapping[str, Any] | None) -> tuple[Entry, ...]:
    """What a variable says; what in it is not ours is left out."""
    items = (variable or {}).get("Items") or {}
    found = []
    for number in range(KEPT):
        try:
            body = json.loads(items[f"state{number}"])
            jobs = {
                str(job): Kept(int(version), int(index), None if release is None else str(release))
                for job, (version, index, release) in body["jobs"].items()
            }
            found.append(Entry(float(body["at"]), jobs))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return tuple(found)


def earlier(entries: Sequence[Entry], live: Mapping[str, int | None]) -> int | None:
    """The place of the newest state that is not what is live; None for none.

    `live`: by job the JobModifyIndex that is registered now.
    """
    for place, entry in enumerate(entries):
        if any(live[job] != kept.index for job, kept in entry.jobs.items() if job in live):
            return place
    return None
