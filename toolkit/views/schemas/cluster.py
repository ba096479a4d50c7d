"""What the commands of `toolkit cluster` print."""

from __future__ import annotations

from toolkit.views.schemas.words import (
    Schema,
    many,
    mapping,
    maybe,
    record,
    some,
    text,
    texts,
    whole,
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

PARTS: dict[str, Schema] = {"slot": SLOT, "subnets": SUBNETS}

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "cluster-init": (1, INIT),
    "cluster-template": (1, TEMPLATE),
}
