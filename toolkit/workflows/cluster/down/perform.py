"""Take a cluster down: asked once, every part in its order, each by what is there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from toolkit.agents.interrupts import noticed
from toolkit.clients.aws.hosted import zones_provider
from toolkit.cluster import ending
from toolkit.cluster.ending import Holdings
from toolkit.errors import RefusedError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_down import ClusterDownReport, DownWord, Remains
from toolkit.views.text import counted
from toolkit.workflows.cluster.down import rest
from toolkit.workflows.cluster.down.checks import (
    check_name,
    check_unprotected,
    find_stack,
    kick_of,
)
from toolkit.workflows.cluster.down.machines import close_way, remove_machines
from toolkit.workflows.cluster.down.names import find_names, remove_names
from toolkit.workflows.cluster.down.stack import delete_stack, empty_zone
from toolkit.workflows.cluster.down.work import TimeUpError, Tools, Work, under_way
from toolkit.workflows.cluster.files import account_of, need_project, open_cluster


def down(folder: Path, name: str, tools: Tools, *, keep_data: bool = False) -> ClusterDownReport:
    """Leave nothing of the cluster of that name in AWS, or with `keep_data` only its data.

    ConfigError for its file, or while that says `protected`; RefusedError for another account, a
    stack that is not the cluster's or is being changed, and when it was not confirmed.
    """
    check_name(name)
    file = open_cluster(folder, name)
    check_unprotected(file)
    project = need_project(folder)
    kick = kick_of(project.tree, name)
    with (
        account_of(file),
        closing(tools.cloud(file.cluster)) as cloud,
        closing(zones_provider(cloud)) as records,
        noticed() as check,
    ):
        work = Work(file.cluster, kick, cloud, records, tools, tools.clock(), check, project.root)
        account = cloud.identity().account
        stack = find_stack(work)
        has = Holdings(
            stack,
            sum(len(group.instances) for group in work.machines.groups(name)),
            rest.find_volumes(work),
            len(work.store.names()),
            rest.find_key(work),
            find_names(work),
            0 if stack else len(work.store.boot_scripts()),
        )
        if not (has.runs or has.has_data) or (keep_data and not has.runs):
            return _nothing(work, account, has)
        if not tools.confirm(ending.question(file.cluster, account, has, keep_data=keep_data)):
            raise RefusedError("not confirmed; nothing was changed")
        with under_way(name):
            return _perform(work, account, stack, keep_data=keep_data)


def _perform(
    work: Work, account: str, stack: StackView | None, *, keep_data: bool
) -> ClusterDownReport:
    try:
        return _in_order(work, account, stack, keep_data=keep_data)
    except TimeUpError as late:
        waited = f"not over in {work.tools.timeout:.0f} s: {late}"
        return _report(work, account, "unknown", f"{waited}; AWS goes on without us")


def _in_order(
    work: Work, account: str, stack: StackView | None, *, keep_data: bool
) -> ClusterDownReport:
    if names := remove_names(work):
        work.finish("names", f"{counted(names, 'public name')} removed, and Route 53 answers so")
    if machines := remove_machines(work):
        work.finish("machines", f"{counted(machines, 'machine')} terminated")
    close_way(work)
    # A kick server that lived until now wrote what its jobs wanted.
    if names := remove_names(work):
        work.finish("names", f"{names} more, written meanwhile, removed")
    if stack is not None:
        if records := empty_zone(work, stack):
            work.finish("zone", f"{counted(records, 'record')} of others removed from it")
        if left := delete_stack(work, stack):
            sentence = f"the stack {stack.name} could not be deleted: {left[0].name} is in the way"
            return _report(work, account, "left", sentence, left)
        work.finish("stack", f"the stack {stack.name} and all that it made are gone")
    rest.remove_boot_scripts(work)
    if keep_data:
        return _kept(work, account)
    left = rest.remove_volumes(work)
    rest.remove_secrets(work)
    key_ends = rest.remove_key(work)
    left += rest.what_is_left(work, [each.name for each in left])
    if left:
        return _left(work, account, left, key_ends=key_ends)
    sentence = f"nothing of {work.name} is left in {work.cluster.region}"
    if key_ends:
        sentence += f" but its key, which AWS deletes on {key_ends}"
    return _report(work, account, "gone", sentence, key_ends=key_ends)


def _kept(work: Work, account: str) -> ClusterDownReport:
    kept, ids = rest.what_is_kept(work)
    left = rest.what_is_left(work, ids)
    if left:
        return _left(work, account, left, kept)
    sentence = f"of {work.name} only its data volumes, secrets and their key are left"
    return _report(work, account, "kept", sentence, (), kept)


def _left(
    work: Work,
    account: str,
    left: tuple[Remains, ...],
    kept: tuple[Remains, ...] = (),
    key_ends: str = "",
) -> ClusterDownReport:
    more = f"{len(left)} things of {work.name} are" if len(left) > 1 else "one thing of it is"
    return _report(work, account, "left", f"{more} still there", left, kept, key_ends)


def _nothing(work: Work, account: str, has: Holdings) -> ClusterDownReport:
    where = f"in {work.cluster.region}"
    if has.has_data:
        kept, _ = rest.what_is_kept(work)
        sentence = f"there is nothing of {work.name} {where} but what is kept"
        return _report(work, account, "kept", sentence, (), kept)
    left = rest.what_is_left(work, ())
    if left:
        return _left(work, account, left)
    return _report(work, account, "absent", f"there is nothing of {work.name} {where}")


def _report(
    work: Work,
    account: str,
    word: DownWord,
    sentence: str,
    left: tuple[Remains, ...] = (),
    kept: tuple[Remains, ...] = (),
    key_ends: str = "",
) -> ClusterDownReport:
    name = work.name
    ways: dict[DownWord, tuple[str, ...]] = {
        "left": (f"toolkit cluster down {name}",),
        "unknown": (f"toolkit cluster down {name}", f"toolkit cluster status {name}"),
        "kept": (f"toolkit cluster up {name}", f"toolkit cluster down {name}"),
    }
    return ClusterDownReport(
        name,
        work.cluster.region,
        account,
        word,
        sentence,
        tuple(work.done),
        left,
        kept,
        key_ends,
        work.seconds if work.done else None,
        ways.get(word, ()),
    )
