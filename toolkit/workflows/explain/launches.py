"""The story of a periodic or parameterized job: what it launched, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import read
from toolkit.rollout.causes.merge import merge
from toolkit.spec.cause import Cause
from toolkit.spec.explain import Condition, Explanation, Fact, Subject
from toolkit.views.when import stamp
from toolkit.workflows.explain import look, service, why
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.session import Session

NEWEST = 10
"""Launches that are looked at."""
EXPLAINED = 2
"""Failed launches of which the cause is read."""


def tell(session: Session, subject: Subject, seen: JobSeen) -> Explanation:
    """How the last launches went, and when the next one is."""
    raw, live = seen.raw or {}, seen.live
    kind = "periodic" if raw.get("Periodic") else "dispatch"
    unseen = list(seen.unseen)
    try:
        children = session.nomad.launched(seen.id, kind, most=NEWEST)
    except ApiError as exc:
        children = []
        unseen.append(f"its launches: {look.why(exc)}")
    failed = [child for child in children if _failed(child)]
    facts = [Fact("launch", _line(child)) for child in children[:5]]
    upcoming, problem = _upcoming(session, raw) if kind == "periodic" else ("", None)
    if upcoming:
        facts.append(Fact("due", f"{upcoming}, as Nomad computes it"))
    if problem:
        unseen.append(f"the next launch: {problem}")
    word, what = _condition(seen, kind, children, failed, upcoming)
    causes = _causes(session, failed) if word != "stopped" else ()
    at = service.submitted(seen)
    version = f"{live.version}" + (f", submitted {stamp(at)}" if at else "")
    next_command = f"toolkit explain {failed[0]['ID']}" if failed else None
    return Explanation(
        subject=subject,
        job=seen.id,
        word=word,
        sentence=f"{service.title(seen)}: {what}",
        since=_launched_at(failed[0]) if word == "unwell" else at,
        causes=causes,
        facts=(Fact("version", version), *facts),
        unseen=tuple(unseen),
        next=next_command,
    )


def _condition(
    seen: JobSeen,
    kind: str,
    children: list[dict[str, Any]],
    failed: list[dict[str, Any]],
    upcoming: str,
) -> tuple[Condition, str]:
    """Unwell when the newest launch that has ended failed."""
    if seen.live.stopped:
        return "stopped", "stopped, it launches nothing any more"
    word = "launch" if kind == "periodic" else "dispatch"
    total = f"{len(failed)} {word}{'' if len(failed) == 1 else 'es'}"
    ended = [child for child in children if child.get("Status") == "dead"]
    if ended and ended[0] in failed:
        return "unwell", f"the last {word} failed, {total} of the newest {len(children)} did"
    running = sum(child.get("Status") == "running" for child in children)
    if running:
        return "running", f"{running} under way"
    if not children:
        waits = f"; the next one is at {upcoming}" if upcoming else ""
        return "well", f"nothing was launched yet, or Nomad forgot it{waits}"
    past = f"; {total} before that failed" if failed else ""
    return "well", f"the last {word} did its work{past}"


def _failed(child: Mapping[str, Any]) -> bool:
    groups = ((child.get("JobSummary") or {}).get("Summary") or {}).values()
    over = child.get("Status") == "dead" and not child.get("Stop")
    bad = any(int(g.get("Failed") or 0) + int(g.get("Lost") or 0) for g in groups)
    done = any(int(g.get("Complete") or 0) for g in groups)
    return over and bad and not (done and len(groups) == 1)


def _line(child: Mapping[str, Any]) -> str:
    groups = ((child.get("JobSummary") or {}).get("Summary") or {}).values()
    counts = {
        name: sum(int(group.get(key) or 0) for group in groups)
        for name, key in (
            ("running", "Running"), ("complete", "Complete"), ("failed", "Failed"),
            ("lost", "Lost"), ("queued", "Queued"),
        )
    }  # fmt: skip
    said = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    at = _launched_at(child)
    when = f" at {stamp(at)}" if at else ""
    return f"{child['ID']}{when}: {said or child.get('Status')}"


def _launched_at(child: Mapping[str, Any]) -> float | None:
    return (child.get("SubmitTime") or 0) / read.NANO or None


def _upcoming(session: Session, raw: Mapping[str, Any]) -> tuple[str, str | None]:
    """When Nomad launches it next, by the dry run of the job as it is; or why that is not known."""
    periodic = raw.get("Periodic") or {}
    if not periodic.get("Enabled") or raw.get("Stop"):
        return "", None
    try:
        launch = session.nomad.plan(dict(raw), diff=False).get("NextPeriodicLaunch")
    except ApiError as exc:
        return "", look.why(exc)
    try:
        return stamp(datetime.fromisoformat(str(launch)).timestamp()), None
    except (ValueError, OverflowError):
        return "", None


def _causes(session: Session, failed: list[dict[str, Any]]) -> tuple[Cause, ...]:
    found = []
    for child in failed[:EXPLAINED]:
        try:
            views = read.allocations(session.nomad.allocations(child["ID"]).value or [])
            raw = session.nomad.job(child["ID"]) or {"ID": child["ID"]}
        except ApiError:
            continue
        found.append(why.of_allocations(session, raw, why.failed(views)))
    # The newest launch first: it is the one that is asked about.
    return merge((cause for causes in found for cause in causes), newest_first=True)
