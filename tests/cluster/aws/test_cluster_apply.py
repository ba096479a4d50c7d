"""`plan` and `up` against an account on loopback: from nothing, again, changed, in bad shape."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.aws.account import Aws
from tests.cluster.aws.applying import Applying, sets
from tests.cluster.aws.commands import FILLING, nap
from tests.cluster.aws.standing import FILE, Standing, standing
from toolkit.clients.aws.stacks import Stacks
from toolkit.cluster.template import render_template
from toolkit.errors import (
    ChangedError,
    DeniedError,
    ExitCode,
    InterruptedRolloutError,
    RefusedError,
    UnreachableError,
)
from toolkit.spec.cluster_access import Access
from toolkit.workflows.cluster.equip import equipment
from toolkit.workflows.cluster.status import Tools as LookTools
from toolkit.workflows.cluster.status import status

WRITES = ("Create", "Put", "Execute", "Update", "Delete", "Add", "Cancel")
DOZEN = 12


@pytest.fixture
def there(aws: Aws, tmp_path: Path) -> Standing:
    """An account with a public zone, and a project whose cluster file asks nobody."""
    return standing(aws, tmp_path)


@pytest.fixture
def run(there: Standing) -> Applying:
    return Applying(there.folder, asks=False)


@pytest.fixture
def careful(there: Standing) -> Applying:
    """With the preflight that commands have."""
    return Applying(there.folder)


def writes(aws: Aws) -> list[str]:
    """What was called that changes something."""
    return [name for name in aws.operations() if name.startswith(WRITES)]


def test_a_plan_of_nothing_makes_nothing(aws: Aws, there: Standing, careful: Applying) -> None:
    aws.forget()
    report = careful.plan(equipment=equipment)
    assert (report.word, report.code, report.stack) == ("changes", ExitCode.CHANGES, None)
    assert {row.word for row in report.changes} == {"make"}
    assert len(aws.calls()) <= DOZEN
    assert writes(aws) == []
    assert there.status() == ""
    assert report.account == "123456789012"
    assert any("kick is left out of the equipment" in note for note in report.notes)
    assert {each.unit.key for each in report.bill.charges} >= {"instance-hour.t3.medium"}


def test_up_makes_all_and_again_changes_nothing(
    aws: Aws, there: Standing, careful: Applying
) -> None:
    """Servers begin while the stack is still being made: workers need what they are told."""
    aws.knobs(held=["PoolControl", "PoolFrontend", "PoolWorker"])
    statuses = []

    def begin(*handed: Any) -> None:
        statuses.append(there.status())
        aws.knobs(held=[])
        FILLING.begin(*handed)

    careful.steps["begin"] = begin
    report = careful.up()
    assert statuses[0] == "CREATE_IN_PROGRESS"
    assert (report.word, report.code) == ("up", ExitCode.OK)
    assert there.status() == "CREATE_COMPLETE"
    assert set(report.made) <= set(there.store().names())
    assert there.store().get("server/state/bootstrapped") is not None
    assert careful.questions == []
    assert sets(aws) == []

    again = Applying(there.folder)
    aws.forget()
    second = again.up()
    assert (second.word, second.code, second.made) == ("unchanged", ExitCode.OK, ())
    assert set(writes(aws)) == {"CreateChangeSet", "DeleteChangeSet"}
    assert sets(aws) == []

    aws.forget()
    planned = again.plan()
    assert (planned.word, planned.code, planned.changes) == ("nothing", ExitCode.OK, ())
    assert len(aws.calls()) <= DOZEN
    assert sets(aws) == []


def test_a_failed_making_keeps_all_says_why_and_is_gone_on_with(
    aws: Aws, there: Standing, run: Applying
) -> None:
    aws.knobs(fails={"PoolWorker": "You have reached your quota of vCPUs"})
    report = run.up()
    assert (report.word, report.code, report.stack) == ("failed", ExitCode.FAILED, "CREATE_FAILED")
    assert report.failures[0].logical == "PoolWorker"
    assert "quota of vCPUs" in report.failures[0].reason
    assert "PoolWorker failed first" in report.sentence
    assert report.next == ("toolkit cluster up prod", "toolkit cluster down prod")
    assert there.physical("Server1") == "prod-server-1"

    # There is nothing to go back to: going back would delete what was made.
    again = run.up()
    assert (again.word, again.stack) == ("failed", "UPDATE_FAILED")
    assert there.physical("Server1") == "prod-server-1"

    aws.knobs(fails={})
    assert run.plan().code is ExitCode.CHANGES
    assert run.up().word == "up"
    assert there.status() == "UPDATE_COMPLETE"


def test_a_stack_of_that_name_that_is_not_ours_is_left_alone(
    aws: Aws, there: Standing, run: Applying
) -> None:
    others_stack(aws)
    for command in (run.plan, run.up):
        aws.forget()
        with pytest.raises(RefusedError, match="no cluster file made") as caught:
            command()
        assert caught.value.code is ExitCode.REFUSED
        assert "another name" in (caught.value.hint or "")
        assert writes(aws) == []
    assert there.store().names() == ()


def test_somebody_elses_draft_is_not_ours_to_delete(aws: Aws, run: Applying) -> None:
    others_stack(aws, execute=False)
    with pytest.raises(RefusedError, match="no cluster file made"):
        run.up()
    assert sets(aws) == ["theirs"]


def others_stack(aws: Aws, *, execute: bool = True) -> None:
    client = aws.client("cloudformation")
    body = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}}}'
    client.create_change_set(
        StackName="prod", ChangeSetName="theirs", ChangeSetType="CREATE", TemplateBody=body
    )
    if execute:
        client.get_waiter("change_set_create_complete").wait(
            StackName="prod", ChangeSetName="theirs", WaiterConfig={"Delay": 0}
        )
        client.execute_change_set(StackName="prod", ChangeSetName="theirs")


def test_an_empty_stack_of_ours_is_made_anew(aws: Aws, there: Standing, careful: Applying) -> None:
    """What a run leaves that was killed between making its change set and executing it.

    Its tags are the change set's until that is executed.
    """
    draft = replace(render_template(there.cluster), tags={})
    Stacks(there.cloud).create_change_set("prod", "toolkit-up-0", draft, "CREATE", token="t")
    planned = careful.plan()
    assert (planned.code, planned.stack) == (ExitCode.CHANGES, "REVIEW_IN_PROGRESS")
    aws.fault("denied", "ExecuteChangeSet")
    with pytest.raises(Exception, match="ExecuteChangeSet") as caught:
        careful.up()
    assert getattr(caught.value, "code", None) is ExitCode.REFUSED
    assert there.status() == "REVIEW_IN_PROGRESS"
    report = careful.up()
    assert (report.word, there.status()) == ("up", "CREATE_COMPLETE")
    assert any("empty" in text for text in careful.told("stack"))


def test_a_stack_that_was_taken_back_is_made_anew(aws: Aws, there: Standing, run: Applying) -> None:
    """As a person's click, or Terraform, leaves a stack whose making failed."""
    aws.knobs(fails={"Vpc": "no more networks"})
    template = render_template(there.cluster)
    client = aws.client("cloudformation")
    client.create_change_set(
        StackName="prod",
        ChangeSetName="by-hand",
        ChangeSetType="CREATE",
        TemplateBody=template.body,
        Capabilities=list(template.capabilities),
        Tags=[{"Key": "toolkit:cluster", "Value": "prod"}],
    )
    made = Stacks(there.cloud)
    there.wait(lambda: getattr(made.change_set("prod", "by-hand"), "execution", "") == "AVAILABLE")
    client.execute_change_set(StackName="prod", ChangeSetName="by-hand")
    there.wait(lambda: there.status() == "ROLLBACK_COMPLETE")
    aws.knobs(fails={})
    assert run.up().word == "up"
    assert there.status() == "CREATE_COMPLETE"
    assert any("taken back" in text for text in run.told("stack"))


