"""The story of a job whose work has an end: batch, sysbatch, and what was launched."""

from __future__ import annotations

from toolkit.rollout.direct import judge
from toolkit.rollout.reasons import failed_at
from toolkit.spec.explain import Condition, Explanation, Fact, Subject
from toolkit.spec.observed import AllocationView
from toolkit.views.text import counted
from toolkit.views.when import stamp
from toolkit.workflows.explain import service, why
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.session import Session


def tell(session: Session, subject: Subject, seen: JobSeen) -> Explanation:
    """Is the work done, and if not, why not."""
    raw, live = seen.raw or {}, seen.live
    mine = seen.of_version(live.version)
    blocked = seen.blocked()
    placed = why.of_placement(session, blocked, raw)
    retry = [e for e in seen.evaluations if e.status == "pending" and e.wait_until]
    word, what = condition(seen, mine, blocked=bool(placed), retries=bool(retry))
    causes = placed
    bad = why.failed(mine)
    if word in {"unwell", "waiting", "running"} and bad:
        causes = why.ordered(why.of_allocations(session, raw, bad), placed)
    return Explanation(
        subject=subject,
        job=seen.id,
        word=word,
        sentence=f"{service.title(seen)}: {what}",
        since=_since(seen, mine, word),
        causes=causes,
        facts=tuple(_facts(seen, mine, [each.wait_until for each in retry])),
        unseen=seen.unseen,
        next=_next(seen.id, word, mine, bad),
    )


def condition(
    seen: JobSeen, mine: tuple[AllocationView, ...], *, blocked: bool, retries: bool
) -> tuple[Condition, str]:
    """The word and half a sentence."""
    raw, live = seen.raw or {}, seen.live
    running = sum(each.should_run for each in mine)
    bad = [each for each in mine if each.client_status in {"failed", "lost"}]
    if live.stopped and not running:
        return "stopped", "stopped by somebody"
    if blocked:
        return "waiting", "the work waits for a node that can take it"
    if not mine and raw.get("Status") == "dead":
        return "unknown", "it is over, and Nomad no longer keeps its allocations"
    match judge(raw, mine, seen.allocations):
        case "completed":
            return "done", f"the work is done, {counted(len(mine), 'allocation')} completed"
        case "stopped":
            return "stopped", "stopped by somebody before it was done"
        case "failed" if retries:
            return "waiting", f"{counted(len(bad), 'allocation')} failed, and Nomad tries again"
        case "failed":
            return "unwell", f"the work failed: {counted(len(bad), 'allocation')} of {len(mine)}"
        case "none wanted":
            return "done", "no instance is wanted"
        case _:
            tried = f", after {counted(len(bad), 'failure')}" if bad else ""
            if running or raw.get("Status") != "dead":
                return "running", f"the work is under way, {running} running{tried}"
            return "unwell", f"it ended without having been done{tried}"


def _since(seen: JobSeen, mine: tuple[AllocationView, ...], word: Condition) -> float | None:
    bad = why.failed(mine)
    if word in {"unwell", "waiting"} and bad:
        return min(failed_at(each) for each in bad)
    if word == "done":
        return max((each.modified_at for each in mine), default=0.0) or None
    return service.submitted(seen)


def _facts(seen: JobSeen, mine: tuple[AllocationView, ...], retries: list[float]) -> list[Fact]:
    at = service.submitted(seen)
    found = [Fact("version", f"{seen.live.version}" + (f", submitted {stamp(at)}" if at else ""))]
    words = [each.client_status for each in mine]
    if words:
        said = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
        found.append(Fact("work", said))
    if retries:
        found.append(Fact("retry", f"Nomad tries again at {stamp(max(retries))}"))
    return found


def _next(
    job: str, word: Condition, mine: tuple[AllocationView, ...], bad: list[AllocationView]
) -> str | None:
    if word == "unwell" and bad:
        return f"toolkit explain {bad[0].short}"
    if word == "waiting" and not bad:
        return f"toolkit why-not {job}"
    if word == "running" and mine:
        return f"toolkit logs {mine[-1].short}"
    return None
