"""CloudFormation in front of moto's services: change sets, stacks that take their time, events.

moto's own drops much of what a cluster's template says and knows neither rollback nor events of
resources. This one does what AWS documents, with the services' own APIs. It is not AWS: what takes
minutes there takes milliseconds here, and what a service would refuse there may pass.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

from tests.cluster.aws.answers import Refusal, invalid, read_template, rows_of
from tests.cluster.aws.differences import changes
from tests.cluster.aws.stack import ChangeSet, Stack, now
from tests.cluster.aws.work import Knobs, Work, delete_stack, perform

LARGEST = 51_200
NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)
UPDATABLE = (
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
    "CREATE_FAILED", "UPDATE_FAILED",
)  # fmt: skip
"""The last two: where what was made was kept."""

Answer = dict[str, Any]


class Formation:
    """The stacks of one region."""

    def __init__(self, region: str, account: str, client: Callable[[str], Any]) -> None:
        self.region, self.account, self.client = region, account, client
        self.stacks: list[Stack] = []
        self.knobs = Knobs()
        self.lock = threading.RLock()
        self.threads: list[threading.Thread] = []

    # --- change sets -----------------------------------------------------------------------

    def create_change_set(self, said: Answer) -> Answer:
        """CreateChangeSet."""
        name, body = said["StackName"], said.get("TemplateBody", "")
        kind = said.get("ChangeSetType", "UPDATE")
        if len(body.encode()) > LARGEST:
            raise invalid(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {LARGEST}"
            )
        resources = read_template(body)
        if not said.get("Capabilities") and any(
            each["Type"].startswith("AWS::IAM::") for each in resources.values()
        ):
            raise Refusal(
                "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"
            )
        tags = {each["Key"]: each["Value"] for each in said.get("Tags", [])}
        with self.lock:
            stack = self.find(name)
            if stack is not None and said["ChangeSetName"] in stack.sets:
                there = stack.sets[said["ChangeSetName"]]
                if there.token and there.token == said.get("ClientToken"):
                    return {"Id": there.id, "StackId": stack.id}
                raise Refusal("AlreadyExistsException", f"ChangeSet {there.name} already exists")
            if kind == "CREATE":
                stack = self._for_creation(name, stack, said["ChangeSetName"], tags)
            elif stack is None:
                raise invalid(f"Stack [{name}] does not exist")
            elif stack.status not in UPDATABLE:
                raise invalid(
                    f"Stack:{stack.id} is in {stack.status} state and can not be updated."
                )
            own = ChangeSet(
                id=self._arn("changeSet", said["ChangeSetName"]),
                name=said["ChangeSetName"],
                kind=kind,
                body=body,
                tags=tags,
                token=said.get("ClientToken", ""),
                on_failure=said.get("OnStackFailure", ""),
                changes=changes(stack, resources, tags),
                looks=self.knobs.looks,
            )
            if not own.changes:
                own.status, own.execution, own.reason = "FAILED", "UNAVAILABLE", NO_CHANGES
            stack.sets[own.name] = own
            return {"Id": own.id, "StackId": stack.id}

    def _for_creation(
        self, name: str, stack: Stack | None, change_set: str, tags: dict[str, str]
    ) -> Stack:
        if stack is None:
            stack = Stack(self._arn("stack", name), name, tags=tags)
            self.stacks.append(stack)
            stack.say("REVIEW_IN_PROGRESS", "User Initiated")
        elif stack.status != "REVIEW_IN_PROGRESS":
            raise invalid(
                f"Stack [{name}] already exists and cannot be created again with the changeSet"
                f" [{change_set}]."
            )
        return stack

    def describe_change_set(self, said: Answer) -> Answer:
        """DescribeChangeSet."""
        with self.lock:
            stack, own = self._set(said)
            answer: Answer = {
                "ChangeSetName": own.name,
                "ChangeSetId": own.id,
                "StackId": stack.id,
                "StackName": stack.name,
                "CreationTime": own.created,
                "Status": own.status,
                "ExecutionStatus": own.execution,
                "OnStackFailure": own.on_failure or None,
                "Tags": [{"Key": key, "Value": value} for key, value in own.tags.items()],
                "Capabilities": ["CAPABILITY_NAMED_IAM"],
                "Changes": [],
            }
            if own.looks > 0:
                own.looks -= 1
                return {**answer, "Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE"}
            if own.reason:
                answer["StatusReason"] = own.reason
            page, token = self._page(own.changes, said.get("NextToken"))
            answer["Changes"] = page
            return answer if token is None else {**answer, "NextToken": token}

    def list_change_sets(self, said: Answer) -> Answer:
        """ListChangeSets."""
        with self.lock:
            stack = self._must(said["StackName"])
            page, token = self._page(list(stack.sets.values()), said.get("NextToken"))
            found = [
                {
                    "StackId": stack.id, "StackName": stack.name, "ChangeSetId": own.id,
                    "ChangeSetName": own.name, "ExecutionStatus": own.execution,
                    "Status": own.status, "StatusReason": own.reason,
                    "CreationTime": own.created,
                }
                for own in page
            ]  # fmt: skip
            more = {} if token is None else {"NextToken": token}
            return {"Summaries": found, **more}

    def delete_change_set(self, said: Answer) -> Answer:
        """DeleteChangeSet: what is not there is deleted."""
        with self.lock:
            stack = self.find(said["StackName"]) if said.get("StackName") else None
            stacks = [stack] if stack else [] if said.get("StackName") else self.stacks
            for each in stacks:
                for own in list(each.sets.values()):
                    if said["ChangeSetName"] in {own.name, own.id}:
                        if own.execution == "EXECUTE_IN_PROGRESS":
                            raise Refusal(
                                "InvalidChangeSetStatus",
                                f"ChangeSet [{own.id}] cannot be deleted in its current status",
                            )
                        del each.sets[own.name]
            return {}

    def execute_change_set(self, said: Answer) -> Answer:
        """ExecuteChangeSet."""
        token = said.get("ClientRequestToken", "")
        with self.lock:
            stack, own = self._set(said)
            if own.executed and own.executed == token:
                return {}
            if own.status != "CREATE_COMPLETE" or own.execution != "AVAILABLE":
                status = own.execution if own.status == "CREATE_COMPLETE" else own.status
                raise Refusal(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{own.id}] cannot be executed in its current status of [{status}]",
                )
            creation = stack.status == "REVIEW_IN_PROGRESS"
            if not creation and stack.status not in UPDATABLE:
                raise invalid(
                    f"Stack:{stack.id} is in {stack.status} state and can not be updated."
                )
            disabled = str(said.get("DisableRollback", "")).lower() == "true"
            if disabled and own.on_failure:
                raise invalid(
                    "Cannot specify both DisableRollback and OnStackFailure for a change set"
                )
            own.executed, own.execution = token or uuid.uuid4().hex, "EXECUTE_IN_PROGRESS"
            for other in stack.sets.values():
                if other is not own:
                    other.execution = "OBSOLETE"
            stack.on_failure = "DO_NOTHING" if disabled else own.on_failure
            begun = "CREATE" if creation else "UPDATE"
            if not creation:
                stack.updated = now()
            stack.say(f"{begun}_IN_PROGRESS", "User Initiated", token)
            self._start(lambda work: perform(work, own, begun), stack)
            return {}

    # --- stacks ----------------------------------------------------------------------------

    def describe_stacks(self, said: Answer) -> Answer:
        """DescribeStacks."""
        with self.lock:
            name = said.get("StackName")
            if name:
                return {"Stacks": [self._must(name, deleted=True).document()]}
            there = [each for each in self.stacks if each.status != "DELETE_COMPLETE"]
            page, token = self._page(there, said.get("NextToken"))
            more = {} if token is None else {"NextToken": token}
            return {"Stacks": [each.document() for each in page], **more}

    def list_stacks(self, said: Answer) -> Answer:
        """ListStacks."""
        wanted = said.get("StackStatusFilter")
        with self.lock:
            there = [each for each in self.stacks if not wanted or each.status in wanted]
            page, token = self._page(there, said.get("NextToken"))
            more = {} if token is None else {"NextToken": token}
            return {"StackSummaries": [each.document() for each in page], **more}

    def describe_stack_events(self, said: Answer) -> Answer:
        """DescribeStackEvents: newest first."""
        with self.lock:
            stack = self._must(said["StackName"], deleted=True)
            page, token = self._page(stack.events[::-1], said.get("NextToken"))
            more = {} if token is None else {"NextToken": token}
            return {"StackEvents": page, **more}

    def describe_stack_resources(self, said: Answer) -> Answer:
        """DescribeStackResources: no pages, at most 100."""
        with self.lock:
            stack = self._must(said["StackName"], deleted=True)
            return {"StackResources": rows_of(stack, "Timestamp")[:100]}

    def list_stack_resources(self, said: Answer) -> Answer:
        """ListStackResources."""
        with self.lock:
            stack = self._must(said["StackName"], deleted=True)
            rows = rows_of(stack, "LastUpdatedTimestamp")
            page, token = self._page(rows, said.get("NextToken"))
            more = {} if token is None else {"NextToken": token}
            return {"StackResourceSummaries": page, **more}

    def get_template(self, said: Answer) -> Answer:
        """GetTemplate."""
        with self.lock:
            if said.get("ChangeSetName"):
                return {"TemplateBody": self._set(said)[1].body}
            return {"TemplateBody": self._must(said["StackName"], deleted=True).body}

    def update_termination_protection(self, said: Answer) -> Answer:
        """UpdateTerminationProtection."""
        with self.lock:
            stack = self._must(said["StackName"])
            stack.protected = bool(said["EnableTerminationProtection"])
            return {"StackId": stack.id}

    def signal_resource(self, said: Answer) -> Answer:
        """SignalResource: signals here come from `knobs`; a machine's own is noted."""
        with self.lock:
            self._must(said["StackName"])
            self.knobs.signals.append((said["LogicalResourceId"], said["Status"]))
            return {}

    def continue_update_rollback(self, said: Answer) -> Answer:
        """ContinueUpdateRollback."""
        with self.lock:
            stack = self._must(said["StackName"])
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise invalid(
                    f"Stack:{stack.id} is in {stack.status} state and can not have its rollback"
                    " continued."
                )
            stack.say("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
            self._start(_roll_on, stack)
            return {}

    def delete_stack(self, said: Answer) -> Answer:
        """DeleteStack: what is not there is deleted."""
        token = said.get("ClientRequestToken", "")
        with self.lock:
            stack = self.find(said["StackName"])
            if stack is None or stack.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
                return {}
            if stack.protected:
                raise invalid(
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
            if stack.status.startswith("UPDATE") and stack.status.endswith("IN_PROGRESS"):
                raise invalid(
                    f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
                )
            retained = said.get("RetainResources", [])
            if retained and stack.status != "DELETE_FAILED":
                raise invalid(
                    "Invalid operation on stack ["
                    + stack.id
                    + "]. When you delete a stack, specify"
                    " which resources to retain only when the stack is in the DELETE_FAILED state."
                )
            stack.turn += 1
            self.knobs.turn()
            stack.say("DELETE_IN_PROGRESS", "User Initiated", token)
            self._start(lambda work: delete_stack(work, frozenset(retained)), stack)
            return {}

    # --- what they share -------------------------------------------------------------------

    def find(self, name: str) -> Stack | None:
        """The living stack of a name or an id."""
        for stack in self.stacks:
            if name in {stack.name, stack.id} and stack.status != "DELETE_COMPLETE":
                return stack
        return None

    def stop(self) -> None:
        """End all work, wherever it is."""
        self.knobs.halted.set()
        self.knobs.turn()
        for thread in self.threads:
            thread.join()

    def _must(self, name: str, *, deleted: bool = False) -> Stack:
        found = self.find(name)
        if found is None and deleted:
            found = next((each for each in self.stacks if each.id == name), None)
        if found is None:
            raise invalid(f"Stack with id {name} does not exist")
        return found

    def _set(self, said: Answer) -> tuple[Stack, ChangeSet]:
        wanted = said["ChangeSetName"]
        stacks = [self._must(said["StackName"])] if said.get("StackName") else self.stacks
        for stack in stacks:
            for own in stack.sets.values():
                if wanted in {own.name, own.id}:
                    return stack, own
            if wanted in stack.past:
                return stack, stack.past[wanted]
        raise Refusal("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist")

    def _page(self, rows: list[Any], token: str | None) -> tuple[list[Any], str | None]:
        begin = int(token or 0)
        end = begin + self.knobs.page
        return rows[begin:end], str(end) if end < len(rows) else None

    def _arn(self, kind: str, name: str) -> str:
        where = f"arn:aws:cloudformation:{self.region}:{self.account}"
        return f"{where}:{kind}/{name}/{uuid.uuid4()}"

    def _start(self, task: Callable[[Work], None], stack: Stack) -> None:
        work = Work(
            stack, self.knobs, self.lock, self.client, self.region, self.account, stack.turn
        )
        before = stack.thread

        def run() -> None:
            if before is not None:
                before.join()
            task(work)

        stack.thread = threading.Thread(target=run, daemon=True)
        self.threads.append(stack.thread)
        stack.thread.start()


def _roll_on(work: Work) -> None:
    with work.lock:
        work.stack.say("UPDATE_ROLLBACK_COMPLETE")
