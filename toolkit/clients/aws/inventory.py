"""Everything that still carries a cluster's tag, each as its own service says that it is there.

The Tagging API knows most kinds, some minutes late both ways, and global services in one region
only. So each kind that a cluster has is asked for itself as well, by its tag or by the beginning
of the names that CloudFormation gives; and what the Tagging API alone names is looked at before it
is believed, where its kind is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.cloud import Answer, Cloud, tags_of
from toolkit.clients.aws.inventory_ec2 import tagged_ec2
from toolkit.clients.aws.keys import PENDING, Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.stacks import Stacks
from toolkit.spec.aws import CLUSTER_TAG, STACK_TAG, Tagged

GONE = "DELETE_COMPLETE"

_NO_TAGS = re.compile(r"^[^:]*(?:NotFound|NoSuch|NonExistentQueue|DoesNotExist)")
"""It went between the list and the question: the code says so; the text may name anything."""


def tagged(cloud: Cloud, cluster: str) -> tuple[Tagged, ...]:
    """What of a cluster is there, sorted by kind and id; empty: nothing is left.

    A key that waits for its end is not counted. Up to twenty calls, and as many as there are pages
    of the account's own roles, zones and balancers.
    """
    found: list[Tagged] = []
    for ask in _QUESTIONS:
        found += ask(cloud, cluster)
    known = {(each.kind, each.id) for each in found}
    found += [each for each in _by_tag_alone(cloud, cluster) if (each.kind, each.id) not in known]
    return tuple(sorted(set(found), key=lambda each: (each.kind, each.id)))


def _stack(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    stack = Stacks(cloud).find(cluster)
    if stack is not None and stack.tags.get(CLUSTER_TAG) == cluster:
        yield Tagged("cloudformation:stack", stack.id, stack.status)


def _groups(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    for group in Machines(cloud).groups(cluster):
        yield Tagged("autoscaling:autoScalingGroup", group.name, group.status)


def _balancers(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    for kind, operation, items, arn in (
        ("loadbalancer", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
        ("targetgroup", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ):
        arns = [str(each[arn]) for each in cloud.pages("elbv2", operation, items)]
        for each in _by_batch(
            lambda some: cloud.ask("elbv2", "describe_tags", unless=_NO_TAGS, ResourceArns=some),
            arns,
            20,
            "TagDescriptions",
        ):
            if _carries(each.get("Tags"), cluster):
                yield Tagged(f"elasticloadbalancing:{kind}", str(each["ResourceArn"]))


def _zones(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    listed = cloud.pages("route53", "list_hosted_zones", "HostedZones")
    ids = [str(each["Id"]).removeprefix("/hostedzone/") for each in listed]
    for each in _by_batch(
        lambda some: cloud.ask(
            "route53",
            "list_tags_for_resources",
            unless=_NO_TAGS,
            ResourceType="hostedzone",
            ResourceIds=some,
        ),
        ids,
        10,
        "ResourceTagSets",
    ):
        if _carries(each.get("Tags"), cluster, cloud.region):
            yield Tagged("route53:hostedzone", str(each["ResourceId"]))


def _roles(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    for role in cloud.pages("iam", "list_roles", "Roles"):
        name = str(role["RoleName"])
        if not name.startswith(f"{cluster}-"):
            continue
        answer = cloud.ask("iam", "list_role_tags", unless=_NO_TAGS, RoleName=name)
        if _carries((answer or {}).get("Tags"), cluster, cloud.region):
            yield Tagged("iam:role", name)


def _queues(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    for page in cloud.whole_pages("sqs", "list_queues", QueueNamePrefix=f"{cluster}-"):
        for url in page.get("QueueUrls") or ():
            answer = cloud.ask("sqs", "list_queue_tags", unless=_NO_TAGS, QueueUrl=url)
            if ((answer or {}).get("Tags") or {}).get(CLUSTER_TAG) == cluster:
                yield Tagged("sqs:queue", str(url).rpartition("/")[2])


def _alarms(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    beginning = f"{cluster}-"
    for alarm in cloud.pages(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=beginning
    ):
        answer = cloud.ask(
            "cloudwatch", "list_tags_for_resource", unless=_NO_TAGS, ResourceARN=alarm["AlarmArn"]
        )
        if _carries((answer or {}).get("Tags"), cluster):
            yield Tagged("cloudwatch:alarm", str(alarm["AlarmName"]))


def _rules(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    for rule in cloud.pages("events", "list_rules", "Rules", NamePrefix=f"{cluster}-"):
        answer = cloud.ask(
            "events", "list_tags_for_resource", unless=_NO_TAGS, ResourceARN=rule["Arn"]
        )
        if _carries((answer or {}).get("Tags"), cluster):
            yield Tagged("events:rule", str(rule["Name"]))


def _parameters(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    filters = [{"Key": "Path", "Option": "Recursive", "Values": [f"/toolkit/{cluster}"]}]
    for each in cloud.pages("ssm", "describe_parameters", "Parameters", ParameterFilters=filters):
        yield Tagged("ssm:parameter", str(each["Name"]))


def _keys(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    keys = Keys(cloud)
    named = keys.find(f"alias/toolkit/{cluster}")
    for key in (*(() if named is None else (named,)), *keys.find_unnamed(cluster)):
        if key.state != PENDING and key.tags.get(CLUSTER_TAG) == cluster:
            yield Tagged("kms:key", key.id, key.state)


_QUESTIONS: tuple[Callable[[Cloud, str], Iterator[Tagged] | list[Tagged]], ...] = (
    _stack,
    tagged_ec2,
    _groups,
    _balancers,
    _zones,
    _roles,
    _queues,
    _alarms,
    _rules,
    _parameters,
    _keys,
)
_ASKED = frozenset(
    {
        "autoscaling:autoScalingGroup",
        "cloudwatch:alarm",
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing:targetgroup",
        "events:rule",
        "iam:role",
        "route53:hostedzone",
        "sqs:queue",
        "ssm:parameter",
    }
)
"""Kinds of which the questions above find all: the Tagging API's own may be long gone."""


