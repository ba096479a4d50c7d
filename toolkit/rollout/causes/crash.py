"""A task that started and ended although it should have gone on; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.clients import task_texts
from toolkit.rollout.causes.draft import Draft
from toolkit.rollout.causes.evidence import Evidence, Said
from toolkit.rollout.causes.words import FATAL, ended_by, ending, one_line, soon, times
from toolkit.rollout.events import Failure
from toolkit.spec.observed import AllocationView

MEND = "mend what the task's output names, then {} again"
_BATCH = {"batch", "sysbatch"}


def crashed(allocation: AllocationView, evidence: Evidence, found: Sequence[Failure]) -> Draft:
    """The first of `found` is the end of a task: how, how often, and its last words."""
    first = found[0]
    task = first.task.name
    lines = spoken(evidence.output.get(task, ()))
    if first.event.kind != "Terminated":
        summary = f"task {task} used up its restarts: {one_line(first.event.message)}"
        return Draft("crash", summary, lines, _mend(evidence))
    details = first.event.details
    code, number = details.get("exit_code", "0"), details.get("signal", "0")
    ends = [f for f in found if f.event.kind == "Terminated" and f.task.name == task]
    often = times(len(ends)) + soon(ends)
    if details.get("oom_killed") == "true":
        return _out_of_memory(allocation, evidence, task, times(len(ends)), lines)
    how = f"task {task} {ending(code, number)}{often}"
    said = "\n".join(line for part in evidence.output.get(task, ()) for line in part.lines)
    if code != "0" and (meaning := task_texts.find(task_texts.OUTPUT, said)) is not None:
        what = meaning.what
        if meaning.kind == "port" and (port := task_texts.port_in(said)):
            what = f"port {port} is taken on {allocation.node or 'its node'}"
        advice = meaning.advice.format(place=allocation.node or "the node")
        return Draft(meaning.kind, f"{how}: {what}", lines, advice)
    if code in {"126", "127"} and number == "0":
        return Draft("command", how, lines, _command(code))
    return Draft("crash", how, lines, _advice(allocation, evidence, code, number, task))


def _out_of_memory(
    allocation: AllocationView, evidence: Evidence, task: str, often: str, lines: tuple[str, ...]
) -> Draft:
    limit = evidence.memory(allocation.group, task)
    may = f"{limit} MB" if limit else "it may"
    summary = f"task {task} was killed for using more memory than {may}{often}"
    now = f" (now {limit} MB)" if limit else ""
    return Draft("oom", summary, lines, f"raise resources.memory{now} or memory_max")


def _command(code: str) -> str:
    if code == "127":
        return "a command that the task calls is not installed there, or is misspelt"
    return "the file is there and cannot be executed: its mode, its first line, its architecture"


def _advice(
    allocation: AllocationView, evidence: Evidence, code: str, number: str, task: str
) -> str:
    name = ended_by(code, number)
    if name == "SIGKILL":
        return (
            f"Nomad did not ask for it: look on {allocation.node or 'the node'} for the kernel's"
            " out-of-memory killer (`dmesg`), or for who else sent it"
        )
    if name in FATAL:
        return f"the program itself failed with {name}: its log or a core file says where"
    if name:
        return f"somebody other than Nomad, or the program itself, sent {name}"
    if code == "0" and evidence.job.get("Type") not in _BATCH:
        return f"a service must not end: keep task {task} in the foreground, or make it a batch job"
    return _mend(evidence)


def _mend(evidence: Evidence) -> str:
    return MEND.format("run it" if evidence.job.get("Type") in _BATCH else "deploy")


def spoken(output: Sequence[Said]) -> tuple[str, ...]:
    """What a task wrote last, each line with its source; why not, where it cannot be read."""
    found = [f"{said.stream}: {line}" for said in output for line in said.lines]
    # A stream that cannot be read is said once: with one the other one is gone too.
    unread = [f"{said.stream}: cannot be read: {said.problem}" for said in output if said.problem]
    if found or unread:
        return tuple(found + unread[:1])
    return ("output: none",) if output else ()
