"""CloudFormation: stacks, change sets and events.

Nothing waits here. Every change carries a token, so that one whose answer was lost and that is
asked for again is the same change; and what such a second time is told about the first one is no
error.
"""

from __future__ import annotations

import re
from typing import Any

from toolkit.clients.aws.cloud import Answer, Cloud, only, tags_of
from toolkit.errors import ConflictError, NotFoundError
from toolkit.spec.cloudformation import (
    Change,
    ChangeSet,
    ChangeSetKind,
    ChangeSetView,
    StackEvent,
    StackResource,
    StackView,
    Why,
)
from toolkit.spec.cluster_template import Template

SERVICE = "cloudformation"

_NO_STACK = re.compile(r"^ValidationError: Stack.* does not exist")
"""The one answer that says so; any other error leaves open whether the stack is there."""
_NO_CHANGE_SET = re.compile(
    r"^ChangeSetNotFound|^ValidationError: (?:Stack|ChangeSet).* does not exist"
)
_THERE = re.compile(r"^AlreadyExistsException")
_SO_ALREADY = re.compile(r"^TokenAlreadyExistsException")


class Stacks:
    """The stacks of one account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def find(self, name: str) -> StackView | None:
        """A stack by name, or by id, by which one that was deleted is found, too."""
        answer = self._cloud.ask(SERVICE, "describe_stacks", unless=_NO_STACK, StackName=name)
        return None if answer is None else _stack(only(answer, "Stacks", f"stack {name}"))

    def create_change_set(
        self, name: str, change_set: str, template: Template, kind: ChangeSetKind, *, token: str
    ) -> str:
        """Begin to make a change set; its id. One of that name that is there already is it.

        With `CREATE` the stack comes to be too, in REVIEW_IN_PROGRESS; what fails then is kept as
        it is (DO_NOTHING). ConflictError where a stack of that name has resources.
        """
        keep: dict[str, Any] = {"OnStackFailure": "DO_NOTHING"} if kind == "CREATE" else {}
        answer = self._cloud.ask(
            SERVICE,
            "create_change_set",
            unless=_THERE,
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType=kind,
            TemplateBody=template.body,
            Capabilities=list(template.capabilities),
            Tags=[{"Key": key, "Value": text} for key, text in template.tags.items()],
            ClientToken=token,
            **keep,
        )
        if answer is not None:
            return str(answer["Id"])
        found = self._change_set_page(name, change_set)
        if found is None:
            raise ConflictError(
                f"CloudFormation has a stack {name} already, and made no change set for a new one",
                system="AWS",
                hint="somebody made it meanwhile: run the command again",
            )
        return str(found["ChangeSetId"])

    def change_set(self, name: str, change_set: str) -> ChangeSet | None:
        """A change set with all of its changes; by its id it is found after execution, too."""
        first: Answer | None = None
        changes: list[Change] = []
        for page in self._cloud.whole_pages(
            SERVICE,
            "describe_change_set",
            unless=_NO_CHANGE_SET,
            StackName=name,
            ChangeSetName=change_set,
        ):
            first = first or page
            changes += [_change(each) for each in page.get("Changes") or ()]
        if first is None:
            return None
        return ChangeSet(
            id=str(first.get("ChangeSetId", "")),
            name=str(first.get("ChangeSetName", "")),
            status=str(first.get("Status", "")),
            execution=str(first.get("ExecutionStatus", "")),
            reason=str(first.get("StatusReason") or ""),
            changes=tuple(changes),
            stack_id=str(first.get("StackId", "")),
        )

    def change_sets(self, name: str) -> tuple[ChangeSetView, ...]:
        """The change sets that wait to be executed; none where there is no stack."""
        found: list[ChangeSetView] = []
        for page in self._cloud.whole_pages(
            SERVICE, "list_change_sets", unless=_NO_STACK, StackName=name
        ):
            found += [
                ChangeSetView(
                    id=str(each.get("ChangeSetId", "")),
                    name=str(each.get("ChangeSetName", "")),
                    status=str(each.get("Status", "")),
                    execution=str(each.get("ExecutionStatus", "")),
                    created=each.get("CreationTime"),
                )
                for each in page.get("Summaries") or ()
            ]
        return tuple(found)

    def delete_change_set(self, name: str, change_set: str) -> None:
        """Forget a change set that was not executed; again: nothing."""
        self._cloud.ask(
            SERVICE,
            "delete_change_set",
            unless=_NO_CHANGE_SET,
            StackName=name,
            ChangeSetName=change_set,
        )

    def execute(self, name: str, change_set: str, token: str, *, keep: bool = False) -> None:
        """Begin to do what a change set says; the same token again: nothing.

        `keep`: what fails is kept as it is; for a stack that is half made, which has nothing to go
        back to. A change set of `CREATE` says so itself, and must not be told. ConflictError where
        it cannot be executed, as it is obsolete, or was executed by others; NotFoundError where it
        is gone.
        """
        more: dict[str, Any] = {"DisableRollback": True} if keep else {}
        try:
            self._cloud.ask(
                SERVICE,
                "execute_change_set",
                unless=_SO_ALREADY,
                StackName=name,
                ChangeSetName=change_set,
                ClientRequestToken=token,
                **more,
            )
        except (ConflictError, NotFoundError):
            # A first try whose answer was lost has used the change set up.
            if not self._began(name, token):
                raise

    def events(self, stack_id: str, after: str | None) -> tuple[StackEvent, ...]:
        """The events after the one of that id, oldest first; None: all there are.

        By the stack's id they are there for 90 days after its deletion, too.
        """
        found: dict[str, StackEvent] = {}
        # The newest come first, so that what was seen before ends the asking. What happens while
        # pages are read moves others to the next page, which then has them again.
        for page in self._cloud.whole_pages(
            SERVICE, "describe_stack_events", unless=_NO_STACK, StackName=stack_id
        ):
            for each in page.get("StackEvents") or ():
                if each.get("EventId") == after:
                    return tuple(reversed(found.values()))
                found.setdefault(str(each["EventId"]), _event(each))
        return tuple(reversed(found.values()))

    def last_event(self, stack_id: str) -> str | None:
        """Id of the newest event, to be given to `events`; one call."""
        answer = self._cloud.ask(
            SERVICE, "describe_stack_events", unless=_NO_STACK, StackName=stack_id
        )
        listed = (answer or {}).get("StackEvents") or ()
        return str(listed[0]["EventId"]) if listed else None

    def resources(self, name: str) -> tuple[StackResource, ...]:
        """The stack's resources, by name or id; none where there is no stack."""
        found: list[StackResource] = []
        for page in self._cloud.whole_pages(
            SERVICE, "list_stack_resources", unless=_NO_STACK, StackName=name
        ):
            found += [
                StackResource(
                    logical=str(each.get("LogicalResourceId", "")),
                    physical=str(each.get("PhysicalResourceId") or ""),
                    kind=str(each.get("ResourceType", "")),
                    status=str(each.get("ResourceStatus", "")),
                    reason=str(each.get("ResourceStatusReason") or ""),
                )
                for each in page.get("StackResourceSummaries") or ()
            ]
        return tuple(found)

    def delete(self, name: str, token: str) -> None:
        """Begin to delete a stack; one that is gone, or the same token again: nothing."""
        self._cloud.ask(
            SERVICE,
            "delete_stack",
            unless=re.compile(f"{_NO_STACK.pattern}|{_SO_ALREADY.pattern}"),
            StackName=name,
            ClientRequestToken=token,
        )

    def protect(self, name: str, on: bool) -> None:
        """Switch termination protection; NotFoundError for a stack that is gone."""
        self._cloud.call(
            SERVICE,
            "update_termination_protection",
            StackName=name,
            EnableTerminationProtection=on,
        )

    def continue_rollback(self, name: str, token: str = "") -> None:
        """Go on with a rollback that failed (UPDATE_ROLLBACK_FAILED)."""
        more: dict[str, Any] = {"ClientRequestToken": token} if token else {}
        self._cloud.ask(
            SERVICE, "continue_update_rollback", unless=_SO_ALREADY, StackName=name, **more
        )

    def _began(self, name: str, token: str) -> bool:
        """One of the newest events is of the request that had this token."""
        answer = self._cloud.ask(SERVICE, "describe_stack_events", unless=_NO_STACK, StackName=name)
        listed = (answer or {}).get("StackEvents") or ()
        return any(each.get("ClientRequestToken") == token for each in listed)

    def _change_set_page(self, name: str, change_set: str) -> Answer | None:
        return self._cloud.ask(
            SERVICE,
            "describe_change_set",
            unless=_NO_CHANGE_SET,
            StackName=name,
            ChangeSetName=change_set,
        )


