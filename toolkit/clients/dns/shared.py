"""A mapping of very many names that is copied at the price of a few."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TypeVar

V = TypeVar("V")
PARTS = 256


class Shared(MutableMapping[str, V]):
    """A copy has the parts of what it was made of until it changes them.

    A zone is copied with every batch, and a batch touches a few names of thousands. Whatever a
    copy was made of must not change any more.
    """

    __slots__ = ("_mine", "_parts", "_size")

    def __init__(self, base: Shared[V] | None = None) -> None:
        """Without `base`: empty."""
        none: dict[str, V] = {}
        self._parts: list[dict[str, V]] = [none] * PARTS if base is None else list(base._parts)
        self._mine: set[int] = set()
        self._size: int = 0 if base is None else base._size

    def __getitem__(self, key: str) -> V:
        return self._parts[hash(key) % PARTS][key]

    def __contains__(self, key: object) -> bool:
        return key in self._parts[hash(key) % PARTS]

    def __setitem__(self, key: str, value: V) -> None:
        part = self._changed(key)
        self._size += key not in part
        part[key] = value

    def __delitem__(self, key: str) -> None:
        del self._changed(key)[key]
        self._size -= 1

    def __iter__(self) -> Iterator[str]:
        for part in self._parts:
            yield from part

    def __len__(self) -> int:
        return self._size

    def _changed(self, key: str) -> dict[str, V]:
        number = hash(key) % PARTS
        if number not in self._mine:
            self._parts[number] = dict(self._parts[number])
            self._mine.add(number)
        return self._parts[number]
