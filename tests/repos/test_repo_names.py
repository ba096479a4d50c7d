"""Names that become paths: a small alphabet, and nothing else at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import RefusedError
from toolkit.repos.names import RESERVED, check_name, is_name, show

HOSTILE = [
    "", ".", "..", "../x", "a/../../b", "a/b", "/etc", "//x", "x.git", "x.git/../y", ".git",
    "%2e%2e", "%2e%2e%2f", "a%00b", "a\0b", "a\\b", "-x", "--output=x", "--upload-pack=touch",
    "$(id)", "`id`", "a;id", "a|id", "a b", "a\n", "\na", "a\r", "a\t", "a\x1b[31m", "A", "Shop",
    "shöp", "ѕhop", "‥", "․․", "sh\u200bop", "sh\u202eop", "ｓhop", "a" * 64, "a" * 300,
    "~root", "*", "?", "a:b", "a@b", "@{0}", "a'b", 'a"b', "a&b", "a_b", "a.b", "１", "²",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_what_is_no_name_is_refused_and_shown_harmlessly(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(RefusedError, match="cannot name a repository") as caught:
        check_name(name)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_words_of_the_servers_own_addresses_are_no_names(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(RefusedError, match="the server's own addresses"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "0", "shop", "shop-2", "a-", "a--b", "a" * 63, "1" * 63])
def test_plain_names_are_names(name: str) -> None:
    assert check_name(name) == name


@given(st.text(max_size=70))
def test_a_name_has_only_its_alphabet(text: str) -> None:
    plain = bool(re.match(r"[a-z0-9][a-z0-9-]{0,62}\Z", text, re.ASCII)) and text not in RESERVED
    assert is_name(text) == plain


@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
def test_what_is_shown_is_short_and_has_no_control_characters(text: str | bytes) -> None:
    said = show(text, 50)
    assert said.isprintable()
    # Each character that is written out takes ten at most.
    assert len(said) <= 500


def test_plain_text_is_shown_as_it_is() -> None:
    assert show("jobs/über/job.toml") == "jobs/über/job.toml"
    assert show("jobs/über".encode()) == "jobs/über"
    assert show(b"\xff\x1b[2J") == "\\xff\\x1b[2J"
    assert show("a" * 500, 10) == "aaaaaaaaa…"
