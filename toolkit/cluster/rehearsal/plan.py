"""Which machines a rehearsal has, their names and addresses. Pure.

Addresses are the servers' own of the cluster file; a worker's follows from its pool and number, so
that it stays when others come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from toolkit.cluster.network import hosts, slots, subnets
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Arch, Binary, Cluster, Download, Machine, Release

NOMAD_NAME = "server.global.nomad"
"""In every server's certificate; the operator's relay takes it to a server that answers."""
_FIRST = 32
"""Workers' addresses begin here in their subnets."""
_BALANCER, _OPERATOR, _WORLD = 9, 8, 7
_HERE: Mapping[Arch, str] = {"amd64": "t3.medium", "arm64": "t4g.medium"}


@dataclass(frozen=True, slots=True)
class Program:
    """An agent's program on this machine."""

    path: str
    version: str
    sha256: str


def consul_name(cluster: Cluster) -> str:
    """In every server's certificate, see `NOMAD_NAME`."""
    return f"server.{cluster.datacenter}.consul"


def rehearsed(cluster: Cluster, programs: Mapping[Binary, Program], arch: Arch) -> Cluster:
    """The cluster with this machine's processor and programs in the place of AWS's.

    Nothing else of it differs. Without CNI plugins: tasks are plain processes.
    """
    kind = _HERE[arch]
    binaries = {
        name: Release(
            program.version,
            MappingProxyType({arch: Download(f"file://{program.path}", program.sha256)}),
        )
        for name, program in programs.items()
    }
    pools = {name: replace(pool, type=kind) for name, pool in cluster.pools.items()}
    return replace(
        cluster,
        servers=replace(cluster.servers, type=kind),
        pools=MappingProxyType(pools),
        control=replace(cluster.control, type=kind),
        binaries=MappingProxyType(binaries),
    )


def server_machines(cluster: Cluster) -> tuple[Machine, ...]:
    """The three servers."""
    return tuple(
        Machine(slot.name, "server", slot.zone, address=slot.address) for slot in slots(cluster)
    )


def worker_machines(cluster: Cluster, workers: int | None = None) -> tuple[Machine, ...]:
    """The machines of the pools: as many as the file's pools have at least, and the control one.

    `workers`: so many in all instead: one for each pool, that of the edge first, then the rest in
    turn to the pools that are not the edge's; no control machine. RefusedError without room.
    """
    found = [
        _worker(cluster, pool, number)
        for pool, count in _counts(cluster, workers).items()
        for number in range(1, count + 1)
    ]
    return tuple(found)


def _counts(cluster: Cluster, workers: int | None) -> dict[str, int]:
    if workers is None:
        return {pool.name: pool.min for pool in cluster.pools.values()} | {cluster.control.name: 1}
    if workers < 1:
        raise RefusedError(
            f"a rehearsal with {workers} workers has nothing to run jobs on",
            hint="--workers takes 1 and more",
        )
    names = sorted(cluster.pools, key=lambda name: name != cluster.edge.pool)
    later = names[1:] or names
    counts = dict.fromkeys(names, 0)
    for at in range(workers):
        name = names[at] if at < len(names) else later[(at - len(names)) % len(later)]
        counts[name] += 1
    return counts


def _worker(cluster: Cluster, pool: str, number: int) -> Machine:
    pools = [each.name for each in cluster.all_pools]
    # In turn through the zones, and in each through the pools: nobody's place is ever another's.
    turn, at_zone = divmod(number - 1, len(cluster.zones))
    zone = subnets(cluster)[at_zone]
    at = _FIRST + turn * len(pools) + pools.index(pool)
    if at >= zone.private.num_addresses - 1:
        raise RefusedError(
            f"the pool {pool} has no address for a machine {number}",
            hint="rehearse fewer workers, or give the cluster a larger range",
        )
    own = next(each for each in cluster.all_pools if each.name == pool)
    return Machine(f"{pool}-{number}", own.role, zone.zone, pool, str(zone.private[at]))


def balancer_address(cluster: Cluster) -> str:
    """Where the load balancer is, in the first zone's public subnet."""
    return str(subnets(cluster)[0].public[_BALANCER])


def operator_address(cluster: Cluster) -> str:
    """From where the operator's connections come."""
    return str(subnets(cluster)[0].public[_OPERATOR])


def router_address(cluster: Cluster) -> str:
    """The range's address plus one, which AWS keeps for its router: it leads nowhere here."""
    return str(cluster.network[1])


def edge_machines(cluster: Cluster, machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """Those that Traefik is on."""
    return tuple(each for each in machines if each.pool == cluster.edge.pool)


def targets(cluster: Cluster, machines: Iterable[Machine]) -> dict[str, object]:
    """What the balancer listens at, and has behind it."""
    edge = cluster.edge
    return {
        "listen": [edge.http or 80],
        "port": edge.traefik_port,
        "ping": edge.ping_port,
        "proxied": edge.kind == "nlb",
        "machines": {each.name: each.address for each in edge_machines(cluster, machines)},
    }


def names(cluster: Cluster, machines: Iterable[Machine]) -> dict[str, list[str]]:
    """Name -> addresses, in the order in which they are tried, for the operator's relay."""
    servers = [slot.address for slot in slots(cluster)]
    balancer = balancer_address(cluster)
    all_of = tuple(machines)
    own = {f"{each.name}.{cluster.private_domain}": [each.address] for each in all_of}
    edge = {name: [balancer] for name in cluster.edge.names}
    inside = {edge_name(cluster): [each.address for each in edge_machines(cluster, all_of)]}
    return {**own, **edge, **inside, NOMAD_NAME: servers, consul_name(cluster): servers}


def hosts_file(cluster: Cluster, machine: Machine) -> str:
    """`/etc/hosts` of a machine: stands for the private zone."""
    known = {address: name for name, address in hosts(cluster).items()}
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{address} {name}" for address, name in known.items()]
    lines.append(f"{machine.address} {machine.name}")
    return "\n".join(lines) + "\n"


def private_edge(cluster: Cluster, machines: Iterable[Machine]) -> str | None:
    """Where requests from inside enter: Traefik's private entrance, on any machine that has it."""
    if not edge_machines(cluster, machines):
        return None
    return f"http://{edge_name(cluster)}:{cluster.edge.private_port}"


def edge_name(cluster: Cluster) -> str:
    """All machines that Traefik is on; the operator's relay takes it to one that answers."""
    return f"edge.{cluster.private_domain}"


def public_edge(cluster: Cluster) -> str:
    """Where requests from the world enter."""
    port = cluster.edge.http or 80
    return f"http://{balancer_address(cluster)}" + ("" if port == 80 else f":{port}")
