"""When a periodic job is launched next, as Nomad reads its cron expressions; pure.

Nomad's API does not tell it. Only expressions of five plain fields (or their `@` names) are read
here, in the way of Nomad's own reader; of others, and of a local time that a change of the clocks
skips or repeats, nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NAMED = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_HORIZON = timedelta(days=366 * 8 + 1)
"""The rarest day, a 29 February, comes again within it."""


@dataclass(frozen=True, slots=True)
class _Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    any_day: bool
    any_weekday: bool

    def falls_on(self, day: date) -> bool:
        """As in every cron: of two restrictions of the day, either is enough."""
        if day.month not in self.months:
            return False
        monthly, weekly = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return monthly and weekly
        return monthly or weekly


def expressions(job: Mapping[str, Any]) -> tuple[str, ...]:
    """The cron expressions of a periodic job, as the job file has them."""
    periodic = job.get("Periodic") or {}
    found = [periodic.get("Spec"), *(periodic.get("Specs") or [])]
    return tuple(str(text) for text in found if text)


def is_on(job: Mapping[str, Any]) -> bool:
    """True when the job is periodic and its schedule is not switched off."""
    return bool((job.get("Periodic") or {}).get("Enabled", True)) and bool(expressions(job))


def next_launch(job: Mapping[str, Any], now: float) -> float | None:
    """Seconds since the epoch of the next launch after `now`; None when it cannot be told."""
    periodic = job.get("Periodic") or {}
    if not is_on(job) or (periodic.get("SpecType") or "cron") != "cron":
        return None
    try:
        zone = ZoneInfo(periodic.get("TimeZone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    found = [_next(text, zone, now) for text in expressions(job)]
    if any(at is None for at in found):
        return None
    return min((at for at in found if at is not None), default=None)


def _next(text: str, zone: ZoneInfo, now: float) -> float | None:
    cron = _read(text)
    if cron is None:
        return None
    begin = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(tzinfo=None)
    day, last = begin.date(), begin.date() + _HORIZON
    while day <= last:
        if cron.falls_on(day):
            for hour in sorted(cron.hours):
                for minute in sorted(cron.minutes):
                    local = datetime.combine(day, time(hour, minute))
                    if local > begin:
                        return _instant(local, zone)
        day += timedelta(days=1)
    return None


def _instant(local: datetime, zone: ZoneInfo) -> float | None:
    """The one moment with that local time; None for one that is skipped or comes twice."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        return None
    return first.timestamp()


def _read(text: str) -> _Cron | None:
    fields = _NAMED.get(text.strip().lower(), text).lower().split()
    if len(fields) != 5 or ("*/" in fields[2] + fields[4] and "*" not in fields[2::2]):
        return None
    minutes = _field(fields[0], 0, 59)
    hours = _field(fields[1], 0, 23)
    days = _field(fields[2], 1, 31)
    months = _field(fields[3], 1, 12, _MONTHS)
    weekdays = _field(fields[4], 0, 7, _DAYS)
    if minutes is None or hours is None or days is None or months is None or weekdays is None:
        return None
    return _Cron(
        minutes, hours, days, months, frozenset(n % 7 for n in weekdays),
        any_day=fields[2] == "*", any_weekday=fields[4] == "*",
    )  # fmt: skip


def _field(
    text: str, least: int, most: int, names: Mapping[str, int] | None = None
) -> frozenset[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            first, last = least, most
        else:
            one, two = _number(low, names), _number(high, names) if dash else None
            if one is None or (dash and two is None) or (step and not dash):
                return None
            first, last = one, one if two is None else two
        if step and (not step.isdecimal() or int(step) == 0):
            return None
        if not least <= first <= last <= most:
            return None
        found |= set(range(first, last + 1, int(step) if step else 1))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int | None:
    if text.isdecimal():
        return int(text)
    return (names or {}).get(text)
