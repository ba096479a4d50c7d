"""Stacks as CloudFormation keeps them: made, read whole, executed once, gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.cluster.aws.account import REGION, Aws
from tests.cluster.aws.asking import Asking, asking
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.stacks import Stacks
from toolkit.errors import ConflictError, NotFoundError
from toolkit.spec.cloudformation import Change, Why
from toolkit.spec.cluster_template import Template

DEADLINE = 60.0


def template(*names: str) -> Template:
    resources = {
        name: {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Name": f"/test/{name}", "Value": "1"},
        }
        for name in names
    }
    body = json.dumps({"Resources": resources}, separators=(",", ":"))
    return Template("prod", body, {"toolkit:cluster": "prod"}, ("CAPABILITY_NAMED_IAM",), 1)


@pytest.fixture(scope="module")
def those(aws_server: Aws) -> Iterator[Asking]:
    with asking(aws_server) as those:
        yield those


@pytest.fixture
def client(those: Asking) -> Any:
    return those.theirs("cloudformation")


@pytest.fixture
def stacks(aws: Aws, those: Asking) -> Stacks:
    return Stacks(those.patient)


@pytest.fixture
def stubbed(client: Any) -> Iterator[tuple[Stacks, Stubber]]:
    with Stubber(client) as stubber:
        yield Stacks(Cloud(REGION, clients={"cloudformation": client})), stubber
        stubber.assert_no_pending_responses()


def settled(client: Any, how: str) -> None:
    """Until the stack has come to rest; boto3's own waiters fail when it fails."""
    waiter = client.get_waiter(f"stack_{how}_complete")
    waiter.wait(StackName="prod", WaiterConfig={"Delay": 0.05, "MaxAttempts": DEADLINE / 0.05})


def made(stacks: Stacks, client: Any, *names: str) -> str:
    """The id of a stack that is there."""
    stacks.create_change_set("prod", "first", template(*names), "CREATE", token="t-1")
    stacks.execute("prod", "first", "t-2")
    settled(client, "create")
    found = stacks.find("prod")
    assert found is not None
    return found.id


# --- what is not there --------------------------------------------------------------------------


def test_nothing_there(stacks: Stacks) -> None:
    assert stacks.find("prod") is None
    assert stacks.change_set("prod", "first") is None
    assert stacks.change_sets("prod") == ()
    assert stacks.events("prod", None) == ()
    assert stacks.last_event("prod") is None
    assert stacks.resources("prod") == ()
    stacks.delete("prod", "t")
    stacks.delete_change_set("prod", "first")
    with pytest.raises(NotFoundError):
        stacks.execute("prod", "first", "t")


def test_a_stack_that_was_deleted_is_found_by_its_id_alone(stacks: Stacks, client: Any) -> None:
    id_ = made(stacks, client, "One")
    stacks.delete("prod", "t-3")
    settled(client, "delete")
    assert stacks.find("prod") is None
    found = stacks.find(id_)
    assert found is not None
    assert found.status == "DELETE_COMPLETE"
    assert stacks.events(id_, None)[-1].status == "DELETE_COMPLETE"
    stacks.delete("prod", "t-3")


# --- one stack's life ---------------------------------------------------------------------------


def test_a_change_set_comes_with_all_of_its_pages(stacks: Stacks, aws: Aws) -> None:
    aws.knobs(page=2, looks=1)
    names = ("One", "Two", "Three", "Four", "Five")
    id_ = stacks.create_change_set("prod", "first", template(*names), "CREATE", token="t-1")
    begun = stacks.change_set("prod", "first")
    assert begun is not None
    assert (begun.id, begun.status, begun.changes) == (id_, "CREATE_IN_PROGRESS", ())
    whole = stacks.change_set("prod", id_)
    assert whole is not None
    assert (whole.status, whole.execution) == ("CREATE_COMPLETE", "AVAILABLE")
    assert {each.logical for each in whole.changes} == set(names)
    assert {(each.action, each.kind) for each in whole.changes} == {("Add", "AWS::SSM::Parameter")}
    assert [each.name for each in stacks.change_sets("prod")] == ["first"]
    stack = stacks.find("prod")
    assert stack is not None
    assert (stack.status, stack.id) == ("REVIEW_IN_PROGRESS", whole.stack_id)
    assert stack.updated is None


