"""Line numbers of keys, which tomllib does not give."""

from __future__ import annotations

import string
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.config.lines import KeyPath, key_lines, line_of
from toolkit.config.source import spell, split

TEXT = '''\
# name = "not this"
name = "backend"   # comment
text = """
count = 1
[ports.http]
""" # after
raw = \'\'\'
[no]\'\'\'
list = [
  "a]", # ]
  { x = "}" },
]
inline = { a = 1, b = { c = 2 } }
dotted.key . "with space" = 3

[ports.http]
to = 80
[ "env" . 'dev.eu' . rollout ]
canaries = 2
[[constraints]]
attribute = "a"
[[constraints]]
attribute = "b"
[constraints.deep]
value = 1
[[constraints]]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("text",), 3),
        (("raw",), 7),
        (("list",), 9),
        (("list", 1, "x"), 9),
        (("inline",), 13),
        (("inline", "b", "c"), 13),
        (("dotted",), 14),
        (("dotted", "key", "with space"), 14),
        (("ports",), 16),
        (("ports", "http", "to"), 17),
        (("ports", "http", "static"), 16),
        (("env", "dev.eu", "rollout"), 18),
        (("env", "dev.eu", "rollout", "canaries"), 19),
        (("constraints", 0, "attribute"), 21),
        (("constraints", 1, "attribute"), 23),
        (("constraints", 1, "deep", "value"), 25),
        (("constraints", 2), 26),
        (("nothing",), None),
        ((), None),
    ],
)
def test_line_of_a_key(path: KeyPath, line: int | None) -> None:
    tomllib.loads(TEXT)
    assert line_of(TEXT, path) == line
    assert line_of(TEXT.replace("\n", "\r\n"), path) == line


@pytest.mark.parametrize("text", ["", "=", "[", "[[", "a", '"', "a = [", "'''", 'a = """', "\\"])
def test_what_is_not_toml_does_not_hang_or_raise(text: str) -> None:
    assert isinstance(key_lines(text), dict)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("env", "dev", "release"), "env.dev.release"),
        (("env", "my env", "a.b"), 'env."my env"."a.b"'),
        (("a", 'q"uote\n', "é"), 'a."q\\"uote\\n"."é"'),
    ],
)
def test_a_key_path_is_spelled_and_read_back(path: tuple[str, ...], text: str) -> None:
    assert spell(path) == text
    assert split(text) == path


def test_an_element_of_an_array_is_spelled_with_its_index() -> None:
    assert spell(("constraints", 0, "value")) == "constraints[0].value"


keys = st.text(string.ascii_letters + string.digits + "-_ .#[]\"'é=", min_size=1, max_size=5)
scalars = st.one_of(
    st.integers(),
    st.booleans(),
    st.text(max_size=12),
    st.lists(st.text(max_size=5), max_size=3),
    st.just({"x": [{"y": "]"}]}),
)


@settings(deadline=None)
@given(st.dictionaries(keys, st.one_of(scalars, st.dictionaries(keys, scalars)), max_size=5))
def test_every_key_has_the_line_that_it_was_written_on(data: dict[str, Any]) -> None:
    rows: list[str] = []
    expected: dict[KeyPath, int] = {}

    def write(path: KeyPath, row: str) -> None:
        expected[path] = len(rows) + 1
        rows.extend(row.split("\n"))

    simple = {key: value for key, value in data.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    for key, value in simple.items():
        write((key,), f"{spell(('k', key))[2:]} = {as_toml(value)} # ] }} =")
    for name, table in tables.items():
        write((name,), f"[ {spell(('k', name))[2:]} ]")
        for key, value in table.items():
            write((name, key), f"  {spell(('k', key))[2:]}= {as_toml(value)}")
    text = "\n".join(rows)
    assert tomllib.loads(text) == data
    lines = key_lines(text)
    assert {path: lines.get(path) for path in expected} == expected


def as_toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            basic = "".join(
                f"\\u{ord(char):04x}" if char < " " or char in '"\\\x7f' else char for char in value
            )
            return f'"""{basic}"""' if len(value) % 2 else f'"{basic}"'
        case list() if value and isinstance(value[0], dict):
            return f"[{', '.join(map(as_toml, value))}]"
        case list():
            return "[\n" + "".join(f"  {as_toml(item)}, # [\n" for item in value) + "]"
        case dict():
            inner = ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items())
            return f"{{ {inner} }}"
    raise AssertionError(value)
