"""The time axis that all charts of a page share; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.views.page.markup import Markup, el, inner, percent
from toolkit.views.page.words import length

_STEPS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    21600,
    86400,
)
TICKS = 6
"""At most so many steps: on a phone each label has its place."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From when to when, and where its zero is; seconds since the epoch."""

    began: float
    ended: float
    zero: float
    """The registration."""

    def at(self, moment: float) -> float:
        """The share of the width at which a moment is, 0 to 1."""
        return min(max((moment - self.began) / (self.ended - self.began), 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Where the steps are, and how they are called."""
        span = self.ended - self.began
        step = next((step for step in _STEPS if span / step <= TICKS), span / TICKS)
        first = -int((self.zero - self.began) // step)
        found = []
        number = first
        while self.zero + number * step <= self.ended:
            seconds = number * step
            sign = "−" if seconds < 0 else "+" if seconds else ""
            found.append((self.zero + seconds, sign + (length(abs(seconds)) if seconds else "0")))
            number += 1
        return found

    def drawn(self, top: float, bottom: float) -> Markup:
        """The grid between two heights, with the steps named below it."""
        parts = []
        for moment, name in self.ticks():
            x = percent(self.at(moment))
            parts.append(el("line", class_="grid", x1=x, x2=x, y1=top, y2=bottom))
            place = "end" if self.at(moment) > 0.94 else "start" if self.at(moment) < 0.06 else None
            parts.append(
                el("text", name, class_="tick", x=x, y=bottom + 14, text_anchor=place or "middle")
            )
        return inner(parts)


def axis_of(timeline: Mapping[str, Any] | None, probe: Mapping[str, Any] | None) -> Axis | None:
    """The time that a report's charts cover; None where it has none."""
    begins = [float(each["began"]) for each in (timeline, probe) if each]
    if not begins:
        return None
    ends = [float(each["ended"]) for each in (timeline, probe) if each]
    zero = float(timeline["began"]) if timeline else begins[0]
    ended = max(*ends, min(begins) + 0.5)
    return Axis(min(begins), ended + (ended - min(begins)) * 0.02, zero)
