"""`plan` and `up` as tests call them: with a say in every question, every wait and every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.cluster.aws.account import Aws
from tests.cluster.aws.commands import FILLING, nap
from toolkit.clients.aws.cloud import Cloud
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_apply import ClusterPlanReport, ClusterUpReport
from toolkit.spec.events import Event
from toolkit.workflows.cluster.apply import Tools, plan, up

ATTEMPTS = 2
"""Of one call: who throttles until the end is believed sooner than by a user's command."""


def open_cloud(cluster: Cluster) -> Cloud:
    """AWS, as this process finds it."""
    return Cloud(cluster.region, account=cluster.account, attempts=ATTEMPTS)


@dataclass
class Applying:
    """A project and what was said and asked of it."""

    folder: Path
    answer: Callable[[str], bool] = lambda _: True
    sleep: Callable[[float], None] = nap
    timeout: float = 600.0
    steps: dict[str, Any] = field(default_factory=dict)
    """Of `Filling`, instead of the stand-ins."""
    questions: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def tools(self, **more: Any) -> Tools:
        """With these ways."""
        return Tools(
            confirm=self._asked,
            on_event=self.events.append,
            timeout=self.timeout,
            sleep=self.sleep,
            cloud=open_cloud,
            filling=replace(FILLING, **self.steps),
            **more,
        )

    def up(self, **more: Any) -> ClusterUpReport:
        """`toolkit cluster up prod`."""
        return up(self.folder, "prod", self.tools(**more))

    def plan(self, **more: Any) -> ClusterPlanReport:
        """`toolkit cluster plan prod`."""
        return plan(self.folder, "prod", self.tools(), **more)

    def told(self, stage: str) -> list[str]:
        """The events of a stage."""
        return [event.text for event in self.events if event.stage == stage]

    def _asked(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer(question)


def sets(aws: Aws) -> list[str]:
    """Change sets that wait in the stack."""
    found = aws.client("cloudformation").list_change_sets(StackName="prod")["Summaries"]
    return [each["ChangeSetName"] for each in found]


def most(aws: Aws) -> int:
    """How many machines the pool of workers may have."""
    found = aws.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=["prod-pool-worker"]
    )
    return int(found["AutoScalingGroups"][0]["MaxSize"])
