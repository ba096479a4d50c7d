"""Variables from flags: `--var-file`, `--var name=value`, `--var environment.NAME=value`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from toolkit.config.kinds import check_value, describe
from toolkit.config.layers import Layer, Leaf, leaf, lift, merge
from toolkit.config.near import suggest
from toolkit.config.source import Source, read_toml, refuse_depth
from toolkit.errors import ConfigError, Mistake

FLAG = Source("--var")


def read_var_files(files: Iterable[str], root: Path | None) -> tuple[Layer, list[Mistake]]:
    """The files over each other, the last one winning; names are relative to the current folder."""
    merged: Layer = {}
    mistakes: list[Mistake] = []
    for name in files:
        try:
            source, data = _read(name, _where(name, root))
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        for key, value in list(data.items()):
            if wrong := check_value(value):
                mistakes.append(source.mistake((key,), wrong))
                del data[key]
        merged = merge(merged, lift(data, source))
    return merged, mistakes


def _read(name: str, where: str) -> tuple[Source, dict[str, Any]]:
    path = Path(name)
    try:
        if not path.is_file():
            raise ConfigError([Mistake("--var-file", None, None, f"there is no file {name}")])
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        mistake = Mistake("--var-file", None, None, f"{name} cannot be read: {reason}")
        raise ConfigError([mistake]) from error
    if path.suffix in {".hcl", ".tfvars", ".nomadvars"}:
        message = f"{name} is neither TOML nor JSON"
        raise ConfigError([Mistake("--var-file", None, None, message, "write it as TOML")])
    if path.suffix != ".json":
        return read_toml(where, raw)
    try:
        data = json.loads(raw)
    except RecursionError as error:
        raise ConfigError([Mistake(where, None, None, "is nested too deeply")]) from error
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise ConfigError([Mistake(where, None, line, "is not valid JSON")]) from error
    if not isinstance(data, dict):
        message = f"must be an object of variables, not {describe(data)}"
        raise ConfigError([Mistake(where, None, None, message)])
    refuse_depth(where, data)
    return Source(where), data


def _where(name: str, root: Path | None) -> str:
    """How the file is named from now on: inside the project relative to its root, else whole."""
    path = Path(name).absolute()
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return str(path)


def read_flags(
    flags: Iterable[str], below: Layer, declared: Mapping[str, str]
) -> tuple[Layer, Layer, list[Mistake]]:
    """Variables and environment variables set by `--var`, and what is wrong with them.

    `below` is what the other layers say: a flag keeps the type that a value has there, and a name
    that is neither there nor in `declared` (variable -> HCL type) is a mistake.
    """
    variables: Layer = {}
    environment: Layer = {}
    mistakes: list[Mistake] = []
    for flag in flags:
        name, equals, text = flag.partition("=")
        parts = tuple(name.split("."))
        if not equals or not all(parts):
            message = "must be name=value"
            path = (name,) if name else ()
            mistakes.append(FLAG.mistake(path, message, "write --var colour=blue"))
        elif parts[0] == "environment" and len(parts) == 2:
            if "\0" in text:
                mistakes.append(FLAG.mistake(parts, "must not hold a zero byte"))
            else:
                environment[parts[1]] = Leaf(text, FLAG, parts)
        elif parts[0] not in below and parts[0] not in declared:
            hint = suggest(parts[0], {*below, *declared}) or "add it to [variables] of the job file"
            mistakes.append(FLAG.mistake(parts, "unknown variable", hint))
        else:
            found = below.get(parts[0]) if len(parts) == 1 else leaf(below, *parts)
            value, wrong = _value(text, found, declared.get(parts[0], "") if not parts[1:] else "")
            if wrong:
                mistakes.append(FLAG.mistake(parts, wrong))
            else:
                variables = merge(variables, _at(parts, Leaf(value, FLAG, parts)))
    return variables, environment, mistakes


def _at(parts: tuple[str, ...], value: Leaf) -> Layer:
    return {parts[0]: _at(parts[1:], value) if parts[1:] else value}


def _value(text: str, found: Layer | Leaf | None, declared: str) -> tuple[Any, str | None]:
    parsed = parse_value(text)
    if isinstance(found, Leaf):
        old = found.value
    elif isinstance(found, dict):
        old = {}
    else:
        old = "" if declared == "string" else None
    if isinstance(old, str):
        return (parsed if isinstance(parsed, str) else text), None
    if old is None or _kind(old) == _kind(parsed):
        return parsed, check_value(parsed)
    place = f" as in {found.source.where}" if isinstance(found, Leaf) else ""
    return None, f"must be {describe(old)}{place}, not {describe(parsed)}"


def _kind(value: Any) -> str:
    return "number" if describe(value) in {"an integer", "a float"} else describe(value)


def parse_value(text: str) -> Any:
    """`text` as a TOML value where it is one, else itself; dates and bare words are text."""
    try:
        document = tomllib.loads(f"value = {text}")
        refuse_depth("--var", document)
    except (ValueError, RecursionError, ConfigError):
        return text
    value = document.pop("value", text)
    word = isinstance(value, float) and text.strip().lstrip("+-") in {"inf", "nan"}
    return text if document or word or isinstance(value, date | time) else value
