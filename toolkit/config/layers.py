"""Settings from several places, laid over each other; every value remembers where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from toolkit.config.lines import KeyPath
from toolkit.config.source import Source, spell
from toolkit.errors import Mistake
from toolkit.spec.jobspec import Origin


class Leaf(NamedTuple):
    """One value and the place that it was read from."""

    value: Any
    source: Source
    path: KeyPath = ()

    def origin(self) -> Origin:
        """The place, for reports and for writing back."""
        return Origin(self.source.where, spell(self.path), self.source.line(self.path))

    def mistake(self, message: str, hint: str | None = None) -> Mistake:
        """A mistake in this value."""
        return self.source.mistake(self.path, message, hint)


Layer = dict[str, "Layer | Leaf"]
"""A table of values that know their place; an empty table is there, but says nothing."""


def lift(table: Mapping[str, Any], source: Source, path: KeyPath = ()) -> Layer:
    """`table`, each value with its place below `path`."""
    return {
        name: lift(value, source, (*path, name))
        if isinstance(value, dict)
        else Leaf(value, source, (*path, name))
        for name, value in table.items()
    }


def merge(*layers: Layer) -> Layer:
    """The layers over each other, later ones winning, table by table."""
    merged: Layer = {}
    for layer in layers:
        for name, value in layer.items():
            below = merged.get(name)
            if isinstance(value, dict):
                merged[name] = merge(below, value) if isinstance(below, dict) else merge(value)
            else:
                merged[name] = value
    return merged


def table(layer: Layer, *path: str) -> Layer | None:
    """The table at `path`, or None when there is none."""
    found: Layer | Leaf | None = layer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def leaf(layer: Layer, *path: str) -> Leaf | None:
    """The value at `path` with its place, or None when there is none."""
    above = table(layer, *path[:-1])
    found = None if above is None else above.get(path[-1])
    return found if isinstance(found, Leaf) else None


def leaves(layer: Layer) -> Iterator[Leaf]:
    """Every value of the layer."""
    for value in layer.values():
        if isinstance(value, Leaf):
            yield value
        else:
            yield from leaves(value)


def plain(layer: Layer) -> dict[str, Any]:
    """The values alone."""
    return {
        name: value.value if isinstance(value, Leaf) else plain(value)
        for name, value in layer.items()
    }
