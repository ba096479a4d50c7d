"""Start and end the parts of a rehearsal."""

from __future__ import annotations

import shutil
import socket
import sys
from importlib import resources
from pathlib import Path

from toolkit.cluster.boot import boot_arguments
from toolkit.cluster.rehearsal import network
from toolkit.cluster.rehearsal.cgroups import clear_root, make_group, members, remove_groups
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.plan import balancer_address, operator_address, router_address
from toolkit.cluster.rehearsal.processes import (
    Process,
    begun,
    first_child,
    kill,
    marked,
    start_time,
)
from toolkit.cluster.rehearsal.programs import make_machine
from toolkit.cluster.rehearsal.state import writing
from toolkit.cluster.secrets.needed import folder_of
from toolkit.errors import AgentError
from toolkit.spec.cluster import Cluster, Machine

_MACHINE = (
    "--net", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child",
    "--mount-proc", "--propagation", "private",
)  # fmt: skip
ENDS = 10.0
"""Seconds in which a killed machine is gone, with all that ran on it."""


def start_switch(places: Places, cluster: Cluster) -> Process:
    """The bridge, held by a process that sleeps."""
    command = ("sleep", "infinity")
    with begun(places.folder, places.log("switch"), ("--net",), command) as process:
        network.make_switch(process.pid, cluster, router_address(cluster))
    return process


def start_operator(places: Places, cluster: Cluster, switch: Process) -> tuple[Process, int]:
    """The relay, and the port of the host's loopback that it listens at."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        port: int = listening.getsockname()[1]
        command = (*_python(places, "relay"), "3", str(places.names))
        log = places.log("operator")
        descriptors = (listening.fileno(),)
        with begun(places.folder, log, ("--net",), command, keep=descriptors) as process:
            _connect(cluster, switch, process, operator_address(cluster))
    return process, port


def start_balancer(places: Places, cluster: Cluster, switch: Process) -> Process:
    """The load balancer."""
    command = (*_python(places, "balancer"), str(places.targets), str(places.health))
    with begun(places.folder, places.log("balancer"), ("--net",), command) as process:
        _connect(cluster, switch, process, balancer_address(cluster))
    return process


def start_machine(places: Places, cluster: Cluster, machine: Machine, switch: Process) -> Process:
    """Power a machine on: new, or again with what it had on its disks.

    What is left of it from a start that nobody recorded ends first.
    """
    _end(places, machine)
    with writing(places.machine(machine.name)):
        folder = make_machine(places, cluster, machine)
        shell = folder / "init"
        shell.write_bytes(_text("machine.sh"))
    router = router_address(cluster)
    command = (
        "/bin/bash", str(shell), str(folder), machine.name, machine.address,
        str(cluster.network.prefixlen), router, folder_of(machine.role),
        *boot_arguments(cluster, machine.role, machine.pool),
    )  # fmt: skip
    groups = make_group(places.group, machine.name)
    with begun(places.folder, folder / "init.log", _MACHINE, command, groups=groups) as process:
        network.plug(switch.pid, process.pid, machine.address)
        clear_root(places.group, machine.name, process.pid)
    return process


def power_off(places: Places, machine: Machine, process: Process, switch: Process) -> None:
    """As a machine that is gone from one moment to the next: the wire first, then all of it."""
    network.cut(switch.pid, machine.address)
    _end(places, machine, (process, *first_child(process.pid)))


def _end(places: Places, machine: Machine, known: tuple[Process, ...] = ()) -> None:
    """Kill what is known of a machine and whatever is in its cgroups, recorded or not."""
    others = ((pid, start_time(pid)) for pid in members(places.group, machine.name))
    found = [Process(pid, started) for pid, started in others if started is not None]
    # PID 1 is the last to end, after all that ran on it.
    if kill({*known, *found}, within=ENDS):
        raise AgentError(
            f"the machine {machine.name} does not end",
            hint="it may wait for a disk: look at its state, then try again",
        )
    remove_groups(places.group, machine.name)


def clear(places: Places, *, keep_files: bool = False) -> bool:
    """End all that belongs to the rehearsal, recorded or not, and delete its folder.

    `keep_files`: only what runs, so that logs can be read. True when something ran.
    AgentError when something stays.
    """
    found = marked(places.folder)
    there = places.folder.exists()
    if left := kill(found, within=ENDS):
        raise AgentError(
            f"process {left[0].pid} of the rehearsal does not end",
            hint="it may wait for a disk: look at its state, then try again",
        )
    remove_groups(places.group)
    if keep_files:
        for each in (places.access, places.state):
            each.unlink(missing_ok=True)
        return bool(found)
    try:
        if there:
            shutil.rmtree(places.folder)
    except OSError as exc:
        raise AgentError(
            f"{exc.filename or places.folder} cannot be deleted: {exc.strerror or exc}",
            hint="run this as the user who started the rehearsal",
        ) from exc
    return bool(found)


def _connect(cluster: Cluster, switch: Process, process: Process, address: str) -> None:
    network.plug(switch.pid, process.pid, address)
    network.settle(process.pid, cluster, address, router_address(cluster))


def _python(places: Places, name: str) -> tuple[str, ...]:
    """A program of ours that needs nothing but Python: isolated, so that nothing else is loaded."""
    path = places.folder / f"{name}.py"
    path.write_bytes(_text(f"{name}.py"))
    return (sys.executable, "-IS", str(path))


def _text(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()


def said_by(folder: Path) -> tuple[str, ...]:
    """What the boot script of a machine said of its ends, in order: `success server-1 is in`."""
    path = folder / "opt" / "toolkit" / "signal"
    try:
        return tuple(path.read_text().splitlines())
    except FileNotFoundError:
        return ()