def test_a_protected_cluster_asks_and_no_is_no(aws: Aws, there: Standing, run: Applying) -> None:
    there.write(FILE.replace("protected = false", "protected = true"))
    run.answer = lambda _: False
    report = run.up()
    assert (report.word, report.code) == ("kept", ExitCode.REFUSED)
    assert "stack prod" in run.questions[0]
    assert "123456789012" in run.questions[0]
    assert there.status() == ""
    assert there.store().names() == ()

    run.answer = lambda _: True
    assert run.up().word == "up"
    found = aws.client("cloudformation").describe_stacks(StackName="prod")["Stacks"][0]
    assert found["EnableTerminationProtection"] is True


def test_a_finding_stops_before_anything_is_made(
    aws: Aws, there: Standing, careful: Applying
) -> None:
    there.write(
        FILE.replace('"shop.example.com"', '"shop.example.org"').replace(
            'public = "example.com"', 'public = "example.org"'
        )
    )
    aws.forget()
    report = careful.up()
    assert (report.word, report.code) == ("refused", ExitCode.REFUSED)
    assert any(each.kind == "stops" for each in report.findings)
    assert writes(aws) == []
    planned = careful.plan()
    assert (planned.word, planned.code) == ("refused", ExitCode.REFUSED)
    assert planned.changes


