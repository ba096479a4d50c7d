"""One answer of a blocking query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """What a blocking query answered and where to go on from."""

    index: int
    """To be given to the next query; 0 when the server's index went back: read again at once."""
    value: Any
    changed: bool
    """False when the wait ended with nothing new."""


def next_index(asked: int, answered: str | None) -> tuple[int, bool]:
    """Index for the next query, and whether this one brought news.

    An index that went back (a restored snapshot, a restarted development agent) starts again at
    0, which does not block; an answered 0 becomes 1, because a query for 0 would never block.
    ValueError when `answered` is not a number.
    """
    if answered is None:
        raise ValueError("the answer has no index")
    found = max(int(answered), 1)
    if asked > 0 and found < asked:
        return 0, True
    return found, asked == 0 or found != asked
