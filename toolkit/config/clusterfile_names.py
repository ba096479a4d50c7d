"""The names of a tree's clusters, by their files alone: cheap, for every command asks."""

from __future__ import annotations

import re

from toolkit.spec.cluster import REHEARSAL
from toolkit.spec.tree import Tree

CLUSTERS = "clusters/"
NAME_MOST = 24
"""Names in AWS have room for 32 characters, and ours add to this one."""
_NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9]))*", re.ASCII)


def cluster_path(name: str) -> str:
    """Path of a cluster's file in the project."""
    return f"{CLUSTERS}{name}.toml"


def cluster_names(tree: Tree) -> tuple[str, ...]:
    """Names of the tree's cluster files, sorted; those whose names cannot be are left out."""
    paths = [path.removeprefix(CLUSTERS) for path in tree.paths(CLUSTERS)]
    names = [path.removesuffix(".toml") for path in paths if path.endswith(".toml")]
    return tuple(sorted(name for name in names if wrong_name(name) is None))


def wrong_name(name: str) -> str | None:
    """What is wrong with the name of a cluster, or None."""
    if not _NAME.fullmatch(name):
        return "takes lower-case letters, digits and single -, and begins with a letter"
    if len(name) > NAME_MOST:
        return f"must not be longer than {NAME_MOST} characters"
    if name.endswith(REHEARSAL):
        return f"must not end in {REHEARSAL}: that is what the rehearsal of a cluster is called"
    if name in {"rehearsal", "internal", "aws"} or name.startswith("internal-"):
        return "is a name that AWS or toolkit uses itself"
    return None
