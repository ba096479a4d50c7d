"""Read what explains the failure of one allocation: bounded in calls, bytes and lines.

What cannot be read is said in the evidence; nothing here raises for an API that does not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

from toolkit.clients.http import ask
from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout import read
from toolkit.rollout.causes.evidence import CheckSaid, Evidence, NodeWord, Said
from toolkit.rollout.causes.words import clean, one_line
from toolkit.rollout.declared import Service
from toolkit.rollout.events import Failure, first_failure
from toolkit.rollout.secrets import longest, scrub
from toolkit.rollout.world import World
from toolkit.spec.observed import AllocationView, ConsulInstance

LOG_BYTES = 4000
LOG_LINES = {"stderr": 5, "stdout": 3}
LONGEST_LINE = 500
PROBE = 1.0
"""Seconds for asking a check's address ourselves."""

_SPEAKS = {"crash", "check"}
"""Kinds of failure of which the task's own output tells more."""
STOPPED = "nobody kept what it said, and the instance was stopped before it could be asked"


def gather(
    world: World,
    allocation: AllocationView,
    instances: Sequence[ConsulInstance] = (),
    secrets: Collection[str] = (),
    services: Sequence[Service] = (),
) -> Evidence:
    """All evidence for `classify`; `instances` and `services` are of the allocation's job."""
    first = first_failure(allocation)
    unseen: list[str] = []
    judged = first is None or first.kind == "check"
    whole = _whole(world, allocation, unseen)
    return Evidence(
        output=_outputs(world, allocation, first, secrets),
        checks=_checks(world, allocation, instances, services, whole) if judged else (),
        whole=whole,
        node=_node(world, allocation) if first is None else None,
        unseen=tuple(unseen),
    )


def output(
    world: World, allocation: AllocationView, task: str, secrets: Collection[str] = ()
) -> tuple[Said, ...]:
    """The last lines of a task's stderr and stdout; what holds nothing has no lines."""
    return tuple(_stream(world, allocation, task, name, secrets) for name in ("stderr", "stdout"))


def _outputs(
    world: World,
    allocation: AllocationView,
    first: Failure | None,
    secrets: Collection[str],
) -> dict[str, tuple[Said, ...]]:
    if first is None or first.kind not in _SPEAKS:
        return {}
    return {first.task.name: output(world, allocation, first.task.name, secrets)}


def _stream(
    world: World,
    allocation: AllocationView,
    task: str,
    stream: Literal["stderr", "stdout"],
    secrets: Collection[str],
) -> Said:
    try:
        raw = world.nomad.logs(allocation.id, task, stream, last_bytes=LOG_BYTES)
    except DeniedError as exc:
        namespace = world.target.namespace
        why = f"the token lacks the capability read-logs in namespace {namespace}"
        return Said(stream, problem=f"{why} ({exc.message})")
    except NotFoundError as exc:
        return Said(stream, problem=f"its files are gone, Nomad collects them ({exc.message})")
    except ApiError as exc:
        return Said(stream, problem=exc.message)
    lead = ""
    if len(raw) >= LOG_BYTES:
        # A line of which the beginning is missing may hold the end of a secret.
        whole = raw.partition(b"\n")[2]
        lead = "" if whole.strip() else "…"
        raw = raw[longest(secrets) :] if lead else whole
    # As a whole first: a secret may have more than one line.
    text = scrub(raw.decode("utf-8", "replace"), secrets)
    if lead:
        text = lead + text.strip()[1 - LONGEST_LINE :]
    lines = [_bounded(clean(line)) for line in text.splitlines() if line.strip()]
    return Said(stream, tuple(_once(lines)[-LOG_LINES[stream] :]))


