"""How an `up` ends: the stack's verdict, or what its cluster came to."""

from __future__ import annotations

from dataclasses import replace

from toolkit.clients.aws.machines import Machines
from toolkit.cluster.stack.digests import earlier
from toolkit.cluster.stack.statuses import Standing
from toolkit.errors import AgentError, ApiError, ExitCode, ToolkitError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_apply import ChangeRow, ClusterUpReport, EarlierRow, UpWord
from toolkit.spec.equip import EquipReport
from toolkit.spec.preflight import Preflight
from toolkit.views.text import counted
from toolkit.views.text import seconds as long
from toolkit.workflows.cluster.apply.follow import Followed
from toolkit.workflows.cluster.apply.restoring import restore_groups
from toolkit.workflows.cluster.apply.secrets import Kept
from toolkit.workflows.cluster.apply.work import Work

EDGE = "traefik"
"""The job behind the balancer, as it is shipped."""
_WORDS: dict[ExitCode, UpWord] = {
    ExitCode.FAILED: "failed",
    ExitCode.REVERTED: "reverted",
    ExitCode.UNKNOWN: "unknown",
}


def refused(work: Work, stack: StackView | None, seen: Preflight) -> ClusterUpReport:
    """AWS, or the account, does not have what the file asks for."""
    count = counted(len(seen.stops), "finding")
    return replace(
        _blank(work, stack, "refused", f"{count} would make it fail; nothing was changed"),
        findings=seen.findings,
        next=(f"toolkit cluster plan {work.name}",),
    )


def kept(work: Work, stack: StackView | None, rows: tuple[ChangeRow, ...]) -> ClusterUpReport:
    """Somebody said no."""
    report = _blank(work, stack, "kept", "not confirmed; nothing was changed")
    return replace(report, changes=rows, next=(f"toolkit cluster plan {work.name}",))


def stuck(work: Work, found: Standing, report: ClusterUpReport) -> ClusterUpReport:
    """The stack is half made, and CloudFormation sees nothing to do about it."""
    sentence = (
        f"the stack is {found.word}, and CloudFormation sees nothing to change: {found.sentence}"
    )
    again = (f"toolkit cluster down {work.name}", f"toolkit cluster up {work.name}")
    return replace(report, word="failed", sentence=sentence, next=again, seconds=work.seconds)


def ended(work: Work, followed: Followed, report: ClusterUpReport) -> ClusterUpReport:
    """CloudFormation did not bring it to its end, or not within the time that there was."""
    found = followed.standing
    progress = followed.progress
    if not followed.over:
        waiting = ", ".join(progress.waits_for()[:3])
        done = f"{len(progress.done)} of {followed.total}" if followed.total else "some"
        sentence = (
            f"not over within {long(work.tools.timeout)}: {done} resources are done"
            + (f", CloudFormation is at {waiting}" if waiting else "")
            + "; it goes on without us"
        )
        word: UpWord = "unknown"
    else:
        word = _WORDS.get(found.code, "failed")
        first = progress.failed[0] if progress.failed else None
        cause = f": {first.logical} failed first" if first else ""
        sentence = f"the stack is {found.word}{cause}; {found.sentence}"
    return replace(
        report,
        stack=followed.stack.status,
        word=word,
        sentence=sentence,
        failures=progress.failed,
        waits_for=() if followed.over else progress.waits_for(),
        notes=(*report.notes, *_look_there(work, followed)),
        next=found.next_for(work.name) if followed.over else (f"toolkit cluster up {work.name}",),
        seconds=work.seconds,
    )


