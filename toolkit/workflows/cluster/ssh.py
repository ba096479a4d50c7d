"""`toolkit cluster ssh`: which machine is meant, and the program that leads to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit.clients.tunnel_command import (
    Door,
    Jump,
    Keys,
    bastion_command,
    session_command,
    ssh_command,
)
from toolkit.cluster.network import slots
from toolkit.cluster.template.forms import POOL_TAG, ROLE_TAG, SLOT_TAG
from toolkit.config.near import suggest
from toolkit.errors import RefusedError
from toolkit.spec.aws import InstanceView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_env import SshPlan
from toolkit.workflows.cluster.env import Tools
from toolkit.workflows.cluster.files import account_of, need_project, open_cluster
from toolkit.workflows.cluster.reach import (
    bastion_jump,
    let_in,
    need_programs,
    private_folder,
    programs_environment,
)

BASTION = "bastion"


def ssh(
    folder: Path,
    name: str,
    machine: str,
    command: Sequence[str],
    tools: Tools,
    *,
    ssm: bool = False,
) -> SshPlan:
    """The program that takes our place: a shell on the machine, or `command` there.

    `machine`: `server-1`, a pool, an instance id, `bastion`; `ssm`: not through the bastion.
    RefusedError where there is no such machine, or a program is missing.
    """
    file = open_cluster(folder, name)
    cluster = file.cluster
    cloud = tools.cloud(cluster)
    with account_of(file), contextlib.closing(cloud):
        ways = tools.ways(cloud, cluster, tools.environ, user=tools.user, on_event=tools.on_event)
        machines = ways.machines()
        chosen = choose(cluster, machines, machine)
        door = door_of(cluster, machines, chosen, tools.user, ssm=ssm)
        need_programs(name, tools.environ, bastion=door.jump is not None)
        if door.jump is None:
            line = session_command(door, command)
        else:
            own = private_folder(need_project(folder).root or folder, name)
            keys = Keys(own / "key-ssh", own / "known_hosts")
            if chosen.id == door.jump.instance:
                line = bastion_command(door.jump, keys.known_hosts, command)
            else:
                let_in(door, machines, keys, ways)
                line = ssh_command(door, keys, command)
    way = "SSM" if door.jump is None else "SSH"
    what = chosen.tags.get(SLOT_TAG) or chosen.tags.get(POOL_TAG) or BASTION
    sentence = f"{what} is {chosen.id} in {chosen.zone}, through {way}"
    return SshPlan(line, programs_environment(tools.environ), sentence)


def choose(cluster: Cluster, machines: Sequence[InstanceView], wanted: str) -> InstanceView:
    """The machine that is meant: of a pool the one that has run for longest; RefusedError."""
    running = sorted(
        (each for each in machines if each.state == "running"),
        key=lambda each: (str(each.launched), each.id),
    )
    checks: tuple[Callable[[InstanceView], bool], ...] = (
        lambda each: each.id == wanted,
        lambda each: each.tags.get(SLOT_TAG) == wanted,
        lambda each: each.tags.get(POOL_TAG) == wanted,
        lambda each: wanted == each.tags.get(ROLE_TAG) == BASTION,
    )
    for fits in checks:
        if found := next(filter(fits, running), None):
            return found
    known = [each.name for each in slots(cluster)] + [each.name for each in cluster.all_pools]
    known += [BASTION] if cluster.bastion else []
    if wanted in known:
        raise RefusedError(
            f"no machine of {wanted} runs in {cluster.name}",
            hint=f"toolkit cluster status {cluster.name} says how it stands",
        )
    raise RefusedError(
        f'{cluster.name} has no machine "{wanted}"',
        hint=suggest(wanted, known) or "say server-1, a pool, or the id of an instance",
    )


def door_of(
    cluster: Cluster,
    machines: Sequence[InstanceView],
    chosen: InstanceView,
    user: str,
    *,
    ssm: bool = False,
) -> Door:
    """How to go in at a machine.

    Through the bastion to servers only: on workers the metadata service, from which sshd would
    learn our key, answers nobody but root.
    """
    jump: Jump | None = None
    if not ssm and (chosen.tags.get(ROLE_TAG) in {"server", BASTION}):
        jump = bastion_jump(cluster, machines, user)
    return Door(chosen.id, chosen.address, user, cluster.region, jump)
