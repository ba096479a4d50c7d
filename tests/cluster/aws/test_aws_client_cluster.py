"""A whole cluster's stack as the clients see it, by its tag and in few calls; then nothing left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.cluster import templates
from tests.cluster.aws.account import ACCOUNT, REGION, Aws
from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.notices import Notices
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.aws.stacks import Stacks
from toolkit.cluster.template import alias, key_policy, render_template
from toolkit.errors import ConflictError
from toolkit.spec.cloudformation import StackResource
from toolkit.spec.target import Secret

T = TypeVar("T")
CLUSTER = templates.cluster()
KINDS = {
    "AWS::AutoScaling::AutoScalingGroup": "autoscaling:autoScalingGroup",
    "AWS::CloudWatch::Alarm": "cloudwatch:alarm",
    "AWS::EC2::EIP": "ec2:elastic-ip",
    "AWS::EC2::InternetGateway": "ec2:internet-gateway",
    "AWS::EC2::LaunchTemplate": "ec2:launch-template",
    "AWS::EC2::NatGateway": "ec2:natgateway",
    "AWS::EC2::NetworkInterface": "ec2:network-interface",
    "AWS::EC2::RouteTable": "ec2:route-table",
    "AWS::EC2::SecurityGroup": "ec2:security-group",
    "AWS::EC2::Subnet": "ec2:subnet",
    "AWS::EC2::VPC": "ec2:vpc",
    "AWS::EC2::VPCEndpoint": "ec2:vpc-endpoint",
    "AWS::EC2::Volume": "ec2:volume",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:loadbalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:targetgroup",
    "AWS::IAM::Role": "iam:role",
    "AWS::Route53::HostedZone": "route53:hostedzone",
    "AWS::SQS::Queue": "sqs:queue",
    "AWS::SSM::Parameter": "ssm:parameter",
}
"""What the inventory calls the kinds of the template that have a life of their own."""
PARTS = {
    "AWS::EC2::Route", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment", "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::Route53::RecordSetGroup",
}  # fmt: skip
"""Kinds that are nothing without one of the others, or that carry no tags."""


@dataclass(frozen=True)
class Up:
    """A cluster's stack that is there, with a key and a secret."""

    aws: Aws
    cloud: Cloud
    resources: dict[str, StackResource]

    def counted(self, ask: Callable[[], T]) -> tuple[T, int]:
        """An answer, and how many calls it took."""
        before = self.cloud.asked
        return ask(), self.cloud.asked - before


@pytest.fixture(scope="module")
def up(aws_server: Aws) -> Iterator[Up]:
    aws_server.reset()
    aws_server.knobs(looks=0)
    with pytest.MonkeyPatch.context() as environ:
        for name, value in aws_server.environ.items():
            environ.setenv(name, value)
        with contextlib.closing(Cloud(REGION, account=ACCOUNT)) as cloud:
            template = render_template(CLUSTER)
            Keys(cloud).make(alias(CLUSTER), key_policy(CLUSTER, ACCOUNT), template.tags)
            store(cloud).put_new("ca/key", Secret("x"))
            stacks = Stacks(cloud)
            stacks.create_change_set("prod", "first", template, "CREATE", token="t-1")
            stacks.execute("prod", "first", "t-2")
            settled(aws_server, "create")
            found = {each.logical: each for each in stacks.resources("prod")}
            assert len(found) == template.resources
            yield Up(aws_server, cloud, found)


def store(cloud: Cloud) -> ParameterStore:
    return ParameterStore(cloud, "prod", alias(CLUSTER))


def settled(aws: Aws, how: str) -> None:
    waiter = aws.client("cloudformation").get_waiter(f"stack_{how}_complete")
    waiter.wait(StackName="prod", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})


def test_machines(up: Up) -> None:
    machines = Machines(up.cloud)
    groups, calls = up.counted(lambda: machines.groups("prod"))
    assert calls == 1
    assert {group.name: (group.min, group.desired, group.max) for group in groups} == {
        "prod-server-1": (0, 1, 1), "prod-server-2": (0, 1, 1), "prod-server-3": (0, 1, 1),
        "prod-pool-control": (1, 1, 1), "prod-pool-frontend": (1, 1, 3),
        "prod-pool-worker": (2, 2, 6),
    }  # fmt: skip
    [server] = [group for group in groups if group.name == "prod-server-1"]
    assert (server.tags["toolkit:role"], server.tags["toolkit:slot"]) == ("server", "server-1")
    [one] = server.instances
    assert (one.in_service, one.going, one.template_version) == (True, False, "1")
    instances, calls = up.counted(lambda: machines.instances("prod"))
    assert calls == 1
    assert {each.id for each in instances} == {
        each.id for group in groups for each in group.instances
    }
    [same] = [each for each in instances if each.id == one.id]
    assert (same.group, same.state, same.type) == ("prod-server-1", "running", "t3.medium")
    assert same.tags["toolkit:digest"] == server.tags["toolkit:digest"]
    assert machines.groups("other") == ()
    assert machines.instances("other") == ()


