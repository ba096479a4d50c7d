"""What a wish means where something is there: the table, the refusals first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dns.stock import (
    NAME,
    OTHER_CLUSTER,
    PEOPLE,
    RIVAL,
    SHOP,
    ZONE,
    a,
    aaaa,
    alias,
    cname,
    mark,
    owned,
    text,
    there,
)
from toolkit.dns.decide import Decision, decide
from toolkit.dns.standing import (
    Standing,
    changes_between,
    read_standing,
    standing_of,
    standings,
)
from toolkit.errors import AbsentError, ChangedError, RefusedError, TakenError
from toolkit.spec.dns import Change, Owner, Record, RemoveRecord, SetRecord, Wish


def put(record: Record, owner: Owner = SHOP, **more: object) -> SetRecord:
    return SetRecord(ZONE, record, owner, **more)  # type: ignore[arg-type]


def remove(type_: str | None = "A", owner: Owner = SHOP, **more: object) -> RemoveRecord:
    return RemoveRecord(ZONE, NAME, type_, owner, **more)  # type: ignore[arg-type]


def batch(decision: Decision) -> list[tuple[str, Record]]:
    changes = changes_between(decision.before, decision.after)
    return [(change.action, change.record) for change in changes]


# --- refused: somebody else's ------------------------------------------------------------------

FOREIGN = {
    "a record without our owner record": there(a()),
    "somebody's MX": there(Record(NAME, "MX", 300, ("10 mail.example.com",))),
    "external-dns's record and its text": there(
        a(), text("heritage=external-dns,external-dns/owner=x", name=NAME)
    ),
    "a delegation": there(Record(NAME, "NS", 300, ("ns.example.net",))),
    "a record routed by weight": there(Record(NAME, "A (weighted: blue)", 60, ("10.0.0.9",))),
    "a stranger's text at the owner name": there(
        marks=(text("v=spf1 -all", name=f"_toolkit.{NAME}"),)
    ),
    "a CNAME at the owner name": there(marks=(cname(name=f"_toolkit.{NAME}"),)),
    "our text beside a stranger's": there(
        a(), marks=(replace(mark(SHOP, "A"), values=(*mark(SHOP, "A").values, "x")),)
    ),
    "another job": owned(RIVAL, a()),
    "people": owned(PEOPLE, a()),
    "the same job of another cluster": owned(OTHER_CLUSTER, a()),
    "the same job of another namespace": owned(replace(SHOP, namespace="other"), a()),
    "a job whose name begins alike": owned(replace(SHOP, job="shop-admin"), a()),
    "an owner record whose record is gone": there(marks=(mark(RIVAL, "A"),)),
}


@pytest.mark.parametrize("standing", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize(
    "wish",
    [
        put(a("10.0.0.7")),
        put(a()),
        put(aaaa()),
        put(a("10.0.0.7"), overrule=True),
        put(a("10.0.0.7"), absent=True),
        put(a("10.0.0.7"), expected="*"),
        remove("A"),
        remove(None),
        remove("*"),
    ],
    ids=["set", "set the same", "set another type", "a job does not overrule", "if none", "if any",
         "remove", "remove the one", "remove all"],
)  # fmt: skip
def test_what_is_not_ours_is_left_alone(standing: Standing, wish: Wish) -> None:
    with pytest.raises(TakenError) as refused:
        decide(wish, standing)
    assert NAME in refused.value.message
    assert refused.value.owner == str(standing.owner or "")


def test_a_refusal_names_the_owner_or_what_is_there() -> None:
    with pytest.raises(TakenError, match=r"belongs to default/rival of cluster prod"):
        decide(put(a("10.0.0.7")), owned(RIVAL, a()))
    with pytest.raises(TakenError, match=r"not made by toolkit.*: A 10\.0\.0\.1"):
        decide(put(a("10.0.0.7")), there(a()))
    with pytest.raises(TakenError, match=r"_toolkit\.shop\.example\.com .*: TXT v=spf1 -all"):
        decide(put(a()), there(marks=(text("v=spf1 -all", name=f"_toolkit.{NAME}"),)))


def test_a_refusal_shows_little_of_what_strangers_wrote() -> None:
    strange = text("\x1b[31m" + "x" * 4000, name=NAME)
    others = [Record(NAME, f"TYPE{number}", 60, ("x",)) for number in range(9)]
    with pytest.raises(TakenError) as refused:
        decide(put(a()), there(strange, *others))
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300
    assert "and 7 more" in refused.value.message


def test_our_type_beside_a_stranger_s_is_ours_and_theirs_is_theirs() -> None:
    beside = there(a(), text("site-verification=1"), marks=(mark(SHOP, "A"),))
    changed = decide(put(a("10.0.0.2")), beside)
    assert text("site-verification=1") not in [record for _, record in batch(changed)]
    assert text("site-verification=1") in changed.after.records
    for wish in (put(text("mine")), remove("TXT")):
        with pytest.raises(TakenError, match="site-verification"):
            decide(wish, beside)
    gone = decide(remove("A"), beside)
    assert batch(gone) == [("DELETE", mark(SHOP, "A")), ("DELETE", a())]


def test_removing_all_takes_only_what_is_ours() -> None:
    beside = there(a(), aaaa(), text("theirs"), marks=(mark(SHOP, "A", "AAAA"),))
    assert decide(remove("*"), beside).after == there(text("theirs"))


def test_the_top_of_a_zone_has_records_that_are_nobody_s() -> None:
    top = ZONE.name
    own = (Record(top, "NS", 300, ("ns.example.net",)), Record(top, "SOA", 900, ("x",)))
    made = decide(put(a(name=top)), there(*own, name=top))
    assert batch(made) == [("CREATE", a(name=top)), ("CREATE", mark(SHOP, "A", name=top))]
    with pytest.raises(TakenError, match="MX"):
        decide(put(a(name=top)), there(*own, Record(top, "MX", 60, ("10 m",)), name=top))


@pytest.mark.parametrize("name", ["_toolkit.shop.example.com", "_wildcard.example.com"])
def test_owner_names_are_nobody_s(name: str) -> None:
    with pytest.raises(TakenError, match="kept for owner records"):
        decide(put(text("x", name=name)), there(name=name))


# --- people and jobs ---------------------------------------------------------------------------


def test_a_person_changes_a_job_s_record_only_by_overruling_and_it_stays_the_job_s() -> None:
    standing = owned(SHOP, a())
    with pytest.raises(TakenError) as refused:
        decide(put(a("10.0.0.2"), PEOPLE), standing)
    assert "overrule" in (refused.value.hint or "")
    made = decide(put(a("10.0.0.2"), PEOPLE, overrule=True), standing)
    assert made.after == owned(SHOP, a("10.0.0.2"))
    assert made.owner == SHOP
    gone = decide(remove("A", PEOPLE, overrule=True), standing)
    assert gone.after == there()


def test_nobody_overrules_another_cluster() -> None:
    for wish in (put(a(), PEOPLE, overrule=True), remove("A", PEOPLE, overrule=True)):
        with pytest.raises(TakenError, match="cluster staging"):
            decide(wish, owned(OTHER_CLUSTER, a()))


def test_people_share_what_is_the_people_s() -> None:
    assert decide(put(a("10.0.0.2"), PEOPLE), owned(PEOPLE, a())).changes_anything


# --- setting -----------------------------------------------------------------------------------


def test_a_new_name_gets_its_record_and_its_owner_record_together() -> None:
    made = decide(put(a()), there())
    assert batch(made) == [("CREATE", a()), ("CREATE", mark(SHOP, "A"))]
    assert made.created


def test_the_same_again_changes_nothing() -> None:
    for record in (a(), a("10.0.0.1", "10.0.0.2"), alias()):
        made = decide(put(record), owned(SHOP, record))
        assert not made.changes_anything
        assert batch(made) == []
        assert not made.created


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (a(), a("10.0.0.2")),
        (a(ttl=60), a(ttl=300)),
        (a("10.0.0.1", "10.0.0.2"), a("10.0.0.2")),
        (alias(), a()),
        (a(), alias()),
    ],
    ids=["values", "ttl", "fewer values", "from an alias", "to an alias"],
)
def test_a_change_deletes_exactly_what_was_there(old: Record, new: Record) -> None:
    made = decide(put(new), owned(SHOP, old))
    lock = mark(SHOP, "A")
    assert batch(made) == [("DELETE", lock), ("DELETE", old), ("CREATE", new), ("CREATE", lock)]


def test_another_type_joins_the_owner_record_and_leaves_the_first_alone() -> None:
    made = decide(put(aaaa()), owned(SHOP, a()))
    assert batch(made) == [
        ("DELETE", mark(SHOP, "A")),
        ("CREATE", aaaa()),
        ("CREATE", mark(SHOP, "A", "AAAA")),
    ]


def test_an_owner_record_keeps_the_ttl_it_was_found_with() -> None:
    found = replace(mark(SHOP, "A"), ttl=7)
    made = decide(put(aaaa()), there(a(), marks=(found,)))
    assert ("DELETE", found) in batch(made)


def test_a_record_that_somebody_removed_by_hand_is_made_again() -> None:
    orphan = there(marks=(mark(SHOP, "A", "AAAA"),))
    made = decide(put(a()), orphan)
    assert made.after == owned(SHOP, a())
    assert made.created


@pytest.mark.parametrize(
    ("standing", "wish"),
    [
        (owned(SHOP, a()), put(cname())),
        (owned(SHOP, cname()), put(a())),
        (there(a(), text("x"), marks=(mark(SHOP, "A"),)), put(cname())),
    ],
)
def test_a_cname_stands_alone(standing: Standing, wish: Wish) -> None:
    with pytest.raises(TakenError, match="stands alone"):
        decide(wish, standing)


def test_a_cname_replaces_a_cname() -> None:
    made = decide(put(cname("new.example.com")), owned(SHOP, cname()))
    assert made.after == owned(SHOP, cname("new.example.com"))


def test_a_cname_takes_the_place_of_what_goes_in_the_same_batch() -> None:
    before = owned(SHOP, a())
    gone = decide(remove("A"), before)
    made = decide(put(cname()), gone.after)
    assert list(changes_between(before, made.after)) == [
        Change("DELETE", mark(SHOP, "A")),
        Change("DELETE", a()),
        Change("CREATE", cname()),
        Change("CREATE", mark(SHOP, "CNAME")),
    ]


# --- removing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["A", None, "*"])
def test_nothing_of_ours_stays_behind(type_: str | None) -> None:
    gone = decide(remove(type_), owned(SHOP, a("10.0.0.1", "10.0.0.2", ttl=77)))
    assert gone.after == there()
    assert gone.types == ("A",)


def test_an_alias_is_removed_as_what_it_is() -> None:
    assert batch(decide(remove("A"), owned(SHOP, alias()))) == [
        ("DELETE", mark(SHOP, "A")),
        ("DELETE", alias()),
    ]


def test_one_of_two_types_leaves_the_other_owned() -> None:
    assert decide(remove("A"), owned(SHOP, a(), aaaa())).after == owned(SHOP, aaaa())


def test_the_only_one_has_to_be_only_one() -> None:
    with pytest.raises(TakenError, match="A, AAAA"):
        decide(remove(None), owned(SHOP, a(), aaaa()))


@pytest.mark.parametrize(
    ("standing", "type_"),
    [
        (there(), "A"),
        (there(), None),
        (there(), "*"),
        (owned(SHOP, a()), "AAAA"),
        (owned(SHOP, a()), "TXT"),
    ],
)
def test_what_is_not_there_cannot_be_removed(standing: Standing, type_: str | None) -> None:
    with pytest.raises(AbsentError):
        decide(remove(type_), standing)


@pytest.mark.parametrize("type_", ["A", None, "*"])
def test_an_owner_record_without_its_record_goes_too(type_: str | None) -> None:
    gone = decide(remove(type_), there(marks=(mark(SHOP, "A"),)))
    assert gone.after == there()


# --- what the caller expects -------------------------------------------------------------------

STANDING = owned(SHOP, a())


@pytest.mark.parametrize("wish", [put(a("10.0.0.2")), put(a()), remove("A")])
def test_the_etag_has_to_be_the_one_of_now(wish: Wish) -> None:
    assert decide(replace(wish, expected=STANDING.etag), STANDING)
    assert decide(replace(wish, expected="*"), STANDING)
    for wrong in ("", "x", owned(SHOP, a("10.0.0.9")).etag, owned(SHOP, a(ttl=61)).etag):
        with pytest.raises(ChangedError):
            decide(replace(wish, expected=wrong), STANDING)


def test_an_etag_of_nothing_matches_nothing() -> None:
    for expected in ("", "*", STANDING.etag):
        if expected:
            with pytest.raises(ChangedError):
                decide(put(a(), expected=expected), there())
    with pytest.raises(AbsentError):
        decide(remove("A", expected=STANDING.etag), there())


def test_if_none_match_makes_only_what_is_not_there() -> None:
    assert decide(put(a(), absent=True), there()).created
    assert decide(put(aaaa(), absent=True), STANDING).created
    with pytest.raises(ChangedError, match="already"):
        decide(put(a(), absent=True), STANDING)


def test_a_stranger_is_told_that_it_is_another_s_before_anything_else() -> None:
    """An ETag must not be a way to find out what somebody else has."""
    with pytest.raises(TakenError):
        decide(put(a(), RIVAL, expected="guess"), STANDING)


# --- external-dns's lessons --------------------------------------------------------------------


def test_no_record_is_made_beside_a_foreign_owner_record() -> None:
    """Made without an owner record of its own it would belong to nobody, and stay for ever."""
    foreign = there(marks=(text("heritage=external-dns,x", name=f"_toolkit.{NAME}"),))
    with pytest.raises(TakenError):
        decide(put(a()), foreign)


def test_another_owner_never_makes_everything_go() -> None:
    """A server that is given another cluster's name finds strangers' records, not its own."""
    standing = owned(SHOP, a(), aaaa())
    renamed = replace(SHOP, cluster="renamed")
    for wish in (remove("*", renamed), remove("A", renamed), put(a("10.0.0.9"), renamed)):
        with pytest.raises(TakenError):
            decide(wish, standing)


def test_two_syncing_servers_do_not_fight() -> None:
    """Each finds the other's record taken; neither changes it, however often they look."""
    name = owned(SHOP, a())
    for _ in range(3):
        with pytest.raises(TakenError):
            decide(put(a("10.9.9.9"), OTHER_CLUSTER), name)
        assert not decide(put(a()), name).changes_anything


