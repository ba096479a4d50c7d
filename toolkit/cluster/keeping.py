"""Data volumes that outlived an earlier stack, and what the next one does about them. Pure.

A machine finds its slot's volume by tags, so a slot has one. `down --keep-data` leaves volumes that
no stack has any more; the next stack makes none where one is there, and machines go on with what
they find. It stays so as long as the volume is there: the same question gives the same template.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from toolkit.cluster.network import slots
from toolkit.cluster.template.forms import CLUSTER_TAG, SLOT_TAG
from toolkit.errors import RefusedError
from toolkit.spec.aws import VolumeView
from toolkit.spec.cluster import Cluster, Slot

GONE = frozenset({"deleting", "deleted"})


def data_volumes(cluster: Cluster, volumes: Iterable[VolumeView]) -> tuple[VolumeView, ...]:
    """Those that hold a server's data, by slot: with the cluster's tag and that of a slot."""
    own = [
        each
        for each in volumes
        if each.tags.get(CLUSTER_TAG) == cluster.name
        and each.tags.get(SLOT_TAG)
        and each.state not in GONE
    ]
    return tuple(sorted(own, key=lambda each: (each.tags[SLOT_TAG], each.id)))


def kept_slots(
    cluster: Cluster, volumes: Iterable[VolumeView], made: Collection[str]
) -> Mapping[str, str]:
    """Ids of the volumes that no stack has, by their slots; for `render_template`'s `kept`.

    `made`: ids of what the cluster's stack has made, none without a stack. RefusedError where a
    slot has two volumes, or one that a machine of its zone cannot have.
    """
    found = data_volumes(cluster, volumes)
    kept = {}
    for slot in slots(cluster):
        own = [each for each in found if each.tags[SLOT_TAG] == slot.name]
        _check(cluster, slot, own)
        if own and own[0].id not in made:
            kept[slot.name] = own[0].id
    return kept


def _check(cluster: Cluster, slot: Slot, own: list[VolumeView]) -> None:
    if len(own) > 1:
        ids = ", ".join(sorted(each.id for each in own))
        raise RefusedError(
            f"{slot.name} of cluster {cluster.name} has {len(own)} data volumes: {ids}",
            hint="a server uses one: remove the tag toolkit:slot from those that it must not use",
        )
    if own and own[0].zone != slot.zone:
        raise RefusedError(
            f"the data volume {own[0].id} of {slot.name} is in {own[0].zone}, and clusters/"
            f"{cluster.name}.toml has that server in {slot.zone}",
            hint=f"keep the order of `zones`, or remove the volume's tag {SLOT_TAG}: the server"
            " then begins without data",
        )