def test_a_half_made_cluster_that_never_began_begins_when_it_is_attached_to(
    aws: Aws, there: Standing, run: Applying
) -> None:
    """`up` was ended while it went on with a failed creation, before its servers had begun."""
    aws.knobs(fails={"PoolControl": "no capacity"})

    run.steps["begin"] = no_way
    assert run.up().word == "failed"
    aws.knobs(fails={}, held=["PoolControl"])

    def enough(seconds: float) -> None:
        if there.status() == "UPDATE_IN_PROGRESS":
            raise KeyboardInterrupt
        nap(seconds)

    run.sleep = enough
    with pytest.raises(InterruptedRolloutError):
        run.up()

    def begin(*handed: Any) -> None:
        FILLING.begin(*handed)
        aws.knobs(held=[])

    again = Applying(there.folder, asks=False, steps={"begin": begin})
    assert again.up().code is ExitCode.OK
    assert there.status() == "UPDATE_COMPLETE"


def test_what_is_left_of_a_making_that_was_never_compared_is_ours_to_find(
    aws: Aws, there: Standing, run: Applying
) -> None:
    """An empty stack has no tags: without its change set nobody could say whose it is."""
    aws.knobs(looks=1000)

    def enough(seconds: float) -> None:
        raise KeyboardInterrupt

    run.sleep = enough
    with pytest.raises(InterruptedRolloutError):
        run.up()
    looked = status(there.folder, "prod", LookTools(no_way))
    assert (looked.word, looked.stack and looked.stack.status) == ("unwell", "REVIEW_IN_PROGRESS")
    aws.knobs(looks=1)
    assert Applying(there.folder, asks=False).up().word == "up"


def no_way(*_: object) -> AbstractContextManager[Access]:
    raise UnreachableError("no way into prod", system="SSH")


def test_an_empty_stack_that_somebody_filled_meanwhile_is_not_deleted(
    aws: Aws, there: Standing, run: Applying
) -> None:
    """Two of `up`: one waits for an answer, and finds what the other made."""
    aws.fault("denied", "ExecuteChangeSet")
    with pytest.raises(DeniedError):
        run.up()
    there.write(FILE.replace("protected = false", "protected = true"))
    (name,) = sets(aws)

    def meanwhile(question: str) -> bool:
        aws.client("cloudformation").execute_change_set(StackName="prod", ChangeSetName=name)
        there.wait(lambda: there.status() == "CREATE_COMPLETE")
        return True

    run.answer = meanwhile
    with pytest.raises(ChangedError, match="is CREATE_COMPLETE"):
        run.up()
    assert there.status() == "CREATE_COMPLETE"
