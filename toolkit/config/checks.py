"""A file's tables held against the table of keys: collects every mistake, keeps what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from toolkit.config import durations
from toolkit.config.kinds import KINDS, WrongError, describe, has_control_characters
from toolkit.config.lines import KeyPath
from toolkit.config.near import suggest
from toolkit.config.schema import ANY, Key, Node
from toolkit.config.source import Source
from toolkit.errors import Mistake

_SECRET = re.compile(r"token|passw|secret", re.IGNORECASE)
WHERE_SECRETS_GO = (
    "a file never holds one; say NOMAD_TOKEN, CONSUL_HTTP_TOKEN or TOOLKIT_TRAEFIK_PASSWORD"
)
_NAMES: dict[str, tuple[re.Pattern[str], str]] = {
    "depends": (re.compile(r"[^:]+"), "the gate is the value"),
    "environment": (re.compile(r"[^=\s\x00-\x1f\x7f]+"), "must not hold spaces or ="),
    "identity": (re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII), "takes letters, digits, _ and -"),
    "ports": (re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII), "takes letters, digits and _"),
    "variables": (re.compile(r"[A-Za-z_][A-Za-z0-9_-]*"), "takes letters, digits, _ and -"),
}
"""Table -> how the names that the user chooses in it must look."""

_RANGES = {"integer", "number", "duration"}


def validate(
    data: dict[str, Any], node: Node, source: Source, path: KeyPath = ()
) -> tuple[dict[str, Any], list[Mistake]]:
    """The valid part of the table `data`, and every mistake in it."""
    good: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    results: tuple[Any, list[Mistake]]
    for name, value in data.items():
        here = (*path, name)
        child = node.children.get(name) or node.children.get(ANY)
        if child is None:
            mistakes.append(source.mistake(here, *_unknown(name, node.children)))
            continue
        wrong = _wrong_name(name, value, child)
        if wrong:
            mistakes.append(source.mistake(here, *wrong))
            continue
        key = child.key
        assert key is not None  # noqa: S101 - only the root has none
        if key.kind == "tables":
            results = _validate_tables(value, child, source, here)
        elif isinstance(value, dict) and child.children:
            results = validate(value, child, source, here)
        else:
            results = _validate_value(value, key, source, here)
        kept, found = results
        mistakes += found
        if kept is not None:
            good[name] = kept
    return good, mistakes


def _validate_tables(
    value: Any, node: Node, source: Source, path: KeyPath
) -> tuple[list[Any] | None, list[Mistake]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None, [source.mistake(path, "must be an array of tables")]
    results = [validate(item, node, source, (*path, at)) for at, item in enumerate(value)]
    return [good for good, _ in results], [mistake for _, found in results for mistake in found]


def _validate_value(
    value: Any, key: Key, source: Source, path: KeyPath
) -> tuple[Any, list[Mistake]]:
    if key.kind == "table":
        if isinstance(value, dict):
            return value, []
        hint = f"write a table: [{'.'.join(map(str, path))}]"
        return None, [source.mistake(path, f"must be a table, not {describe(value)}", hint)]
    try:
        KINDS[key.kind](value)
        _check_range(value, key)
    except WrongError as wrong:
        return None, [source.mistake(path, wrong.message, wrong.hint)]
    return value, []


def _unknown(name: str, known: Iterable[str]) -> tuple[str, str | None]:
    if _SECRET.search(name):
        return "is not a key: it looks like a secret", WHERE_SECRETS_GO
    return "unknown key", suggest(name, known)


def _wrong_name(name: str, value: Any, child: Node) -> tuple[str, str | None] | None:
    key = child.key
    if key is None or not key.path.endswith(ANY):
        return None
    if not name or has_control_characters(name):
        return "a name must not be empty or hold control characters", None
    pattern, message = _NAMES.get(key.path.split(".")[-2], (None, ""))
    if pattern is not None and not pattern.fullmatch(name):
        return f"is no name here: {message}", None
    if key.path == "driver.*" and not isinstance(value, dict):
        return "unknown key", f"settings of a driver are a table: [driver.docker] {name} = …"
    return None


def _check_range(value: Any, key: Key) -> None:
    if key.choices and value not in key.choices:
        raise WrongError(f'must be {_listed(key.choices)}, not "{value}"', _near(value, key))
    if key.kind not in _RANGES or (key.minimum is None and key.maximum is None):
        return
    number = durations.parse_duration(value) if key.kind == "duration" else value
    unit = " s" if key.kind == "duration" else ""
    if key.minimum is not None and number < key.minimum:
        raise WrongError(f"must be at least {key.minimum:g}{unit}")
    if key.maximum is not None and number > key.maximum:
        raise WrongError(f"must be at most {key.maximum:g}{unit}")


def _near(value: str, key: Key) -> str | None:
    hint = suggest(value, key.choices)
    return hint if hint and hint.startswith("did") else None


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f'"{name}"' for name in names]
    return ", ".join(quoted[:-1]) + f" or {quoted[-1]}"
