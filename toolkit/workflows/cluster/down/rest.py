"""What no stack deletes: the servers' volumes, the secrets, their key; and the last look."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.keys import PENDING
from toolkit.cluster.ending import unaccounted
from toolkit.cluster.keeping import data_volumes
from toolkit.cluster.template import alias
from toolkit.cluster.template.forms import CLUSTER_TAG, SLOT_TAG
from toolkit.errors import ConflictError, TakenError
from toolkit.spec.aws import KeyView, VolumeView
from toolkit.spec.cluster_down import Remains
from toolkit.views.text import counted
from toolkit.views.text import seconds as long
from toolkit.workflows.cluster.down.work import Work

DAYS = 7
"""The shortest time that AWS lets a key wait for its end."""
DETACHED = 120.0
"""Seconds until a volume is let go by a machine that is terminated."""
LAG = 60.0
"""Seconds that AWS's lists may name what is gone."""


def find_volumes(work: Work) -> tuple[VolumeView, ...]:
    """The servers' data volumes."""
    return data_volumes(work.cluster, work.machines.volumes(work.name))


def remove_volumes(work: Work) -> tuple[Remains, ...]:
    """Delete the servers' data volumes; those that somebody's machine has are left."""
    if held := _attached(find_volumes(work)):
        work.say("volumes", f"{held}; waiting up to {long(DETACHED)} for that to end")
        work.until(lambda: _attached(find_volumes(work)), most=DETACHED)
    removed, left = 0, []
    for each in find_volumes(work):
        try:
            if not each.attached:
                work.machines.delete_volume(each.id)
                removed += 1
                continue
        except ConflictError:
            # Somebody took it between the look and the call.
            pass
        who = ", ".join(each.attached) or "a machine"
        left.append(
            Remains(
                "volume",
                each.id,
                f"it is still attached to {who}",
                "aws ec2 detach-volume --volume-id"
                f" {each.id}; then toolkit cluster down {work.name}",
            )
        )
    if removed:
        work.finish("volumes", f"{counted(removed, 'data volume')} deleted")
    return tuple(left)


def _attached(volumes: Iterable[VolumeView]) -> str:
    held = [f"{each.id} ({', '.join(each.attached)})" for each in volumes if each.attached]
    return f"still attached: {', '.join(held)}" if held else ""


def remove_secrets(work: Work) -> None:
    """Delete every parameter that is a secret of the cluster."""
    if names := work.store.clear():
        work.finish("secrets", f"{counted(len(names), 'secret')} deleted")


def remove_boot_scripts(work: Work) -> None:
    """Delete the parameters that a stack left behind: where they are, no other one is made."""
    if names := work.store.clear_boot_scripts():
        work.finish("stack", f"{counted(len(names), 'parameter')} of boot scripts deleted")


def find_key(work: Work) -> KeyView | None:
    """The cluster's key, by its alias or, where a run was killed between the two, by its tag."""
    key = work.keys.find(alias(work.cluster))
    if key is not None and key.tags.get(CLUSTER_TAG) == work.name:
        return key
    unnamed = work.keys.find_unnamed(work.name)
    return next((each for each in unnamed if each.state != PENDING), None)


def remove_key(work: Work) -> str:
    """Let the key end, in seven days at the earliest; the date, empty where there is none."""
    try:
        ending = work.keys.schedule_deletion(alias(work.cluster), work.name, days=DAYS)
    except TakenError as error:
        # Neither the alias nor the key behind it was made by us.
        work.say("key", f"left alone: {error.message}")
        return ""
    dates = sorted(f"{key.ends:%Y-%m-%d}" for key in ending if key.ends)
    if not dates:
        return ""
    work.finish("key", f"its alias is gone, and AWS deletes it on {dates[-1]}")
    return dates[-1]


def what_is_kept(work: Work) -> tuple[tuple[Remains, ...], frozenset[str]]:
    """What `--keep-data` keeps: for the report, and as AWS's lists name it."""
    volumes, names, key = find_volumes(work), work.store.names(), find_key(work)
    rows = [Remains("data volume", f"{each.id} of {each.tags[SLOT_TAG]}") for each in volumes]
    ids = {each.id for each in volumes}
    root = f"/toolkit/{work.name}/"
    if names:
        rows.append(Remains("secrets", f"{len(names)} below {root}"))
        ids |= {root + name for name in names}
    if key is not None:
        rows.append(Remains("key", alias(work.cluster)))
        ids.add(key.id)
    return tuple(rows), frozenset(ids)


def what_is_left(work: Work, kept: Iterable[str]) -> tuple[Remains, ...]:
    """What carries the cluster's tag still, but for what is kept; waits for lists that lag."""
    fine = set(kept)
    left: tuple[Remains, ...] = ()

    def reason() -> str:
        nonlocal left
        left = unaccounted(tagged(work.cloud, work.name), kept=fine)
        return ", ".join(each.name for each in left)

    work.until(reason, most=LAG)
    return left
