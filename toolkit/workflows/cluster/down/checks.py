"""What is refused before anything is deleted: a protected cluster, and what is not its own."""

from __future__ import annotations

from toolkit.cluster import ending
from toolkit.cluster.stack.statuses import standing
from toolkit.config.clusterfile import ClusterFile
from toolkit.config.kick import load_kick
from toolkit.config.tree import read_or_none
from toolkit.errors import ConfigError, RefusedError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster import REHEARSAL
from toolkit.spec.kick import KickConfig
from toolkit.spec.tree import Tree
from toolkit.workflows.cluster.apply.naming import is_our_draft
from toolkit.workflows.cluster.down.work import Work
from toolkit.workflows.kick_job import FOLDER

STARTING = "CREATE_IN_PROGRESS"
"""The only thing that goes on with a stack and may be cut short by its deletion."""
GOING = "DELETE_IN_PROGRESS"


def check_name(name: str) -> None:
    """RefusedError for a rehearsal, which has a command of its own."""
    if name.endswith(REHEARSAL):
        raise RefusedError(
            f"{name} is a rehearsal on this machine, and no cluster in AWS",
            hint=f"toolkit cluster rehearse down {name.removesuffix(REHEARSAL)}",
        )


def check_unprotected(file: ClusterFile) -> None:
    """ConfigError while the cluster file protects the cluster."""
    if not file.cluster.protected:
        return
    said = file.source.line(("protected",)) is not None
    why = "is true" if said else "is not said, and true therefore"
    message = f"{why}: a protected cluster is not taken down"
    raise ConfigError([file.source.mistake(("protected",), message, "say protected = false")])


def kick_of(tree: Tree, name: str) -> KickConfig | None:
    """What the cluster's kick server was told; ConfigError when that cannot be read.

    RefusedError where another environment's server signs as the same cluster: whose names are
    whose, nobody could tell then.
    """
    path = f"{FOLDER}kick.{name}.toml"
    text = read_or_none(tree, path)
    if text is None:
        return None
    own = load_kick(text, path)
    for other in sorted({*tree.paths(FOLDER)} - {path}):
        if other.startswith(f"{FOLDER}kick.") and _signs_alike(tree.read(other), other, own):
            raise RefusedError(
                f'{path} and {other} both say cluster = "{own.cluster}": their names cannot be told'
                " apart, and none is deleted",
                hint=f'say cluster = "{name}" in the one, as it is set up anew, or remove the file'
                " and delete its names with toolkit dns delete",
            )
    return own


def _signs_alike(text: bytes, path: str, own: KickConfig) -> bool:
    """Whether another server marks names in zones of AWS as this one does."""
    try:
        config = load_kick(text, path)
    except ConfigError:
        return False
    in_aws = any(zone.provider == "route53" for zone in config.zones)
    return in_aws and config.cluster == own.cluster


def find_stack(work: Work) -> StackView | None:
    """The cluster's stack; RefusedError when it is not ours, or cannot be deleted now."""
    stack = work.stacks.find(work.name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return None
    if not ending.is_ours(stack, work.cluster) and not is_our_draft(work.stacks, stack):
        raise ending.not_ours(stack, work.cluster)
    said = standing(stack.status)
    if said.moves and stack.status not in {STARTING, GOING}:
        raise RefusedError(
            f"the stack {stack.name} is {said.word} ({stack.status}): {said.sentence}",
            hint=f"wait until that is over: toolkit cluster status {work.name}",
        )
    return stack
