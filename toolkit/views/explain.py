"""One thing explained on one screen: how it is, why, what is known, what could not be seen."""

from __future__ import annotations

from typing import Any

from toolkit.spec.explain import ExplainReport, Explanation, Moment
from toolkit.views import cause as cause_view
from toolkit.views.text import seconds
from toolkit.views.when import stamp

TIMELINE = 14
"""Moments that are shown; programs get all of them."""
SPAN = 13
"""Columns of a distance in time."""
CAUSES = 4
"""Causes that are shown."""


def lines(report: ExplainReport) -> list[str]:
    """The word and its sentence, the causes, what is worth knowing, what could not be seen."""
    answer = report.answer
    result = _headline(answer, report.now)
    result += cause_view.lines(answer.causes[:CAUSES])
    if len(answer.causes) > CAUSES:
        more = len(answer.causes) - CAUSES
        result += cause_view.labelled("", f"and {more} more cause{'' if more == 1 else 's'}")
    for fact in answer.facts:
        result += cause_view.labelled(fact.name, fact.text)
    result += _timeline(answer.timeline)
    for position, line in enumerate(answer.output):
        result += cause_view.labelled("said" if position == 0 else "", line)
    for line in answer.unseen:
        result += cause_view.labelled("unseen", line)
    if answer.next:
        result += cause_view.labelled("next", answer.next)
    return result


def _headline(answer: Explanation, now: float) -> list[str]:
    since = ""
    if answer.since is not None:
        since = f", since {stamp(answer.since)} ({_ago(answer.since, now)})"
    # The word is a column of its own, as at the end of a rollout.
    first, *rest = cause_view.labelled("", f"{answer.sentence}{since}")
    return [answer.word.ljust(cause_view.COLUMN) + first.lstrip(), *rest]


def _ago(at: float, now: float) -> str:
    return f"{seconds(max(now - at, 0.0))} ago"


def _timeline(moments: tuple[Moment, ...]) -> list[str]:
    """Each moment by its distance from the first, which has a date."""
    if not moments:
        return []
    begun = moments[0].at
    result = cause_view.labelled("life", f"{stamp(begun)} {moments[0].who}: {moments[0].text}")
    rest = moments[1:]
    left_out = len(rest) - TIMELINE
    if left_out > 0:
        result += cause_view.labelled("", f"… {left_out} earlier events")
        rest = rest[-TIMELINE:]
    for moment in rest:
        span = f"+{seconds(max(moment.at - begun, 0.0))}"
        first, *more = cause_view.labelled("", f"{moment.who}: {moment.text}", SPAN)
        result += [first[: cause_view.COLUMN] + span.ljust(SPAN) + first.lstrip(), *more]
    return result


def document(report: ExplainReport) -> dict[str, Any]:
    """The report for programs."""
    answer = report.answer
    return {
        "schema": "toolkit.explain/1",
        "code": int(report.code),
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "asked": report.asked,
        "now": report.now,
        "kind": answer.subject.kind,
        "id": answer.subject.id,
        "job": answer.job,
        "word": answer.word,
        "sentence": answer.sentence,
        "since": answer.since,
        "causes": [cause_view.document(cause) for cause in answer.causes],
        "facts": [{"name": fact.name, "text": fact.text} for fact in answer.facts],
        "timeline": [{"at": m.at, "who": m.who, "text": m.text} for m in answer.timeline],
        "output": list(answer.output),
        "unseen": list(answer.unseen),
        "next": answer.next,
        "calls": report.calls,
    }