def test_events_are_told_once_in_their_order(stacks: Stacks, aws: Aws, client: Any) -> None:
    id_ = made(stacks, client, "One", "Two")
    aws.knobs(page=2)
    whole = stacks.events(id_, None)
    assert len(whole) > 6
    assert whole[0].status == "REVIEW_IN_PROGRESS"
    assert (whole[-1].logical, whole[-1].status) == ("prod", "CREATE_COMPLETE")
    assert whole[-1].kind == "AWS::CloudFormation::Stack"
    assert sorted(whole, key=lambda each: each.at) == list(whole)
    assert stacks.events(id_, whole[3].id) == whole[4:]
    assert stacks.events(id_, whole[-1].id) == ()
    assert stacks.last_event(id_) == whole[-1].id
    aws.forget()
    assert stacks.events(id_, whole[-2].id) == whole[-1:]
    assert aws.operations() == ["DescribeStackEvents"]


def test_resources_and_protection(stacks: Stacks, aws: Aws, client: Any) -> None:
    made(stacks, client, "One", "Two", "Three")
    aws.knobs(page=2)
    assert {(each.logical, each.physical, each.status) for each in stacks.resources("prod")} == {
        (name, f"/test/{name}", "CREATE_COMPLETE") for name in ("One", "Two", "Three")
    }
    stacks.protect("prod", True)
    found = stacks.find("prod")
    assert found is not None
    assert found.protected
    assert found.tags == {"toolkit:cluster": "prod"}
    with pytest.raises(ConflictError, match="TerminationProtection"):
        stacks.delete("prod", "t-3")
    stacks.protect("prod", False)
    stacks.delete("prod", "t-3")
    settled(client, "delete")


def test_nothing_to_change_is_a_failed_change_set(stacks: Stacks, aws: Aws, client: Any) -> None:
    made(stacks, client, "One")
    aws.knobs(looks=0)
    stacks.create_change_set("prod", "same", template("One"), "UPDATE", token="t-3")
    found = stacks.change_set("prod", "same")
    assert found is not None
    assert (found.status, found.execution) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in found.reason
    with pytest.raises(ConflictError):
        stacks.execute("prod", "same", "t-4")
    stacks.delete_change_set("prod", "same")
    assert stacks.change_set("prod", "same") is None


# --- asked for again ----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet", "DeleteStack"])
def test_a_lost_answer_asked_for_again_is_the_same_change(
    stacks: Stacks, aws: Aws, client: Any, operation: str
) -> None:
    aws.fault("lost", operation)
    id_ = made(stacks, client, "One")
    stacks.delete("prod", "t-3")
    settled(client, "delete")
    assert aws.operations().count(operation) == 2
    begun = [each.status for each in stacks.events(id_, None) if each.logical == "prod"]
    assert begun.count("CREATE_IN_PROGRESS") == 1
    assert begun.count("DELETE_IN_PROGRESS") == 1


def test_a_change_set_that_is_there_is_not_made_again(stacks: Stacks) -> None:
    """By another run, that knows nothing of the first one's token."""
    first = stacks.create_change_set("prod", "a", template("One"), "CREATE", token="t-1")
    again = stacks.create_change_set("prod", "a", template("One"), "CREATE", token="t-2")
    assert first == again
    assert len(stacks.change_sets("prod")) == 1


def test_a_stack_with_resources_is_not_made_again(stacks: Stacks, client: Any) -> None:
    made(stacks, client, "One")
    with pytest.raises(ConflictError, match="already exists"):
        stacks.create_change_set("prod", "b", template("One"), "CREATE", token="t-3")


def test_an_obsolete_change_set_is_not_executed(stacks: Stacks, client: Any) -> None:
    """Somebody else's came in between."""
    made(stacks, client, "One")
    stacks.create_change_set("prod", "ours", template("One", "Two"), "UPDATE", token="t-3")
    stacks.create_change_set("prod", "theirs", template("One", "Three"), "UPDATE", token="t-4")
    stacks.execute("prod", "theirs", "t-5")
    settled(client, "update")
    with pytest.raises((ConflictError, NotFoundError)):
        stacks.execute("prod", "ours", "t-6")
    found = stacks.find("prod")
    assert found is not None
    assert found.updated is not None


def event(token: str) -> dict[str, Any]:
    return {
        "StackId": "arn", "EventId": "1", "StackName": "prod", "ClientRequestToken": token,
        "Timestamp": "2026-01-01T00:00:00Z", "ResourceStatus": "UPDATE_IN_PROGRESS",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["ChangeSetNotFound", "InvalidChangeSetStatus"])
