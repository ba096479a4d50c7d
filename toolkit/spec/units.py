"""What a cluster is billed by: amounts of a month, and prices that somebody wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

HOURS = 730
"""Of a month: 8760 hours of a year by twelve."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is billed by time or size, whatever it does."""

    key: str
    """As price files name it: `instance-hour.t3.medium`, `nat-hour`, `volume-gb-month`."""
    what: str
    """What it is for, in words: `3 servers, 2 to 4 of pool worker`."""
    least: int
    """Of a month, with every pool at its least."""
    most: int
    """Of a month, with every pool at its most."""
    more: bool = False
    """AWS may bill more of it than `most`: what it counts is not ours to say."""


@dataclass(frozen=True, slots=True)
class Prices:
    """A price file."""

    as_of: date
    source: str
    """Where whoever wrote the file has the prices from."""
    currency: str
    """`USD`."""
    prices: Mapping[tuple[str, str], Decimal]
    """Region and key of the unit -> price of one."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One unit and what it costs a month; None: there is no price, which is not 0."""

    unit: Unit
    price: Decimal | None = None
    """Of one."""

    @property
    def least(self) -> Decimal | None:
        """A month's, with every pool at its least."""
        return None if self.price is None else self.price * self.unit.least

    @property
    def most(self) -> Decimal | None:
        """A month's, with every pool at its most."""
        return None if self.price is None else self.price * self.unit.most


@dataclass(frozen=True, slots=True)
class Bill:
    """All that a cluster is billed by."""

    region: str
    charges: tuple[Charge, ...]
    by_use: tuple[str, ...]
    """What is billed by how much it is used, in words: no amount is known beforehand."""
    as_of: date | None = None
    """Of the prices; None: nobody named a price file, and there is no money in here."""
    source: str = ""
    currency: str = ""

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Keys of the units without a price, where there is a price file at all."""
        if self.as_of is None:
            return ()
        return tuple(each.unit.key for each in self.charges if each.price is None)

    @property
    def least(self) -> Decimal | None:
        """Sum of a month over the units that have a price; None when none has."""
        known = [each.least for each in self.charges if each.least is not None]
        return sum(known, Decimal()) if known else None

    @property
    def most(self) -> Decimal | None:
        """The same with every pool at its most."""
        known = [each.most for each in self.charges if each.most is not None]
        return sum(known, Decimal()) if known else None
