"""What a process prints of its secrets is taken out of evidence, however it is spelled."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.secrets import REDACTED, scrub

KEY = "-----BEGIN KEY-----\nbGV0IG1lIGlu\nb3BlbiBzZXNhbWU\n"
SPELLINGS = {
    "as it is": str,
    "quoted for a URL": lambda value: quote(value, safe=""),
    "quoted for a path": quote,
    "quoted for a form": quote_plus,
    "as JSON": json.dumps,
    "as JSON with letters": lambda value: json.dumps(value, ensure_ascii=False),
    "by repr": repr,
}


@pytest.mark.parametrize("value", ["p%4x/&+?=@host/ä b", 'a "quoted" one', "back\\slash", KEY])
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_each_spelling_is_taken_out(spell: object, value: str) -> None:
    assert callable(spell)
    said = scrub(f"FATAL cannot use {spell(value)} there", [value])
    assert REDACTED in said
    assert value not in said
    for word in ("p%4x", "p%254x", "bGV0IG1lIGlu", "quoted", "slash"):
        assert word not in said


def test_the_lines_of_a_key_are_taken_out_one_by_one() -> None:
    said = scrub("first bGV0IG1lIGlu then\nb3BlbiBzZXNhbWU", [KEY])
    assert said == f"first {REDACTED} then\n{REDACTED}"


def test_an_empty_secret_hides_nothing() -> None:
    assert scrub("all of this stays", ["", "\n"]) == "all of this stays"


def test_a_secret_inside_of_another_does_not_leave_the_rest_of_it() -> None:
    assert scrub("longer-secret", ["secret", "longer-secret"]) == REDACTED


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_survives(value: str, before: str, after: str) -> None:
    said = scrub(f"{before}{value}{after}", [value])
    # Only what was there beside it, or the mark itself, may spell it again.
    assert value not in said or value in (before + REDACTED + after)
