"""Batches: nothing is lost, nothing that belongs together is parted, no limit is passed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dns.stock import a, alias, text
from toolkit.clients.dns.route53_values import to_text
from toolkit.dns.batches import characters, pack, split, weight
from toolkit.spec.dns import Change

Group = tuple[Change, ...]
GROUPS = st.lists(
    st.lists(
        st.one_of(
            st.integers(1, 9).map(lambda count: a(*(f"10.0.0.{n}" for n in range(count)))),
            st.text(max_size=300).map(text),
            st.just(alias()),
        ).map(lambda record: Change("CREATE", record)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    max_size=8,
)


def changes_of(group: Group) -> Group:
    return group


@settings(max_examples=40)
@given(GROUPS, st.integers(1, 20), st.integers(1, 3000))
def test_packing(groups: list[Group], most: int, most_characters: int) -> None:
    batches = list(pack(groups, changes_of, most=most, most_characters=most_characters))
    assert [group for batch in batches for group in batch] == groups
    for batch in batches:
        together = [change for group in batch for change in group]
        fits = weight(together) <= most and characters(together) <= most_characters
        assert fits or len(batch) == 1


@given(st.text(max_size=900))
def test_a_text_counts_at_least_as_much_as_is_sent(value: str) -> None:
    assert characters([Change("CREATE", text(value))]) >= len(to_text(value))


def test_what_counts() -> None:
    assert weight([Change("CREATE", a("10.0.0.1", "10.0.0.2")), Change("DELETE", alias())]) == 3
    assert characters([Change("CREATE", a("10.0.0.1", "10.0.0.2"))]) == 16


def groups_of(*names: str) -> list[Group]:
    return [(Change("CREATE", a(name=name)),) for name in names]


def test_the_blamed_stand_alone_and_the_others_together() -> None:
    one, two, three, four = groups_of("a.example.com", "b.example.com", "c.example.com", "d.x")
    parts = split([one, two, three, four], changes_of, [("b.example.com", "A"), ("d.x", "A")])
    assert parts == ([one, three], [two], [four])


def test_without_blame_it_is_halves() -> None:
    groups = groups_of("a", "b", "c")
    assert split(groups, changes_of, []) == (groups[:1], groups[1:])
    # Blaming all, or one of another type, tells nothing.
    everyone = [("a", "A"), ("b", "A"), ("c", "A")]
    assert split(groups, changes_of, everyone) == (groups[:1], groups[1:])
    assert split(groups, changes_of, [("a", "TXT")]) == (groups[:1], groups[1:])


@given(st.integers(2, 40), st.sets(st.integers(0, 39)))
def test_splitting_again_and_again_ends_with_each_alone(count: int, blamed: set[int]) -> None:
    groups = groups_of(*(f"n{number}.example.com" for number in range(count)))
    waiting, alone = [groups], []
    while waiting:
        part = waiting.pop()
        if len(part) == 1:
            alone += part
            continue
        pieces = split(part, changes_of, [(f"n{number}.example.com", "A") for number in blamed])
        assert all(0 < len(piece) < len(part) for piece in pieces)
        waiting += pieces
    assert sorted(alone, key=str) == sorted(groups, key=str)
