"""The drain queue: who is told that a machine is to go."""

from __future__ import annotations

from toolkit.cluster.template.forms import Resources, att, ref, resource
from toolkit.spec.cluster import Cluster

KEPT = 3600
"""Seconds that a notice is kept: a machine is gone long before."""
WARNING = "EC2 Spot Instance Interruption Warning"


def notices(cluster: Cluster) -> Resources:
    """The queue, and where there are spot instances the rule that writes AWS's warnings to it."""
    found: Resources = {
        "Notices": resource(
            "SQS::Queue",
            {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": KEPT},
        )
    }
    if not any(pool.spot for pool in cluster.all_pools):
        return found
    found["SpotWarnings"] = resource(
        "Events::Rule",
        {
            "Description": f"Spot instances that AWS takes back, for cluster {cluster.name}",
            "EventPattern": {"source": ["aws.ec2"], "detail-type": [WARNING]},
            "Targets": [{"Id": "notices", "Arn": att("Notices", "Arn")}],
        },
    )
    found["NoticesPolicy"] = resource(
        "SQS::QueuePolicy",
        {
            "Queues": [ref("Notices")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": att("Notices", "Arn"),
                        "Condition": {"ArnEquals": {"aws:SourceArn": att("SpotWarnings", "Arn")}},
                    }
                ],
            },
        },
    )
    return found
