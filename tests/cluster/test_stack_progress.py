"""What a stack's events come to: how far it is, what failed first, which servers stand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from toolkit.cluster.stack.progress import STACK, Progress, Step, advance, failures
from toolkit.spec.cloudformation import StackEvent

_IDS = count()


def event(logical: str, status: str, reason: str = "", kind: str = "AWS::EC2::VPC") -> StackEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return StackEvent(f"e{next(_IDS)}", at, logical, kind, status, reason)


def own(status: str) -> StackEvent:
    return event("prod", status, kind=STACK)


def after(*events: StackEvent) -> Progress:
    return advance(Progress(), events, "prod")[0]


def test_transitions_are_told_and_beginnings_are_not() -> None:
    events = [
        own("CREATE_IN_PROGRESS"),
        event("Vpc", "CREATE_IN_PROGRESS"),
        event("Vpc", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        event("Vpc", "CREATE_COMPLETE"),
        event("Net", "CREATE_IN_PROGRESS"),
    ]
    progress, steps = advance(Progress(), events, "prod")
    assert steps == (Step("Vpc", "EC2::VPC", "made", done=1),)
    assert progress.done == {"Vpc"}
    assert progress.waits_for() == ("Net",)
    assert progress.last == events[-1].id


def test_what_is_told_twice_is_said_once() -> None:
    """A list whose pages move while it is read has some events twice."""
    made = event("Vpc", "CREATE_COMPLETE")
    progress, steps = advance(Progress(), [own("CREATE_IN_PROGRESS"), made, made], "prod")
    assert len(steps) == 1
    assert advance(progress, [made], "prod")[1] == ()


def test_the_first_failure_is_the_cause_and_what_follows_from_it_is_not_one() -> None:
    progress = after(
        own("CREATE_IN_PROGRESS"),
        event("Server2", "CREATE_FAILED", "Received 0 SUCCESS signal(s) out of 1"),
        event("Server1", "CREATE_FAILED", "Resource creation cancelled"),
        event("Edge", "CREATE_FAILED", "You have reached the limit"),
        own("CREATE_FAILED"),
    )
    assert [row.logical for row in progress.failed] == ["Server2", "Edge"]


def test_an_earlier_operations_failures_are_not_this_ones() -> None:
    earlier = [
        own("CREATE_IN_PROGRESS"),
        event("Server1", "CREATE_COMPLETE"),
        event("Pool", "CREATE_FAILED", "no capacity"),
        own("CREATE_FAILED"),
    ]
    assert [row.logical for row in failures(earlier, "prod")] == ["Pool"]
    again = [*earlier, own("UPDATE_IN_PROGRESS"), event("Pool", "CREATE_COMPLETE")]
    progress, steps = advance(Progress(), again, "prod")
    assert progress.failed == ()
    assert progress.done == {"Pool"}
    assert [step.logical for step in steps] == ["Pool"]


def test_a_way_back_belongs_to_what_failed() -> None:
    progress = after(
        own("UPDATE_IN_PROGRESS"),
        event("Pool", "UPDATE_FAILED", "no capacity"),
        own("UPDATE_ROLLBACK_IN_PROGRESS"),
        event("Pool", "UPDATE_COMPLETE"),
        own("UPDATE_ROLLBACK_COMPLETE"),
    )
    assert [row.logical for row in progress.failed] == ["Pool"]


def test_servers_stand_when_all_of_them_are_made() -> None:
    groups = ("Server1", "Server2", "Server3")
    progress = after(
        event("Server1", "CREATE_COMPLETE"),
        event("Server2", "CREATE_COMPLETE"),
        event("Server3", "CREATE_IN_PROGRESS"),
    )
    assert not progress.stand(groups)
    progress, _ = advance(progress, [event("Server3", "CREATE_COMPLETE")], "prod")
    assert progress.stand(groups)
    progress, _ = advance(progress, [event("Server1", "DELETE_IN_PROGRESS")], "prod")
    assert not progress.stand(groups)


def test_a_resource_that_has_the_stacks_name_is_a_resource() -> None:
    progress = after(own("CREATE_IN_PROGRESS"), event("prod", "CREATE_FAILED", "why"))
    assert [row.logical for row in progress.failed] == ["prod"]
