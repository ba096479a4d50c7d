"""What somebody who keeps looking sees: transitions as lines, or a table, or a document a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolkit.spec.sight import Change, Sight
from toolkit.views import fitted
from toolkit.views.fitted import Line
from toolkit.views.status import row_document
from toolkit.views.text import WIDTH, folded, staged
from toolkit.views.verification import instance_document


def lines(sight: Sight) -> list[str]:
    """What is new, a line each."""
    return said(sight.changes)


def said(changes: Iterable[Change]) -> list[str]:
    """Some changes, a line each."""
    return [line for change in changes for line in staged(change.word, change.text)]


def folded_to(changes: Iterable[Change], width: int) -> list[str]:
    """The same for a screen of that width: what does not fit goes on below its text."""
    room = max(width - WIDTH, WIDTH)
    return [
        line
        for change in changes
        for line in staged(change.word, "\n".join(folded(change.text, room)))
    ]


def drawn(sight: Sight, width: int, height: int) -> list[Line]:
    """What is there, on a screen of that size."""
    if sight.job is None:
        return fitted.jobs(sight.jobs, width, height)
    head = Line(fitted.cut(sight.job.headline(), width))
    if not sight.instances:
        return [head]
    return [head, *fitted.instances(sight.instances, width, height - 1)]


def document(sight: Sight) -> dict[str, Any]:
    """The sight for programs."""
    job = sight.job
    return {
        "schema": "toolkit.status-watch/1",
        "word": sight.word,
        "at": sight.at,
        "environment": sight.environment,
        "address": sight.address,
        "namespace": sight.namespace,
        "changes": [{"word": each.word, "text": each.text} for each in sight.changes],
        "job": None
        if job is None
        else {
            "name": job.name,
            "state": job.state,
            "release": job.release,
            "version": job.version,
            "deployment": job.deployment,
            "healthy": job.healthy,
            "wanted": job.wanted,
        },
        "instances": [instance_document(row) for row in sight.instances],
        "jobs": [row_document(row) for row in sight.jobs],
    }