def _bounded(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _once(lines: Sequence[str]) -> list[str]:
    """A line that follows itself, as after a restart, once with its number."""
    found = [(line, len(list(same))) for line, same in groupby(lines)]
    return [line if number == 1 else f"{line} (×{number})" for line, number in found]


def _whole(world: World, allocation: AllocationView, unseen: list[str]) -> Mapping[str, Any]:
    try:
        return world.nomad.allocation(allocation.id)
    except ApiError as exc:
        unseen.append(f"the whole of allocation {allocation.short}: {exc.message}")
        return {}


def _node(world: World, allocation: AllocationView) -> NodeWord | None:
    """What became of the node of an allocation that went without a failure of its own."""
    moved = allocation.client_status in {"lost", "unknown"} or allocation.desired_status != "run"
    if not moved or not allocation.node_id:
        return None
    try:
        raw = world.nomad.node(allocation.node_id)
    except ApiError as exc:
        return NodeWord("unseen", exc.message)
    return node_word(raw)


def node_word(raw: Mapping[str, Any]) -> NodeWord:
    """The node's state in a few words, from Nomad's answer."""
    events = raw.get("Events") or []
    latest: Mapping[str, Any] = max(
        events, key=lambda event: str(event.get("Timestamp") or ""), default={}
    )
    parts = []
    if raw.get("Drain") or raw.get("DrainStrategy"):
        parts.append("draining")
    elif raw.get("SchedulingEligibility") == "ineligible":
        parts.append("not eligible for new work")
    if latest:
        parts.append(f"last: {one_line(str(latest.get('Message') or ''))}")
    drain = raw.get("DrainStrategy") or raw.get("LastDrain") or {}
    at = read.seconds(drain.get("StartedAt"))
    if raw.get("Status") != "ready":
        at = float(raw.get("StatusUpdatedAt") or 0)
    return NodeWord(str(raw.get("Status") or "unknown"), ", ".join(parts), at or None)


def _checks(
    world: World,
    allocation: AllocationView,
    instances: Sequence[ConsulInstance],
    services: Sequence[Service],
    whole: Mapping[str, Any],
) -> tuple[CheckSaid, ...]:
    found = []
    for instance in instances:
        if instance.allocation != allocation.id:
            continue
        for check in instance.checks:
            if check.status != "passing":
                said = one_line(check.output)
                said = said or _asked(world, allocation, instance, check.name, services)
                found.append(CheckSaid(check.name, check.status, said))
    return tuple(found) or _of_nomad(world, allocation, whole)


def _of_nomad(
    world: World, allocation: AllocationView, whole: Mapping[str, Any]
) -> tuple[CheckSaid, ...]:
    """Checks of services that are registered in Nomad itself, which only the node knows."""
    job = whole.get("Job") or {}
    holders = [g for g in job.get("TaskGroups") or [] if g.get("Name") == allocation.group]
    holders += [task for group in holders for task in group.get("Tasks") or []]
    services = [s for holder in holders for s in holder.get("Services") or []]
    if not any(s.get("Provider") == "nomad" and s.get("Checks") for s in services):
        return ()
    try:
        results = world.nomad.allocation_checks(allocation.id)
    except ApiError as exc:
        return (CheckSaid("Nomad's own checks", "unseen", exc.message),)
    return tuple(
        CheckSaid(
            str(check.get("Check") or ""),
            str(check.get("Status") or ""),
            one_line(str(check.get("Output") or "")) or "no output",
        )
        for check in results
        if check.get("Status") != "success"
    )


def _asked(
    world: World,
    allocation: AllocationView,
    instance: ConsulInstance,
    name: str,
    services: Sequence[Service],
) -> str:
    """What the check says where Consul's catalog has no output of it.

    An agent sends its servers the output of a check only when the status changes, or minutes
    later: of a check that never passed the catalog has none, only the agent of that node. Where
    that is not the agent that we talk to, the check's address is asked.
    """
    try:
        checks = world.consul.agent_checks(instance.id)
    except ApiError:
        checks = []
    for check in checks:
        if check.get("Name") == name and (said := one_line(str(check.get("Output") or ""))):
            return said
    path = next((s.check_path for s in services if s.name == instance.service), None)
    if path is None:
        return "no output yet"
    answer = ask(instance.url, path=path, timeout=PROBE, proxy=world.target.consul.proxy)
    if answer.status is None and _is_stopped(world, allocation):
        # It does not answer because it was stopped for the failure: that explains nothing.
        return STOPPED
    if answer.status is None:
        return f"asked now, {instance.url}{path} gives no answer: {answer.error}"
    said = one_line(answer.body.decode("utf-8", "replace"))
    return f"asked now, {instance.url}{path} answers {answer.status} {said}".rstrip()


def _is_stopped(world: World, allocation: AllocationView) -> bool:
    """True when the allocation is being stopped, or is over, by now."""
    try:
        raw = world.nomad.allocation(allocation.id)
    except ApiError:
        return False
    return raw.get("DesiredStatus") != "run" or raw.get("ClientStatus") != "running"
