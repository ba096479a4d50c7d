"""Security groups: who reaches which port. The world reaches the balancer's listeners, no more.

Every rule is a resource of its own, because groups name one another. Nothing is said of the ways
out: workloads call whom they like.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from toolkit.cluster.config import places
from toolkit.cluster.template.forms import Resources, ref, resource
from toolkit.spec.cluster import Cluster

WORLD = "0.0.0.0/0"
SSH = 22
HTTPS = 443
DYNAMIC = (20_000, 32_000)
"""Ports that Nomad hands out, its own default."""
KICK, HOOK = 8652, 8655
"""The kick and the hook server's, on the control machine; between them it listens for itself."""
_CONSUL_WAN = 8302

_WHAT = {
    "SgEdge": "Balancer",
    "SgServer": "Servers",
    "SgNode": "Machines of pools",
    "SgFront": "Machines with Traefik",
    "SgControl": "Control machine",
    "SgBastion": "Bastion",
    "SgEndpoint": "Endpoints",
}


class Rule(NamedTuple):
    """Lets a source reach ports of a group."""

    group: str
    source: str
    """Another group, or a range of addresses."""
    protocol: str
    first: int
    last: int

    @property
    def logical(self) -> str:
        """Logical id, the same however many rules there are."""
        who = self.source.removeprefix("Sg")
        if not self.source.startswith("Sg"):
            who = "World" if self.source == WORLD else re.sub("[^0-9]", "x", self.source)
        return f"{self.group}{who}{self.protocol.title()}{self.first}"


def security(cluster: Cluster) -> Resources:
    """The groups and their rules."""
    groups = ["SgEdge", "SgServer", "SgNode", "SgFront", "SgControl"]
    groups += ["SgBastion"] if cluster.bastion else []
    groups += ["SgEndpoint"] if cluster.nat == "none" else []
    found: Resources = {
        group: resource(
            "EC2::SecurityGroup",
            {
                "GroupDescription": _WHAT[group],
                "VpcId": ref("Vpc"),
            },
        )
        for group in groups
    }
    for rule in rules(cluster):
        source = (
            {"SourceSecurityGroupId": ref(rule.source)}
            if rule.source.startswith("Sg")
            else {"CidrIp": rule.source}
        )
        found[rule.logical] = resource(
            "EC2::SecurityGroupIngress",
            {
                "GroupId": ref(rule.group),
                "IpProtocol": rule.protocol,
                "FromPort": rule.first,
                "ToPort": rule.last,
                **source,
            },
        )
    return found


def rules(cluster: Cluster) -> tuple[Rule, ...]:
    """Who reaches whom."""
    found = [*_servers(), *_nodes(), *_front(cluster)]
    if (bastion := cluster.bastion) is not None:
        found += [Rule("SgBastion", str(each), "tcp", SSH, SSH) for each in bastion.allowed]
        found += [Rule(group, "SgBastion", "tcp", SSH, SSH) for group in ("SgServer", "SgNode")]
    if cluster.nat == "none":
        found += [
            Rule("SgEndpoint", group, "tcp", HTTPS, HTTPS) for group in ("SgServer", "SgNode")
        ]
    return tuple(found)


def _servers() -> list[Rule]:
    rpc, gossip, nomad = places.CONSUL_RPC, places.CONSUL_GOSSIP, places.NOMAD_HTTP
    among, nodes = ("SgServer", "SgServer"), ("SgServer", "SgNode")
    return [
        Rule(*among, "tcp", rpc, _CONSUL_WAN),
        Rule(*among, "udp", gossip, _CONSUL_WAN),
        # People come through a session on a server, and go on to the others from there.
        Rule(*among, "tcp", places.CONSUL_HTTPS, places.CONSUL_HTTPS),
        Rule(*among, "tcp", nomad, places.NOMAD_GOSSIP),
        Rule(*among, "udp", places.NOMAD_GOSSIP, places.NOMAD_GOSSIP),
        Rule(*nodes, "tcp", rpc, gossip),
        Rule(*nodes, "udp", gossip, gossip),
        Rule(*nodes, "tcp", places.NOMAD_RPC, places.NOMAD_RPC),
    ]


def _nodes() -> list[Rule]:
    gossip = places.CONSUL_GOSSIP
    among, server = ("SgNode", "SgNode"), ("SgNode", "SgServer")
    return [
        Rule(*server, "tcp", gossip, gossip),
        Rule(*server, "udp", gossip, gossip),
        Rule(*among, "tcp", gossip, gossip),
        Rule(*among, "udp", gossip, gossip),
        # An allocation that moves takes its disk from the machine that it was on.
        Rule(*among, "tcp", places.NOMAD_HTTP, places.NOMAD_HTTP),
        Rule(*among, "tcp", *DYNAMIC),
        Rule(*among, "udp", *DYNAMIC),
        # A verdict asks each instance for its release, and a way in ends at a server.
        Rule(*server, "tcp", *DYNAMIC),
        Rule("SgControl", "SgNode", "tcp", KICK, HOOK),
        Rule("SgControl", "SgServer", "tcp", KICK, HOOK),
    ]


def _front(cluster: Cluster) -> list[Rule]:
    edge = cluster.edge
    found = [Rule("SgEdge", WORLD, "tcp", port, port) for port in (edge.http, edge.https) if port]
    found += [
        Rule("SgFront", "SgEdge", "tcp", port, port) for port in (edge.traefik_port, edge.ping_port)
    ]
    # Verdicts look at Traefik's API, and at what its entrance for the inside answers.
    first, last = sorted((edge.private_port, edge.ping_port))
    ranges = [(first, last)] if last == first + 1 else [(first, first), (last, last)]
    found += [Rule("SgFront", "SgServer", "tcp", *each) for each in ranges]
    # The hook server has verdicts, too, and is on the control machine.
    found.append(Rule("SgFront", "SgControl", "tcp", edge.ping_port, edge.ping_port))
    found.append(Rule("SgFront", "SgNode", "tcp", edge.private_port, edge.private_port))
    return found
