"""The balancer in front of Traefik, and the public names that lead to it."""

from __future__ import annotations

from typing import Any

from toolkit.cluster.template.forms import Resources, att, letter, ref, resource
from toolkit.spec.cluster import Cluster

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
IDLE = 60
"""Seconds that the balancer keeps a connection without a request; Traefik keeps it longer."""


def edge(cluster: Cluster) -> Resources:
    """Balancer, target group, listeners and public records."""
    tcp = cluster.edge.kind == "nlb"
    found = _addresses(cluster) if tcp else {}
    found["Edge"] = resource(
        "ElasticLoadBalancingV2::LoadBalancer",
        {
            "Type": "network" if tcp else "application",
            "Scheme": "internet-facing",
            "SecurityGroups": [ref("SgEdge")],
            **_places(cluster),
            "LoadBalancerAttributes": attributes(
                {"load_balancing.cross_zone.enabled": "true"}
                if tcp
                else {
                    "idle_timeout.timeout_seconds": str(IDLE),
                    # What Traefik and a service could read differently.
                    "routing.http.drop_invalid_header_fields.enabled": "true",
                }
            ),
        },
        DependsOn="PublicRoute",
    )
    return found | {"Targets": _targets(cluster)} | _listeners(cluster) | _names(cluster)


def attributes(pairs: dict[str, str]) -> list[dict[str, str]]:
    """Of a balancer or a target group."""
    return [{"Key": key, "Value": pairs[key]} for key in sorted(pairs)]


def _addresses(cluster: Cluster) -> Resources:
    return {
        f"EdgeAddress{letter(zone)}": resource(
            "EC2::EIP",
            {"Domain": "vpc"},
            DependsOn="GatewayAttachment",
        )
        for zone in cluster.zones
    }


def _places(cluster: Cluster) -> dict[str, Any]:
    letters = [letter(zone) for zone in cluster.zones]
    if cluster.edge.kind == "alb":
        return {"Subnets": [ref(f"PublicSubnet{at}") for at in letters]}
    return {
        "SubnetMappings": [
            {
                "SubnetId": ref(f"PublicSubnet{at}"),
                "AllocationId": att(f"EdgeAddress{at}", "AllocationId"),
            }
            for at in letters
        ]
    }


def _targets(cluster: Cluster) -> dict[str, Any]:
    edge = cluster.edge
    pairs = {"deregistration_delay.timeout_seconds": f"{edge.drain:.0f}"}
    if edge.kind == "nlb":
        pairs |= {
            "deregistration_delay.connection_termination.enabled": "true",
            # Who the caller is, Traefik is told in the protocol's first line.
            "preserve_client_ip.enabled": "false",
            "proxy_protocol_v2.enabled": "true",
        }
    return resource(
        "ElasticLoadBalancingV2::TargetGroup",
        {
            "VpcId": ref("Vpc"),
            "TargetType": "instance",
            "Protocol": "TCP" if edge.kind == "nlb" else "HTTP",
            "Port": edge.traefik_port,
            "HealthCheckProtocol": "HTTP",
            "HealthCheckPort": str(edge.ping_port),
            "HealthCheckPath": "/ping",
            "HealthCheckIntervalSeconds": 5,
            "HealthCheckTimeoutSeconds": 3,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
            "Matcher": {"HttpCode": "200"},
            "TargetGroupAttributes": attributes(pairs),
        },
    )


def _listeners(cluster: Cluster) -> Resources:
    edge = cluster.edge
    plain, secure = ("TCP", "TLS") if edge.kind == "nlb" else ("HTTP", "HTTPS")
    forward = {"Type": "forward", "TargetGroupArn": ref("Targets")}
    found: Resources = {}
    if edge.http is not None:
        action: dict[str, Any] = forward
        if edge.redirect:
            to = {"Protocol": "HTTPS", "Port": str(edge.https), "StatusCode": "HTTP_301"}
            action = {"Type": "redirect", "RedirectConfig": to}
        found["Http"] = _listener(plain, edge.http, action)
    if edge.https is not None:
        found["Https"] = _listener(
            secure,
            edge.https,
            forward,
            SslPolicy=TLS_POLICY,
            Certificates=[{"CertificateArn": edge.certificate}],
        )
    return found


def _listener(protocol: str, port: int, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resource(
        "ElasticLoadBalancingV2::Listener",
        {
            "LoadBalancerArn": ref("Edge"),
            "Protocol": protocol,
            "Port": port,
            "DefaultActions": [action],
            **more,
        },
    )


def _names(cluster: Cluster) -> Resources:
    if cluster.public_domain is None or not cluster.edge.names:
        return {}
    zone = (
        {"HostedZoneId": cluster.public_zone}
        if cluster.public_zone
        else {"HostedZoneName": f"{cluster.public_domain}."}
    )
    alias = {
        "DNSName": att("Edge", "DNSName"),
        "HostedZoneId": att("Edge", "CanonicalHostedZoneID"),
    }
    records = [
        {"Name": f"{name}.", "Type": "A", "AliasTarget": alias} for name in cluster.edge.names
    ]
    return {"PublicNames": resource("Route53::RecordSetGroup", {**zone, "RecordSets": records})}
