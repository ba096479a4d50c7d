"""JSON from strangers: what two parsers could read differently is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.serving.bodies import DEEPEST, parse
from toolkit.serving.problems import ProblemError


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b'{"a": 1}\x00', "not JSON"),
        (b'{"a": "\x01"}', "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": 1, "a": 1}', "'a' twice"),
        (b'{"x": {"a": 1, "b": 2, "a": 3}}', "'a' twice"),
        (b'{"a": 1, "\\u0061": 2}', "'a' twice"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": -Infinity}', "-Infinity is no JSON"),
        (b'{"a": 1e999}', "beyond every limit"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 60000, "nests more than 16"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nests more than 16"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_json_is_refused_and_says_why(raw: bytes, said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(raw)
    assert caught.value.kind.slug == "malformed"
    assert said in caught.value.detail
    assert len(caught.value.detail) < 200


def test_brackets_inside_strings_do_not_nest() -> None:
    document = {"a": "[" * 1000 + '"' + "\\" + "{" * 1000}
    assert parse(json.dumps(document).encode()) == document


def test_the_deepest_document_that_is_read() -> None:
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_what_is_json_is_read_as_it_is(document: Any) -> None:
    assert parse(json.dumps(document).encode()) == document
    assert parse(json.dumps(document, ensure_ascii=False).encode()) == document


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_document_or_a_problem(raw: bytes) -> None:
    try:
        document = parse(raw)
    except ProblemError as problem:
        assert problem.kind.status == 400
    else:
        assert json.loads(raw) == document
