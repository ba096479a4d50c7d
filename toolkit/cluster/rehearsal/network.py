"""The network of a rehearsal: a bridge in a network of its own, and wires to it."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address

from toolkit.cluster.rehearsal.processes import SYSTEM_PATH, within
from toolkit.errors import AgentError
from toolkit.spec.cluster import Cluster

BRIDGE = "vpc"


def wire_of(address: str) -> str:
    """Name of the bridge's end of a machine's wire: follows from the machine's address."""
    return f"w{int(IPv4Address(address)):08x}"


def hardware_of(address: str) -> str:
    """Hardware address of a machine: the same when it comes again, as neighbours remember it."""
    return "02:00:" + IPv4Address(address).packed.hex(":")


def make_switch(pid: int, cluster: Cluster, router: str) -> None:
    """Lay the bridge in the network of a process; whatever is not in the VPC is refused there."""
    length = cluster.network.prefixlen
    ip(
        pid,
        "link set lo up",
        f"link add name {BRIDGE} type bridge",
        f"address add {router}/{length} dev {BRIDGE}",
        f"link set {BRIDGE} up",
    )


def plug(switch: int, pid: int, address: str) -> None:
    """Lay a wire from the bridge to the network of a process, as its `eth0`; its end is down.

    A wire that was left by a machine of the same address is taken away first.
    """
    wire = wire_of(address)
    ip(switch, f"link delete {wire}", may_fail=True)
    ip(
        switch,
        f"link add name {wire} type veth peer name eth0 address {hardware_of(address)} netns {pid}",
        f"link set {wire} master {BRIDGE}",
        f"link set {wire} up",
    )


def settle(pid: int, cluster: Cluster, address: str, router: str) -> None:
    """Give the process's end its address."""
    ip(
        pid,
        "link set lo up",
        f"address add {address}/{cluster.network.prefixlen} dev eth0",
        "link set eth0 up",
        f"route add default via {router}",
    )
    # Nobody's way to anywhere, whatever the host is.
    _in(pid, ["/bin/bash", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward"], "")


def cut(switch: int, address: str) -> None:
    """Take a machine from the network at once: nobody hears a farewell."""
    ip(switch, f"link set {wire_of(address)} down", may_fail=True)


def mend(switch: int, address: str) -> None:
    """Undo `cut`."""
    ip(switch, f"link set {wire_of(address)} up")


def ip(pid: int, *lines: str, may_fail: bool = False) -> None:
    """Run commands of `ip` in the network of a process; AgentError with what it says."""
    done = _in(pid, ["ip", "-batch", "-"], "\n".join(lines) + "\n")
    if done.returncode != 0 and not may_fail:
        said = (done.stderr.strip() or "nothing").splitlines()[0]
        raise AgentError(
            f"the network of the rehearsal cannot be made: ip says {said}",
            hint="a rehearsal needs Linux with bridges and veth",
        )


def _in(pid: int, command: list[str], given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*within(pid, "n"), *command],
        input=given,
        env={"PATH": SYSTEM_PATH},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
