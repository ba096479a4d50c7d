"""The refs of a push, judged before any of them moves. Pure.

One branch of a repository is deployed. It only goes forward: no delete, nothing that leaves out a
commit that was there. Every other branch is the pushers' own: it may be made, moved anywhere and
removed, and nothing follows of it. There are no other refs: tags, notes and the like are refused,
because nothing here reads them and everything that is kept has to be checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from toolkit.errors import RefusedError
from toolkit.repos.names import show
from toolkit.spec.hook import PushLimits
from toolkit.spec.repo import RefChange, Repo

HEADS = "refs/heads/"

_LONGEST = 201
"""Characters of a branch's name."""

_BRANCH = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._/-]{{0,{_LONGEST - 1}}}")
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LINE = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\n\0]+)")
_ALPHABET = "a name has letters, digits, ., _, / and -, and begins with a letter or a digit"


def is_id(text: str) -> bool:
    """True for a full object ID, the only way that a commit is named to git."""
    return _ID.fullmatch(text) is not None


def branch_fault(name: str) -> str | None:
    """What is wrong with a branch's name, in a few words; None where nothing is."""
    if not name:
        return "it is empty"
    if len(name) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if _BRANCH.fullmatch(name) is None:
        return _ALPHABET
    if ".." in name or "//" in name or name.endswith(("/", ".")):
        return "git allows neither .. nor // in it, nor / or . at its end"
    parts = name.split("/")
    if any(part.startswith(".") or part.endswith(".lock") for part in parts):
        return "git allows no part that begins with . or ends with .lock"
    if is_id(name) or name == "HEAD":
        return "it reads like something else than a branch"
    return None


def check_branch(name: str) -> str:
    """The name itself; RefusedError for what cannot name a branch here."""
    fault = branch_fault(name)
    if fault is not None:
        raise RefusedError(f"{show(name) or 'an empty name'} cannot name a branch", hint=fault)
    return name


def read_lines(data: bytes) -> tuple[RefChange, ...]:
    """The changes that git tells a hook of: all lines, `OLD NEW REF`; RefusedError for others."""
    *lines, rest = data.split(b"\n")
    if rest:
        raise RefusedError(f"git's list of refs ends within a line: {show(rest)}")
    return tuple(_read_line(line, number) for number, line in enumerate(lines, start=1))


def judge(
    repo: Repo,
    changes: Sequence[RefChange],
    limits: PushLimits,
    is_ancestor: Callable[[str, str], bool],
) -> RefChange | None:
    """The change of the branch that is deployed, or None where the push leaves it alone.

    RefusedError says which ref may not move and why; then none of the push's may.
    `is_ancestor(old, new)` is asked about that one branch only, and last of all.
    """
    if not changes:
        raise RefusedError("the push names no ref", hint=f"push a branch: {repo.branch}")
    if len(changes) > limits.refs:
        raise RefusedError(
            f"the push names {len(changes):,} refs, and {limits.refs:,} are the most",
            hint="push branches by their names, or in several pushes",
        )
    seen: set[str] = set()
    for change in changes:
        _check(change, len(changes[0].new))
        if change.name in seen:
            raise RefusedError(f"the push names {show(change.name)} twice")
        seen.add(change.name)
    moved = next((change for change in changes if change.name == HEADS + repo.branch), None)
    if moved is not None:
        _check_deployed(repo, moved, is_ancestor)
    return moved


def _read_line(line: bytes, number: int) -> RefChange:
    found = _LINE.fullmatch(line)
    if found is None:
        raise RefusedError(f"line {number} of git's list of refs cannot be read: {show(line)}")
    old, new = found[1].decode(), found[2].decode()
    # What is no UTF-8 keeps its backslashes, which no name may have.
    return RefChange(old, new, found[3].decode(errors="backslashreplace"))


def _check(change: RefChange, digits: int) -> None:
    name = change.name
    if name.startswith("refs/tags/"):
        raise RefusedError(
            f"{show(name)} is a tag, and tags are not taken",
            hint="push the branch alone: without --tags, --follow-tags and --mirror",
        )
    if not name.startswith(HEADS):
        raise RefusedError(
            f"{show(name)} is no branch, and only branches are taken",
            hint=f"push to {HEADS}…",
        )
    fault = branch_fault(name.removeprefix(HEADS))
    if fault is not None:
        raise RefusedError(f"{show(name)} cannot name a branch", hint=fault)
    if not (is_id(change.old) and is_id(change.new)):
        raise RefusedError(f"{show(name)} moves between what are no commits")
    if {len(change.old), len(change.new)} != {digits}:
        raise RefusedError(f"{show(name)} mixes SHA-1 with SHA-256")
    if change.creates and change.deletes:
        raise RefusedError(f"{show(name)} moves from nothing to nothing")


def _check_deployed(repo: Repo, change: RefChange, is_ancestor: Callable[[str, str], bool]) -> None:
    if change.deletes:
        raise RefusedError(
            f"{repo.branch} is what {repo.name} deploys, and cannot be removed",
            hint="change the repository's branch first, or delete the repository",
        )
    if not change.creates and not is_ancestor(change.old, change.new):
        raise RefusedError(
            f"{repo.branch} only goes forward: {change.new[:7]} leaves out commits of"
            f" {change.old[:7]}",
            hint=f"merge or rebase onto {change.old[:7]}; `toolkit repo rollback {repo.name}`"
            " deploys an older commit",
        )
