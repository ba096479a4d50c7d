"""A task that could not be started: driver, image, artifact, template, hook, setup; pure."""

from __future__ import annotations

from toolkit.clients import task_texts
from toolkit.rollout.causes import waits
from toolkit.rollout.causes.draft import Draft
from toolkit.rollout.causes.evidence import Evidence
from toolkit.rollout.causes.words import one_line
from toolkit.rollout.events import Failure
from toolkit.spec.observed import AllocationView

ADVICE = {
    "driver": "check command, image and driver settings of the job file",
    "artifact": "check the artifact's address and checksum, and that the node can reach it",
    "validation": "check the task's settings",
    "setup": "check the node: disk space, permissions, mounts",
    "hook": "check identities, volumes and templates of the task, and the node's Consul",
    "identity": "set up workload identity (`nomad setup consul`), or take the identity out",
    "template": "mend the template: its syntax, the functions that it calls, its source file",
    "disk": "raise ephemeral_disk, or write less",
}
_KINDS = {"driver": task_texts.DRIVER, "artifact": task_texts.ARTIFACT}


def not_started(allocation: AllocationView, evidence: Evidence, first: Failure) -> Draft:
    """What kept the first task that failed from starting."""
    task, text = first.task.name, first.event.message
    if first.kind == "artifact":
        text = task_texts.without_query(text)
    lines = (f"event: {one_line(text)}",) if text.strip() else ()
    if first.kind == "template" and (missing := task_texts.missing(text)):
        return waits.template(task, missing, lines, str(evidence.job.get("ID") or ""))
    if first.kind in {"hook", "setup"}:
        return of_hook(f"task {task}", text, allocation.node, kind=first.kind)
    plain = one_line(task_texts.plainly(text))
    rules = _KINDS.get(first.kind, task_texts.SETUP)
    meaning = task_texts.find(rules, text)
    kind = meaning.kind if meaning is not None else first.kind
    advice = ADVICE[first.kind]
    if meaning is not None:
        advice = meaning.advice.format(place=allocation.node or "the node")
    if first.kind == "driver":
        what = plain if meaning is None else meaning.what
        if kind == "port" and (port := task_texts.port_in(text)):
            what = f"port {port} is taken on {allocation.node or 'its node'}"
        if (path := task_texts.quoted_in(text)) and kind in {"image", "command"}:
            what = f"{what} ({path})"
        return Draft(kind, f"task {task} could not be started: {what}", lines, advice)
    if first.kind == "artifact" and meaning is not None:
        what = f"{task_texts.address_in(text)}: {meaning.what}"
        return Draft(kind, f"task {task}: failed artifact download: {what}", lines, advice)
    title = "template failed" if first.kind == "template" else first.event.kind.lower()
    plain = plain.removeprefix(task_texts.TEMPLATE_FAILED + ": ")
    return Draft(kind, f"task {task}: {title}: {plain}", lines, advice)


def of_hook(who: str, text: str, node: str, *, kind: str = "setup") -> Draft:
    """One of Nomad's own preparations failed, of a task or of the allocation as a whole."""
    hook = task_texts.hook_of(text)
    meaning = task_texts.find(task_texts.SETUP, text)
    kind = task_texts.HOOK_KINDS.get(hook, kind)
    advice = ADVICE[kind]
    what = ""
    if meaning is not None and not (kind == "identity" and meaning.kind == "denied"):
        kind, what = meaning.kind, f" ({meaning.what})"
        advice = meaning.advice.format(place=node or "the node")
    title = "setup failure" if kind == "setup" and not hook else "task hook failed"
    if who == "allocation":
        title = "could not be set up"
    lines = (f"event: {one_line(text)}",) if text.strip() else ()
    summary = f"{who}: {title}{what}: {one_line(task_texts.plainly(text))}"
    return Draft(kind, summary, lines, advice)
