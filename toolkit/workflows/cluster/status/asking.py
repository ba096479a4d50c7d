"""The questions to AWS: what cannot be answered is noted, and never taken for an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.notices import Notices
from toolkit.clients.dns.provider import Provider
from toolkit.cluster.network import hosts
from toolkit.errors import ApiError, NotFoundError, ToolkitError
from toolkit.spec.aws import AlarmView, BalancerView
from toolkit.spec.cloudformation import StackResource
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_status import AlarmRow, DrainQueue, EdgeRow, ZoneRow
from toolkit.spec.dns import Record, Zone
from toolkit.spec.target import Visibility
from toolkit.workflows.cluster.status.rows import edge_rows

T = TypeVar("T")
ALARMS = ("QuorumLost", "CertificatesEnd")
DUALSTACK = "dualstack."
"""What Route 53 may put before a balancer's name that an alias leads to."""


class Asking:
    """One look at one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        cloud: Cloud,
        records: Provider,
        resources: Iterable[StackResource],
        unseen: list[str],
    ) -> None:
        """`unseen`: what could not be seen so far, each a sentence; grows."""
        self._cluster, self._cloud, self._records = cluster, cloud, records
        self._resources: Mapping[str, StackResource] = {each.logical: each for each in resources}
        self.unseen = unseen

    def seen(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        """An answer; `otherwise`, and a note of why, when there is none."""
        return seen(self.unseen, what, ask, otherwise)

    def balancer(self) -> BalancerView | None:
        """The load balancer; None: there is none, or it was not seen, which is noted."""
        arn = self._physical("Edge")
        if not arn:
            return None
        return self.seen("the load balancer", lambda: Balancers(self._cloud).find(arn), None)

    def targets(self) -> tuple[EdgeRow, ...] | None:
        """The machines behind the balancer; None: not seen."""
        arn = self._physical("Targets")
        if not arn:
            return ()
        ask = Balancers(self._cloud).target_health
        return self.seen("the balancer's targets", lambda: edge_rows(ask(arn)), None)

    def private_zone(self) -> tuple[ZoneRow, ...]:
        """The cluster's own zone with the servers' names; empty: not seen."""
        domain = self._cluster.private_domain
        own = {host: (address,) for host, address in hosts(self._cluster).items()}

        def ask() -> tuple[ZoneRow, ...]:
            return (self._zone(domain, "private", self._physical("Zone"), own),)

        return self.seen(f"the private zone {domain}", ask, ())

    def public_zone(self, balancer: BalancerView | None) -> tuple[ZoneRow, ...]:
        """The public zone with the edge's names; empty: none is asked for, or it was not seen."""
        domain, names = self._cluster.public_domain, self._cluster.edge.names
        if domain is None or not names:
            return ()
        leads = {name: (balancer.dns.lower(),) if balancer else () for name in names}

        def ask() -> tuple[ZoneRow, ...]:
            return (self._zone(domain, "public", self._public_id(domain), leads),)

        return self.seen(f"the public zone {domain}", ask, ())

    def alarms(self) -> tuple[AlarmRow, ...]:
        """The stack's alarms, by their names in the template."""
        names = {self._physical(logical): logical for logical in ALARMS if self._physical(logical)}
        none: tuple[AlarmView, ...] = ()
        found = self.seen("the alarms", lambda: Notices(self._cloud).alarms(tuple(names)), none)
        return tuple(AlarmRow(names[each.name], each.state) for each in found)

    def queue(self) -> DrainQueue | None:
        """The queue of machines that are to go; None: not there, or not seen, which is noted."""
        url = self._physical("Notices")
        if not url:
            return None
        said = self.seen("the drain queue", lambda: Notices(self._cloud).queue(url), None)
        return None if said is None else DrainQueue(said.waiting, said.taken)

    def _physical(self, logical: str) -> str:
        """What the stack's resource is called in AWS; empty where there is none."""
        found = self._resources.get(logical)
        return "" if found is None or found.status == "DELETE_COMPLETE" else found.physical

    def _public_id(self, domain: str) -> str:
        if self._cluster.public_zone is not None:
            return self._cluster.public_zone
        zones = HostedZones(self._cloud).by_domain(domain)
        return next((each.id for each in zones if not each.private), "")

    def _zone(
        self, name: str, visibility: Visibility, zone: str, wanted: Mapping[str, tuple[str, ...]]
    ) -> ZoneRow:
        """`wanted`: what each name has to say; empty: that is not known."""
        absent = ZoneRow(name, visibility, "", 0, tuple(wanted))
        if not zone:
            return absent
        try:
            found = self._records.at(Zone(name, visibility, "route53", zone), tuple(wanted))
        except NotFoundError:
            return absent
        says = {each.name: _values(each) for each in found if each.type == "A"}
        missing = tuple(
            each for each, values in wanted.items() if not values or says.get(each) != values
        )
        return ZoneRow(name, visibility, zone, len(wanted) - len(missing), missing)


def seen(unseen: list[str], what: str, ask: Callable[[], T], otherwise: T) -> T:
    """An answer; `otherwise`, and a note of why, when there is none."""
    try:
        return ask()
    except ApiError as error:
        unseen.append(told(what, error))
        return otherwise


def told(what: str, error: ToolkitError) -> str:
    """What could not be seen, why, and what would help."""
    return f"{what}: {error.message}" + (f" ({error.hint})" if error.hint else "")


def _values(record: Record) -> tuple[str, ...]:
    if record.alias is None:
        return record.values
    return (record.alias.target.lower().removeprefix(DUALSTACK),)
