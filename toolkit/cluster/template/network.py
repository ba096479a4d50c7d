"""The VPC: a public and a private subnet in each zone, and the ways out."""

from __future__ import annotations

from toolkit.cluster.network import slots, subnets
from toolkit.cluster.template.forms import Resources, att, letter, named, ref, resource
from toolkit.config.clusterfile_owned import partition
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster

ENDPOINTS = (
    "autoscaling", "cloudformation", "ec2", "ecr.api", "ecr.dkr", "kms", "monitoring", "sqs",
    "ssm", "ssmmessages", "sts",
)  # fmt: skip
"""What machines ask of AWS, and would not reach without NAT."""


def network(cluster: Cluster) -> Resources:
    """VPC, subnets, gateways, routes and endpoints."""
    found: Resources = {
        "Vpc": resource(
            "EC2::VPC",
            {
                "CidrBlock": str(cluster.network),
                "EnableDnsSupport": True,
                "EnableDnsHostnames": True,
                "Tags": named(cluster),
            },
        ),
        "Gateway": resource("EC2::InternetGateway", {}),
        "GatewayAttachment": resource(
            "EC2::VPCGatewayAttachment",
            {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")},
        ),
        "PublicRoutes": resource("EC2::RouteTable", {"VpcId": ref("Vpc")}),
        "PublicRoute": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("PublicRoutes"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": ref("Gateway"),
            },
            DependsOn="GatewayAttachment",
        ),
    }
    for each in subnets(cluster):
        at = letter(each.zone)
        found |= _subnet(cluster, "Public", each.zone, str(each.public), "PublicRoutes")
        found |= _subnet(cluster, "Private", each.zone, str(each.private), f"PrivateRoutes{at}")
        found[f"PrivateRoutes{at}"] = resource(
            "EC2::RouteTable",
            {"VpcId": ref("Vpc")},
        )
    return found | _nat(cluster) | _endpoints(cluster)


def way_out(cluster: Cluster, zones: tuple[str, ...]) -> list[str]:
    """Logical ids of what machines of the zones need before they reach anything."""
    letters = [letter(zone) for zone in zones]
    if not zones:
        return []
    needed = [f"PrivateSubnet{at}Routes" for at in letters] + ["S3Endpoint"]
    if cluster.nat == "none":
        return [*needed, *(_endpoint_id(name) for name in ENDPOINTS)]
    return [*needed, *(f"PrivateRoute{at}" for at in letters)]


def _subnet(cluster: Cluster, kind: str, zone: str, block: str, routes: str) -> Resources:
    name = f"{kind}Subnet{letter(zone)}"
    return {
        name: resource(
            "EC2::Subnet",
            {
                "VpcId": ref("Vpc"),
                "AvailabilityZone": zone,
                "CidrBlock": block,
                "MapPublicIpOnLaunch": False,
                "Tags": named(cluster, f"{kind.lower()}-{zone[-1]}"),
            },
        ),
        f"{name}Routes": resource(
            "EC2::SubnetRouteTableAssociation",
            {"SubnetId": ref(name), "RouteTableId": ref(routes)},
        ),
    }


def _nat(cluster: Cluster) -> Resources:
    if cluster.nat == "none":
        return {}
    found: Resources = {}
    single = cluster.nat == "single"
    for zone in cluster.zones[:1] if single else cluster.zones:
        at = letter(zone)
        found[f"NatAddress{at}"] = resource(
            "EC2::EIP",
            {"Domain": "vpc"},
            DependsOn="GatewayAttachment",
        )
        found[f"Nat{at}"] = resource(
            "EC2::NatGateway",
            {
                "AllocationId": att(f"NatAddress{at}", "AllocationId"),
                "SubnetId": ref(f"PublicSubnet{at}"),
            },
            # Its own way out.
            DependsOn=["PublicRoute", f"PublicSubnet{at}Routes"],
        )
    for zone in cluster.zones:
        at = letter(zone)
        found[f"PrivateRoute{at}"] = resource(
            "EC2::Route",
            {
                "RouteTableId": ref(f"PrivateRoutes{at}"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "NatGatewayId": ref(f"Nat{letter(cluster.zones[0]) if single else at}"),
            },
        )
    return found


def _endpoints(cluster: Cluster) -> Resources:
    letters = [letter(zone) for zone in cluster.zones]
    found: Resources = {
        "S3Endpoint": resource(
            "EC2::VPCEndpoint",
            {
                "VpcId": ref("Vpc"),
                "VpcEndpointType": "Gateway",
                "ServiceName": f"com.amazonaws.{cluster.region}.s3",
                "RouteTableIds": [ref(f"PrivateRoutes{at}") for at in letters],
            },
        )
    }
    if cluster.nat != "none":
        return found
    if partition(cluster.region) == "aws-cn":
        raise RefusedError(
            f"cluster {cluster.name}: what AWS's endpoints in China are called is not known",
            hint='network.nat = "single" needs none',
        )
    for name in ENDPOINTS:
        found[_endpoint_id(name)] = resource(
            "EC2::VPCEndpoint",
            {
                "VpcId": ref("Vpc"),
                "VpcEndpointType": "Interface",
                "ServiceName": f"com.amazonaws.{cluster.region}.{name}",
                "PrivateDnsEnabled": True,
                "SubnetIds": [ref(f"PrivateSubnet{at}") for at in letters],
                "SecurityGroupIds": [ref("SgEndpoint")],
            },
            # They take whatever address is free, and the servers' are fixed.
            DependsOn=[f"Eni{slot.number}" for slot in slots(cluster)],
        )
    return found


def _endpoint_id(service: str) -> str:
    return "Endpoint" + "".join(part.capitalize() for part in service.split("."))
