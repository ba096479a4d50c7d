"""How a stack is made, changed, taken back and deleted: a resource at a time, each told of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.cluster.aws.differences import RETAINED
from tests.cluster.aws.intrinsics import in_order, references, resolved
from tests.cluster.aws.kind import Made, Place, Properties, is_gone
from tests.cluster.aws.kinds import KINDS
from tests.cluster.aws.stack import ChangeSet, Resource, Stack, now

CAUGHT = (
    ClientError, BotoCoreError, ValueError, LookupError, TypeError, AttributeError,
    AssertionError, NotImplementedError,
)  # fmt: skip
"""Errors of services and of moto itself, which raises its own into the caller."""


class HaltedError(Exception):
    """The test is over."""


@dataclass
class Knobs:
    """What a test may turn: nothing waits unless told to."""

    pace: float = 0.0
    """Seconds that each resource takes."""
    page: int = 100
    """Rows of a page of changes, events and resources."""
    looks: int = 1
    """Looks that find a new change set still being made."""
    fails: dict[str, str] = field(default_factory=dict)
    """Logical id, `back LOGICAL` or `delete LOGICAL` -> why it fails."""
    held: set[str] = field(default_factory=set)
    """Logical ids that stay in progress; `*`: all."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """Autoscaling group -> ids that its machines get, first come first served."""
    signals: list[tuple[str, str]] = field(default_factory=list)
    halted: threading.Event = field(default_factory=threading.Event)
    turned: threading.Condition = field(default_factory=threading.Condition)

    def turn(self) -> None:
        """Let those who wait look again."""
        with self.turned:
            self.turned.notify_all()

    def wait_for(self, logical: str, stopped: Callable[[], bool]) -> None:
        """Until it is not held and its time is over."""
        if self.pace:
            self.halted.wait(self.pace)
        with self.turned:
            while self.held & {logical, "*"} and not (self.halted.is_set() or stopped()):
                self.turned.wait()
        if self.halted.is_set() or stopped():
            raise HaltedError


@dataclass
class Work:
    """One operation on a stack."""

    stack: Stack
    knobs: Knobs
    lock: threading.RLock
    client: Callable[[str], Any]
    region: str
    account: str
    turn: int = 0
    """Of the stack, when this began: a deletion ends what was being made."""

    def wait_for(self, logical: str) -> None:
        """Take a resource's time."""
        self.knobs.wait_for(logical, lambda: self.turn != self.stack.turn)

    def place(self, logical: str) -> Place:
        """Where its calls go."""
        return Place(self.stack.name, logical, self.client)

    def tags(self, tags: Mapping[str, str], logical: str) -> dict[str, str]:
        """The stack's, and those that CloudFormation adds."""
        return {
            **tags,
            "aws:cloudformation:stack-name": self.stack.name,
            "aws:cloudformation:stack-id": self.stack.id,
            "aws:cloudformation:logical-id": logical,
        }

    def properties(self, entry: Mapping[str, Any], document: Mapping[str, Any]) -> Properties:
        """Without references."""
        found: Properties = resolved(
            entry.get("Properties", {}), self.attribute, document.get("Mappings", {}), self.read
        )
        return found

    def attribute(self, name: str, attribute: str) -> Any:
        """What a reference comes to."""
        own = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": "aws",
            "AWS::StackName": self.stack.name,
            "AWS::StackId": self.stack.id,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in own:
            return own[name]
        made = self.stack.resources[name].made
        if made is None:
            raise ValueError(f"{name} is not there")
        return made.attributes[attribute] if attribute else made.physical

    def read(self, name: str) -> str:
        """The value of an SSM parameter."""
        return str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def perform(work: Work, change: ChangeSet, begun: str) -> None:
    """Execute a change set."""
    with _until_halted():
        _perform(work, change, begun)


