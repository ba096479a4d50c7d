"""Work that ended as a timeline: its report knows tasks, and when they ran; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def timeline_of(report: Json) -> dict[str, Any] | None:
    """A bar for each task that started; None where none did."""
    tasks = [row for row in report.get("instances") or () if row["started"]]
    events = report.get("events") or ()
    if not tasks or not events:
        return None
    submitted = next((e["at"] for e in events if e["stage"] == "submit"), events[0]["at"])
    began = min(float(submitted), *(float(row["started"]) for row in tasks))
    ended = max(float(events[-1]["at"]), *(float(row["finished"] or 0) for row in tasks))
    bars, marks = [], [_mark(float(submitted), "submitted", "submitted")]
    for row in sorted(tasks, key=lambda row: float(row["started"])):
        finished = row["finished"]
        bars.append(
            {
                "allocation": row["allocation"],
                "group": row["task"]
                if row["task"] == row["group"]
                else f"{row['group']}.{row['task']}",
                "node": row["node"],
                "version": report.get("version") or 0,
                "release": report.get("release"),
                "role": "work",
                "spans": [{"phase": "running", "began": float(row["started"]), "ended": finished}],
                "end": row["state"] if finished else None,
                "sightings": [],
            }
        )
        if row["state"] == "failed" and finished:
            code = row["exit_code"]
            said = f"task {row['task']} " + (f"exited {code}" if code is not None else "failed")
            marks.append(_mark(float(finished), "failure", said, row["allocation"]))
    marks.append(_mark(float(events[-1]["at"]), "verdict", str(report["verdict"])))
    return {"began": began, "ended": ended, "bars": bars, "marks": marks, "notes": []}


def _mark(at: float, kind: str, text: str, allocation: str | None = None) -> dict[str, Any]:
    return {"at": at, "kind": kind, "text": text, "allocation": allocation}
