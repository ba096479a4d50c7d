"""The probe of a rollout: begun before the submission, judged with it, ended when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from toolkit.errors import InterruptedRolloutError, RefusedError
from toolkit.rollout.machine import Opinion
from toolkit.rollout.outside import Outside
from toolkit.rollout.probe.doors import Asking, asking
from toolkit.rollout.probe.firsts import first_failure
from toolkit.rollout.probe.probe import Counting, Probe, Releases
from toolkit.spec.cause import Cause
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.probe import ProbeFailure, ProbeReport, ProbeSettings
from toolkit.workflows.clock import Clock
from toolkit.workflows.session import Session

MOST_SETTLE = 60.0
"""Seconds that an old release may go on answering before it is no longer waited for."""
SHOWN = 5
"""Failures named as evidence."""


@dataclass(frozen=True, slots=True)
class Probing:
    """A probe that may not be there: then nothing is spent, and nothing was seen."""

    outside: Outside = field(default_factory=Outside)
    probe: Probe | None = None
    job: str = ""
    old: str | None = None
    """Release that is replaced, where it can be told from the new one."""

    @property
    def spent(self) -> str | None:
        """Why the budget is spent; None while it is not."""
        return None if self.probe is None else self.probe.spent

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why, as it was when it happened."""
        if self.probe is None or (why := self.probe.spent) is None:
            return ()
        return (because(why, self.probe.spent_by, self.old),)

    def seen(self) -> ProbeReport | None:
        """What was seen up to now."""
        return None if self.probe is None else self.probe.seen()

    def settle(self, clock: Clock, version: int) -> None:
        """The new release is proven: ask on until the old one is gone and some time is over."""
        probe = self.probe
        if probe is None:
            return
        since = clock.world.clock()
        probe.count_from_now()
        settings = probe.asking.settings
        try:
            clock.say("probe", f"asks on for {settings.settle:g} s after the old release")
            probe.settle(since, settings.settle + MOST_SETTLE)
        except KeyboardInterrupt as exc:
            raise InterruptedRolloutError(
                f"interrupted; version {version} of {self.job} is rolled out and its chain holds, "
                "but the probe was not over",
                hint=f"toolkit verify {self.job}",
            ) from exc


@contextmanager
def probed(
    session: Session, plan: Plan, wanted: bool | None, clock: Clock, *, back: bool = False
) -> Iterator[Probing]:
    """Ask through the edge from now on, if the job file or `wanted` says so.

    RefusedError where nothing can be asked, or where what serves now fails already. On the way
    `back` that is why one goes: it refuses nothing, and whatever is found fails no deployment.
    """
    how = _asking(session, plan, wanted)
    if how is None:
        yield Probing()
        return
    counting: Counting = "now" if _serves(plan.live) else "from the first good answer"
    failure = first_failure(session.world, how) if counting == "now" else None
    if failure and back:
        clock.say("note", f"what serves now fails the probe: {failure}")
        counting = "once the release is proven"
    elif failure:
        raise RefusedError(
            f"what serves now fails the probe already: {failure} through {how.addresses[0]}"
            f"{_site(how)}; nothing was changed",
            hint="correct [probe] of the job file, or deploy with --no-probe",
        )
    outside, releases = Outside(), _releases(plan)

    def on_spent(why: str, failures: tuple[ProbeFailure, ...]) -> None:
        if not back:
            outside.tell("probe", Opinion("bad", why, (because(why, failures, releases.old),)))

    with Probe(session.world, how, releases, on_spent, counting=counting) as probe:
        clock.say("probe", _said(how, counting))
        yield Probing(outside, probe, plan.job_id, releases.old)


def is_wanted(plan: Plan, wanted: bool | None) -> bool:
    """True when the job file asks for a probe, or the command line does."""
    return wanted if wanted is not None else plan.rendered.spec.probe is not None


def _asking(session: Session, plan: Plan, wanted: bool | None) -> Asking | None:
    if not is_wanted(plan, wanted):
        return None
    spec = plan.rendered.spec
    how = asking(session.world, plan.job, spec.probe or ProbeSettings(), spec.served)
    if how is None:
        raise RefusedError(
            f"job {plan.job_id} has no route, so there is no edge to probe it through",
            hint="add [route] to the job file, or deploy with --no-probe",
        )
    if not how.addresses:
        raise RefusedError(
            f"no edge to probe {plan.job_id} through: environment {session.target.environment} "
            "names none for its route, and no Traefik could be asked for its entry points",
            hint="say edge.public or edge.private in toolkit.toml, or deploy with --no-probe",
        )
    return how


def _serves(live: LiveJob | None) -> bool:
    """True when there is a release whose clients could lose something."""
    return live is not None and not live.stopped and any(live.counts.values())


def _releases(plan: Plan) -> Releases:
    """What to tell old from new by: nothing where both have the same name."""
    old = plan.live.release if plan.live is not None else None
    return Releases() if old == plan.release else Releases(plan.release, old)


def _said(how: Asking, counting: Counting) -> str:
    settings = how.settings
    what = ", ".join(dict.fromkeys(f"{place.method} {place.path}" for place in how.places))
    late = "" if counting == "now" else f" · counted {counting}"
    where = ", ".join(how.addresses)
    return f"{settings.rate:g} requests/s through {where}{_site(how)}: {what}{late}"


def _site(how: Asking) -> str:
    return f" ({how.host})" if how.host else ""


def because(why: str, failures: tuple[ProbeFailure, ...], old: str | None) -> Cause:
    """Why the budget is spent; what only the `old` release failed is not the new one's doing."""
    lines = [_line(failure) for failure in failures[:SHOWN]]
    before = bool(failures) and old is not None and {each.release for each in failures} == {old}
    return Cause(
        kind="probe",
        summary=f"the probe's budget is spent: {why}",
        evidence=tuple(lines),
        advice=f"it was {old} that failed, which served before; where the new release mends that, "
        "deploy it with --no-probe"
        if before
        else None,
        at=failures[0].at if failures else None,
    )


def _line(failure: ProbeFailure) -> str:
    """`probe: GET /orders: HTTP 500 of 1.2.0 at 12:03:04 UTC`."""
    at = datetime.fromtimestamp(failure.at, UTC).strftime("%H:%M:%S UTC")
    whose = f" of {failure.release}" if failure.release else ""
    return f"probe: {failure.method} {failure.path}: {failure.what}{whose} at {at}"