def completed(
    work: Work, stack: StackView, secrets: Kept, report: ClusterUpReport
) -> ClusterUpReport:
    """Begin, wait for, equip and verify what runs on a stack that is as the file says."""
    filling = work.tools.filling
    try:
        _protect(work, stack)
        restore_groups(work)
        _need_time(work)
        with filling.enter(work, secrets.store) as access:
            filling.begin(work, access, secrets.store, work.pause)
            sentence = filling.settle(work, access, secrets.store)
            _need_time(work)
            equipment = filling.fit_out(work, access, secrets.store)
        edge = filling.wait_edge(work) if _has_edge(equipment) else ""
    except (ApiError, AgentError) as error:
        return _unseen(work, report, "unknown", error)
    except ToolkitError as error:
        return _unseen(work, report, "failed", error)
    older, notes = _earlier(work)
    report = replace(
        report,
        equipment=equipment,
        earlier=older,
        notes=(*report.notes, *notes),
        seconds=work.seconds,
    )
    if equipment.code is not ExitCode.OK:
        step = (equipment.next,) if equipment.next else ()
        again = f"toolkit cluster up {work.name}"
        said = f"{sentence}, but it is not equipped: {equipment.sentence}"
        word: UpWord = "unknown" if equipment.code is ExitCode.UNKNOWN else "failed"
        return replace(report, word=word, sentence=said, next=(*step, again))
    if edge:
        said = f"{sentence}; {equipment.sentence}; requests of the world do not get in yet: {edge}"
        status = f"toolkit cluster status {work.name}"
        return replace(report, word="unknown", sentence=said, next=(status,))
    return replace(
        report,
        sentence=f"{sentence}; {equipment.sentence}",
        next=(
            f"toolkit cluster status {work.name}",
            f'eval "$(toolkit cluster env {work.name})"',
        ),
    )


def begun(work: Work, stack: StackView | None, word: UpWord) -> ClusterUpReport:
    """A report to be filled in."""
    return _blank(work, stack, word, "")


def _blank(work: Work, stack: StackView | None, word: UpWord, sentence: str) -> ClusterUpReport:
    return ClusterUpReport(
        name=work.name,
        region=work.cluster.region,
        account=work.cloud.identity().account,
        stack=None if stack is None else stack.status,
        word=word,
        sentence=sentence,
        seconds=work.seconds,
    )


def _has_edge(equipment: EquipReport) -> bool:
    """Whether something that the balancer asks was deployed, and is there."""
    return equipment.code is ExitCode.OK and any(each.job == EDGE for each in equipment.jobs)


def _need_time(work: Work) -> None:
    if not work.left:
        raise AgentError(
            f"there was no time left of {long(work.tools.timeout)}",
            hint="--timeout says how much there is",
        )


def _unseen(
    work: Work, report: ClusterUpReport, word: UpWord, error: ToolkitError
) -> ClusterUpReport:
    hint = (error.hint,) if error.hint else ()
    return replace(
        report,
        word=word,
        sentence=(
            f"the stack is as the file says, and its cluster does not work: {error.message}"
            if word == "failed"
            else f"the stack is as the file says; whether its cluster works is not known:"
            f" {error.message}"
        ),
        notes=(*report.notes, *hint),
        next=(f"toolkit cluster up {work.name}", f"toolkit cluster status {work.name}"),
        seconds=work.seconds,
    )


def _protect(work: Work, stack: StackView) -> None:
    """Termination protection as the file says; it is said, because somebody may have set it."""
    wanted = work.cluster.protected
    if stack.protected != wanted:
        work.stacks.protect(work.name, on=wanted)
        work.say("stack", f"termination protection is {'on' if wanted else 'off'} now")


def _earlier(work: Work) -> tuple[tuple[EarlierRow, ...], tuple[str, ...]]:
    """Machines of an earlier configuration, and what is to be said of them; no verdict."""
    machines = Machines(work.cloud)
    try:
        rows = earlier(machines.groups(work.name), machines.instances(work.name))
    except ApiError as error:
        return (), (f"which machines run an earlier configuration is not known: {error.message}",)
    if not rows:
        return (), ()
    names = ", ".join(dict.fromkeys(each.name for each in rows))
    number = f"{counted(len(rows), 'machine')} of an earlier configuration"
    return rows, (f"{number} ({names}): a change of the file replaces none by itself",)


def _look_there(work: Work, followed: Followed) -> tuple[str, ...]:
    """Where a machine that gave no signal, or a bad one, says why."""
    groups = [row for row in followed.progress.failed if row.kind.startswith("AutoScaling::")]
    if not groups:
        return ()
    machine = "server-1" if groups[0].logical.startswith("Server") else "control"
    return (
        f"a machine that did not come in says why in its journal: toolkit cluster ssh {work.name}"
        f" {machine}, then sudo journalctl -b",
    )
