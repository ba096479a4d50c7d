"""Predicates about the network: who reaches what, and by which addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from tests.cluster.templates import Rendered
from tests.cluster.walking import (
    Finding,
    attribute_pairs,
    bastion_security,
    edge_security,
    interfaces,
    launch_templates,
    name_of,
    node_security,
    ranges,
    rules,
    server_security,
)

TLS_POLICIES = {
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
}


TRAEFIK_GRACE = 27

"""Seconds: what jobs/traefik waits and drains; a test compares."""


TARGET_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds", "deregistration_delay.connection_termination.enabled",
    "preserve_client_ip.enabled", "proxy_protocol_v2.enabled",
}  # fmt: skip


BALANCER_ATTRIBUTES = {
    "idle_timeout.timeout_seconds", "load_balancing.cross_zone.enabled",
    "routing.http.drop_invalid_header_fields.enabled",
}  # fmt: skip


def world(template: Rendered) -> Finding:
    """1: the world reaches the balancer's listeners, and nothing else."""
    ports = {each["Port"] for _, each in template.each("ElasticLoadBalancingV2::Listener")}
    if not ports:
        yield "no listener"
    edge, bastion = edge_security(template), bastion_security(template)
    for name, rule in rules(template):
        group = name_of(rule["GroupId"])
        for network in ranges(rule):
            whole = network.prefixlen == 0
            listens = rule["FromPort"] == rule["ToPort"] and rule["FromPort"] in ports
            if group in edge and not listens:
                yield f"{name} opens {rule['FromPort']} of the balancer, where nothing listens"
            if group not in edge | bastion or (whole and group not in edge):
                yield f"{name} lets {network} into {group}"


def plain_rules(template: Rendered) -> Finding:
    """2: every way in is a resource that names a protocol and ports."""
    for name, group in template.each("EC2::SecurityGroup"):
        if group.get("SecurityGroupIngress"):
            yield f"{name} has rules inside"
        if any(str(each["IpProtocol"]) == "-1" for each in group.get("SecurityGroupEgress", [])):
            yield f"{name} lets out all protocols"
    for name, rule in rules(template):
        if rule["IpProtocol"] not in {"tcp", "udp"}:
            yield f"{name} is for protocol {rule['IpProtocol']}"
        if (
            not 0 < rule["FromPort"] <= rule["ToPort"] < 65_536
            or rule["ToPort"] - rule["FromPort"] > 12_000
        ):
            yield f"{name} is for {rule['FromPort']} to {rule['ToPort']}"


def sources(template: Rendered) -> Finding:
    """3: servers are reached by the cluster's machines; SSH by a bastion, which not all reach."""
    servers, nodes = server_security(template), node_security(template)
    bastion = bastion_security(template)
    if not any(name_of(rule["GroupId"]) in servers for _, rule in rules(template)):
        yield "no rule lets anybody reach the servers"
    for name, rule in rules(template):
        source = name_of(rule.get("SourceSecurityGroupId"))
        ssh = rule["FromPort"] <= 22 <= rule["ToPort"]
        group = name_of(rule["GroupId"])
        if group in servers and source not in servers | nodes and not (ssh and source in bastion):
            yield f"{name} lets {source or 'addresses'} reach servers"
        if ssh and group in bastion:
            if any(network.prefixlen == 0 for network in ranges(rule)):
                yield f"{name} lets all reach the bastion"
        elif ssh and source not in bastion:
            yield f"{name} lets {source or 'addresses'} reach SSH"


def addresses(template: Rendered) -> Finding:
    """6: only balancer, NAT and bastion have public addresses."""
    for name, subnet in template.each("EC2::Subnet"):
        if subnet.get("MapPublicIpOnLaunch") is not False:
            yield f"{name} gives public addresses"
    for name, data in launch_templates(template):
        public = [each for each in interfaces(data) if each.get("AssociatePublicIpAddress")]
        said = {"NetworkInterfaceId", "AssociatePublicIpAddress"}
        if any(said.isdisjoint(each) for each in interfaces(data)) or not interfaces(data):
            yield f"{name} leaves open whether its machines have public addresses"
        if public and ("IamInstanceProfile" in data or not name.startswith("Bastion")):
            yield f"{name} gives its machines public addresses"
    used = {name_of(each.get("AllocationId")) for _, each in template.each("EC2::NatGateway")}
    for _, each in template.each("ElasticLoadBalancingV2::LoadBalancer"):
        used |= {name_of(one["AllocationId"]) for one in each.get("SubnetMappings", [])}
    for name, _ in template.each("EC2::EIP"):
        if name not in used:
            yield f"{name} is an address of neither NAT nor the balancer"
    for name, _ in template.each("EC2::EIPAssociation"):
        yield f"{name} gives something a public address"


def hosts(template: Rendered) -> Finding:
    """10: a server's address is one of its subnet, and its name leads there."""
    said = {
        record
        for _, group in template.each("Route53::RecordSetGroup")
        for each in group["RecordSets"]
        for record in each.get("ResourceRecords", [])
    }
    seen: set[str] = set()
    for name, interface in template.each("EC2::NetworkInterface"):
        address = interface.get("PrivateIpAddress", "")
        subnet = template.resources[name_of(interface["SubnetId"])]["Properties"]
        network = IPv4Network(subnet["CidrBlock"])
        if not address or IPv4Address(address) not in list(network)[4:-1]:
            yield f"{name} has {address}, not of {network}"
        if address not in said:
            yield f"no name leads to {name}"
        if address in seen:
            yield f"{address} is of two interfaces"
        seen.add(address)
    if not seen:
        yield "no interface has an address of its own"


def edge(template: Rendered) -> Finding:
    """19: TLS as it should be, /ping asked, and a machine that leaves has time to answer."""
    for name, listener in template.each("ElasticLoadBalancingV2::Listener"):
        secure = listener["Protocol"] in {"HTTPS", "TLS"}
        if secure and listener.get("SslPolicy") not in TLS_POLICIES:
            yield f"{name} takes {listener.get('SslPolicy')}"
        if secure and not listener.get("Certificates"):
            yield f"{name} has no certificate"
    targets = dict(template.each("ElasticLoadBalancingV2::TargetGroup"))
    if not targets:
        yield "no target group"
    for name, each in targets.items():
        if each.get("HealthCheckPath") != "/ping":
            yield f"{name} asks {each.get('HealthCheckPath')}"
        delay = attribute_pairs(each, "TargetGroupAttributes").get(
            "deregistration_delay.timeout_seconds", "300"
        )
        if not TRAEFIK_GRACE <= int(delay) < 300:
            yield f"{name} leaves {delay} s, Traefik takes {TRAEFIK_GRACE} s"
        # Unhealthy for the balancer before Traefik stops to accept.
        if each["HealthCheckIntervalSeconds"] * each["UnhealthyThresholdCount"] > 12:
            yield f"{name} notices too late that a Traefik ends"


def attributes(template: Rendered) -> Finding:
    """22: attributes that there are: CloudFormation finds out late."""
    for kind, key, known in (
        ("ElasticLoadBalancingV2::TargetGroup", "TargetGroupAttributes", TARGET_ATTRIBUTES),
        ("ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerAttributes", BALANCER_ATTRIBUTES),
    ):
        for name, each in template.each(kind):
            for attribute in attribute_pairs(each, key):
                if attribute not in known:
                    yield f"{name} has {attribute}"
