"""A CloudFormation template: itself for eyes and linters, and beside what it follows from."""

from __future__ import annotations

import json
from typing import Any

from toolkit.spec.cluster_template import ClusterTemplateReport


def lines(report: ClusterTemplateReport) -> list[str]:
    """The template as indented JSON, and nothing else."""
    body = json.loads(report.template.body)
    return json.dumps(body, indent=2, ensure_ascii=False).splitlines()


def document(report: ClusterTemplateReport) -> dict[str, Any]:
    """The template as it is sent, what goes with it, and what the cluster file comes to."""
    cluster, template = report.cluster, report.template
    return {
        "schema": "toolkit.cluster-template/1",
        "stack": template.stack,
        "region": cluster.region,
        "account": cluster.account,
        "bytes": template.size,
        "resources": template.resources,
        "capabilities": list(template.capabilities),
        "tags": dict(template.tags),
        "zones": list(cluster.zones),
        "network": str(cluster.network),
        "private_domain": cluster.private_domain,
        "public_domain": cluster.public_domain,
        "names": list(cluster.edge.names),
        "pools": list(cluster.pools),
        "servers": [
            {"name": slot.name, "zone": slot.zone, "address": slot.address, "host": slot.host}
            for slot in report.slots
        ],
        "subnets": [
            {"zone": each.zone, "public": str(each.public), "private": str(each.private)}
            for each in report.subnets
        ],
        "template": template.body,
    }
