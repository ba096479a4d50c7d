"""Alarms: no leader, and certificates that are about to end."""

from __future__ import annotations

from typing import Any

from toolkit.cluster.template.forms import Resources, resource
from toolkit.cluster.template.servers import server_groups
from toolkit.spec.cluster import Cluster

DAYS = 30
"""Before the first certificate ends."""


def namespace(cluster: Cluster) -> str:
    """Where the servers' metrics are."""
    return f"toolkit/{cluster.name}"


def alarms(cluster: Cluster) -> Resources:
    """Both of the alarms."""
    return {
        "QuorumLost": _alarm(
            cluster,
            "HasLeader",
            f"No server of cluster {cluster.name} knows a leader of both Consul and Nomad",
            Statistic="Maximum",
            Threshold=1,
            Period=60,
            EvaluationPeriods=3,
            # Servers that are all gone say nothing.
            TreatMissingData="breaching",
        ),
        "CertificatesEnd": _alarm(
            cluster,
            "CertificateDays",
            f"A certificate of cluster {cluster.name} ends within {DAYS} days",
            Statistic="Minimum",
            Threshold=DAYS,
            Period=3600,
            EvaluationPeriods=1,
            TreatMissingData="ignore",
        ),
    }


def _alarm(cluster: Cluster, metric: str, what: str, **more: Any) -> dict[str, Any]:
    told = [cluster.alarm_topic] if cluster.alarm_topic else []
    return resource(
        "CloudWatch::Alarm",
        {
            "Namespace": namespace(cluster),
            "MetricName": metric,
            "AlarmDescription": what,
            "ComparisonOperator": "LessThanThreshold",
            **({"AlarmActions": told, "OKActions": told} if told else {}),
            **more,
        },
        # Not while there has never been a leader.
        DependsOn=list(server_groups(cluster)),
    )
