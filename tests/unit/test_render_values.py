"""How values are written, by the place they stand in. Nomad's parser judges it in tests/golden."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.unit.rendering import rendered
from toolkit.errors import RenderError


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1: "x"}, "\ud800", b"bytes", {"a": {"b": object()}}],
)
def test_a_value_that_hcl_cannot_hold_is_refused_where_it_is_written(value: Any) -> None:
    with pytest.raises(RenderError) as caught:
        rendered("\na = [[ var.x ]]", x=value)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("template", "value", "message"),
    [
        ('a = "[[ var.x ]]"', ["a"], "a list cannot stand inside a string"),
        ('a = "[[ var.x ]]"', {"a": 1}, "a map cannot stand inside a string"),
        ('a = "[[ var.x ]]"', None, "none cannot stand inside a string"),
        ("a = <<E\n[[ var.x ]]\nE\n", ["a"], "a list cannot stand inside a string"),
        ("# [[ var.x ]]", ["a"], "a list cannot stand inside a string"),
        ('a = "\\[[ var.x ]]"', "a", "a backslash may not stand right before a value"),
        ("a = <<E\n$[[ var.x ]]\nE\n", "{x", "may not stand right after '$'"),
        ("a = <<E\n$[[ var.x ]]{\nE\n", "", "may not meet"),
        ("a = <<EO\nE[[ var.x ]]\nEO\n", "O", "a value would end the heredoc EO"),
        ("a = [[ var.x | key ]]", "no name", "'no name' cannot be the name of an attribute"),
        ("a = [[ var.x | key ]]", "1a", "cannot be the name of an attribute"),
        ("a = [[ var.x | key ]]", "a\n", "cannot be the name of an attribute"),
        ("a = [[ var.x | raw ]]", 1, "raw takes text"),
        ("a = [[ var.x | duration ]]", "5s", "'5s' is not a number of seconds"),
        ("a = [[ var.x | duration ]]", -1, "-1 is not a number of seconds"),
        ("a = [[ var.x | duration ]]", True, "True is not a number of seconds"),
    ],
)
def test_a_value_in_the_wrong_place_is_refused(template: str, value: Any, message: str) -> None:
    with pytest.raises(RenderError, match=message.replace("$", r"\$")):
        rendered(template, x=value)


@pytest.mark.parametrize(
    ("value", "hcl"),
    [
        ("a", '"a"'),
        ("", '""'),
        ('"', r'"\""'),
        ("\\", r'"\\"'),
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ("${x} %{x} $x {x}", '"$${x} %%{x} $x {x}"'),
        ("é \U0001f680", '"é \U0001f680"'),
        ("\x00\x7f\u2028", r'"\u0000\u007f\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
        (True, "true"),
        (None, "null"),
        (3, "3"),
        (1.5, "1.5"),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        ([], "[]"),
        ({}, "{}"),
        (["a", 1, [True]], '["a", 1, [true]]'),
        ({"a b": {"c": "${d}"}}, '{ "a b" = { "c" = "$${d}" } }'),
        (("a",), '["a"]'),
    ],
)
def test_a_value_between_words_is_a_literal(value: Any, hcl: str) -> None:
    assert rendered("a = [[ var.x ]]", x=value).hcl == f"a = {hcl}\n"
    assert rendered("a = [[ var.x | hcl ]]", x=value).hcl == f"a = {hcl}\n"


@pytest.mark.parametrize(
    ("template", "value", "hcl"),
    [
        ('"<[[ var.x ]]>"', 'a"b', r'"<a\"b>"'),
        ('"<[[ var.x ]]>"', 1, '"<1>"'),
        ('"<[[ var.x ]]>"', False, '"<false>"'),
        ('"$[[ var.x ]]"', "{a}", r'"$\u007ba}"'),
        ('"[[ var.x ]]{a}"', "$", r'"\u0024{a}"'),
        ('"[[ var.x ]][[ "{" ]]"', "$", r'"\u0024{"'),
        ('"$[[ var.x ]]{a}"', "", r'"$\u007ba}"'),
        ('"${a["[[ var.x ]]"]}"', '"', r'"${a["\""]}"'),
        ('"${[[ var.x ]]}"', "a", '"${"a"}"'),
        ('"$${[[ var.x ]]}"', '"', r'"$${\"}"'),
        ('"\\\\[[ var.x ]]"', '"', r'"\\\""'),
        ('"a" [[ var.x ]] "b"', "c", '"a" "c" "b"'),
        ("# [[ var.x ]]", "a\nb", r"# a\nb"),
        ("// [[ var.x ]]", "a\nb", r"// a\nb"),
        ("/* [[ var.x ]] */ a", "*/", "/* * / */ a"),
        ('/* " */ [[ var.x ]]', "a", '/* " */ "a"'),
        ("<<E\n[[ var.x ]]\nE", "plain text", "<<E\nplain text\nE"),
        ("<<E\n[[ var.x ]]\nE", "a\nb", '<<E\n${"a\\nb"}\nE'),
        ("<<E\n[[ var.x ]]\nE", "E", '<<E\n${"E"}\nE'),
        ("<<E\n[[ var.x ]]\nE", "${a}", '<<E\n${"$${a}"}\nE'),
        ('<<E\n"[[ var.x ]]"\nE\n[[ var.x ]]', "a b", '<<E\n"a b"\nE\n"a b"'),
    ],
)
def test_a_value_is_written_for_its_place(template: str, value: Any, hcl: str) -> None:
    assert rendered(template, x=value).hcl == f"{hcl}\n"


def test_a_long_map_has_an_entry_a_line() -> None:
    value = {"a": "x" * 40, "b": ["y" * 80, "{["], "c": "}"}
    assert rendered("m {\na = [[ var.x ]]\n}", x=value).hcl == (
        'm {\n  a = {\n    "a" = "' + "x" * 40 + '",\n    "b" = [\n      "' + "y" * 80 + '",\n'
        '      "{[",\n    ],\n    "c" = "}",\n  }\n}\n'
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (5, "5s"), (5.0, "5s"), (0.5, "500ms"), (90, "90s")]
)
def test_seconds_are_written_as_nomad_writes_them(seconds: float, text: str) -> None:
    assert rendered("a = [[ var.x | duration ]]", x=seconds).hcl == f'a = "{text}"\n'


def test_only_raw_writes_text_as_it_is() -> None:
    assert rendered("[[ var.x | raw ]]", x="a = 1").hcl == "a = 1\n"


def test_a_variable_named_like_a_method_is_the_variable() -> None:
    assert rendered("a = [[ var.items ]] [[ var.get ]]", items=1, get=2).hcl == "a = 1 2\n"
