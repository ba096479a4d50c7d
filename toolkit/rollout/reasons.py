"""Why an allocation failed: task events, exit codes, last lines of output, Consul's check output.

Evidence is read through Nomad's API, bounded, and secrets are taken out. What cannot be read is
said in the evidence, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from toolkit.clients.http import ask
from toolkit.errors import ApiError
from toolkit.rollout.declared import Service
from toolkit.rollout.events import Failure, failures
from toolkit.rollout.secrets import scrub
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView

_NUMBER = re.compile(r"[0-9][0-9a-f.:]*")

LOG_BYTES = 4000
LOG_LINES = 5
PROBE = 2.0
"""Seconds for asking a check's address ourselves."""

_ADVICE = {
    "crash": "mend what the task's output names, then deploy again",
    "driver": "check command, image and driver settings of the job file",
    "artifact": "check the artifact's address and checksum, and that the node can reach it",
    "validation": "check the task's settings",
    "setup": "check the node: disk space, permissions, mounts",
    "hook": "check identities, volumes and templates of the task, and the node's Consul",
    "template": "create what the template waits for, or take it out of the template",
    "check": "ask the check's address on the node, and compare path and port with the job file",
    "disk": "raise ephemeral_disk, or write less",
    "lost": "look at the node: `nomad node status`",
}


def causes(
    world: World,
    allocations: Sequence[AllocationView],
    instances: Iterable[ConsulInstance] = (),
    secrets: Collection[str] = (),
    services: Sequence[Service] = (),
) -> tuple[Cause, ...]:
    """One cause per failed allocation, the first in time first; the same cause only once.

    `services` are the job's: they say where a check can be asked that Consul knows no output of.
    """
    consul = list(instances)
    found: list[Cause] = []
    for allocation in allocations:
        cause = of_allocation(world, allocation, consul, secrets, services)
        cause = replace(
            cause,
            summary=scrub(cause.summary, secrets),
            evidence=tuple(scrub(line, secrets) for line in cause.evidence),
        )
        if _likeness(cause) not in map(_likeness, found):
            found.append(cause)
    return tuple(sorted(found, key=lambda cause: cause.at or 0.0))


def _likeness(cause: Cause) -> tuple[object, ...]:
    """What makes the causes of two instances the same one: all but ports, ids and times."""
    return cause.kind, cause.group, cause.task, _NUMBER.sub("#", cause.summary)


def of_allocation(
    world: World,
    allocation: AllocationView,
    instances: Sequence[ConsulInstance] = (),
    secrets: Collection[str] = (),
    services: Sequence[Service] = (),
) -> Cause:
    """The first cause of one allocation's failure, with evidence."""
    events = failures(allocation)
    if not events:
        return _without_events(allocation, _checks(world, allocation, instances, services))
    first = events[0]
    kind = "oom" if first.event.details.get("oom_killed") == "true" else first.kind
    evidence: tuple[str, ...] = ()
    if kind in {"crash", "oom", "check"}:
        if kind == "check":
            evidence = _checks(world, allocation, instances, services)
        evidence += output(world, allocation, first.task.name, secrets)
    elif kind == "driver" or first.event.message:
        evidence = (f"event: {_one_line(first.event.message)}",)
    summary = _summary(kind, first, events)
    if kind == "check":
        summary = _unhealthy(evidence, summary)
    return Cause(
        kind=kind,
        summary=summary,
        group=allocation.group,
        task=first.task.name,
        allocation=allocation.id,
        node=allocation.node,
        evidence=evidence,
        advice=_ADVICE.get(kind) if kind != "oom" else "raise resources.memory or memory_max",
        at=first.at,
    )


def by_hand(deployment: DeploymentView) -> Cause:
    """Somebody else failed the deployment: no instance is to blame."""
    return Cause(
        kind="aborted",
        summary=f"somebody marked deployment {deployment.short} as failed",
        evidence=(f"deployment: {deployment.description}",),
        advice="ask who did, `toolkit history` has the versions",
    )


def output(
    world: World, allocation: AllocationView, task: str, secrets: Collection[str] = ()
) -> tuple[str, ...]:
    """The last lines of a task's stderr, or of its stdout when stderr is empty."""
    for stream in ("stderr", "stdout"):
        try:
            raw = world.nomad.logs(allocation.id, task, stream, last_bytes=LOG_BYTES)
        except ApiError as exc:
            return (f"{stream}: cannot be read: {exc.message}",)
        if len(raw) >= LOG_BYTES:
            # A line of which the beginning is missing may hold the end of a secret.
            raw = raw.partition(b"\n")[2]
        # As a whole first: a secret may have more than one line.
        text = scrub(raw.decode("utf-8", "replace"), secrets)
        lines = [_clean(line) for line in text.splitlines() if line.strip()]
        if lines:
            return tuple(f"{stream}: {line}" for line in _once(lines)[-LOG_LINES:])
    return ("output: none",)


