"""SQS and CloudWatch: the queue of machines that are to go, and the cluster's alarms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolkit.clients.aws.cloud import Cloud
from toolkit.spec.aws import AlarmView, QueueView

_NO_QUEUE = re.compile(r"^[^:]*(?:NonExistentQueue|QueueDoesNotExist)")


class Notices:
    """The queues and alarms of one account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def queue(self, url: str) -> QueueView | None:
        """A queue by its address: the physical id of the stack's `Notices`."""
        waiting, taken = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        answer = self._cloud.ask(
            "sqs",
            "get_queue_attributes",
            unless=_NO_QUEUE,
            QueueUrl=url,
            AttributeNames=[waiting, taken],
        )
        if answer is None:
            return None
        counted = answer.get("Attributes") or {}
        return QueueView(int(counted.get(waiting, 0)), int(counted.get(taken, 0)))

    def alarms(self, names: Sequence[str]) -> tuple[AlarmView, ...]:
        """Alarms by name, the physical ids of the stack's; those that are there, sorted."""
        if not names:
            return ()
        listed = self._cloud.pages(
            "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=list(names)
        )
        found = [
            AlarmView(
                name=str(each["AlarmName"]),
                metric=str(each.get("MetricName") or ""),
                state=str(each.get("StateValue", "")),
                reason=str(each.get("StateReason") or ""),
                since=each.get("StateUpdatedTimestamp"),
            )
            for each in listed
        ]
        return tuple(sorted(found, key=lambda alarm: alarm.name))