def test_volumes_and_interfaces(up: Up) -> None:
    machines = Machines(up.cloud)
    volumes = machines.volumes("prod")
    slots = {each.tags["toolkit:slot"]: each for each in volumes if "toolkit:slot" in each.tags}
    assert sorted(slots) == ["server-1", "server-2", "server-3"]
    data = slots["server-1"]
    assert (data.id, data.size, data.encrypted) == (up.resources["Data1"].physical, 20, True)
    assert data.zone == "eu-west-1a"
    disks = [each for each in volumes if each.attached]
    assert disks
    with pytest.raises(ConflictError):
        machines.delete_volume(disks[0].id)
    subnets = [each.physical for each in up.resources.values() if each.kind.endswith("::Subnet")]
    found = {each.id: each for each in machines.interfaces(subnets)}
    assert found[up.resources["Eni1"].physical].address == "10.40.0.11"
    assert machines.interfaces(()) == ()


def test_balancer_zone_queue_and_alarms(up: Up) -> None:
    edge = Balancers(up.cloud).find(up.resources["Edge"].physical)
    assert edge is not None
    assert (edge.kind, edge.state) == ("application", "active")
    assert edge.dns.endswith(".elb.amazonaws.com")
    [target] = Balancers(up.cloud).target_health(up.resources["Targets"].physical)
    assert (target.port, target.health) == (80, "healthy")
    zones = HostedZones(up.cloud)
    zone = zones.by_id(up.resources["Zone"].physical)
    assert zone is not None
    assert (zone.name, zone.private) == ("prod.internal", True)
    assert zone.vpcs == (up.resources["Vpc"].physical,)
    addresses = {each.name: each.values for each in zones.records(zone.id) if each.type == "A"}
    assert addresses["server-1.prod.internal"] == ("10.40.0.11",)
    queue = Notices(up.cloud).queue(up.resources["Notices"].physical)
    assert queue is not None
    assert (queue.waiting, queue.taken) == (0, 0)
    names = [each.physical for each in up.resources.values() if each.kind.endswith("::Alarm")]
    alarms = Notices(up.cloud).alarms(names)
    assert {each.metric for each in alarms} == {"HasLeader", "CertificateDays"}


def test_every_kind_of_the_template_is_known(up: Up) -> None:
    kinds = {each.kind for each in up.resources.values()}
    assert kinds <= set(KINDS) | PARTS


def test_groups_are_resized(up: Up) -> None:
    machines = Machines(up.cloud)
    for _ in range(2):
        machines.resize("prod-pool-worker", min=0, desired=0)
    [pool] = [each for each in machines.groups("prod") if each.name == "prod-pool-worker"]
    assert (pool.min, pool.desired, pool.max, pool.instances) == (0, 0, 6, ())
    machines.resize("prod-pool-worker", min=2, desired=2)


def test_the_inventory_has_all_and_then_nothing(up: Up) -> None:
    """Last in this file: it ends the stack."""
    inventory = tagged(up.cloud, "prod")
    assert tagged(up.cloud, "pro") == ()
    found = {(each.kind, each.id) for each in inventory}
    assert len(found) == len(inventory)
    for each in up.resources.values():
        # An address is known to the stack by what it is, to EC2 by its id.
        if each.kind in KINDS and not each.kind.endswith("::EIP"):
            id_ = each.physical.rpartition("/")[2] if "::Queue" in each.kind else each.physical
            assert (KINDS[each.kind], id_) in found
    assert {kind for kind, _ in found} >= {*KINDS.values(), "ec2:instance", "kms:key"}
    assert ("ssm:parameter", "/toolkit/prod/ca/key") in found

    Stacks(up.cloud).delete("prod", "t-3")
    settled(up.aws, "delete")
    left = {each.kind for each in tagged(up.cloud, "prod")}
    assert left == {"ec2:volume", "kms:key", "ssm:parameter"}
    for volume in Machines(up.cloud).volumes("prod"):
        Machines(up.cloud).delete_volume(volume.id)
        Machines(up.cloud).delete_volume(volume.id)
    assert store(up.cloud).clear() == ("ca/key",)
    Keys(up.cloud).schedule_deletion(alias(CLUSTER), "prod")
    assert tagged(up.cloud, "prod") == ()
