"""Files of zones that somebody broke: named with their line, and left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.kick.zones import NAME
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import InvalidRequestError
from toolkit.spec.dns import Change, Record, Zone

ZONE = Zone(NAME, "public", "local")
FILE = f"{NAME}.public.zone"
A = Record(f"shop.{NAME}", "A", 60, ("203.0.113.7",))


def names(folder: Path) -> set[str]:
    """What a file has, beside what every zone has."""
    files = ZoneFiles(folder)
    try:
        return {record.name for record in files.records(ZONE)} - {NAME}
    finally:
        files.close()


HEAD = f'{{"zone": "{NAME}", "visibility": "public", "format": 1, "serial": 7}}'
GOOD = f'{{"name": "a.{NAME}", "type": "A", "ttl": 60, "values": ["192.0.2.1"]}}'
BATCH = f'{{"batch": 8, "create": [{GOOD}]}}'


def broken(record: str, old: str, new: str) -> str:
    assert old in record
    return record.replace(old, new)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ([], 1, "empty"),
        (["; a zone of another program"], 1, "not JSON"),
        (['{"zone": "x"}'], 1, "none of ours"),
        ([broken(HEAD, "public", "private")], 1, "it is the zone apps.example.com (private)"),
        ([broken(HEAD, "7", '"7"')], 1, "`serial`"),
        ([broken(HEAD, "7", "-1")], 1, "`serial`"),
        ([HEAD, GOOD[:-1]], 2, "not JSON"),
        ([HEAD, "[]"], 2, "not a JSON object"),
        ([HEAD, "", GOOD], 2, "not JSON"),
        ([HEAD, GOOD, GOOD], 3, "a second time"),
        ([HEAD, broken(GOOD, '"ttl": 60', '"ttl": 60, "ttl": 5')], 2, "twice"),
        ([HEAD, broken(GOOD, '"ttl": 60, ', "")], 2, "no `ttl`"),
        ([HEAD, broken(GOOD, "60", "true")], 2, "`ttl`"),
        ([HEAD, broken(GOOD, "60", "-1")], 2, "`ttl`"),
        ([HEAD, broken(GOOD, '["192.0.2.1"]', '"192.0.2.1"')], 2, "`values`"),
        ([HEAD, broken(GOOD, '"type"', '"kind"')], 2, "no `type`"),
        ([HEAD, broken(GOOD, '"ttl"', '"note": "", "ttl"')], 2, "`note` is no key"),
        ([HEAD, broken(GOOD, "192.0.2.1", "192.0.2.256")], 2, "not a valid IPv4"),
        ([HEAD, broken(GOOD, '"A"', '"MX"')], 2, "MX"),
        ([HEAD, broken(GOOD, f"a.{NAME}", "a.example.org")], 2, "not permitted in zone"),
        ([HEAD, broken(GOOD, f"a.{NAME}", f"A.{NAME}")], 2, "DNS name"),
        ([HEAD, GOOD, broken(broken(GOOD, '"A"', '"CNAME"'), "192.0.2.1", "b.c")], 3, "conflicts"),
        ([HEAD, broken(BATCH, "8", "7"), GOOD], 2, "above 7"),
        ([HEAD, BATCH, GOOD], 3, "below a batch"),
        ([HEAD, BATCH, broken(BATCH, "8", "9")], 3, "already exists"),
        ([HEAD, broken(BATCH, "create", "delete"), GOOD], 2, "was not found"),
        ([HEAD, broken(BATCH, '"create"', '"creates"'), GOOD], 2, "`creates` is no key"),
        ([HEAD, '{"batch": 8, "create": 5}', GOOD], 2, "lists of records"),
        ([HEAD, '{"batch": 8, "create": [5]}', GOOD], 2, "a record is a JSON object"),
        ([HEAD, "\udcff"], 2, "not text"),
        ([HEAD, "[" * 100_000], 2, "not"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    tmp_path: Path, lines: list[str], line: int, said: str
) -> None:
    text = "".join(f"{each}\n" for each in lines)
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    files = ZoneFiles(tmp_path)
    try:
        with pytest.raises(InvalidRequestError) as caught:
            files.apply(ZONE, [Change("CREATE", A)])
        assert f"{tmp_path / FILE}:{line}: " in caught.value.message
        assert said in caught.value.message
        assert len(caught.value.message) < 1000
        # Nothing is written over what a person may still repair.
        assert (tmp_path / FILE).read_bytes() == text.encode("utf-8", "surrogateescape")
    finally:
        files.close()
    assert (tmp_path / FILE).read_bytes() == text.encode("utf-8", "surrogateescape")


def test_a_record_without_the_end_of_its_line_counts(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"{HEAD}\n{GOOD}")
    assert names(tmp_path) == {f"a.{NAME}"}


def test_a_record_that_is_half_there_does_not_go_unnoticed(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"{HEAD}\n{GOOD[:-9]}")
    with pytest.raises(InvalidRequestError, match=":2: "):
        names(tmp_path)
