"""Followed logs: one thread a stream, one queue, one iterator; new instances join on their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.clients.nomad import Nomad
from toolkit.clients.nomad_logs import LogKind
from toolkit.errors import ApiError, NotFoundError
from toolkit.rollout import read
from toolkit.spec.listing import LogLine
from toolkit.spec.observed import AllocationView
from toolkit.workflows.session import Session

WAIT = 10.0
"""Seconds that one blocking query for instances stays open."""

TAIL_BYTES = 1 << 18
"""A log shorter than this is followed from its start, so that no byte is lost or said twice."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come, or `error` is why."""

    error: ApiError | None = None


Item = LogLine | Ended


def text_lines(data: bytes) -> list[str]:
    """Whole lines of a task's output; what is not UTF-8 is shown as replacement characters."""
    return (
        data.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n").split("\n")
        if data
        else []
    )


def follow_job(
    session: Session, job_id: str, *, task: str | None, kind: LogKind, lines: int
) -> Iterator[LogLine]:
    """Lines as they are written, of all instances, until the job is stopped and all have ended."""
    items: queue.SimpleQueue[Item] = queue.SimpleQueue()
    closed = threading.Event()
    watcher = threading.Thread(
        target=watch,
        args=(session.nomad.clone(), job_id, task, kind, lines, items, closed),
        name="logs-watch",
        daemon=True,
    )
    watcher.start()
    try:
        while True:
            item = items.get()
            if isinstance(item, Ended):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        closed.set()


def watch(
    nomad: Nomad,
    job_id: str,
    task: str | None,
    kind: LogKind,
    lines: int,
    items: queue.SimpleQueue[Item],
    closed: threading.Event,
) -> None:
    """Start a stream for each task that runs; end when the job is stopped and every stream has."""
    streams: dict[tuple[str, str], threading.Thread] = {}
    index, first = 0, True
    try:
        while not closed.is_set():
            page = nomad.allocations(job_id, index=index, wait=WAIT if index else 0.0)
            index = page.index
            views = read.allocations(page.value or [])
            for view in views:
                for item in view.tasks:
                    key = (view.id, item.name)
                    if key in streams or item.state == "pending" or task not in {None, item.name}:
                        continue
                    if view.client_status != "running" and first:
                        continue
                    args = (
                        nomad.clone(),
                        view,
                        item.name,
                        kind,
                        lines if first else -1,
                        items,
                        closed,
                    )
                    streams[key] = threading.Thread(
                        target=stream, args=args, name=f"logs-{view.short}", daemon=True
                    )
                    streams[key].start()
            first = False
            if not any(view.client_status in {"running", "pending"} for view in views) and over(
                nomad, job_id
            ):
                for thread in streams.values():
                    thread.join()
                items.put(Ended())
                return
    except ApiError as exc:
        items.put(Ended(exc))
    finally:
        nomad.close()


def over(nomad: Nomad, job_id: str) -> bool:
    """True when no instance will start any more."""
    raw = nomad.job(job_id)
    return raw is None or bool(raw.get("Stop")) or raw.get("Status") == "dead"


def stream(
    nomad: Nomad,
    view: AllocationView,
    task: str,
    kind: LogKind,
    lines: int,
    items: queue.SimpleQueue[Item],
    closed: threading.Event,
) -> None:
    """Put one task's lines into the queue as they come; `lines` < 0 is all from the start."""
    try:
        for line in followed(nomad, view, task, kind, lines):
            if closed.is_set():
                return
            items.put(LogLine(view.id, task, kind, line))
    except NotFoundError as exc:
        items.put(LogLine(view.id, task, "note", exc.message))
    except ApiError as exc:
        items.put(Ended(exc))
    finally:
        nomad.close()


def followed(
    nomad: Nomad, view: AllocationView, task: str, kind: LogKind, lines: int
) -> Iterator[str]:
    """The last `lines` lines (< 0: all), then every new one; a line is said when it is whole."""
    skip, waiting = 0, b""
    whole = lines < 0
    if not whole:
        data = nomad.logs(view.id, task, kind, last_bytes=TAIL_BYTES)
        whole, skip = len(data) < TAIL_BYTES, len(data)
        done, _, waiting = data.rpartition(b"\n")
        yield from text_lines(done)[-lines:] if lines else ()
    for piece in nomad.follow_logs(view.id, task, kind, from_start=whole):
        fresh = piece[skip:] if whole else piece
        skip = max(skip - len(piece), 0)
        done, newline, rest = (waiting + fresh).rpartition(b"\n")
        if newline:
            yield from text_lines(done + newline)
        waiting = rest
    if waiting:
        yield from text_lines(waiting)
