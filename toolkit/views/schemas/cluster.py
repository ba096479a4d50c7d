"""What the commands of `toolkit cluster` print."""

from __future__ import annotations

from toolkit.errors import ExitCode
from toolkit.spec.rehearsal import RehearsalWord
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    mapping,
    maybe,
    number,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

INIT = record(
    "`toolkit cluster init`: a cluster file that was written",
    name=some("Of the cluster"),
    path=some("Of the file, inside the project"),
    region=some("AWS region"),
    zones=texts("Availability zones; the first three have the servers"),
    zones_remark=maybe(text("Why the zones are only the usual ones; null when AWS said them")),
    missing=texts("Keys of the sums that are still empty"),
    missing_remark=maybe(text("Why; null when none is missing")),
    next=texts("The commands to type, in order"),
)

SLOT = record(
    "The place of one server, which outlives its machine",
    name=some("Such as server-1"),
    zone=some("Availability zone"),
    address=some("Private address"),
    host=some("Name in the private zone"),
)

SUBNETS = record(
    "One zone's part of the VPC",
    zone=some("Availability zone"),
    public=some("Range of the balancer's subnet"),
    private=some("Range of the machines' subnet"),
)

TEMPLATE = record(
    "`toolkit cluster template`: a cluster's CloudFormation template",
    stack=some("Name of the stack, which is the cluster's"),
    region=some("AWS region"),
    account=maybe(text("Number of the only account that it is for; null: of any")),
    bytes=whole("Of the template"),
    resources=whole("How many the template has"),
    capabilities=texts("What has to be acknowledged when the stack is made"),
    tags=mapping("Of the stack: CloudFormation puts them on all that it makes", text("Value")),
    zones=texts("Availability zones; the first three have the servers"),
    network=some("Range of the VPC"),
    private_domain=some("Name of the private zone"),
    public_domain=maybe(text("Domain that the public names are in")),
    names=texts("Public names that lead to the balancer"),
    pools=texts("Names of the pools, without the control pool"),
    servers=many("The server slots", "slot"),
    subnets=many("The subnets, by zone", "subnets"),
    template=some("Just what is sent: compact JSON"),
)

MACHINE = record(
    "A machine of a rehearsal",
    name=some("Such as server-1"),
    role=some("server, worker or control"),
    zone=some("Availability zone that it stands for"),
    pool=maybe(text("Of a worker")),
    address=some("Private address"),
    power=word("Whether its processes run", ["on", "off"]),
    nomad=some("Nomad's word for the node, or what a server is to the others"),
    said=maybe(text("What it said last, when it is off")),
)

TARGET = record(
    "A machine behind the balancer",
    name=some("Of the machine"),
    address=some("With Traefik's port"),
    well=flag("It gets requests"),
)

CERTIFICATE = record(
    "A certificate of the machines",
    name=some("Of its secret"),
    ends=text("Date", pattern=r"^\d{4}-\d\d-\d\d$"),
    days={"description": "Until then; negative when it has ended", "type": "integer"},
)

REHEARSAL = record(
    "`toolkit cluster rehearse`: a cluster's machines on this one",
    cluster=some("Name of the cluster"),
    environment=some("Name of the environment that it is"),
    word=word("What it is, or has become", RehearsalWord),
    code=code(ExitCode.OK, ExitCode.FAILED),
    sentence=some("The same, as a sentence"),
    machines=many("All machines", "machine"),
    targets=many("What is behind the balancer", "balanced"),
    certificates=many("Of the machines", "certificate"),
    reasons=texts("Why no server may be taken away now; empty: one may"),
    memory=maybe(whole("Bytes that all machines use together, page cache included")),
    seconds=maybe(number("From nothing to ready; null when nothing was begun")),
    notes=texts("What else is to be known"),
    next=texts("Commands to type"),
)

PARTS: dict[str, Schema] = {
    "slot": SLOT,
    "subnets": SUBNETS,
    "machine": MACHINE,
    "balanced": TARGET,
    "certificate": CERTIFICATE,
}

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "cluster-init": (1, INIT),
    "cluster-template": (1, TEMPLATE),
    "rehearsal": (1, REHEARSAL),
}
