"""The key and the secrets of a cluster: there before anything reads them, renewed when due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.cluster.secrets import issue_certificates, make_secrets
from toolkit.cluster.secrets.renewal import NEXT
from toolkit.cluster.secrets.store import Store
from toolkit.cluster.template import alias, key_policy, stack_tags
from toolkit.errors import TakenError
from toolkit.spec.target import Secret

if TYPE_CHECKING:
    from toolkit.workflows.cluster.apply.work import Work


class Remembered:
    """A store that was read once, ten values a call, and that is written through."""

    def __init__(self, store: Store, values: Mapping[str, Secret]) -> None:
        self._store = store
        self._values = dict(values)

    def get(self, name: str) -> Secret | None:
        """The value as it was read, or as it was written since."""
        return self._values.get(name)

    def put_new(self, name: str, value: Secret) -> None:
        """Keep a value; TakenError where there is one, which is then the one."""
        if name in self._values:
            raise TakenError(f"there is a secret {name} already")
        try:
            self._store.put_new(name, value)
        except TakenError:
            theirs = self._store.get(name)
            if theirs is not None:
                self._values[name] = theirs
            raise
        self._values[name] = value

    def replace(self, name: str, value: Secret) -> None:
        """Keep a value in the place of what was there."""
        self._store.replace(name, value)
        self._values[name] = value

    def remove(self, name: str) -> None:
        """Forget a value; nothing happens where there is none."""
        self._store.remove(name)
        self._values.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """The names of all values, sorted."""
        return tuple(sorted(self._values))


@dataclass(frozen=True, slots=True)
class Kept:
    """The store with all that a cluster needs, and what was made for that."""

    store: Store
    made: tuple[str, ...]
    renewed: tuple[str, ...]
    """Certificates that were due, or not what the file asks for."""
    notes: tuple[str, ...] = ()


def keep_secrets(work: Work) -> Kept:
    """Make the key and every secret that is missing, and renew certificates that are due.

    Done again it makes nothing. TakenError where the key's alias is somebody else's.
    """
    cluster = work.cluster
    policy = key_policy(cluster, work.cloud.identity().account)
    Keys(work.cloud).make(alias(cluster), policy, stack_tags(cluster))
    below = ParameterStore(work.cloud, cluster.name, alias(cluster), cluster.tags)
    store = Remembered(below, below.read_all())
    now = datetime.fromtimestamp(work.tools.now(), UTC)
    made = make_secrets(store, cluster, now).made
    if store.get(NEXT) is not None:
        note = "the cluster's authority is being replaced: certificates are renewed by that"
        return Kept(store, made, (), (note,))
    renewed = issue_certificates(store, cluster, now)
    if made:
        work.say("start", f"{len(made)} secrets made and kept below /toolkit/{cluster.name}/")
    if renewed:
        work.say("start", f"certificates renewed: {', '.join(renewed)}")
    notes = ("machines read renewed certificates within the hour",) if renewed else ()
    return Kept(store, made, renewed, notes)
