"""Changes that belong together, packed into batches that a provider takes; pure.

Route 53 counts the values of a batch and their characters; what belongs to one name is never
split, for its owner record is its lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from toolkit.spec.dns import Change

T = TypeVar("T")

MOST_CHARACTERS = 32_000
"""Of all values of one batch."""


def weight(changes: Iterable[Change]) -> int:
    """How many values a provider counts: an alias is one."""
    return sum(max(1, len(change.record.values)) for change in changes)


def characters(changes: Iterable[Change]) -> int:
    """How many characters of values are sent at most: texts come in quotes, with escapes."""
    return sum(
        _sent(value) if change.record.type == "TXT" else len(value)
        for change in changes
        for value in change.record.values
    )


def _sent(text: str) -> int:
    size = len(text) if text.isascii() and text.isprintable() else 4 * len(text.encode())
    return size + text.count('"') + text.count("\\") + 2 + 3 * (size // 255)


def pack(
    groups: Sequence[T],
    changes_of: Callable[[T], Sequence[Change]],
    *,
    most: int,
    most_characters: int = MOST_CHARACTERS,
) -> Iterator[list[T]]:
    """Batches of groups, in order; a group that is too large by itself comes alone."""
    batch: list[T] = []
    values = texts = 0
    for group in groups:
        changes = changes_of(group)
        more_values, more_texts = weight(changes), characters(changes)
        if batch and (values + more_values > most or texts + more_texts > most_characters):
            yield batch
            batch, values, texts = [], 0, 0
        batch.append(group)
        values, texts = values + more_values, texts + more_texts
    if batch:
        yield batch


def split(
    groups: Sequence[T],
    changes_of: Callable[[T], Sequence[Change]],
    blamed: Collection[tuple[str, str]],
) -> tuple[list[T], ...]:
    """What to send anew of a refused batch: by whom the provider blames, else in halves.

    Those that nobody blames stay together; each that is blamed comes alone.
    """
    guilty = [
        group
        for group in groups
        if any(change.record.key in blamed for change in changes_of(group))
    ]
    if guilty and len(guilty) < len(groups):
        innocent = [group for group in groups if group not in guilty]
        return innocent, *([group] for group in guilty)
    middle = len(groups) // 2
    return tuple(list(half) for half in (groups[:middle], groups[middle:]) if half)
