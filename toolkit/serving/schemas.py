"""Checking a request against its JSON Schema, every mistake at once, in words of our own.

The library's messages quote what came, whole; ours are bounded and say what would be right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from toolkit.serving.actions import Query, Schema
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import ProblemError

MOST_ERRORS = 20
_A = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Checked:
    """A schema, made ready once."""

    def __init__(self, schema: Schema):
        plain = dict(schema)
        Draft202012Validator.check_schema(plain)
        self._validator = Draft202012Validator(plain)

    def check(self, document: Any) -> None:
        """Raise an `invalid` problem that names every field that is wrong."""
        found: dict[str, str] = {}
        # What is of the wrong type need not hear of its length, too.
        errors = islice(self._validator.iter_errors(document), MOST_ERRORS)
        for error in sorted(errors, key=lambda error: error.validator != "type"):
            for field, detail in _say(error):
                found.setdefault(field, detail)
        if found:
            raise invalid(list(found.items()))


class CheckedQuery:
    """The query string of an action: known names, each once, each of its type."""

    def __init__(self, parameters: Sequence[Query]):
        self._schemas = {each.name: each.schema for each in parameters}
        self._checked = {each.name: Checked(each.schema) for each in parameters}

    def check(self, pairs: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """The values; raises an `invalid` problem."""
        found: dict[str, Any] = {}
        wrong: list[tuple[str, str]] = []
        for name, text in pairs:
            if name not in self._schemas:
                known = ", ".join(sorted(self._schemas)) or "none"
                wrong.append(
                    (bounded(name, 60), f"is no parameter of this path, which has {known}")
                )
            elif name in found:
                wrong.append((name, "is given twice"))
            else:
                found[name] = _typed(text, self._schemas[name])
        for name, value in found.items():
            try:
                self._checked[name].check(value)
            except ProblemError as exc:
                wrong += [(name, each["detail"]) for each in exc.members["errors"]]
        if wrong:
            raise invalid(wrong[:MOST_ERRORS])
        return found


def invalid(errors: Sequence[tuple[str, str]], hints: Sequence[str | None] = ()) -> ProblemError:
    """The problem of wrong fields: pairs of a field and what is wrong with it.

    `hints`: what to do about each, in the same order.
    """
    errors = errors[:MOST_ERRORS]
    field, detail = errors[0]
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return ProblemError(
        "invalid",
        f"{field} {detail}{more}" if field else f"the body {detail}{more}",
        errors=[
            {"field": field, "detail": detail} | ({"hint": hint} if hint else {})
            for (field, detail), hint in zip_longest(errors, hints[: len(errors)])
        ],
    )


def _typed(text: str, schema: Schema) -> Any:
    """A value of the query as its schema's type, or as it came when it is not of it."""
    match schema.get("type"):
        case "integer" if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
    return text


def _say(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Field and sentence; an error of the library may be about several fields."""
    field = ".".join(str(part) for part in error.absolute_path)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else list(wanted)
            yield field, f"must be {' or '.join(_A.get(kind, kind) for kind in kinds)}"
        case "required":
            for name in wanted:
                if name not in instance:
                    yield _below(field, name), "is missing"
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in instance:
                if name not in known:
                    says = f"is not known here; known are {', '.join(known)}"
                    yield _below(field, bounded(name, 60)), says
        case "enum":
            yield field, f"must be one of {', '.join(str(each) for each in wanted)}"
        case "minLength":
            yield field, "must not be empty" if wanted == 1 else f"must have {wanted} characters"
        case "maxLength":
            yield field, f"may have {wanted} characters at most"
        case "minItems":
            yield field, "must not be empty" if wanted == 1 else f"must have {wanted} entries"
        case "maxItems":
            yield field, f"may have {wanted} entries at most"
        case "minimum":
            yield field, f"must be {wanted} or more"
        case "maximum":
            yield field, f"must be {wanted} or less"
        case _:
            yield field, f"is not as it has to be: {schema.get('description', error.validator)}"


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