def test_a_change_set_that_our_own_lost_request_used_up(
    stubbed: tuple[Stacks, Stubber], code: str
) -> None:
    """By the time of the second request AWS may have forgotten the change set, and its token."""
    stacks, stubber = stubbed
    for token, ours in (("other", False), ("t", True)):
        stubber.add_client_error("execute_change_set", code, "no longer so", 404)
        stubber.add_response("describe_stack_events", {"StackEvents": [event(token)]})
        if ours:
            stacks.execute("prod", "c", "t")
        else:
            with pytest.raises((ConflictError, NotFoundError)):
                stacks.execute("prod", "c", "t")


def test_what_was_made_meanwhile_is_somebody_s(stubbed: tuple[Stacks, Stubber]) -> None:
    stacks, stubber = stubbed
    stubber.add_client_error("create_change_set", "AlreadyExistsException", "exists")
    stubber.add_client_error("describe_change_set", "ChangeSetNotFound", "ChangeSet [c]")
    with pytest.raises(ConflictError, match="stack prod already"):
        stacks.create_change_set("prod", "c", template("One"), "CREATE", token="t")


# --- what only AWS itself says -----------------------------------------------------------------


def test_why_something_changes(stubbed: tuple[Stacks, Stubber]) -> None:
    stacks, stubber = stubbed
    resource = {
        "Action": "Modify", "LogicalResourceId": "Eni1", "PhysicalResourceId": "eni-1",
        "ResourceType": "AWS::EC2::NetworkInterface", "Replacement": "True",
        "PolicyAction": "ReplaceAndDelete", "Scope": ["Properties", "Tags"],
        "Details": [
            {
                "Target": {
                    "Attribute": "Properties", "Name": "SubnetId", "RequiresRecreation": "Always",
                },
                "Evaluation": "Static", "ChangeSource": "DirectModification",
            },
            {
                "Target": {
                    "Attribute": "Properties", "Name": "GroupSet", "RequiresRecreation": "Never",
                },
                "Evaluation": "Dynamic", "ChangeSource": "ResourceAttribute",
                "CausingEntity": "SgServer.GroupId",
            },
            {
                "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
                "ChangeSource": "DirectModification",
            },
        ],
    }  # fmt: skip
    answer = {
        "ChangeSetName": "c", "ChangeSetId": "arn", "StackId": "arn", "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes": [{"Type": "Resource", "ResourceChange": resource}],
    }  # fmt: skip
    stubber.add_response("describe_change_set", answer)
    found = stacks.change_set("prod", "c")
    assert found is not None
    assert found.changes == (
        Change(
            "Modify", "Eni1", "AWS::EC2::NetworkInterface", "eni-1", "True",
            (
                Why("Properties.SubnetId", "DirectModification", "Always", "", "Properties"),
                Why(
                    "Properties.GroupSet", "ResourceAttribute", "Never", "SgServer.GroupId",
                    "Properties",
                ),
                Why("Tags", "DirectModification", "Never", "", "Tags"),
            ),
            "ReplaceAndDelete",
        ),
    )  # fmt: skip


def test_a_rollback_is_gone_on_with_once(stubbed: tuple[Stacks, Stubber]) -> None:
    stacks, stubber = stubbed
    asked = {"StackName": "prod", "ClientRequestToken": "t"}
    stubber.add_response("continue_update_rollback", {}, asked)
    stacks.continue_rollback("prod", "t")
    stubber.add_client_error("continue_update_rollback", "TokenAlreadyExistsException")
    stacks.continue_rollback("prod", "t")


def test_a_deletion_leaves_no_resource_behind(stubbed: tuple[Stacks, Stubber]) -> None:
    stacks, stubber = stubbed
    stubber.add_response("delete_stack", {}, {"StackName": "prod", "ClientRequestToken": "t"})
    stacks.delete("prod", "t")


def test_a_failed_creation_is_kept_and_a_change_rolls_back(stubbed: tuple[Stacks, Stubber]) -> None:
    stacks, stubber = stubbed
    want = template("One")
    asked: dict[str, Any] = {
        "StackName": "prod", "ChangeSetName": "c", "TemplateBody": want.body, "ClientToken": "t",
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": "toolkit:cluster", "Value": "prod"}],
    }  # fmt: skip
    create = {**asked, "ChangeSetType": "CREATE", "OnStackFailure": "DO_NOTHING"}
    stubber.add_response("create_change_set", {"Id": "arn"}, create)
    stacks.create_change_set("prod", "c", want, "CREATE", token="t")
    stubber.add_response("create_change_set", {"Id": "arn"}, {**asked, "ChangeSetType": "UPDATE"})
    stacks.create_change_set("prod", "c", want, "UPDATE", token="t")
