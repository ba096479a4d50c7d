"""A stack is followed to its end, or to ours: what was told once, lost answers, deadlines, servers.

CloudFormation is a script here: what it says at each look, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import pytest

from toolkit.cluster.stack.progress import STACK
from toolkit.errors import ApiError, DeniedError, NotFoundError, ServerError, UnreachableError
from toolkit.spec.cloudformation import StackEvent, StackView
from toolkit.workflows.cluster.apply.follow import LOST, Followed, Watch, follow
from toolkit.workflows.cluster.apply.work import Tools, Work

_IDS = count()
ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/prod/1"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(logical: str, status: str, reason: str = "", kind: str = "AWS::EC2::VPC") -> StackEvent:
    return StackEvent(f"e{next(_IDS)}", AT, logical, kind, status, reason)


def own(status: str) -> StackEvent:
    return event("prod", status, kind=STACK)


@dataclass
class Look:
    """What is said at one look: the stack's status, new events; or an error."""

    status: str = "CREATE_IN_PROGRESS"
    events: Sequence[StackEvent] = ()
    updated: datetime | None = None
    error: ApiError | None = None


@dataclass
class Script:
    """Stands for the stack, the clock and who is told."""

    looks: Iterator[Look]
    seconds: float = 600.0
    now: float = 0.0
    told: list[str] = field(default_factory=list)
    asked_after: list[str | None] = field(default_factory=list)
    cluster: Any = None
    name: str = "prod"

    def __post_init__(self) -> None:
        self.look = Look()
        self.tools = Tools(clock=lambda: self.now)

    @property
    def stacks(self) -> Script:
        return self

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - self.now)

    def find(self, name: str) -> StackView | None:
        assert name == ID
        self.look = next(self.looks)
        if self.look.error is not None:
            raise self.look.error
        if not self.look.status:
            return None
        return StackView(ID, "prod", self.look.status, updated=self.look.updated)

    def events(self, stack_id: str, after: str | None) -> tuple[StackEvent, ...]:
        self.asked_after.append(after)
        return tuple(self.look.events)

    def say(self, stage: str, text: str) -> None:
        self.told.append(text)

    def pause(self, seconds: float) -> None:
        self.now += min(seconds, self.left) or 0.001


def watched(
    *looks: Look, status: str = "CREATE_IN_PROGRESS", begun: bool = True, seconds: float = 600.0
) -> tuple[Script, Watch]:
    script = Script(iter(looks), seconds)
    stack = StackView(ID, "prod", status)
    return script, Watch(cast("Work", script), stack, total=2, begun=begun)


def followed(script: Script, watch: Watch, **more: Any) -> Followed:
    return follow(watch, lambda: script.left, **more)


def test_each_event_is_asked_for_and_told_once() -> None:
    first = event("Vpc", "CREATE_COMPLETE")
    script, watch = watched(
        Look(events=[own("CREATE_IN_PROGRESS"), first]),
        Look(),
        Look(events=[event("Net", "CREATE_COMPLETE")]),
        Look("CREATE_COMPLETE", [own("CREATE_COMPLETE")]),
    )
    end = followed(script, watch)
    assert end.over
    assert end.standing.well
    assert [line.split() for line in script.told] == [
        ["1", "of", "2", "made", "Vpc"],
        ["2", "of", "2", "made", "Net"],
    ]
    assert script.asked_after[:2] == [None, first.id]


def test_many_at_once_are_a_line_and_a_failure_is_its_own() -> None:
    script, watch = watched(
        Look(events=[event(f"R{n}", "CREATE_COMPLETE") for n in range(6)]),
        Look("CREATE_FAILED", [event("Bad", "CREATE_FAILED", "no room"), own("CREATE_FAILED")]),
    )
    end = followed(script, watch)
    assert [" ".join(line.split()) for line in script.told] == [
        "6 of 2 made R0, R1, R2 and 3 more",
        "Bad failed (EC2::VPC): no room",
    ]
    assert end.progress.failed[0].logical == "Bad"


def test_the_status_of_the_time_before_is_not_believed() -> None:
    """Just after a change was begun CloudFormation may still show the end of the last one."""
    script, watch = watched(
        Look("UPDATE_COMPLETE"),
        Look("UPDATE_COMPLETE", [own("UPDATE_IN_PROGRESS")]),
        Look("UPDATE_IN_PROGRESS", updated=AT),
        Look("UPDATE_ROLLBACK_COMPLETE", [own("UPDATE_ROLLBACK_COMPLETE")], updated=AT),
        status="UPDATE_COMPLETE",
        begun=False,
    )
    end = followed(script, watch)
    assert end.stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert end.over


def test_a_new_stack_is_not_taken_for_an_empty_one() -> None:
    script, watch = watched(
        Look("REVIEW_IN_PROGRESS", [own("REVIEW_IN_PROGRESS")]),
        Look("CREATE_IN_PROGRESS", [own("CREATE_IN_PROGRESS")]),
        Look("CREATE_COMPLETE"),
        status="REVIEW_IN_PROGRESS",
        begun=False,
    )
    assert followed(script, watch).stack.status == "CREATE_COMPLETE"


