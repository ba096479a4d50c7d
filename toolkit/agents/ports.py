"""Which process has a port: the kernel's socket tables joined with everybody's open files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.agents import processes
from toolkit.errors import PortTakenError, RefusedError
from toolkit.spec.agents import AgentPorts

PURPOSES = {
    "consul_http": "Consul HTTP",
    "consul_dns": "Consul DNS",
    "consul_server": "Consul RPC",
    "consul_serf_lan": "Consul LAN gossip",
    "consul_serf_wan": "Consul WAN gossip",
    "consul_grpc": "Consul gRPC",
    "consul_grpc_tls": "Consul gRPC with TLS",
    "nomad_http": "Nomad HTTP",
    "nomad_rpc": "Nomad RPC",
    "nomad_serf": "Nomad gossip",
    "edge_public": "public entry of Traefik",
    "edge_private": "private entry of Traefik",
    "traefik_api": "Traefik's API",
    "kick_http": "kick server",
    "kick_dns": "DNS of the kick server, public zones",
    "kick_dns_private": "DNS of the kick server, private zones",
    "hook_http": "hook server",
}
HIGHEST_OFFSET = 65535 - max(getattr(AgentPorts(), name) for name in PURPOSES)
_DATAGRAM = frozenset(
    {
        "consul_dns",
        "consul_serf_lan",
        "consul_serf_wan",
        "nomad_serf",
        "kick_dns",
        "kick_dns_private",
    }
)

_LISTENING = "0A"
_OPEN_DATAGRAM = "07"
# Hexadecimal, as the kernel prints them: what collides with a listener on 127.0.0.1.
_COLLIDING = frozenset(
    {
        "0100007F",
        "00000000",
        "00000000000000000000000000000000",
        "0000000000000000FFFF00000100007F",
        "0000000000000000FFFF000000000000",
    }
)


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket."""

    protocol: str
    """`tcp` or `udp`."""
    address: str
    """Hexadecimal, as the kernel prints it."""
    port: int
    uid: int
    inode: int


def ports_at(offset: int) -> AgentPorts:
    """All ports moved by `offset`; RefusedError when one would leave the range."""
    if not 0 <= offset <= HIGHEST_OFFSET:
        raise RefusedError(
            f"a port offset of {offset} moves ports out of range",
            hint=f"choose one from 0 to {HIGHEST_OFFSET}, in steps of 100",
        )
    return AgentPorts.at(offset)


def listeners() -> Iterator[Listener]:
    """Every listening TCP socket and open UDP socket of this network namespace."""
    for protocol, wanted in (("tcp", _LISTENING), ("udp", _OPEN_DATAGRAM)):
        for table in (protocol, f"{protocol}6"):
            yield from _read_table(processes.PROC / "net" / table, protocol, wanted)


def _read_table(table: Path, protocol: str, wanted: str) -> Iterator[Listener]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return  # a kernel without IPv6
    for line in lines:
        fields = line.split()
        if fields[3] == wanted:
            address, _, port = fields[1].rpartition(":")
            yield Listener(protocol, address, int(port, 16), int(fields[7]), int(fields[9]))


def holders(inodes: set[int]) -> dict[int, int]:
    """Socket inode -> id of the process that has it open, as far as we may see."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for pid in processes.pids():
        try:
            for entry in (processes.PROC / str(pid) / "fd").iterdir():
                inode = wanted.get(str(entry.readlink()))
                if inode is not None:
                    found.setdefault(inode, pid)
        except OSError:
            continue  # gone, or another user's
        if len(found) == len(wanted):
            break
    return found


def check_free(ports: AgentPorts) -> None:
    """PortTakenError when one of the ports is in use; names each port and who has it."""
    wanted = {getattr(ports, name): name for name in PURPOSES}
    taken = {
        listener.port: listener
        for listener in listeners()
        if listener.port in wanted
        and listener.address in _COLLIDING
        and (listener.protocol == "tcp" or wanted[listener.port] in _DATAGRAM)
    }
    if not taken:
        return
    owners = holders({listener.inode for listener in taken.values()})
    by_owner: dict[str, list[str]] = {}
    for port, listener in sorted(taken.items()):
        owner = _describe(owners.get(listener.inode), listener.uid)
        by_owner.setdefault(owner, []).append(f"{port} ({PURPOSES[wanted[port]]})")
    sentence = "; ".join(
        f"{'port' if len(which) == 1 else 'ports'} {', '.join(which)}"
        f" {'is' if len(which) == 1 else 'are'} in use by {owner}"
        for owner, which in by_owner.items()
    )
    raise PortTakenError(
        sentence,
        hint="stop it, or move every port of the local cluster with --port-offset 100",
    )


def _describe(pid: int | None, uid: int) -> str:
    if pid is None:
        return f"a process of user {uid} that we may not look into"
    name = processes.command_name(pid) or "a process"
    cluster = processes.environment(pid).get(processes.MARKER)
    where = f" of the local cluster in {Path(cluster).parent.parent}" if cluster else ""
    return f"{name} (process {pid}){where}"
