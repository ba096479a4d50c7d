"""A rollout in time, for programs; the page draws the same."""

from __future__ import annotations

from typing import Any

from toolkit.spec.timeline import Bar, Mark, Timeline


def document(timeline: Timeline) -> dict[str, Any]:
    """The timeline for programs."""
    return {
        "began": timeline.began,
        "ended": timeline.ended,
        "bars": [_bar(bar) for bar in timeline.bars],
        "marks": [_mark(mark) for mark in timeline.marks],
        "notes": list(timeline.notes),
    }


def _bar(bar: Bar) -> dict[str, Any]:
    return {
        "allocation": bar.allocation,
        "group": bar.group,
        "node": bar.node,
        "version": bar.version,
        "release": bar.release,
        "role": bar.role,
        "spans": [
            {"phase": span.phase, "began": span.began, "ended": span.ended} for span in bar.spans
        ],
        "end": bar.end,
        "sightings": [
            {"system": seen.system, "word": seen.word, "at": seen.at} for seen in bar.sightings
        ],
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "at": mark.at,
        "kind": mark.kind,
        "text": mark.text,
        "allocation": mark.allocation,
    }