def _by_tag_alone(cloud: Cloud, cluster: str) -> Iterator[Tagged]:
    """What the Tagging API names, without what is known better."""
    filters = [{"Key": CLUSTER_TAG, "Values": [cluster]}]
    for each in cloud.pages(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters
    ):
        arn = str(each["ResourceARN"])
        kind, name = _kind_of(arn)
        if kind in _ASKED or kind.startswith("ec2:"):
            continue
        if (found := _looked_at(cloud, arn, kind, name)) is not None:
            yield found


def _looked_at(cloud: Cloud, arn: str, kind: str, name: str) -> Tagged | None:
    """As its service says that it is there; None: it is gone, or known already."""
    if kind == "cloudformation:stack":
        stack = Stacks(cloud).find(arn)
        there = stack is not None and stack.status != GONE
        return Tagged(kind, arn, stack.status) if stack is not None and there else None
    if kind == "kms:key":
        key = Keys(cloud).find(name)
        return None if key is None or key.state == PENDING else Tagged(kind, key.id, key.state)
    if kind.startswith("elasticloadbalancing:listener"):
        balancer = re.sub(
            r":listener(?:-rule)?/(.*?)/(.*?)/(.*?)/.*", r":loadbalancer/\1/\2/\3", arn
        )
        return None if Balancers(cloud).find(balancer) is None else Tagged(kind, arn)
    return Tagged(kind, arn)


def _kind_of(arn: str) -> tuple[str, str]:
    """`("kms:key", "1234…")` of an ARN."""
    _, _, service, _, _, rest = (*arn.split(":", 5), "", "", "", "", "")[:6]
    kind, _, name = rest.partition("/") if "/" in rest else rest.partition(":")
    if service == "cloudwatch":
        kind, _, name = rest.partition(":")
    if not name:
        # A queue's ARN has no word for its kind.
        kind, name = {"sqs": "queue", "sns": "topic"}.get(service, kind), rest
    return f"{service}:{kind}", name


def _carries(listed: Sequence[Answer] | None, cluster: str, region: str = "") -> bool:
    """`region`: of what is the same in all regions; another one's cluster may have that name."""
    tags = tags_of(listed)
    made_in = tags.get(STACK_TAG, "").split(":")[3:4]
    elsewhere = region and made_in not in ([], [region])
    return tags.get(CLUSTER_TAG) == cluster and not elsewhere


def _by_batch(
    ask: Callable[[list[str]], Answer | None], names: Sequence[str], size: int, key: str
) -> Iterator[Answer]:
    """What is said of these, so many a call; one that went meanwhile spoils its batch for all."""
    for start in range(0, len(names), size):
        some = list(names[start : start + size])
        answer = ask(some)
        answers = [ask([name]) for name in some] if answer is None and len(some) > 1 else [answer]
        for each in answers:
            yield from (each or {}).get(key) or ()
