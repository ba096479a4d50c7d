"""One spelling for each name, and no second way to write one that a policy matched."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.dns.names import BadNameError, is_below, is_in, normalise, show, wanted_name
from toolkit.dns.ownership import owner_name

SAME = [
    ("shop.example.com", "shop.example.com"),
    ("Shop.EXAMPLE.com.", "shop.example.com"),
    (r"\163hop.example.com", "shop.example.com"),
    (r"\123hop.example.com", "shop.example.com"),
    (r"\052.example.com", "*.example.com"),
    ("*.Example.Com", "*.example.com"),
    ("\uff0a.example.com", "*.example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("faß.example", "xn--fa-hia.example"),
    ("ｓｈｏｐ．example", "shop.example"),
    ("shop。example", "shop.example"),
    ("\u212a8s.example", "k8s.example"),
    ("sh\u00adop.example", "shop.example"),
    ("_http._tcp.shop.example", "_http._tcp.shop.example"),
    ("r3---sn.example", "r3---sn.example"),
    ("1.2.3.4.example", "1.2.3.4.example"),
    ("internal", "internal"),
    ("a" * 63 + ".example", "a" * 63 + ".example"),
    (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc"),
]


@pytest.mark.parametrize(("written", "name"), SAME)
def test_has_one_spelling(written: str, name: str) -> None:
    assert normalise(written) == name
    assert normalise(name) == name


BAD = [
    ("", "empty"),
    (".", "empty"),
    ("..", "two dots"),
    ("a..b", "two dots"),
    (".a.b", "two dots"),
    ("a.b..", "two dots"),
    ("a b.example", "no name"),
    (" a.example", "no name"),
    ("a.example\n", "no name"),
    ("a\0.example", "no name"),
    ("a.example\0.evil.example", "no name"),
    ("a\x7f.example", "no name"),
    ("a/b.example", "no name"),
    ("a@b.example", "no name"),
    ("a:80.example", "no name"),
    ("-a.example", "no name"),
    ("a-.example", "no name"),
    ("a_b.example", "no name"),
    ("a_.example", "no name"),
    ("_.example", "no name"),
    ("*", "only as its first part"),
    ("a.*.example", "only as its first part"),
    ("*.*.example", "only as its first part"),
    ("a*.example", "only as its first part"),
    ("*a.example", "only as its first part"),
    (r"a\.example", "no escape"),
    (r"\*.example", "no escape"),
    (r"\400.example", "no escape"),
    (r"\08.example", "no escape"),
    (r"a\056example", "escapes a character"),
    (r"\303\244.example", "escapes a character"),
    (r"\000a.example", "no name"),
    (r"\040a.example", "no name"),
    ("10.0.0.1", "address"),
    ("10.0.0.1.", "address"),
    ("0x7f.1", "address"),
    ("example.0x7f", "address"),
    ("2130706433", "address"),
    ("::1", "no name"),
    ("[::1]", "no name"),
    ("xn--a.example", "stands for no name"),
    ("xn--n3h.example", "stands for no name"),
    ("xn--shop-.example", "no name"),
    ("xn--abc-.example", "no name"),
    ("☃.example", "no name may hold"),
    ("\u202eshop.example", "no name may hold"),
    ("\ud800.example", "no name may hold"),
    ("٣.example", "no name may hold"),
    ("a" * 64 + ".example", "63"),
    ("ü" * 64 + ".example", "63"),
    ("ü" * 63 + ".example", "no name may hold"),
    (".".join(["a" * 49] * 5) + ".abcd", "253"),
    ("a" * 1_000_000, "253"),
    ("ü." * 549, "253"),
]


@pytest.mark.parametrize(("written", "why"), BAD, ids=range(len(BAD)))
def test_refuses_what_is_no_name_and_says_why_on_one_bounded_line(written: str, why: str) -> None:
    with pytest.raises(BadNameError, match=why) as raised:
        normalise(written)
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 600


@pytest.mark.parametrize(
    "name",
    [
        "_toolkit.shop.example.com",
        "_TOOLKIT.shop.example.com",
        r"\137toolkit.shop.example.com",
        "_toolkit._wildcard.example.com",
        "_wildcard.example.com",
        "a._toolkit.example.com",
        "*._toolkit.example.com",
        "shop._toolkit",
    ],
)
def test_names_of_owner_records_are_never_asked_for(name: str) -> None:
    assert normalise(name)
    with pytest.raises(BadNameError, match="owner records"):
        wanted_name(name)


@pytest.mark.parametrize(("lead", "most"), [("", 244), ("*.", 236)])
def test_a_name_leaves_room_for_the_name_of_its_owner_record(lead: str, most: int) -> None:
    fits = lead + padded(most - len(lead))
    assert len(fits) == most
    assert len(owner_name(wanted_name(fits))) == 253
    with pytest.raises(BadNameError, match="no room") as raised:
        wanted_name(lead + padded(most - len(lead) + 1))
    assert raised.value.hint == f"use at most {most} characters"


def padded(length: int) -> str:
    """A name of this many characters."""
    text = ".".join(["a" * 49] * 5)[:length]
    return text[:-1] + "a"


LETTERS = "aA.-_*x\\052\u212aüß\u0308\uff0e。\u200d٣1\0 \ud800"
WRITTEN = (
    st.text(LETTERS, max_size=30)
    | st.text(max_size=40)
    | st.lists(
        st.sampled_from(["xn--", "Shop", "a", "*", "_b", "\\052", "\\056", "bücher", "1", "-"]),
        max_size=6,
    ).map(".".join)
)


@given(WRITTEN)
@example("xn--bcher-kva.xn--bcher-kva")
@example("a\u3002b\uff61c")
def test_normalising_twice_changes_nothing_and_leaves_plain_letters(written: str) -> None:
    try:
        name = normalise(written)
    except BadNameError as error:
        assert error.message.isprintable()
        return
    assert normalise(name) == name
    assert normalise(name.upper() + ".") == name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.*")
    assert len(name) <= 253
    assert all(1 <= len(label) <= 63 for label in name.split("."))
    assert "*" not in name.removeprefix("*.")


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20))
def test_any_character_may_be_escaped_and_is_the_same(label: str) -> None:
    escaped = "".join(f"\\{ord(letter):03o}" for letter in label)
    assert normalise(f"{escaped}.example") == normalise(f"{label}.example")


def test_below_is_counted_in_whole_labels() -> None:
    assert is_below("a.example.com", "example.com")
    assert is_below("a.b.example.com", "example.com")
    assert not is_below("example.com", "example.com")
    assert not is_below("evilexample.com", "example.com")
    assert is_in("example.com", "example.com")
    assert not is_in("evilexample.com", "example.com")


@given(st.text(max_size=300))
def test_what_is_shown_is_bounded_and_printable(text: str) -> None:
    shown = show(text, most=20)
    assert shown.isprintable()
    assert len(shown) <= 2 + 20 * len("\\U0001ffff")
