"""Versions: which are supported, which are known to be bad, which do not go together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from toolkit.rollout.health.bugs import BUGS, Bug, System
from toolkit.spec.doctor import Check

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.]+))?(?:\+[0-9A-Za-z.]+)?$")

Number = tuple[int, int, int, int]
"""Major, minor, patch, and 0 for a version before that release, else 1."""


@dataclass(frozen=True, slots=True)
class Support:
    """From which version on, and with which one we test."""

    floor: str
    tested: str


SUPPORT: dict[System, Support] = {
    "Nomad": Support("1.9.0", "1.11.3"),
    "Consul": Support("1.18.0", "1.22.7"),
    "Traefik": Support("3.7.0", "3.7.15"),
}


def parse(text: str) -> Number | None:
    """The version as numbers that compare; None for what is no version."""
    match = _VERSION.match(text.strip())
    if match is None:
        return None
    major, minor, patch, early = match.groups()
    return int(major), int(minor), int(patch or 0), 0 if early else 1


def is_hit(bug: Bug, version: str) -> bool:
    """True when the bug is in that version; a version that cannot be read has none."""
    found = parse(version)
    if found is None:
        return False
    # A development version of the fixed release may have the fix or not: it is not accused.
    return any(_floor(first) <= found < _floor(fixed) for first, fixed in bug.ranges)


def _floor(text: str) -> Number:
    major, minor, patch, _early = _number(text)
    return major, minor, patch, 0


def judge(
    name: str,
    system: System,
    versions: Iterable[str],
    *,
    circumstances: Collection[str] = (),
    notes: Iterable[str] = (),
    trouble: tuple[str, str] | None = None,
    blind: str | None = None,
    hint: str | None = None,
) -> Check:
    """The versions of one system: supported, and what is known to be wrong with them.

    `circumstances`: which of the bugs' conditions hold. `trouble`: what else fails it, and what to
    do. `blind`: why not all could be seen, and
    `hint` what helps.
    """
    there = sorted({each for each in versions if each}, key=lambda each: parse(each) or (0,) * 4)
    support = SUPPORT[system]
    said = list(notes)
    if blind:
        said.append(blind)
    if not there:
        reason = blind or "it does not say its version"
        return Check(name, "could not tell", f"{system}'s version: {reason}", advice=hint)
    summary = f"{system} {', '.join(there)}"
    unread = [each for each in there if parse(each) is None]
    if unread:
        return Check(name, "could not tell", f"{system} says a version that is none: {unread[0]}")
    old = [each for each in there if _number(each) < _floor(support.floor)]
    if old:
        floor = support.floor.removesuffix(".0")
        return Check(
            name,
            "failed",
            f"{summary}: supported from {floor} on",
            notes=tuple(said),
            advice=f"upgrade {system}; {support.tested} is tested",
        )
    hits = [
        bug
        for bug in BUGS
        if bug.system == system
        and (bug.only is None or bug.only in circumstances)
        and any(is_hit(bug, each) for each in there)
    ]
    said += [f"{bug.key}: {bug.meaning}" for bug in hits if not bug.hurts]
    if len(there) > 1:
        said.append("agents of different versions: fine during an upgrade, not for good")
    if any(_number(each)[:2] > _number(support.tested)[:2] for each in there):
        said.append(f"newer than what is tested ({support.tested})")
    if trouble is not None:
        return Check(
            name, "failed", f"{summary}: {trouble[0]}", notes=tuple(said), advice=trouble[1]
        )
    bad = [bug for bug in hits if bug.hurts]
    if bad:
        return Check(
            name,
            "failed",
            f"{summary}: {bad[0].meaning}",
            evidence=tuple(f"{bug.key}: {bug.meaning}" for bug in bad),
            notes=tuple(said),
            advice=bad[0].advice,
        )
    return Check(name, "passed", f"{summary}, supported", notes=tuple(said))


def newer_clients(servers: Iterable[str], clients: Iterable[str]) -> list[str]:
    """Client versions newer than the oldest server's, which Nomad does not support."""
    known = [number for number in map(parse, servers) if number is not None]
    if not known:
        return []
    oldest = min(known)[:2]
    return sorted({each for each in clients if (parse(each) or (0, 0, 0, 0))[:2] > oldest})


def _number(text: str) -> Number:
    return parse(text) or (0, 0, 0, 0)
