"""Tables that fit a screen of any size: columns give way in a stated order; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from toolkit.spec.chain import InstanceChain
from toolkit.spec.listing import JobRow
from toolkit.views.text import neutral

GAP = 2
LEAST = 4
"""No column is cut to fewer cells than this."""

INSTANCES = (
    "instance", "node", "version", "Nomad", "Consul", "Traefik", "release", "group", "address",
)  # fmt: skip
INSTANCES_GIVE_WAY = ("address", "group", "node", "version")
"""The order in which columns of instances are left out of a narrow screen."""

JOBS = ("job", "kind", "state", "release", "version", "running", "healthy", "deployment")
JOBS_GIVE_WAY = ("kind", "version", "deployment", "healthy")

BAD = {"failed", "lost", "unhealthy", "unknown", "critical", "missing", "down"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table."""

    text: str
    tone: str = ""
    """`head`, `bad`, `faint` or empty; the words say the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row before it is fitted: a cell for each column."""

    cells: tuple[str, ...]
    tone: str = ""


def instances(rows: Sequence[InstanceChain], width: int, height: int) -> list[Line]:
    """Each instance with its chain, on a screen of `width` columns and `height` lines."""
    made = [Row(_instance(row), _tone(row)) for row in rows]
    return table(INSTANCES, made, INSTANCES_GIVE_WAY, width, height)


def jobs(rows: Sequence[JobRow], width: int, height: int) -> list[Line]:
    """Each job of a namespace."""
    made = [Row(_job(row), "bad" if row.has_failed or row.runs_short else "") for row in rows]
    return table(JOBS, made, JOBS_GIVE_WAY, width, height)


def table(
    head: Sequence[str], rows: Sequence[Row], give_way: Sequence[str], width: int, height: int
) -> list[Line]:
    """Head and rows, none longer than `width` cells and no more of them than `height`.

    Columns without anything to say are left out, then those of `give_way` in its order, then the
    widest ones are cut. Of too many rows the bad ones are kept, and the last line counts the rest.
    """
    rows, more = _kept(rows, max(height - 1, 2))
    clean = [tuple(neutral(name) for name in head)]
    clean += [tuple(neutral(cell) for cell in row.cells) for row in rows]
    columns = [
        number
        for number in range(len(head))
        if number == 0 or any(row[number] not in {"", "-"} for row in clean[1:])
    ]
    widths = [max(cells(row[number]) for row in clean) for number in range(len(head))]
    for name in give_way:
        if _total(widths, columns) <= width:
            break
        columns = [number for number in columns if head[number] != name]
    while (over := _total(widths, columns) - width) > 0:
        widest = max(columns, key=lambda number: widths[number])
        if widths[widest] <= LEAST:
            break
        second = max((widths[n] for n in columns if n != widest), default=LEAST)
        widths[widest] -= min(over, max(widths[widest] - second, 1), widths[widest] - LEAST)
    tones = ["head", *(row.tone for row in rows)]
    made = [
        Line(cut(_joined(row, columns, widths), width), tone)
        for row, tone in zip(clean, tones, strict=True)
    ]
    return [*made, Line(cut(more, width), "faint")] if more else made


def _kept(rows: Sequence[Row], most: int) -> tuple[Sequence[Row], str]:
    """As many rows as there is room for, and what is said of the others."""
    if len(rows) <= most:
        return rows, ""
    room = most - 1
    bad = [number for number, row in enumerate(rows) if row.tone == "bad"]
    good = [number for number, row in enumerate(rows) if row.tone != "bad"]
    kept = {*bad[:room], *good[: max(room - len(bad), 0)]}
    left = len(bad) - len(kept & set(bad))
    worse = f", {left} of them unwell" if left else ""
    found = [row for number, row in enumerate(rows) if number in kept]
    return found, f"… and {len(rows) - len(found)} more{worse}"


def _joined(row: Sequence[str], columns: Sequence[int], widths: Sequence[int]) -> str:
    parts = []
    for number in columns:
        cell = cut(row[number], widths[number])
        parts.append(cell + " " * (widths[number] - cells(cell)))
    return (" " * GAP).join(parts).rstrip()


def _total(widths: Sequence[int], columns: Sequence[int]) -> int:
    return sum(widths[number] for number in columns) + GAP * (len(columns) - 1)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells; an ellipsis says that something is missing."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for letter in text:
        wide = cells(letter)
        if used + wide > width - 1:
            break
        kept, used = kept + letter, used + wide
    return kept + "…" if width > 0 else ""


def cells(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in {"W", "F"} else 1
        for letter in text
    )


def _instance(row: InstanceChain) -> tuple[str, ...]:
    return (
        row.allocation[:8],
        row.node,
        "-" if row.version is None else str(row.version),
        row.nomad,
        row.consul,
        row.traefik,
        row.serves,
        row.group,
        row.address,
    )


def _tone(row: InstanceChain) -> str:
    if row.leaving:
        return "faint"
    return "bad" if {row.nomad, row.consul, row.traefik} & BAD else ""


def _job(row: JobRow) -> tuple[str, ...]:
    from toolkit.views import status

    name, kind, state, release, version, running, healthy, deployment, _ = status.row_cells(row)
    return name, kind, state, release, version, running, healthy, deployment
