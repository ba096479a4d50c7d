"""The story of a job: is it well, if not why, since when, what now."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ApiError, ToolkitError
from toolkit.rollout import reasons, verify
from toolkit.rollout.declared import services
from toolkit.rollout.direct import BATCH, is_launched_later
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.explain import Explanation, Fact, Subject
from toolkit.spec.jobspec import ServedRelease
from toolkit.workflows.explain import gone, history, launches, look, service, why, work
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.explain.service import Findings
from toolkit.workflows.session import Session, load_spec


def tell(session: Session, subject: Subject, *, filed: bool = False) -> Explanation:
    """One job, whoever deployed it; `filed`: it was named by the path of its job file."""
    seen = look.look(session, subject.id)
    if seen.raw is None:
        return gone.tell(session, subject, seen, filed=filed)
    # What it launched carries its parent's block along.
    if is_launched_later(seen.raw) and not seen.raw.get("ParentID"):
        return launches.tell(session, subject, seen)
    if seen.live.kind in BATCH:
        return work.tell(session, subject, seen)
    return _service(session, subject, seen)


def _service(session: Session, subject: Subject, seen: JobSeen) -> Explanation:
    raw = seen.raw or {}
    declared = services(raw)
    verification, unseen = _chain(session, seen)
    instances, blind = look.consul(session, declared) if verification is not None else ([], ())
    blocked = seen.blocked()
    trouble = why.failed(history.current(seen))
    past = history.failed_before(seen)
    broken = verification.first_broken if verification is not None else None
    short = broken is not None and broken.name == "nomad" and not trouble
    lacking = blocked or (seen.unplaced() if short else None)
    placed = why.of_placement(session, lacking, raw)
    found = Findings(
        seen=seen,
        verification=verification,
        blocked=blocked,
        trouble=tuple(trouble),
        past=past,
    )
    told = service.judge(found)
    causes: tuple[Cause, ...] = ()
    if told.word not in {"well", "stopped"}:
        causes = why.ordered(
            why.of_allocations(session, raw, trouble, instances),
            placed,
        )
        if told.word == "unwell" and not causes:
            causes = reasons.of_chain(session.world, verification, raw)
    if past is not None and not causes:
        causes = why.of_allocations(session, raw, past.suspects)
    if told.word in {"well", "unwell"} and not causes:
        causes = history.aborted(seen, past)
    facts = (*service.facts(found), *_links(verification))
    return Explanation(
        subject=subject,
        job=seen.id,
        word=told.word,
        sentence=told.sentence,
        since=told.since,
        causes=causes,
        facts=facts,
        unseen=(*seen.unseen, *unseen, *blind, *history.forgotten(seen, past)),
        next=service.next_command(told.word, found, causes),
    )


def _chain(session: Session, seen: JobSeen) -> tuple[Verification | None, tuple[str, ...]]:
    """One look along the chain of the registered version; None and why where Nomad hides it."""
    raw, live = seen.raw or {}, seen.live
    if live.stopped:
        return None, ()
    try:
        wanted = None
        if live.kind == "system":
            wanted = verify.system_count(session.world, raw, seen.allocations)
        expectation = verify.expect(
            raw, seen.allocations, {live.version}, served=_served(session, seen.id), wanted=wanted
        )
        rollout = seen.rollout(live.version)
        if rollout is not None and not rollout.terminal:
            # Old instances may still be beside the new ones.
            expectation = replace(expectation, alone=False)
        return verify.look(session.world, expectation)[0], ()
    except ApiError as exc:
        return None, (f"the chain: {look.why(exc)}",)


def _served(session: Session, job: str) -> ServedRelease | None:
    """How to ask an instance for its release, where the project has a job file that says it."""
    try:
        spec = load_spec(session.settings, job)
    except ToolkitError:
        # A job file with mistakes, or none, hides nothing of what runs.
        return None
    return spec.served if spec.name == job else None


def _links(verification: Verification | None) -> tuple[Fact, ...]:
    """The links of the chain that the job has, beyond Nomad's own."""
    if verification is None:
        return ()
    titles = {"consul": "consul", "traefik": "traefik", "release": "release", "edge": "edge"}
    return tuple(
        Fact(titles[link.name], link.detail)
        for link in verification.links
        if link.name in titles and link.state != "absent"
    )
