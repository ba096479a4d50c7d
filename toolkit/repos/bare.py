"""A bare repository's own folder: made, set up, and freed of what ended processes left in it."""

from __future__ import annotations

from pathlib import Path

from toolkit.repos.commits import collect
from toolkit.repos.files import PREFIX, make_folder, remove_tree, sync_tree, write_whole
from toolkit.repos.git import INCOMING, push_settings
from toolkit.repos.refs import HEADS, check_branch
from toolkit.spec.hook import PushLimits

__all__ = ["collect", "configure", "make", "point", "sweep"]

_FORMAT = {
    "core.repositoryformatversion": "0",
    "core.filemode": "true",
    "core.bare": "true",
}
"""SHA-1 and a file a ref: what every git reads, whatever it would make of its own accord."""

_PACKS = (
    *(f"objects/{incoming}*" for incoming in INCOMING),
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/??/tmp_obj_*",
)
"""What a push had brought, or git had packed, when its process ended."""

_LOCKS = ("*.lock", "gc.pid", "refs/**/*.lock", "logs/**/*.lock", "objects/info/**/*.lock")
"""What nobody could take any more: git waits for no lock, it fails."""


def make(path: Path, branch: str, limits: PushLimits) -> None:
    """Make an empty repository without sample hooks, on the disk; OSError without room for it.

    Written out here, as git describes it, so that no template of the machine has a part in it.
    """
    remove_tree(path)
    for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
        make_folder(path / folder)
    (path / "HEAD").write_text(f"ref: {HEADS}{check_branch(branch)}\n")
    (path / "config").write_text(_configuration(limits))
    sync_tree(path)


def configure(path: Path, limits: PushLimits) -> None:
    """Write the configuration anew, where it is not what these limits and this version make."""
    config = path / "config"
    text = _configuration(limits)
    if not config.is_file() or config.read_text() != text:
        write_whole(config, text.encode())


def point(path: Path, branch: str) -> None:
    """Have HEAD name a branch: what a clone checks out, and what no push may remove."""
    head = path / "HEAD"
    text = f"ref: {HEADS}{check_branch(branch)}\n"
    if not head.is_file() or head.read_text() != text:
        write_whole(head, text.encode())


def sweep(path: Path) -> list[str]:
    """Remove packs that never arrived whole and locks that nobody holds; a sentence for each kind.

    Only while no git runs there.
    """
    packs = [found for pattern in _PACKS for found in path.glob(pattern)]
    locks = [found for pattern in _LOCKS for found in path.glob(pattern)]
    for left in [*packs, *locks, *path.glob(f"{PREFIX}*")]:
        remove_tree(left)
    said = []
    if packs:
        said.append(f"removed what {len(packs)} unfinished pushes had brought")
    if locks:
        said.append(f"removed {len(locks)} locks of processes that have ended")
    return said


def _configuration(limits: PushLimits) -> str:
    sections: dict[str, list[str]] = {}
    for key, value in {**push_settings(limits), **_FORMAT}.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f'\t{name} = "{value}"\n')
    return "".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items())
