"""What a deploy leaves behind for the next one in the source that Nomad keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.memory import recall, remember, without
from toolkit.spec.plan import Memory

SOURCE = 'job "shop" {\n}\n'
SAID = Memory("1.0.0", {"web": 2}, "1.1.0")


def test_it_is_a_comment_below_the_source() -> None:
    text = remember(SOURCE, SAID)
    assert text.startswith(SOURCE.rstrip())
    last = text.splitlines()[-1]
    assert last.startswith("# toolkit: ")
    assert recall({"Source": text}, "1.1.0") == SAID


releases = st.none() | st.text(min_size=1, max_size=20)


@given(
    source=st.text(max_size=60),
    release=releases,
    deployed=releases,
    counts=st.dictionaries(st.text(min_size=1, max_size=9), st.integers(0, 999), max_size=3),
)
def test_what_was_remembered_is_recalled(
    source: str, release: str | None, deployed: str | None, counts: dict[str, int]
) -> None:
    said = Memory(release, counts, deployed)
    assert recall({"Source": remember(source, said)}, deployed) == said


def test_a_memory_of_another_release_is_not_this_versions() -> None:
    assert recall({"Source": remember(SOURCE, SAID)}, "2.0.0") is None
    assert recall({"Source": remember(SOURCE, SAID)}, None) is None


@pytest.mark.parametrize(
    "submission",
    [
        None,
        {},
        {"Source": None},
        {"Source": SOURCE},
        {"Source": SOURCE + "# toolkit: {"},
        {"Source": SOURCE + "# toolkit: []"},
        {"Source": SOURCE + '# toolkit: {"release": "1"}'},
        {"Source": SOURCE + '# toolkit: {"release": "1", "counts": 7, "deployed": "1"}'},
        {"Source": SOURCE + '# toolkit: {"release": "1", "counts": {"a": "x"}, "deployed": "1"}'},
        {"Source": remember(SOURCE, SAID) + "# edited in the web page\n"},
    ],
)
def test_none_or_an_unreadable_one(submission: dict[str, object] | None) -> None:
    assert recall(submission, "1.1.0") is None


def test_the_source_without_it() -> None:
    assert without(remember(SOURCE, SAID)) == SOURCE
    assert without(SOURCE) == SOURCE
    assert without("") == ""
