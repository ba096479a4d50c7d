"""Plan, submission and verdict in one line each; pure."""

from __future__ import annotations

from toolkit.rollout.verdict import Judged
from toolkit.spec.chain import Verification
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import GroupPlan, LiveJob, Plan, Submission
from toolkit.spec.probe import ProbeReport
from toolkit.spec.report import Timings, Verdict

SEEN_FROM_OUTSIDE = ("probe", "analysis", "inconclusive")
"""Causes that nothing in Nomad tells of afterwards: only the kept report does."""


def plan(made: Plan) -> str:
    """`1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits`."""
    parts = []
    before = made.live.release if made.live and not made.live.stopped else None
    if before and made.release and before != made.release:
        parts.append(f"{before} → {made.release}")
    elif made.release:
        parts.append(str(made.release))
    if not made.changed:
        parts.append("nothing changed")
        return " · ".join(parts)
    many = len(made.groups) > 1
    for group in made.groups:
        words = group_words(group)
        if words:
            parts.append(f"{group.group}: {words}" if many else words)
    parts.append("fits" if made.fits else "does not fit")
    return " · ".join(parts)


def group_words(group: GroupPlan) -> str:
    """What happens to one group: `2 canaries, then 2 replaced`."""
    words = []
    if group.canary:
        words.append(f"{group.canary} canar{'y' if group.canary == 1 else 'ies'}")
    if group.place:
        words.append(f"{group.place} placed")
    if group.replace:
        words.append(f"{group.replace} replaced")
    if group.in_place:
        words.append(f"{group.in_place} updated in place")
    if group.migrate:
        words.append(f"{group.migrate} migrated")
    if group.stop:
        words.append(f"{group.stop} stopped")
    if group.preempt:
        words.append(f"{group.preempt} of others preempted")
    if group.canary and not group.stop and group.ignore:
        words.append(f"then {group.ignore} stopped")
    return ", ".join(words)


def submission(made: Submission) -> str:
    """`version 4, check index 118`."""
    found = " (the reply was lost; found by reading)" if made.resolved else ""
    return f"version {made.version}, check index {made.check_index}{found}"


def departed(outcome: Outcome, verification: Verification, previous: int | None) -> list[str]:
    """`2 left Consul, left Traefik`: what became of the instances of the version before."""
    old = [a for a in outcome.allocations if a.job_version == previous]
    leaving = [a for a in old if a.client_status in {"running", "pending"}]
    if not leaving:
        return []
    names = {link.name: link for link in verification.links}
    left = [
        f"left {title}"
        for name, title in (("consul", "Consul"), ("traefik", "Traefik"))
        if names[name].state == "holds"  # type: ignore[index]
    ]
    return [
        ", ".join(
            [f"{len(leaving)} {left[0]}" if left else f"{len(leaving)}", *left[1:], "stopping"]
        )
    ]


def verdict(
    judged: Judged,
    *,
    job: str,
    release: str | None,
    version: int | None,
    verification: Verification | None,
    timings: Timings,
    standing: LiveJob | None = None,
    launches: str = "",
    probe: ProbeReport | None = None,
) -> str:
    """The end said in one sentence, without the verdict's own word.

    `standing` is what is registered where a failed version was not taken back; `launches` says
    what starts the work of a job that only launches others.
    """
    what = f"{job} {release}" if release else job
    if release is None and version is not None:
        what = f"{job} version {version}"
    count = f"{verification.verified} of {verification.expected} verified" if verification else ""
    seconds = f"in {timings.total:.1f} s"
    if probe is not None and count:
        count = f"{count}, {probe.count}"
    if launches and judged.verdict in {"deployed", "unchanged"}:
        return f"{what}, version {version} is registered, {launches}; nothing serves of it itself"
    match judged.verdict:
        case "deployed":
            own = "" if timings.nomad is None else f" (Nomad's own clock {timings.nomad:.1f} s)"
            return f"{what}, {count}, {seconds}{own}"
        case "unchanged":
            return f"{what}, {count or judged.why}"
        case "completed":
            return f"{what}, {seconds}"
        case "submitted":
            return f"{what}, version {version}; nobody watches it"
        case "reverted":
            old = (verification and verification.release) or "the old version"
            return f"{what} did not take; {old} serves, {count}, {seconds}{_stands(standing)}"
        case "failed":
            return f"{what} did not take, and nothing is verified to serve: {judged.why}"
        case "unplaced":
            if verification is None or not (verification.holds and verification.verified):
                return f"{what}: {judged.why}"
            return (
                f"{what}: {judged.why}; {verification.release or 'the old version'} serves, {count}"
            )
        case "unverified":
            if judged.why.startswith("probe: "):
                spent = judged.why.removeprefix("probe: ")
                return f"{what}, {count}, but the probe's budget is spent: {spent}"
            if judged.why.startswith("nomad: "):
                return f"{what}: the chain is broken at {judged.why}"
            there = "runs" if _unwell(verification) else "is healthy"
            return f"{what} {there} in Nomad, but the chain is broken at {judged.why}"
        case "unknown":
            return f"{what}: {judged.why}"
        case "superseded":
            return f"{what}: {judged.why}"
        case "held":
            return f"{what}: {judged.why}"
        case "refused":
            return f"{what}: {judged.why}"


def _stands(standing: LiveJob | None) -> str:
    """What is registered beside what serves, where nothing was taken back."""
    if standing is None:
        return ""
    release = f" ({standing.release})" if standing.release else ""
    return f"; version {standing.version}{release} stays registered, nothing was taken back"


def _unwell(verification: Verification | None) -> bool:
    """True where Nomad does not call an instance healthy that is to stay."""
    rows = verification.instances if verification else ()
    return any(row.nomad != "healthy" for row in rows if not row.leaving)


def next_command(word: Verdict, job: str, outcome: Outcome | None) -> str | None:
    """The next command to type."""
    match word:
        case "failed" | "reverted":
            cause = outcome.causes[0] if outcome and outcome.causes else None
            if cause and cause.allocation:
                return f"toolkit explain {cause.allocation[:8]}"
            if cause and cause.kind in SEEN_FROM_OUTSIDE:
                return f"toolkit report {job}"
            return f"toolkit explain {job}"
        case "unplaced":
            return f"toolkit why-not {job}"
        case "unknown":
            undecided = outcome is not None and outcome.end in {"undecided", "lost"}
            return f"toolkit {'attach' if undecided else 'verify'} {job}"
        case "unverified":
            return f"toolkit explain {job}"
        case "superseded":
            return f"toolkit status {job}"
        case "submitted":
            return f"toolkit attach {job}"
        case "held":
            if outcome is not None and outcome.end == "stopped":
                return f"toolkit status {job}"
            if outcome is not None and " lock" in outcome.detail:
                return f"toolkit attach {job}"
            if outcome is not None and outcome.causes:
                # Ready to be promoted, and found worse than what is stable.
                return f"toolkit abort {job}"
            paused = outcome is not None and "paused" in outcome.detail
            return f"toolkit {'resume' if paused else 'promote'} {job}"
        case "deployed" | "unchanged" | "completed" | "refused":
            return None
