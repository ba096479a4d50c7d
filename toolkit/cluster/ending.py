"""How a cluster ends: what goes in which order, and what to say of what is there still. Pure.

::

    names      public records that the cluster's kick server owns: nobody is led here any more
    machines   every group to zero; nobody is left to drain, so each machine may go at once
    names      again: a kick server that lived until then wrote what its jobs wanted
    zone       the private zone, but for what is the stack's
    stack      with all that it made
    volumes    the servers' data, which no stack deletes
    secrets    the parameters
    key        that they are encrypted with
    inventory  nothing carries the cluster's tag any more

Each step finds its work by asking, so that whatever interrupts it is followed by the same command.
Nothing is deleted that is not the stack's, does not carry the cluster's tag or is not named by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.cluster.network import hosts
from toolkit.cluster.template.forms import CLUSTER_TAG
from toolkit.errors import RefusedError
from toolkit.spec.aws import InterfaceView, KeyView, Tagged, VolumeView, ZoneRecord
from toolkit.spec.cloudformation import StackResource, StackView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_down import Remains
from toolkit.views.text import counted

FAILED = "DELETE_FAILED"
SHOWN = 5
"""Names that a question spells out."""
OF_ZONE = frozenset({"NS", "SOA"})
"""Every zone has them at its name, and they go with it."""

_OTHERS = "something that the stack did not make is in it, or uses it"
_SHOW = "aws ec2 describe-network-interfaces --filters"
_LOOK = {
    "AWS::EC2::Volume": "wait until its machine is gone, or detach it: aws ec2 detach-volume"
    " --volume-id {id}",
    "AWS::EC2::NetworkInterface": f"{_SHOW} Name=network-interface-id,Values={{id}}",
    "AWS::EC2::Subnet": f"{_SHOW} Name=subnet-id,Values={{id}}",
    "AWS::EC2::SecurityGroup": f"{_SHOW} Name=group-id,Values={{id}}",
    "AWS::EC2::VPC": f"{_SHOW} Name=vpc-id,Values={{id}}",
    "AWS::EC2::InternetGateway": "aws ec2 describe-addresses shows public addresses in use",
    "AWS::Route53::HostedZone": "somebody writes to it: aws route53 list-resource-record-sets"
    " --hosted-zone-id {id}",
    "AWS::IAM::Role": "aws iam list-attached-role-policies --role-name {id} shows what others"
    " gave it",
}
"""What shows whose hand it is, by kind of resource."""
_WHY = {
    "AWS::EC2::Volume": "it is attached to a machine",
    "AWS::Route53::HostedZone": "it has records that the stack did not make",
    "AWS::AutoScaling::AutoScalingGroup": "its machines are not gone",
}
_INNER = frozenset(
    {"AWS::EC2::Subnet", "AWS::EC2::SecurityGroup", "AWS::EC2::VPC", "AWS::EC2::NetworkInterface"}
)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is of a cluster before it is taken down."""

    stack: StackView | None = None
    machines: int = 0
    volumes: tuple[VolumeView, ...] = ()
    """The servers' data volumes."""
    secrets: int = 0
    key: KeyView | None = None
    names: tuple[str, ...] = ()
    """Public names that its kick server owns."""
    scripts: int = 0
    """Parameters of boot scripts that a stack left behind."""

    @property
    def runs(self) -> bool:
        """There is more of it than `--keep-data` keeps."""
        return bool(self.stack or self.machines or self.names or self.scripts)

    @property
    def has_data(self) -> bool:
        """There is something that `--keep-data` keeps."""
        return bool(self.volumes or self.secrets or self.key)


