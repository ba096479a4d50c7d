"""No token but the one that was signed verifies: every other text is refused, whatever differs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.identity.mint import NOW, claims, edwards_key, encode, rsa_key, token
from tests.identity.test_workload import believed
from toolkit.errors import IdentityError

TOKENS = (token(), token(edwards_key(), header={"alg": "EdDSA", "kid": "edwards"}))
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ !\n\0é"


def nobody(text: str, **how: Any) -> None:
    with pytest.raises(IdentityError):
        believed(text, **how)


@pytest.mark.parametrize("text", TOKENS, ids=("RS256", "EdDSA"))
def test_no_letter_may_differ_by_one_bit(text: str) -> None:
    for at, letter in enumerate(text):
        for bit in range(7):
            nobody(text[:at] + chr(ord(letter) ^ 1 << bit) + text[at + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_is_put_in_taken_out_or_replaced(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TOKENS))
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 40)))
    changed = text[:begin] + data.draw(st.text(_LETTERS, max_size=40)) + text[end:]
    if changed != text:
        nobody(changed)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(TOKENS),
    st.sampled_from((0, 1)),
    st.sampled_from(sorted({*claims(), "alg", "kid", "typ", "crit", "iss"})),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.lists(st.text(max_size=9)),
)
def test_nothing_that_is_said_may_differ(text: str, part: int, name: str, value: Any) -> None:
    parts = text.split(".")
    said = json.loads(urlsafe_b64decode(parts[part] + "=="))
    changed = {**said, name: value}
    if changed != said or json.dumps(changed) != json.dumps(said):
        parts[part] = encode(json.dumps(changed).encode())
        nobody(".".join(parts))


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted({*claims(), "nomad_service", "nomad_node_id", "nomad_node_pool"})),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=300)
        | st.lists(st.text(max_size=9), max_size=3),
        min_size=1,
    )
)  # fmt: skip
def test_what_nomad_signs_is_believed_only_when_it_is_all_there(said: dict[str, Any]) -> None:
    """Signed by the right key, and still: a caller is made of whole and meaningful claims only."""
    told = claims(**said)
    try:
        found = believed(token(said=told))
    except IdentityError:
        return
    assert found.namespace == told["nomad_namespace"]
    assert found.job == told["nomad_job_id"]
    assert found.allocation == told["nomad_allocation_id"]
    assert all((found.namespace, found.job, found.allocation))
    assert found.expires == told["exp"] > NOW - 30


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TOKENS), st.sampled_from(TOKENS), st.permutations(range(3)))
def test_parts_of_two_tokens_make_none(one: str, other: str, order: list[int]) -> None:
    mixed = [(one if at else other).split(".")[at] for at in order]
    if ".".join(mixed) not in TOKENS:
        nobody(".".join(mixed))


def test_the_tokens_themselves_verify() -> None:
    assert [believed(text).job for text in TOKENS] == ["web", "web"]
    assert rsa_key() is rsa_key()
