"""A price file -> Prices: what whoever pays wrote down, with its date and where it is from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from toolkit.config.lines import KeyPath
from toolkit.config.source import Source, read_toml
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.units import Prices

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_KEYS = ("as_of", "source", "currency")
_EXAMPLE = {
    "as_of": "the day that they were looked up, without quotes: as_of = 2026-01-31",
    "source": 'where the prices are from: source = "https://…"',
    "currency": 'currency = "USD"',
}


def parse_prices(raw: bytes, where: str) -> Prices:
    """The bytes of a price file; `where` is what messages call it. ConfigError, every mistake.

    A region is a table, a unit a key in it, and a key with dots may be tables:
    `[eu-west-1.instance-hour]` with `"t3.medium" = 0.05`.
    """
    source, data = read_toml(where, raw)
    mistakes: list[Mistake] = []
    for key in _KEYS:
        value = data.get(key)
        if key not in data:
            message = f"says no {key}: prices without it are worth nothing"
            mistakes.append(source.mistake((), message, _EXAMPLE[key]))
        elif not _is_right(key, value):
            mistakes.append(source.mistake((key,), "is not what is meant", _EXAMPLE[key]))
    found: dict[tuple[str, str], Decimal] = {}
    for region, table in data.items():
        if region in _KEYS:
            continue
        if not _REGION.fullmatch(region) or not isinstance(table, dict):
            hint = "such as [eu-west-1], with units and prices in it"
            mistakes.append(source.mistake((region,), "is no region's table", hint))
            continue
        found |= _read(region, table, source, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    prices = MappingProxyType(found)
    return Prices(data["as_of"], data["source"].strip(), data["currency"], prices)


def _is_right(key: str, value: Any) -> bool:
    match key:
        case "as_of":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "source":
            return isinstance(value, str) and bool(value.strip()) and value.isprintable()
        case _:
            return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None


def _read(
    region: str, table: Mapping[str, Any], source: Source, mistakes: list[Mistake]
) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for path, value in _flat(table):
        key = (region, ".".join(path))
        at: KeyPath = (region, *path)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not isfinite(value) or value < 0:
            mistakes.append(source.mistake(at, "takes the price of one, a number from 0 up"))
        elif key in found:
            mistakes.append(source.mistake(at, "is there twice, spelled differently"))
        else:
            found[key] = Decimal(str(value))
    return found


def _flat(table: Mapping[str, Any], begin: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, (*begin, name))
        else:
            yield (*begin, name), value


def read_prices(path: Path) -> Prices:
    """The price file at a path; ConfigError where it cannot be read, or for its mistakes."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        message = f"cannot be read: {exc.strerror or exc}"
        raise ConfigError([Mistake(str(path), None, None, message)]) from exc
    return parse_prices(raw, str(path))
