"""A small repository for one script: the commits of its push, and nothing else of the server.

A script runs as somebody who cannot read the server's data, so it gets a repository of its own,
made anew and thrown away with it: the commits that the push brings with all their files, and the
ones they stand on, which have no history there (as in a shallow clone). `git diff OLD NEW`,
`git log OLD..NEW`, `git show NEW:file` and `git archive NEW` work; what the script does to it
changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolkit.repos import git
from toolkit.repos.git import Quarantine
from toolkit.spec.repo import RefChange, Repo

DEPTH = 50
"""Commits of a branch that is new."""
MOST_BYTES = 1 << 30
"""Of the pack; a push that would need more is not shown to scripts, and so refused by them."""
SECONDS = 60.0


def make_view(
    repo: Repo,
    git_dir: Path,
    view: Path,
    changes: Sequence[RefChange],
    *,
    moved: bool,
    quarantine: Quarantine | None = None,
) -> None:
    """Make the repository `view` for the refs of one push; its refs are where the push has them.

    `moved`: the refs have moved already. GitError where git fails.
    """
    (view / "objects" / "pack").mkdir(parents=True)
    (view / "refs" / "heads").mkdir(parents=True)
    sha256 = any(len(each.new) == 64 for each in changes)
    (view / "config").write_text(_SHA256 if sha256 else _SHA1)
    (view / "HEAD").write_text(f"ref: refs/heads/{repo.branch}\n")
    wanted = {oid for each in changes for oid in (each.old, each.new) if oid.strip("0")}
    shallow: set[str] = set()
    for each in changes:
        if not each.deletes:
            shallow |= _edge(git_dir, each, quarantine)
        if not each.creates and not each.deletes:
            # Nothing before it; where it is no ancestor of the new one as well.
            shallow.add(each.old)
    if wanted:
        lines = [f"--shallow {oid}" for oid in sorted(shallow)] + sorted(wanted)
        words = ["pack-objects", "--revs", "--shallow", "-q", "--window=0", "--delta-base-offset"]
        git.run(
            git_dir,
            [*words, str(view / "objects" / "pack" / "pack")],
            quarantine=quarantine,
            stdin="".join(f"{line}\n" for line in lines).encode(),
            limited=git.limits(file_bytes=MOST_BYTES),
            seconds=SECONDS,
        )
    if shallow:
        (view / "shallow").write_text("".join(f"{oid}\n" for oid in sorted(shallow)))
    refs = [(each.name, each.new if moved else each.old) for each in changes]
    there = sorted((name, oid) for name, oid in refs if oid.strip("0"))
    (view / "packed-refs").write_text("".join(f"{oid} {name}\n" for name, oid in there))


def _edge(git_dir: Path, change: RefChange, quarantine: Quarantine | None) -> set[str]:
    """Commits that the new ones stand on: history ends there."""
    if change.creates:
        said = [f"--max-count={DEPTH}", change.new]
    else:
        said = [f"^{change.old}", change.new]
    words = ["rev-list", "--boundary", *said, "--end-of-options"]
    found = git.run(git_dir, words, quarantine=quarantine, seconds=SECONDS).decode().split()
    return {each[1:] for each in found if each.startswith("-")}


_SHA1 = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_SHA256 = (
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
)
