"""Any value, anywhere in a template, is what Nomad's own parser reads back."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.clients.nomad import Nomad
from toolkit.render import render
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.tree import DictTree

pytestmark = pytest.mark.agents

TEMPLATE = """\
[% macro quoted(value) %]
"<[[ value ]]>"
[% endmacro %]
job "j" {
  # in a comment: [[ var.text ]]
  /* and in a longer one: [[ var.text ]] */
  group "g" {
    task "t" {
      driver = "mock_driver"
      config {
        plain    = [[ var.text ]] // and here: [[ var.text ]]
        quoted   = "[[ var.text ]]"
        seams    = "$[[ var.text ]]{[[ var.text ]]%[[ var.text ]][[ var.text ]]{"
        macro    = [[ quoted(var.text) ]]
        nested   = "${format("%s", "[[ var.text ]]")}${[[ var.text ]]}"
        heredoc  = <<EOT
a [[ var.text ]] b
[[ var.text ]]
EOT
        indented = <<-EOT
          [[ var.text ]] c
          EOT
        value    = [[ var.value ]]
      }
    }
  }
}
"""
NASTY = st.sampled_from(
    ["$", "%", "{", "}", "${", "%{", "$${", "%%{", "${var.x}", '"', "\\", "\n", "\r\n", "\x00"]
) | st.sampled_from(
    ["EOT", "<<EOT", "*/", "//", "#", "[[", "]]", "{{", "\x01", "\x1f", "é", "\U0001f680"]
)
TEXT = st.lists(NASTY | st.text(max_size=8), max_size=6).map("".join)
SCALAR = TEXT | st.booleans() | st.integers(-(2**53), 2**53) | st.none()
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def composed(value: Any) -> Any:
    """The parser puts all strings into NFC; keys of a map that become equal are one."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case list():
            return [composed(item) for item in value]
        case dict():
            return {composed(key): composed(item) for key, item in value.items()}
    return value


def check(nomad: Nomad, text: str, value: Any) -> None:
    tree = DictTree({"jobs/j/t.j2": TEMPLATE.encode()})
    variables = {"text": text, "value": value}
    spec = JobSpec("j", "service", "jobs/j/job.toml", "jobs/j/t.j2", variables=variables)
    job = nomad.parse(render(tree, spec).hcl)
    config = job["TaskGroups"][0]["Tasks"][0]["Config"]
    seen = composed(text)
    assert config["plain"] == seen
    assert config["quoted"] == seen
    assert config["seams"] == composed("$" + text + "{" + text + "%" + text + text + "{")
    assert config["macro"] == composed(f"<{text}>")
    assert config["nested"] == composed(text + text)
    assert config["heredoc"] == composed(f"a {text} b\n{text}\n")
    assert config["indented"] == composed(f"{text} c\n")
    assert unwrapped(config.get("value")) == unwrapped(composed(value))


def unwrapped(value: Any) -> Any:
    """Nomad hands a map in a driver's settings over as a list of one map."""
    match value:
        case [dict() as only]:
            return unwrapped(only)
        case list():
            return [unwrapped(item) for item in value]
        case dict():
            return {key: unwrapped(item) for key, item in value.items()}
    return value


def fuzz(nomad: Nomad, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(TEXT, VALUE)
    def run(text: str, value: Any) -> None:
        check(nomad, text, value)

    run()


def test_any_value_is_read_back(nomad: Nomad) -> None:
    fuzz(nomad, 100)


@pytest.mark.soak
def test_any_value_is_read_back_for_long(nomad: Nomad) -> None:
    fuzz(nomad, 5000)


@pytest.mark.parametrize("text", ["", "${", "$", "{", '"}\n}', "EOT", "a\nEOT\n", "é", "\x00"])
def test_a_nasty_text_is_read_back(text: str, nomad: Nomad) -> None:
    check(nomad, text, {text: [text]})
