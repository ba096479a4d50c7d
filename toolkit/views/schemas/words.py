"""The few words that schemas are written in."""

from __future__ import annotations

from typing import Any, get_args

from toolkit.errors import ExitCode

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record(description: str, /, **properties: Schema) -> Schema:
    """An object with exactly these keys; a trailing underscore keeps a key from being Python's."""
    keys = {key.rstrip("_"): value for key, value in properties.items()}
    return {
        "description": description,
        "type": "object",
        "properties": keys,
        "required": list(keys),
        "additionalProperties": False,
    }


def text(description: str, **more: Any) -> Schema:
    """Any text."""
    return {"description": description, "type": "string", **more}


def some(description: str) -> Schema:
    """Text that is not empty."""
    return text(description, minLength=1)


def word(description: str, words: Any) -> Schema:
    """One of the words of a `Literal`, or of the texts in a list."""
    found = list(words) if isinstance(words, list | tuple) else list(get_args(words))
    return text(description, enum=found)


def whole(description: str, least: int = 0) -> Schema:
    """A whole number from `least` up."""
    return {"description": description, "type": "integer", "minimum": least}


def number(description: str) -> Schema:
    """A number from 0 up."""
    return {"description": description, "type": "number", "minimum": 0}


def flag(description: str) -> Schema:
    """True or false."""
    return {"description": description, "type": "boolean"}


def moment(description: str) -> Schema:
    """A point in time."""
    return number(f"{description}, in seconds since the epoch")


def texts(description: str) -> Schema:
    """A list of texts."""
    return {"description": description, "type": "array", "items": {"type": "string"}}


def many(description: str, part: str) -> Schema:
    """A list of a part."""
    return {"description": description, "type": "array", "items": one(part)}


def mapping(description: str, value: Schema) -> Schema:
    """An object whose keys are names of the user's."""
    return {"description": description, "type": "object", "additionalProperties": value}


def one(part: str) -> Schema:
    """A part, by name."""
    return {"$ref": f"#/$defs/{part}"}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    found = {**schema, "type": [schema["type"], "null"]}
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def code(*codes: ExitCode) -> Schema:
    """The exit code of the command; any of ours without arguments."""
    return {
        "description": "The exit code",
        "type": "integer",
        "enum": [int(each) for each in codes or ExitCode],
    }


def target(environment: Schema | None = None) -> dict[str, Schema]:
    """Where a command talked to: the three keys that most documents have."""
    return {
        "environment": environment or some("The environment of toolkit.toml"),
        "address": text("Nomad's address"),
        "namespace": some("Nomad's namespace"),
    }
