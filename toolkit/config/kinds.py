"""The kinds of values that keys take, each a check that raises what is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from toolkit.config import durations
from toolkit.config.addresses import parse_address, parse_entrance, parse_proxy, parse_registry

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class WrongError(Exception):
    """What is wrong with a value, and what would be right."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def describe(value: Any) -> str:
    """What a TOML value is, never what it holds: it could be a secret in the wrong place."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "a boolean"), (int, "an integer"), (float, "a float"), (str, "a string"),
        (dict, "a table"), (list, "an array"), ((date, datetime, time), "a date or time"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "no TOML value")


def _string(value: Any, what: str = "a string") -> None:
    if not isinstance(value, str):
        hint = None if isinstance(value, dict | list) else "put it in quotes"
        raise WrongError(f"must be {what}, not {describe(value)}", hint)
    if not value:
        raise WrongError("must not be empty")
    if _CONTROL.search(value):
        raise WrongError("must not hold control characters")


def _text(value: Any) -> None:
    if value != "":
        _string(value)


def _integer(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongError(f"must be an integer, not {describe(value)}")
    if abs(value) > 2**53:
        raise WrongError("is too large")


def _boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise WrongError(f"must be true or false, not {describe(value)}")


def _duration(value: Any) -> None:
    try:
        durations.parse_duration(value)
    except ValueError as error:
        raise WrongError(str(error), durations.HINT) from error


def _strings(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        hint = 'write an array: ["…"]' if isinstance(value, str) else None
        raise WrongError("must be an array of strings", hint)
    for item in value:
        _string(item)


def _steps(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise WrongError("must be an array of numbers", "such as [1, 3]")
    for item in value:
        _integer(item)
        if not 1 <= item <= 10_000:
            raise WrongError("takes numbers from 1 to 10000")


def _identifiers(value: Any) -> None:
    _strings(value)
    for item in value:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", item):
            raise WrongError("takes names of letters, digits and _, not starting with a digit")


def _scalar(value: Any) -> None:
    if not isinstance(value, str | int | float):
        raise WrongError(f"must be a string, a number or a boolean, not {describe(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongError("must be a finite number")
    if isinstance(value, str) and "\0" in value:
        raise WrongError("must not hold a zero byte")


def check_value(value: Any) -> str | None:
    """What is wrong with a variable's value, or None: text, numbers, booleans, lists, tables."""
    try:
        _value(value)
    except WrongError as wrong:
        return wrong.message
    return None


def _value(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _value(item)
    elif isinstance(value, list):
        for item in value:
            _value(item)
    elif isinstance(value, date | time):
        raise WrongError("must not be a date or time", "put it in quotes")
    else:
        _scalar(value)


def _canaries(value: Any) -> None:
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000
    if value != "all" and not number:
        raise WrongError('must be "all" or a number from 0 to 10000')


def check_release(value: Any) -> str | None:
    """What is wrong with a release, or None."""
    try:
        _release(value)
    except WrongError as wrong:
        return wrong.message
    return None


def has_control_characters(text: str) -> bool:
    """True when a terminal or a header could be confused by `text`."""
    return bool(_CONTROL.search(text))


def _release(value: Any) -> None:
    _string(value)
    if re.search(r"\s", value):
        raise WrongError("must not hold spaces")
    if len(value) > 200:
        raise WrongError("must not be longer than 200 characters")


def _job(value: Any) -> None:
    _string(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", value):
        raise WrongError("takes letters, digits, -, _ and ., starting with a letter or digit")


def _path(value: Any) -> None:
    _string(value)
    if not value.startswith("/") or re.search(r"\s", value):
        raise WrongError("must start with / and hold no spaces")


def _folder(value: Any) -> None:
    _string(value)
    parts = value.removesuffix("/").split("/")
    if value != "." and ({"", ".", ".."} & set(parts) or "\\" in value):
        hint = "such as services/web; ./ and ../ are not needed"
        raise WrongError("must be a path inside the project", hint)


def _folders(value: Any) -> None:
    _strings(value)
    for item in value:
        _folder(item)


def _number(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongError(f"must be a number, not {describe(value)}")
    if not math.isfinite(value):
        raise WrongError("must be a finite number")


def parse_share(value: Any) -> float:
    """The share that `0.01` or `"1%"` stands for; ValueError when it is none."""
    number = value
    if isinstance(value, str):
        text = value.strip()
        try:
            number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = None
    known = isinstance(number, int | float) and not isinstance(number, bool)
    if not known or not 0 <= number <= 1:
        raise ValueError("must be a share from 0 to 1, or from 0% to 100%")
    return float(number)


def _share(value: Any) -> None:
    try:
        parse_share(value)
    except ValueError as error:
        raise WrongError(str(error), 'such as 0.01 or "1%"') from error


METHODS = ("GET", "HEAD", "OPTIONS", "POST")
"""What requests of ours may be; any other could change what it asks."""


def _methods(value: Any) -> None:
    _some(value, "a request has a method")
    for item in value:
        if item not in METHODS:
            raise WrongError(f'"{item}" is none of {", ".join(METHODS)}')


def _paths(value: Any) -> None:
    _some(value, "nothing would be asked")
    for item in value:
        _path(item)


def _some(value: Any, why: str) -> None:
    _strings(value)
    if not value:
        raise WrongError(f"must not be empty: {why}")


def _statuses(value: Any) -> None:
    if not isinstance(value, list) or not all(
        isinstance(item, int) and not isinstance(item, bool) and 200 <= item <= 599
        for item in value
    ):
        raise WrongError("must be an array of HTTP statuses from 200 to 599", "such as [200, 404]")


def _by(parse: Callable[[str], str]) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        _string(value)
        try:
            parse(value)
        except ValueError as error:
            raise WrongError(str(error)) from error

    return check


KINDS: dict[str, Callable[[Any], None]] = {
    "string": _string,
    "text": _text,
    "integer": _integer,
    "boolean": _boolean,
    "duration": _duration,
    "strings": _strings,
    "identifiers": _identifiers,
    "number": _number,
    "share": _share,
    "methods": _methods,
    "paths": _paths,
    "statuses": _statuses,
    "steps": _steps,
    "scalar": _scalar,
    "value": _value,
    "canaries": _canaries,
    "release": _release,
    "job": _job,
    "path": _path,
    "folder": _folder,
    "folders": _folders,
    "file": _string,
    "address": _by(lambda text: parse_address(text, port=0)),
    "edge": _by(parse_entrance),
    "proxy": _by(parse_proxy),
    "registry": _by(parse_registry),
}
"""Kind of key -> a check that raises what is wrong."""