def question(cluster: Cluster, account: str, has: Holdings, *, keep_data: bool) -> str:
    """What is asked before anything is destroyed: it names all of it."""
    parts = []
    if has.stack is not None:
        parts.append(f"the stack {has.stack.name} ({has.stack.status}) and all that it made")
    if has.machines:
        parts.append(f"{counted(has.machines, 'machine')} with all that runs there")
    if has.names:
        parts.append(f"{counted(len(has.names), 'public name')} of its jobs ({_some(has.names)})")
    if has.scripts:
        parts.append(f"{counted(has.scripts, 'parameter')} of boot scripts")
    if not keep_data:
        if has.volumes:
            volumes = counted(len(has.volumes), "data volume")
            parts.append(f"{volumes} with all that Nomad and Consul know")
        if has.secrets:
            parts.append(counted(has.secrets, "secret"))
        if has.key:
            parts.append("their key")
    kept = ", but its data volumes, secrets and key" if keep_data else ""
    where = f"in {cluster.region}, account {account}"
    return f"destroy the cluster {cluster.name} {where}, for good: {_listed(parts)}{kept}?"


def strangers(cluster: Cluster, records: Iterable[ZoneRecord]) -> tuple[ZoneRecord, ...]:
    """Records of the private zone that are not the stack's, which deletes its own."""
    own = hosts(cluster)
    return tuple(
        each
        for each in records
        if not (each.name == cluster.private_domain and each.type in OF_ZONE)
        and not (each.type == "A" and each.name in own and not each.identifier)
    )


def stuck(cluster: Cluster, resources: Iterable[StackResource]) -> tuple[Remains, ...]:
    """What could not be deleted of a stack, first what the others wait for."""
    failed = [each for each in resources if each.status == FAILED]
    # A network cannot go while anything is in it: what is in it is the cause.
    failed.sort(key=lambda each: (each.kind == "AWS::EC2::VPC", each.kind in _INNER, each.logical))
    again = f"toolkit cluster down {cluster.name}"
    return tuple(
        Remains(
            each.kind.removeprefix("AWS::"),
            f"{each.logical} ({each.physical})" if each.physical else each.logical,
            _why(each),
            f"{_LOOK[each.kind].format(id=each.physical)}; then {again}"
            if each.kind in _LOOK
            else again,
        )
        for each in failed
    )


def squatters(
    cluster: Cluster, interfaces: Iterable[InterfaceView], resources: Iterable[StackResource]
) -> tuple[Remains, ...]:
    """Interfaces in the cluster's subnets that are not the stack's: the subnets wait for them."""
    own = {each.physical for each in resources}
    return tuple(
        Remains(
            "network interface",
            each.id,
            " · ".join(
                part
                for part in (
                    "somebody else's, in the cluster's network",
                    each.description,
                    f"at {each.attached}" if each.attached else "",
                )
                if part
            ),
            f"remove what it belongs to; then toolkit cluster down {cluster.name}",
        )
        for each in interfaces
        if each.id not in own
    )


def _why(resource: StackResource) -> str:
    ours = _WHY.get(resource.kind, _OTHERS if resource.kind in _INNER else "")
    return " · ".join(part for part in (ours, resource.reason.rstrip(". ")) if part)


def is_ours(stack: StackView, cluster: Cluster) -> bool:
    """Whether the stack of the cluster's name was made for it."""
    return stack.tags.get(CLUSTER_TAG) == cluster.name


def not_ours(stack: StackView, cluster: Cluster) -> RefusedError:
    """What to say of a stack of the cluster's name that is somebody else's."""
    return RefusedError(
        f"the stack {stack.name} in {cluster.region} is not this cluster's: it lacks the tag"
        f" {CLUSTER_TAG} = {cluster.name}",
        hint="look whose it is; a cluster of another name has a stack of its own",
    )


def unaccounted(tagged: Iterable[Tagged], *, kept: Iterable[str] = ()) -> tuple[Remains, ...]:
    """What carries the cluster's tag still, but for these."""
    fine = set(kept)
    return tuple(
        Remains(each.kind, each.id, f"it is {each.state}" if each.state else "")
        for each in tagged
        if each.id not in fine
    )


def _some(names: tuple[str, ...]) -> str:
    """The first of them: whoever is asked sees whether they are this cluster's."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _listed(parts: list[str]) -> str:
    return ", ".join(_commas(parts))


def _commas(parts: list[str]) -> Iterator[str]:
    yield from parts[:-2]
    if parts[-2:]:
        yield " and ".join(parts[-2:])