def _stack(each: Answer) -> StackView:
    return StackView(
        id=str(each["StackId"]),
        name=str(each["StackName"]),
        status=str(each["StackStatus"]),
        reason=str(each.get("StackStatusReason") or ""),
        tags=tags_of(each.get("Tags")),
        protected=bool(each.get("EnableTerminationProtection")),
        created=each.get("CreationTime"),
        updated=each.get("LastUpdatedTime"),
    )


def _change(each: Answer) -> Change:
    change = each.get("ResourceChange") or {}
    return Change(
        action=str(change.get("Action", "")),
        logical=str(change.get("LogicalResourceId", "")),
        kind=str(change.get("ResourceType", "")),
        physical=str(change.get("PhysicalResourceId") or ""),
        replacement=str(change.get("Replacement") or ""),
        details=tuple(_why(detail) for detail in change.get("Details") or ()),
        policy=str(change.get("PolicyAction") or ""),
    )


def _why(detail: Answer) -> Why:
    target = detail.get("Target") or {}
    attribute, name = str(target.get("Attribute") or ""), str(target.get("Name") or "")
    return Why(
        property=f"{attribute}.{name}" if attribute and name else name or attribute,
        source=str(detail.get("ChangeSource") or ""),
        recreation=str(target.get("RequiresRecreation") or ""),
        cause=str(detail.get("CausingEntity") or ""),
        scope=attribute,
    )


def _event(each: Answer) -> StackEvent:
    return StackEvent(
        id=str(each["EventId"]),
        at=each["Timestamp"],
        logical=str(each.get("LogicalResourceId") or ""),
        kind=str(each.get("ResourceType") or ""),
        status=str(each.get("ResourceStatus") or ""),
        reason=str(each.get("ResourceStatusReason") or ""),
        physical=str(each.get("PhysicalResourceId") or ""),
        token=str(each.get("ClientRequestToken") or ""),
    )
