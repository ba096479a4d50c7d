"""Where a name of a job points: its instances or the edge, as values of records; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from toolkit.dns.names import show
from toolkit.dns.reconcile_read import all_pass, passes
from toolkit.dns.standing import Standing
from toolkit.spec.discovery import Declared, HostPort, Instance, KeptReason, Place, View
from toolkit.spec.dns import Alias, Zone
from toolkit.spec.kick import KickConfig
from toolkit.spec.policy import Edge
from toolkit.spec.target import Visibility

Zones = Mapping[Zone, Mapping[str, Standing]]
"""What every zone has, by name."""
Group = tuple[str, ...]
"""One service of a job, or the instances of an edge."""
Listed = Mapping[Group, Collection[str]]
"""By service, the allocations that are to be in its record."""


class WithoutError(Exception):
    """Why a name points nowhere now."""

    def __init__(self, reason: KeptReason, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pointed:
    """Where a name points: values by type, or one alias."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alias: Alias | None = None
    why: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Of SRV: names of addresses, which need records of their own -> address."""
    edge: tuple[str, ...] = ()
    """Addresses of the edge that only the cluster knows."""


def group_of(declared: Declared) -> Group:
    """The service whose instances come and go together."""
    d = declared
    return "service", d.namespace, d.job, d.group, d.task, d.service, d.port


def edge_group(visibility: Visibility, edge: Edge) -> Group:
    """The instances of a job that is an edge."""
    return "edge", visibility, edge.namespace, edge.service


def candidates(view: View, config: KickConfig) -> dict[Group, dict[str, bool]]:
    """By service that is followed, its running instances and whether each of them passes."""
    by_group: dict[tuple[str, str, str], list[Instance]] = {}
    by_job: dict[tuple[str, str], list[Instance]] = {}
    for instance in view.instances:
        by_group.setdefault((instance.namespace, instance.job, instance.group), []).append(instance)
        by_job.setdefault((instance.namespace, instance.job), []).append(instance)
    found: dict[Group, dict[str, bool]] = {}
    for job in view.jobs.values():
        for declared in job.declared if job.alive else ():
            mine = by_group.get((job.namespace, job.id, declared.group), ())
            if declared.target == "instances" and not declared.wrong:
                found[group_of(declared)] = {
                    each.allocation: passes(declared, each, view.checks) for each in mine
                }
    for visibility, edge in config.policy.edges.items():
        if edge.service:
            found[edge_group(visibility, edge)] = {
                each.allocation: all_pass(each, view.checks)
                for each in by_job.get((edge.namespace, edge.service), ())
            }
    return found


class Points:
    """Where names point, for one view."""

    def __init__(self, view: View, config: KickConfig, listed: Listed):
        self._config = config
        self._listed = listed
        self._instances = {each.allocation: each for each in view.instances}
        self._running = candidates(view, config)

    def of(self, place: Place, all_declared: Sequence[Declared]) -> Pointed:
        """Where the services of one job let a name point; raises WithoutError."""
        zone, name = place
        declared = all_declared[0]
        if any(each.target == "edge" for each in all_declared):
            return self._edge(zone, declared)
        found = [pair for each in all_declared for pair in self._ports(each)]
        running = sum(len(self._running.get(group_of(each), ())) for each in all_declared)
        if not found:
            said = f"none of {running} passes" if running else "no instance runs"
            raise WithoutError("no-instance", f"{name} in {zone} stays as it is: {said}")
        ports = [port for _, port in found if port is not None and port.address]
        if not ports:
            message = f"no instance has an address for port {show(declared.label)}"
            raise WithoutError("no-address", f"{declared}: {message}")
        why = f"{len(found)} of {running} instances pass"
        if declared.type == "SRV":
            return _services(name, ports, why)
        return Pointed(_by_type([port.address for port in ports], declared, name), why=why)

    def _ports(self, declared: Declared) -> Iterator[tuple[Instance, HostPort | None]]:
        for allocation in sorted(self._listed.get(group_of(declared), ())):
            instance = self._instances.get(allocation)
            if instance is not None:
                yield instance, port_of(declared, instance)

    def _edge(self, zone: Zone, declared: Declared) -> Pointed:
        edge = self._config.policy.edges.get(zone.visibility)
        if edge is None:
            message = f"kick.toml has no [edge] {zone.visibility}"
            raise WithoutError("no-edge", f"{declared}: {message}")
        if edge.alias is not None:
            return Pointed(alias=edge.alias, why="the edge")
        addresses, known = edge.addresses, self._entrances(zone.visibility, edge)
        if edge.service:
            addresses = known
            if not addresses:
                message = f"no instance of the edge {edge.namespace}/{edge.service} passes"
                raise WithoutError("no-instance", message)
        return Pointed(_by_type(addresses, declared, zone.name), why="the edge", edge=known)

    def edges(self) -> dict[str, tuple[str, ...]]:
        """By visibility, the addresses of edges that are jobs."""
        edges = self._config.policy.edges
        return {word: self._entrances(word, edge) for word, edge in edges.items()}

    def _entrances(self, visibility: Visibility, edge: Edge) -> tuple[str, ...]:
        if not edge.service:
            return ()
        listed = self._listed.get(edge_group(visibility, edge), ())
        mine = [self._instances[each] for each in sorted(listed) if each in self._instances]
        found = {_entrance(instance, visibility) for instance in mine}
        return tuple(sorted(address for address in found if address))


def port_of(declared: Declared, instance: Instance) -> HostPort | None:
    """The port of an instance that is published."""
    return next((port for port in instance.ports if port.label == declared.label), None)


def host_of(address: str, name: str) -> str:
    """The name that an address has, for service records at `name` to point to."""
    while name.startswith("_"):
        name = name.partition(".")[2]
    return f"ip-{ip_address(address).exploded.replace(':', '-').replace('.', '-')}.{name}"


def _entrance(instance: Instance, visibility: Visibility) -> str | None:
    """The address of an edge: of the port that has the visibility's name, or of its only host."""
    named = [port.address for port in instance.ports if port.label == visibility]
    every = sorted({port.address for port in instance.ports})
    return named[0] if named else every[0] if len(every) == 1 else None


