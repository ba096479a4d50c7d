"""Questions about the commits and branches of a repository, answered by git."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.repos.git import OWN, GitError, Quarantine, limits, run
from toolkit.repos.names import show
from toolkit.repos.refs import HEADS, check_branch, is_id

_REFS = ("for-each-ref", "--format=%(objectname) %(refname)")


def head(git_dir: Path, branch: str) -> str | None:
    """The full ID of the commit that a branch is at; None where there is no such branch."""
    name = HEADS + check_branch(branch)
    # Git takes the name as a folder, too: what is below it is another branch.
    return _refs(git_dir, name).get(name)


def is_ancestor(git_dir: Path, old: str, new: str, *, quarantine: Quarantine | None = None) -> bool:
    """True when everything that led to `old` also led to `new`."""
    words = ["merge-base", "--is-ancestor", _id(old), _id(new)]
    try:
        run(git_dir, words, quarantine=quarantine)
    except GitError as error:
        # Without a word: whatever else ends with 1 says why.
        if error.status == 1 and not error.said:
            return False
        raise
    return True


def has_commit(git_dir: Path, commit: str, *, quarantine: Quarantine | None = None) -> bool:
    """True when the repository has a commit of this full ID."""
    asked = f"{_id(commit)}\n".encode()
    words = ["cat-file", "--batch-check=%(objecttype)"]
    return run(git_dir, words, stdin=asked, quarantine=quarantine) == b"commit\n"


def keep(git_dir: Path, commit: str) -> None:
    """Keep a commit, and all that led to it, from being collected, whatever becomes of branches."""
    run(git_dir, ["update-ref", f"{OWN}/kept/{_id(commit)}", commit])


def collect(git_dir: Path, *, packs: int = 20, seconds: float = 900.0) -> None:
    """Pack it anew where more than `packs` pushes lie in packs of their own; may take minutes.

    What nothing has led to for two weeks is dropped then. Pushes and clones may be under way.
    """
    settings = {
        "gc.auto": "5000",
        "gc.autoPackLimit": str(packs),
        "gc.autoDetach": "false",
        "gc.pruneExpire": "14.days.ago",
    }
    limited = limits(memory=2 << 30, seconds=int(seconds))
    words = ["gc", "--auto", "--quiet"]
    run(git_dir, words, settings=settings, limited=limited, seconds=seconds)


def _refs(git_dir: Path, below: str) -> dict[str, str]:
    lines = run(git_dir, [*_REFS, below]).decode(errors="backslashreplace").splitlines()
    return {name: commit for commit, _, name in (line.partition(" ") for line in lines)}


def _id(text: str) -> str:
    if not is_id(text):
        raise RefusedError(f"{show(text)} is no full ID of a commit")
    return text
