"""Zones, owners and records that the tests of decisions speak of."""

from __future__ import annotations

from toolkit.dns.ownership import owner_record
from toolkit.dns.standing import Standing, standing_of
from toolkit.spec.dns import Alias, Claim, Owner, Record, Zone

ZONE = Zone("example.com", "public", "local")
NAME = "shop.example.com"

SHOP = Owner("prod", "job", "default", "shop")
RIVAL = Owner("prod", "job", "default", "rival")
PEOPLE = Owner("prod", "people")
OTHER_CLUSTER = Owner("staging", "job", "default", "shop")

LB = Alias("lb.example.net", "Z2LB")


def a(*values: str, name: str = NAME, ttl: int = 60) -> Record:
    return Record(name, "A", ttl, tuple(sorted(values or ("10.0.0.1",))))


def aaaa(value: str = "2001:db8::1", name: str = NAME) -> Record:
    return Record(name, "AAAA", 60, (value,))


def cname(value: str = "other.example.com", name: str = NAME) -> Record:
    return Record(name, "CNAME", 60, (value,))


def alias(name: str = NAME) -> Record:
    return Record(name, "A", None, alias=LB)


def text(*values: str, name: str = NAME) -> Record:
    return Record(name, "TXT", 300, values)


def mark(owner: Owner, *types: str, name: str = NAME) -> Record:
    return owner_record(name, Claim(owner, tuple(sorted(types))))


def there(*records: Record, marks: tuple[Record, ...] = (), name: str = NAME) -> Standing:
    return standing_of(name, records, marks)


def owned(owner: Owner, *records: Record, name: str = NAME) -> Standing:
    return there(*records, marks=(mark(owner, *{r.type for r in records}, name=name),), name=name)
