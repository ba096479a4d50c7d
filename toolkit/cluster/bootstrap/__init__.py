"""The first minutes of a cluster: its servers learn whom to let in.

`steps` is the list, pure; `bootstrap` does it through clients. Nothing is generated here: every
token was in the store before the first machine started, so that a run that was killed goes on.
"""

from __future__ import annotations

from toolkit.cluster.bootstrap.perform import Done, Patience, bootstrap
from toolkit.cluster.bootstrap.steps import Step, steps
from toolkit.cluster.secrets.needed import BEGUN
from toolkit.cluster.secrets.store import Store
from toolkit.errors import TakenError
from toolkit.spec.target import Secret

__all__ = ["Done", "Patience", "Step", "bootstrap", "mark_begun", "steps"]


def mark_begun(store: Store) -> None:
    """Let no server that starts from now on begin a cluster of its own; again: nothing."""
    try:
        store.put_new(BEGUN, Secret("yes"))
    except TakenError:
        return
