"""Which values of variables are secrets, by the names of the variables."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.render.hcl import literal
from toolkit.rollout.variables import secret_values, submitted

VALUES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"db_password": "correct-horse", "greeting": "hello"}, ("correct-horse",)),
    ({"db": {"user": "shop", "password": "correct-horse"}}, ("correct-horse",)),
    ({"tokens": ["first-one", "second-one"]}, ("first-one", "second-one")),
    # Too short to be told from any other word.
    ({"password": "abc", "secret": True, "token": 12345}, ()),
]


@pytest.mark.parametrize(("variables", "expected"), VALUES)
def test_secrets_by_name(variables: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert secret_values(variables) == expected


@pytest.mark.parametrize("value", ['say "${this}"', "back\\slash", "two\nlines", "ä€ %{if}"])
def test_what_a_version_was_registered_with(value: str) -> None:
    text = f"greeting = {literal('hello')}\ndb_password = {literal(value)}\n"
    assert submitted({"Variables": text}) == (value,)


@pytest.mark.parametrize("submission", [None, {}, {"Variables": None}, {"Variables": "= }"}])
def test_a_version_without_a_source_has_none(submission: dict[str, Any] | None) -> None:
    assert submitted(submission) == ()
