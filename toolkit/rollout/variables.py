"""Values of a job file's variables whose names say that they are secrets; pure.

Such a value is hidden wherever it turns up, as a part of another value too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.rollout.diff import is_secret_key
from toolkit.rollout.secrets import SHORT

_LINE = re.compile(r'^([A-Za-z_][\w-]*) = ("(?:[^"\\]|\\.)*")$', re.MULTILINE)
"""A variable of text as we write it for Nomad's parser."""


def secret_values(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """The secret ones of the values given to a job file's variables."""
    return tuple(_found(variables, secret=False))


def submitted(submission: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The secret ones of the values that a version was registered with, as Nomad keeps them."""
    found: list[str] = []
    for name, text in _LINE.findall(str((submission or {}).get("Variables") or "")):
        try:
            value = json.loads(text).replace("$${", "${").replace("%%{", "%{")
        except ValueError:
            continue
        found += _found({name: value}, secret=False)
    return tuple(found)


def _found(value: Any, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _found(inner, secret=secret or is_secret_key(str(name)))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _found(inner, secret=secret)
    elif secret and isinstance(value, str) and len(value) >= SHORT:
        yield value