def test_a_change_that_is_over_at_once_is_over() -> None:
    script, watch = watched(
        Look("UPDATE_COMPLETE", [own("UPDATE_IN_PROGRESS"), own("UPDATE_COMPLETE")]),
        status="UPDATE_COMPLETE",
        begun=False,
    )
    assert followed(script, watch).over


def test_when_no_time_is_left_it_goes_on_without_us() -> None:
    def endless() -> Iterator[Look]:
        yield Look(events=[event("Server1", "CREATE_IN_PROGRESS")])
        while True:
            yield Look()

    script = Script(endless(), seconds=30)
    watch = Watch(cast("Work", script), StackView(ID, "prod", "CREATE_IN_PROGRESS"))
    end = followed(script, watch)
    assert not end.over
    assert end.progress.waits_for() == ("Server1",)
    assert script.now == pytest.approx(30, abs=1)


@pytest.mark.parametrize("kind", [UnreachableError, ServerError])
def test_an_aws_that_is_away_for_a_while_is_borne(kind: type[ApiError]) -> None:
    away = Look(error=kind("cloudformation:DescribeStacks does not answer", system="AWS"))
    script, watch = watched(Look(), away, away, Look("CREATE_COMPLETE"))
    assert followed(script, watch).stack.status == "CREATE_COMPLETE"
    assert len([line for line in script.told if "does not answer" in line]) == 1


def test_an_aws_that_stays_away_is_not_waited_for_for_ever() -> None:
    def gone() -> Iterator[Look]:
        while True:
            yield Look(error=UnreachableError("away", system="AWS"))

    script = Script(gone())
    watch = Watch(cast("Work", script), StackView(ID, "prod", "CREATE_IN_PROGRESS"))
    with pytest.raises(UnreachableError, match="away"):
        followed(script, watch)
    assert LOST <= script.now < LOST * 2


def test_credentials_that_end_are_said_at_once() -> None:
    script, watch = watched(Look(), Look(error=DeniedError("the token has expired", system="AWS")))
    with pytest.raises(DeniedError, match="expired"):
        followed(script, watch)
    assert next(script.looks, None) is None


def test_a_stack_that_is_gone_is_not_called_anything_else() -> None:
    script, watch = watched(Look(), Look(""))
    with pytest.raises(NotFoundError, match="prod is gone"):
        followed(script, watch)


def serving(steps: list[str]) -> Callable[[Callable[[float], None]], None]:
    """Servers that take five waits until they know everybody."""

    def begin(sleep: Callable[[float], None]) -> None:
        steps.append("begun")
        for _ in range(5):
            sleep(5.0)
        steps.append("known")

    return begin


def test_events_go_on_being_told_while_the_servers_begin() -> None:
    looks = [Look(events=[event(f"R{n}", "CREATE_COMPLETE")]) for n in range(7)]
    script, watch = watched(*looks, Look("CREATE_COMPLETE"), Look("CREATE_COMPLETE"))
    steps: list[str] = []
    end = followed(script, watch, ready=lambda p: "R0" in p.done, begin=serving(steps))
    assert steps == ["begun", "known"]
    assert len(script.told) == 7
    assert end.over


def test_servers_that_begin_are_not_waited_for_when_the_stack_has_failed() -> None:
    script, watch = watched(
        Look(events=[event("R0", "CREATE_COMPLETE")]),
        Look("CREATE_FAILED", [event("Pool", "CREATE_FAILED", "no room")]),
    )
    steps: list[str] = []
    end = followed(script, watch, ready=lambda _: True, begin=serving(steps))
    assert steps == ["begun"]
    assert end.stack.status == "CREATE_FAILED"
    assert end.over


def test_a_way_in_that_is_not_there_yet_is_tried_again() -> None:
    script, watch = watched(*[Look()] * 4, Look("CREATE_COMPLETE"))
    tries: list[int] = []

    def begin(sleep: Callable[[float], None]) -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise UnreachableError("no way into prod", system="SSH")

    end = followed(script, watch, ready=lambda _: True, begin=begin)
    assert tries == [0, 1, 2]
    assert script.told == ["no way into prod: we go on trying"]
    assert end.standing.well


def test_servers_that_refuse_us_are_not_tried_again() -> None:
    script, watch = watched(*[Look()] * 4)

    def begin(sleep: Callable[[float], None]) -> None:
        raise DeniedError("its servers know other tokens", system="Consul")

    with pytest.raises(DeniedError, match="other tokens"):
        followed(script, watch, ready=lambda _: True, begin=begin)


def test_servers_that_begin_last_may_still_begin() -> None:
    """The stack may be whole before the last of them knows everybody."""
    script, watch = watched(Look(), *[Look("CREATE_COMPLETE")] * 20)
    steps: list[str] = []
    end = followed(script, watch, ready=lambda _: True, begin=serving(steps))
    assert steps == ["begun", "known"]
    assert end.standing.well
