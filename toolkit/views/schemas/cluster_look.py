"""What `toolkit cluster status` and `toolkit cluster down` print."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.cluster_down import DownWord, Part
from toolkit.spec.cluster_status import Configuration, StatusWord
from toolkit.spec.target import Visibility
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    maybe,
    number,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

STACK = record(
    "The cluster's CloudFormation stack",
    status=some("CloudFormation's word"),
    sentence=some("What that means"),
    settled=flag("It is whole, and nothing goes on"),
    protected=flag("It has termination protection"),
    updated=maybe(text("When it was made or changed last, ISO 8601")),
)

SERVER = record(
    "A server slot, and the machine that is in it",
    slot=some("Such as server-1"),
    zone=some("Availability zone"),
    address=some("Private address"),
    instance=maybe(text("Id of its machine; null: there is none")),
    state=some("EC2's word for the machine, with the group's where it comes or goes; or none"),
    configuration=word("What the machine was started with", Configuration),
    raft=some("leader, voter, what is wrong with it, or unseen"),
)

POOL = record(
    "A pool's group",
    name=some("Of the pool"),
    min=whole("Fewest machines"),
    max=whole("Most machines"),
    desired=whole("How many there are to be"),
    in_service=whole("How many are in service"),
    starting=whole("How many are starting"),
    draining=whole("How many are to go, and are waited for"),
    unwell=whole("How many of those in service are not healthy"),
    earlier=whole("How many were started with an earlier configuration"),
    nodes=maybe(whole("Nodes of its class and node pool that Nomad gives work to; null: not seen")),
)

EDGE = record(
    "A machine behind the load balancer",
    instance=some("Its id"),
    port=whole("Traefik's port"),
    state=some("The balancer's word"),
    reason=maybe(text("Why it is so")),
)

ZONE = record(
    "A hosted zone",
    name=some("Its domain"),
    visibility=word("Who is answered", Visibility),
    id=maybe(text("Route 53's; null: there is no such zone")),
    names=whole("How many of the cluster's own names it has"),
    missing=texts("Those that it has not, or that lead elsewhere"),
)

ALARM = record(
    "An alarm of the stack",
    name=some("What the template calls it"),
    state=some("CloudWatch's word"),
)

QUEUE = record(
    "Notices of machines that are to go",
    waiting=whole("Nobody took them yet"),
    taken=whole("Taken, and not done with"),
)

STATUS = record(
    "`toolkit cluster status`: a cluster in AWS as it stands",
    cluster=some("Name of the cluster"),
    region=some("AWS region"),
    account=some("Number of the account"),
    word=word("How it is; unseen: nothing is wrong, and not all of it was seen", StatusWord),
    code=code(ExitCode.OK, ExitCode.FAILED, ExitCode.UNKNOWN),
    sentence=some("The same, as a sentence"),
    stack=maybe(one("cluster_stack")),
    servers=many("The server slots", "cluster_server"),
    pools=many("The pools, the control pool first", "cluster_pool"),
    edge=many("What is behind the load balancer", "cluster_target"),
    balancer=maybe(text("DNS name of the load balancer")),
    zones=many("Hosted zones with names of the cluster", "cluster_zone"),
    certificates=many("Of the machines, and their authority's", "certificate"),
    alarms=many("Of the stack", "cluster_alarm"),
    queue=maybe(one("drain_queue")),
    raft=texts("Why no server may be taken away now; empty: one may, or it was not seen"),
    wrong=texts("Everything that is not as it should be"),
    unseen=texts("What could not be seen, and why"),
    next=texts("Commands to type"),
)

REMAINS = record(
    "Something of the cluster that is there still",
    kind=some("What it is"),
    name=some("Its id, name or ARN"),
    why=maybe(text("What keeps it, where that is known")),
    advice=maybe(text("What to do about it")),
)

DONE = record(
    "A part that was taken down",
    part=word("Which", Part),
    text=some("What became of it"),
)

DOWN = record(
    "`toolkit cluster down`: a cluster that was taken down",
    cluster=some("Name of the cluster"),
    region=some("AWS region"),
    account=some("Number of the account"),
    word=word("What became of it", DownWord),
    code=code(ExitCode.OK, ExitCode.FAILED, ExitCode.UNKNOWN),
    sentence=some("The same, as a sentence"),
    done=many("What was taken down, in order", "taken_down"),
    left=many("What is there still, and should not be", "remains"),
    kept=many("What --keep-data keeps", "remains"),
    key_ends=maybe(text("Date on which AWS deletes the key of the secrets")),
    seconds=maybe(number("From the beginning; null when nothing was done")),
    next=texts("Commands to type"),
)

PARTS: dict[str, Schema] = {
    "cluster_stack": STACK,
    "cluster_server": SERVER,
    "cluster_pool": POOL,
    "cluster_target": EDGE,
    "cluster_zone": ZONE,
    "cluster_alarm": ALARM,
    "drain_queue": QUEUE,
    "remains": REMAINS,
    "taken_down": DONE,
}

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "cluster-status": (1, STATUS),
    "cluster-down": (1, DOWN),
}
