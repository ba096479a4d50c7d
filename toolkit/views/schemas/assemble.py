"""One document's schema put together: itself, and every part that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.views.schemas import (
    cluster,
    cluster_apply,
    cluster_look,
    comparing,
    dns,
    explaining,
    hooks,
    looking,
    parts,
    probing,
    repos,
    rolling,
    stacks,
    watching,
    work,
)
from toolkit.views.schemas.documents import DOCUMENTS
from toolkit.views.schemas.words import DIALECT, Schema

PARTS = {
    **parts.PARTS,
    **cluster.PARTS,
    **cluster_apply.PARTS,
    **cluster_look.PARTS,
    **comparing.PARTS,
    **dns.PARTS,
    **looking.PARTS,
    **explaining.PARTS,
    **probing.PARTS,
    **hooks.PARTS,
    **repos.PARTS,
    **rolling.PARTS,
    **stacks.PARTS,
    **watching.PARTS,
    **work.PARTS,
}


def known() -> dict[str, str]:
    """The documents by name, such as `deploy`, with what each is."""
    return {name: str(document["description"]) for name, (_, document) in DOCUMENTS.items()}


def schema(name: str) -> Schema:
    """The schema of the document called `name`; KeyError for one that does not exist."""
    version, _ = DOCUMENTS[name]
    document = _labelled(name)
    held: dict[str, Schema] = {}
    _collect(document, held)
    found: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:toolkit:{name}:{version}",
        "title": label(name),
        **document,
    }
    if held:
        found["$defs"] = {part: held[part] for part in sorted(held)}
    return found


def label(name: str) -> str:
    """What the document says in its key `schema`."""
    return f"toolkit.{name}/{DOCUMENTS[name][0]}"


def _labelled(name: str) -> Schema:
    """The document with the key that names it, first."""
    document = DOCUMENTS[name][1]
    properties = {
        "schema": {"description": "Which document this is", "const": label(name)},
        **document["properties"],
    }
    return {**document, "properties": properties, "required": list(properties)}


def _collect(schema: Schema, held: dict[str, Schema]) -> None:
    for name in _named(schema):
        if name not in held:
            # A document inside another is the whole document.
            held[name] = PARTS[name] if name in PARTS else _labelled(name)
            _collect(held[name], held)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
