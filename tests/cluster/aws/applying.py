"""`plan` and `up` as tests call them: with a say in every question, every wait and every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.aws.account import ACCOUNT, REGION, Aws
from tests.cluster.aws.commands import ATTEMPTS, FILLING, nap, opener, unequipped
from tests.cluster.aws.standing import Standing, standing
from toolkit.spec.cluster_apply import ClusterPlanReport, ClusterUpReport
from toolkit.spec.events import Event
from toolkit.spec.preflight import Preflight
from toolkit.workflows.cluster.apply import Tools, plan, up
from toolkit.workflows.cluster.preflight import preflight


def nothing_found(*_: Any, **__: Any) -> Preflight:
    """An account that has all that is wanted."""
    return Preflight(ACCOUNT, REGION, ())


@dataclass
class Applying:
    """A project and what was said and asked of it."""

    folder: Path
    answer: Callable[[str], bool] = lambda _: True
    sleep: Callable[[float], None] = nap
    timeout: float = 600.0
    asks: bool = True
    """False: the preflight finds nothing, without asking."""
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
            cloud=opener(ATTEMPTS),
            filling=replace(FILLING, **self.steps),
            preflight=more.pop("preflight", preflight if self.asks else nothing_found),
            equipment=more.pop("equipment", unequipped),
            **more,
        )

    def up(self, **more: Any) -> ClusterUpReport:
        """`toolkit cluster up prod`."""
        return up(self.folder, "prod", self.tools(**more))

    def plan(self, *, prices: Path | None = None, **seams: Any) -> ClusterPlanReport:
        """`toolkit cluster plan prod`."""
        return plan(self.folder, "prod", self.tools(**seams), prices=prices)

    def told(self, stage: str) -> list[str]:
        """The events of a stage."""
        return [event.text for event in self.events if event.stage == stage]

    def _asked(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer(question)


@contextmanager
def raised(aws: Aws, folder: Path) -> Iterator[Standing]:
    """A cluster that is up, for the tests of a file to share."""
    aws.reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environ.items():
            patch.setenv(name, value)
        there = standing(aws, folder)
        assert Applying(there.folder).up().word == "up"
        yield there
    aws.calm()


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
