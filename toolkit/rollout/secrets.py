"""The values of a job's secrets, and text without them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

from toolkit.errors import ApiError
from toolkit.rollout.world import World

REDACTED = "***"
SHORT = 4
"""A part of a secret with fewer characters than this is a word like any other."""


def stored(world: World, job_id: str) -> tuple[str, ...]:
    """Every value that the job's own variables hold, as far as our token may read them.

    Tasks read these without asking: `nomad/jobs/JOB`, and what lies below it.
    """
    path = f"nomad/jobs/{job_id}"
    found: list[str] = []
    try:
        paths = {str(meta.get("Path") or "") for meta in world.nomad.variables(path)}
        for each in sorted(p for p in paths if p == path or p.startswith(f"{path}/")):
            items = (world.nomad.variable(each) or {}).get("Items") or {}
            found += map(str, items.values())
    except ApiError:
        # What may not be read cannot be known, and no deploy fails of it.
        return tuple(found)
    return tuple(found)


def scrub(text: str, secrets: Collection[str]) -> str:
    """`text` without the values in `secrets`, in the spellings that programs print them in."""
    forms = {form for value in secrets for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    return text


def longest(secrets: Collection[str]) -> int:
    """Bytes of the longest spelling of a secret: what is cut may begin with all but one of them."""
    return max((len(form.encode()) for value in secrets for form in _forms(value)), default=0)


def _forms(value: str) -> Iterator[str]:
    if not value:
        return
    yield value
    # A program prints a key of several lines line by line.
    yield from (line for line in map(str.strip, value.splitlines()) if len(line) >= SHORT)
    if len(value) >= SHORT:
        yield from (quote(value, safe=""), quote(value), quote_plus(value))
        yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        yield repr(value)[1:-1]