def _perform(work: Work, change: ChangeSet, begun: str) -> None:
    stack, old = work.stack, (work.stack.body, dict(work.stack.tags))
    failed = _apply(work, change.body, change.tags)
    with work.lock:
        stack.body, stack.tags = change.body, dict(change.tags)
        stack.sets.clear()
        stack.past[change.id] = change
        change.execution = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"
    if not failed:
        stack.stable = True
        if begun == "UPDATE":
            with work.lock:
                stack.say("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            _clean(work)
        with work.lock:
            stack.say(f"{begun}_COMPLETE")
        return
    why = f"The following resource(s) failed to {_verbs(stack, failed)}: [{', '.join(failed)}]. "
    if stack.on_failure == "DO_NOTHING":
        with work.lock:
            stack.say(f"{begun}_FAILED", why)
        return
    if not stack.stable:
        _take_back_creation(work, why + "Rollback requested by user.")
        return
    with work.lock:
        stack.say("UPDATE_ROLLBACK_IN_PROGRESS", why)
    again = _apply(work, *old, back=True)
    with work.lock:
        stack.body, stack.tags = old
        if again:
            stack.say(
                "UPDATE_ROLLBACK_FAILED",
                f"The following resource(s) failed to update: [{', '.join(again)}]. ",
            )
            return
        stack.say("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    _clean(work)
    with work.lock:
        stack.say("UPDATE_ROLLBACK_COMPLETE")


def _verbs(stack: Stack, failed: list[str]) -> str:
    return "create" if stack.resources[failed[0]].status.startswith("CREATE") else "update"


def _take_back_creation(work: Work, why: str) -> None:
    with work.lock:
        work.stack.say("ROLLBACK_IN_PROGRESS", why)
    failed = _delete_all(work, frozenset(), creation=True)
    with work.lock:
        if failed:
            work.stack.say("ROLLBACK_FAILED", _failed_to_delete(failed))
        elif work.stack.on_failure == "DELETE":
            work.stack.deleted = now()
            work.stack.say("DELETE_COMPLETE")
        else:
            work.stack.say("ROLLBACK_COMPLETE")


def _apply(work: Work, body: str, tags: Mapping[str, str], *, back: bool = False) -> list[str]:
    """Make the stack what a template says; which resources failed."""
    document = json.loads(body)
    entries = document["Resources"]
    for name in in_order(entries):
        if not _apply_one(work, name, entries[name], document, tags, back=back):
            return [name]
    for name, resource in list(work.stack.resources.items()):
        if name not in entries:
            with work.lock:
                del work.stack.resources[name]
                work.stack.left.append(resource)
    return []


def _apply_one(
    work: Work,
    name: str,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    tags: Mapping[str, str],
    *,
    back: bool,
) -> bool:
    stack, kind = work.stack, KINDS[entry["Type"]]
    with work.lock:
        resource = stack.resources.get(name)
        fresh = resource is None or resource.made is None
        if resource is None or resource.made is None:
            resource = Resource(name, entry["Type"], said=entry)
            stack.resources[name] = resource
    verb = "CREATE" if fresh else "UPDATE"
    own_tags = work.tags(tags, name)
    try:
        properties = work.properties(entry, document)
        old = (resource.properties, resource.said)
        if not fresh and properties == resource.properties and dict(tags) == dict(stack.tags):
            resource.said = entry
            return True
        with work.lock:
            stack.tell(resource, f"{verb}_IN_PROGRESS")
        work.wait_for(name)
        if (turn := f"back {name}" if back else name) in work.knobs.fails:
            raise ValueError(work.knobs.fails[turn])
        if fresh:
            made = kind.create(work.place(name), properties, own_tags)
            with work.lock:
                resource.made = made
                stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        elif resource.made is not None:
            _change_one(work, resource, properties, own_tags)
        with work.lock:
            resource.properties, resource.said = properties, entry
            stack.tell(resource, f"{verb}_COMPLETE")
    except CAUGHT as exc:
        with work.lock:
            if not fresh:
                resource.properties, resource.said = old
            reason = exc.args[0] if isinstance(exc, ValueError) else f"{exc!r}"
            if isinstance(exc, ClientError):
                reason = f"Resource handler returned message: {exc}"
            stack.tell(resource, f"{verb}_FAILED", str(reason))
        return False
    return True


def _change_one(
    work: Work, resource: Resource, properties: Properties, tags: dict[str, str]
) -> None:
    kind, made = KINDS[resource.kind], resource.made
    assert made is not None
    differ = {
        key
        for key in {*properties, *resource.properties}
        if properties.get(key) != resource.properties.get(key)
    }
    if kind.update is None or differ & kind.only:
        new = kind.create(work.place(resource.logical), properties, tags)
        with work.lock:
            left = Resource(
                resource.logical, resource.kind, made, resource.properties, resource.said
            )
            work.stack.left.append(left)
            resource.made = new
            work.stack.tell(
                resource,
                "UPDATE_IN_PROGRESS",
                "Requested update requires the creation of a new physical resource; hence"
                " creating one.",
            )
        return
    kind.update(
        work.place(resource.logical), Made(made.physical, made.attributes),
        resource.properties, properties, tags,
    )  # fmt: skip


def _clean(work: Work) -> None:
    for resource in reversed(work.stack.left):
        replaced = resource.logical in work.stack.resources
        policy = resource.said.get("UpdateReplacePolicy" if replaced else "DeletionPolicy")
        _delete_one(work, resource, keep=policy in RETAINED)
    work.stack.left.clear()


def delete_stack(work: Work, retained: frozenset[str]) -> None:
    """Delete a stack."""
    with _until_halted():
        failed = _delete_all(work, retained, creation=False)
        with work.lock:
            if failed:
                work.stack.say("DELETE_FAILED", _failed_to_delete(failed))
            else:
                work.stack.deleted = now()
                work.stack.say("DELETE_COMPLETE")


def _failed_to_delete(failed: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]. "


def _delete_all(work: Work, retained: frozenset[str], *, creation: bool) -> list[str]:
    """Everything, what was made last first; which failed. What they need is left alone."""
    document = work.stack.template
    failed: list[str] = []
    kept: set[str] = set()
    for name in reversed(list(work.stack.resources)):
        resource = work.stack.resources[name]
        if resource.status in {"DELETE_COMPLETE", "DELETE_SKIPPED"}:
            continue
        if name in kept:
            continue
        policy = resource.said.get("DeletionPolicy")
        keep = name in retained or (
            policy == "Retain" or (policy == "RetainExceptOnCreate" and not creation)
        )
        if not _delete_one(work, resource, keep=keep):
            failed.append(name)
            kept |= _needed(name, document or {"Resources": {}})
    return failed


def _needed(name: str, document: Mapping[str, Any]) -> set[str]:
    entries, found, new = document["Resources"], set[str](), [name]
    while new:
        entry = entries.get(new.pop(), {})
        said = entry.get("DependsOn", [])
        needs = {said} if isinstance(said, str) else set(said)
        needs |= {other for other, _ in references(entry.get("Properties", {}))}
        new += sorted(needs - found)
        found |= needs
    return found


def _delete_one(work: Work, resource: Resource, *, keep: bool) -> bool:
    stack, name = work.stack, resource.logical
    if keep and resource.made is not None:
        with work.lock:
            stack.tell(resource, "DELETE_SKIPPED")
        return True
    with work.lock:
        stack.tell(resource, "DELETE_IN_PROGRESS")
    work.wait_for(name)
    try:
        if f"delete {name}" in work.knobs.fails:
            raise ValueError(work.knobs.fails[f"delete {name}"])
        if resource.made is not None:
            KINDS[resource.kind].delete(work.place(name), resource.made, resource.properties)
    except ClientError as exc:
        if not is_gone(exc):
            with work.lock:
                stack.tell(resource, "DELETE_FAILED", f"Resource handler returned message: {exc}")
            return False
    except CAUGHT as exc:
        with work.lock:
            stack.tell(resource, "DELETE_FAILED", str(exc))
        return False
    with work.lock:
        stack.tell(resource, "DELETE_COMPLETE")
    return True


@contextmanager
def _until_halted() -> Iterator[None]:
    try:
        yield
    except HaltedError:
        return
