"""The private zone, and the names of the servers in it: how every machine finds them."""

from __future__ import annotations

from toolkit.cluster.network import hosts
from toolkit.cluster.template.forms import Resources, ref, resource
from toolkit.cluster.template.network import way_out
from toolkit.spec.cluster import SERVERS, Cluster

TTL = 60


def dns(cluster: Cluster) -> Resources:
    """Zone and records."""
    return {
        "Zone": resource(
            "Route53::HostedZone",
            {
                "Name": f"{cluster.private_domain}.",
                "HostedZoneConfig": {"Comment": f"Machines and services of cluster {cluster.name}"},
                "VPCs": [{"VPCId": ref("Vpc"), "VPCRegion": cluster.region}],
            },
        ),
        "Hosts": resource(
            "Route53::RecordSetGroup",
            {
                "HostedZoneId": ref("Zone"),
                "RecordSets": [
                    {"Name": f"{host}.", "Type": "A", "TTL": str(TTL), "ResourceRecords": [address]}
                    for host, address in hosts(cluster).items()
                ],
            },
            # Servers wait for their names: so they wait for their ways out, said once.
            DependsOn=way_out(cluster, cluster.zones[:SERVERS]),
        ),
    }