# --- properties --------------------------------------------------------------------------------

OWNERS = st.sampled_from([SHOP, RIVAL, PEOPLE, OTHER_CLUSTER])
RECORDS = st.one_of(
    st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2"]), min_size=1, unique=True).map(
        lambda values: a(*values)
    ),
    st.just(aaaa()),
    st.just(cname()),
    st.just(alias()),
    st.sampled_from(["v=1", "v=2"]).map(text),
)
WISHES = st.one_of(
    st.builds(put, RECORDS, OWNERS, overrule=st.booleans(), absent=st.booleans()),
    st.builds(
        remove,
        st.sampled_from(["A", "AAAA", "CNAME", "TXT", None, "*"]),
        OWNERS,
        overrule=st.booleans(),
    ),
)
FOREIGNERS = st.lists(
    st.sampled_from([text("theirs"), Record(NAME, "MX", 60, ("10 m",))]), unique=True, max_size=2
)


@given(FOREIGNERS, st.lists(WISHES, max_size=8))
def test_whatever_is_wished_strangers_stay_and_owner_records_say_the_truth(
    foreign: list[Record], wishes: list[Wish]
) -> None:
    now = standing_of(NAME, foreign, [])
    for wish in wishes:
        try:
            made = decide(wish, now)
        except RefusedError:
            continue
        changes = changes_between(made.before, made.after)
        assert apply(made.before, changes) == made.after
        assert made.changes_anything == bool(changes)
        now = made.after
        assert set(foreign) <= set(now.records)
        ours = [record.type for record in now.records if record not in foreign]
        assert list(now.claim.types if now.claim else ()) == sorted(ours)
        assert not now.marks or now.claim is not None
        types = [record.type for record in now.records]
        assert len(types) == len(set(types))
        assert types == ["CNAME"] or "CNAME" not in types
        assert read_standing(NAME, now.document()) == now
        assert standings([*now.records, *now.marks], [NAME]) == [now]


def apply(before: Standing, changes: tuple[Change, ...]) -> Standing:
    """What a provider makes of a batch, in its order."""
    held = [*before.records, *before.marks]
    for change in changes:
        if change.action == "DELETE":
            held.remove(change.record)
        else:
            assert change.record.key not in [record.key for record in held]
            held.append(change.record)
    (after,) = standings(held, [before.name])
    return after
