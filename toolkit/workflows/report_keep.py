"""The last step of every rollout: its timeline, and the report kept for later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.spec.report import DeployReport
from toolkit.spec.timeline import Timeline
from toolkit.spec.work import WorkReport
from toolkit.views import deploy as deploy_view
from toolkit.views import work as work_view
from toolkit.workflows.clock import Clock
from toolkit.workflows.notifying import notify
from toolkit.workflows.report_store import folder_of, keep
from toolkit.workflows.report_timeline import drawn
from toolkit.workflows.session import Session

_UNROLLED = {"unchanged", "submitted", "refused"}
"""Verdicts of what nobody watched roll: there is nothing to look back at."""


def finished(session: Session, report: DeployReport, clock: Clock) -> DeployReport:
    """The report with its timeline, kept and told to whoever is to be notified.

    What goes wrong here is a note and no other verdict.
    """
    report = replace(report, timeline=_timeline(session, report, clock), events=tuple(clock.events))
    report = replace(report, calls=session.nomad.counter.calls)
    _look_back(session, report.verdict, lambda: deploy_view.document(report), clock)
    return replace(report, events=tuple(clock.events))


def work_finished(session: Session, report: WorkReport, clock: Clock) -> WorkReport:
    """The same for work that ended."""
    _look_back(session, report.verdict, lambda: work_view.document(report), clock)
    return replace(report, events=tuple(clock.events))


def slim(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the table of instances of every single event.

    They grow with the square of the instances, and the timeline says the same.
    """
    events = [{**event, "instances": []} for event in document["events"]]
    return {**document, "events": events}


def _timeline(session: Session, report: DeployReport, clock: Clock) -> Timeline | None:
    if not clock.rolled:
        return None
    try:
        decided = clock.started + report.timings.total
        return drawn(session, clock.rolled, clock.events, report, decided)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001  the verdict is there already
        clock.say("note", f"the timeline could not be drawn: {type(exc).__name__}: {exc}")
        return None


def _look_back(
    session: Session, verdict: str, made: Callable[[], dict[str, Any]], clock: Clock
) -> None:
    """Keep the document, then tell it."""
    try:
        document = slim(made())
        if verdict not in _UNROLLED:
            _keep(session, document, clock)
        proxy = session.target.nomad.proxy
        for remark in notify(session.settings.notify, document, proxy=proxy):
            clock.say("note", remark)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001  as above
        clock.say("note", f"the report could not be kept: {type(exc).__name__}: {exc}")


def _keep(session: Session, document: Mapping[str, Any], clock: Clock) -> None:
    folder = folder_of(session.settings)
    if folder is None:
        return
    try:
        keep(folder, document, session.world.now())
    except OSError as exc:
        clock.say("note", f"the report could not be kept in {folder}: {exc.strerror or exc}")
