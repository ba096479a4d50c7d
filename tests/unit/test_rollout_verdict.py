"""The verdict: a table, and no success word unless the last look at the chain holds."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.verdict import judge
from toolkit.spec.chain import InstanceChain, Link, LinkName, LinkState, Verification
from toolkit.spec.outcome import End, Outcome
from toolkit.spec.report import VERDICT_CODES

NAMES: tuple[LinkName, ...] = get_args(LinkName)


def outcome(end: End) -> Outcome:
    return Outcome(end=end, detail="because", version=3)


def chain(**states: LinkState) -> Verification:
    links = tuple(Link(name, states.get(name, "holds"), "detail") for name in NAMES)
    row = InstanceChain("a" * 36, "node-1", "app", "healthy", "passing", "up", "1.1.0")
    return Verification(links, (row,), expected=1, release="1.1.0")


@pytest.mark.parametrize(
    ("end", "verification", "word", "code"),
    [
        ("failed", None, "failed", 3),
        ("failed", chain(consul="broken"), "failed", 3),
        ("failed", chain(consul="unseen"), "unknown", 5),
        ("failed", chain(), "reverted", 8),
        ("reverted", None, "failed", 3),
        ("reverted", chain(edge="broken"), "failed", 3),
        ("reverted", chain(traefik="unseen"), "unknown", 5),
        ("reverted", chain(), "reverted", 8),
        ("successful", None, "unknown", 5),
        ("successful", chain(nomad="broken"), "unverified", 6),
        ("successful", chain(consul="broken", traefik="unseen"), "unverified", 6),
        ("successful", chain(release="broken"), "unverified", 6),
        ("successful", chain(traefik="unseen"), "unknown", 5),
        ("successful", chain(), "deployed", 0),
        ("successful", chain(traefik="absent", release="absent", edge="absent"), "deployed", 0),
        ("held", None, "held", 9),
        ("stopped", None, "held", 9),
        ("superseded", None, "superseded", 7),
        ("unplaced", None, "unplaced", 4),
        ("undecided", None, "unknown", 5),
        ("lost", None, "unknown", 5),
        ("completed", None, "completed", 0),
    ],
)
def test_each_end_has_its_word_and_code(
    end: End, verification: Verification | None, word: str, code: int
) -> None:
    judged = judge(outcome(end), verification)
    assert judged.verdict == word
    assert VERDICT_CODES[judged.verdict] == code


def test_nothing_changed_and_verified_is_unchanged() -> None:
    assert judge(outcome("successful"), chain(), unchanged=True).verdict == "unchanged"
    assert (
        judge(outcome("successful"), chain(edge="broken"), unchanged=True).verdict == "unverified"
    )


states = st.sampled_from(get_args(LinkState))


@given(
    end=st.sampled_from(get_args(End)),
    found=st.none() | st.fixed_dictionaries(dict.fromkeys(NAMES, states)),
    unchanged=st.booleans(),
)
def test_no_success_without_a_chain_that_holds(
    end: End, found: dict[str, LinkState] | None, unchanged: bool
) -> None:
    verification = None if found is None else chain(**found)
    verdict = judge(outcome(end), verification, unchanged=unchanged).verdict
    if verdict in {"deployed", "unchanged", "reverted"}:
        assert verification is not None
        assert verification.holds
        assert verification.first_broken is None
        assert verification.first_unseen is None
    if verdict in {"deployed", "unchanged"}:
        assert end == "successful"