def _once(lines: Sequence[str]) -> list[str]:
    """A line that follows itself, as after a restart, once with its number."""
    found = [(line, len(list(same))) for line, same in groupby(lines)]
    return [line if number == 1 else f"{line} (×{number})" for line, number in found]


def _summary(kind: str, first: Failure, events: Sequence[Failure]) -> str:
    task, event = first.task, first.event
    if kind == "oom":
        return f"task {task.name} was killed for using more memory than it may"
    if kind == "crash" and event.kind == "Terminated":
        code, signal = event.details.get("exit_code", "0"), event.details.get("signal", "0")
        how = f"was killed by signal {signal}" if signal != "0" else f"exited {code}"
        same = [failure for failure in events if failure.event.kind == "Terminated"]
        times = {1: "", 2: " twice"}.get(len(same), f" {len(same)} times")
        return f"task {task.name} {how}{times}{_soon(same)}"
    if kind == "crash":
        return f"task {task.name} used up its restarts: {_one_line(event.message)}"
    if kind == "check":
        return f"allocation did not become healthy: {_one_line(event.message)}"
    if kind == "driver":
        return f"task {task.name} could not be started: {_one_line(event.message)}"
    return f"task {task.name}: {event.kind.lower()}: {_one_line(event.message)}"


def _soon(crashes: Sequence[Failure]) -> str:
    """` within 3 s of its start`, where the start is still remembered."""
    task = crashes[0].task
    starts = [event.at for event in task.events if event.kind == "Started"]
    spans = [
        crash.at - max(start for start in starts if start <= crash.at)
        for crash in crashes
        if any(start <= crash.at for start in starts)
    ]
    if not spans or max(spans) > 60:
        return ""
    return f" within {max(1, round(max(spans) + 0.5))} s of its start"


def _without_events(allocation: AllocationView, checks: tuple[str, ...]) -> Cause:
    if allocation.client_status in {"lost", "unknown"}:
        kind, summary = "lost", f"its node {allocation.node} was lost"
    else:
        kind = "check"
        description = allocation.client_description or "it was not healthy in time"
        summary = f"allocation did not become healthy: {_one_line(description)}"
        summary = _unhealthy(checks, summary)
    return Cause(
        kind=kind,
        summary=summary,
        group=allocation.group,
        allocation=allocation.id,
        node=allocation.node,
        evidence=checks,
        advice=_ADVICE[kind],
        at=allocation.modified_at or None,
    )


def _unhealthy(checks: Sequence[str], summary: str) -> str:
    """What a check said rather than that Nomad waited in vain for it."""
    said = next((line for line in checks if line.startswith("check: ")), None)
    if said is None:
        return summary
    return f"allocation did not become healthy: {said.removeprefix('check: ')}"


def _checks(
    world: World,
    allocation: AllocationView,
    instances: Sequence[ConsulInstance],
    services: Sequence[Service],
) -> tuple[str, ...]:
    found = []
    for instance in instances:
        if instance.allocation != allocation.id:
            continue
        for check in instance.checks:
            if check.status != "passing":
                said = _one_line(check.output) or _asked(world, instance, services)
                found.append(f"check: {check.name} is {check.status}: {said}")
    return tuple(found)


def _asked(world: World, instance: ConsulInstance, services: Sequence[Service]) -> str:
    """What the check's address answers us.

    An agent sends its servers the output of a check only when the status changes, or minutes
    later: of a check that never passed Consul's catalog has no output.
    """
    path = next((s.check_path for s in services if s.name == instance.service), None)
    if path is None:
        return "no output yet"
    answer = ask(instance.url, path=path, timeout=PROBE, proxy=world.target.consul.proxy)
    if answer.status is None:
        return f"asked now, {instance.url}{path} gives no answer: {answer.error}"
    said = _one_line(answer.body.decode("utf-8", "replace"))
    return f"asked now, {instance.url}{path} answers {answer.status} {said}".rstrip()


def _one_line(text: str) -> str:
    line = " ".join(_clean(text).split())
    return line if len(line) <= 300 else line[:299] + "…"


def _clean(text: str) -> str:
    """Without the control characters that could redraw a terminal."""
    return "".join(c if c.isprintable() or c in "\t\n" else "�" for c in text)