def _by_type(addresses: Sequence[str], declared: Declared, name: str) -> dict[str, list[str]]:
    """The addresses as A and AAAA records, or as the one type that was asked for."""
    found: dict[str, list[str]] = {}
    for address in dict.fromkeys(addresses):
        found.setdefault(type_of(address), []).append(address)
    if declared.type is not None:
        found = {type_: found[type_] for type_ in found if type_ == declared.type}
    if not found:
        message = f"{declared}: no address for {name} is of type {declared.type}"
        raise WithoutError("no-address", message)
    return dict(sorted(found.items()))


def _services(name: str, ports: Sequence[HostPort], why: str) -> Pointed:
    """Service records: each address needs a name, which is made of it."""
    hosts = {host_of(port.address, name): port.address for port in ports}
    values = sorted({service_value(port, name) for port in ports})
    return Pointed({"SRV": values}, why=why, hosts=hosts)


def service_value(port: HostPort, name: str) -> str:
    """One instance as a value of the service record at `name`."""
    return f"1 1 {port.port} {host_of(port.address, name)}"


def type_of(address: str) -> str:
    """`A` or `AAAA`."""
    return "AAAA" if ":" in address else "A"


def listed_before(
    declared: Declared, names: Mapping[str, Standing], running: Sequence[Instance]
) -> set[str]:
    """The instances that the records at its names list, to go on from after a restart."""
    values = {
        (name, value) for name, there in names.items() for r in there.records for value in r.values
    }
    found = set()
    for instance in running:
        port = port_of(declared, instance)
        for name in names if port is not None and port.address else ():
            assert port is not None  # noqa: S101  the loop has no turn otherwise
            if {(name, port.address), (name, service_value(port, name))} & values:
                found.add(instance.allocation)
    return found
