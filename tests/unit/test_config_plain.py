"""The light scan of plain job files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.config.plain import scan_job

TEXT = r"""
# job "comment" {}
// variable "comment" {}
/* job "comment" {
*/
variable "release" {
  type    = string
  default = "1.0.0"
}
variable "count" { default = 2 }
variable "zones" {
  type = list(string)
  default = [
    "a", # }
  ]
}
variable "name" {
  description = "a } and a \" and ${ "}" } $${ %{ if true }x%{ endif }"
  default = "x"
}
variables {
  loose = 1
}
locals { text = "variable \"no\" {}" }
job "shop" {
  type = "system"
  meta {
    type = "batch"
  }
  group "g" {
    task "t" {
      template {
        data = <<-EOF
          job "heredoc" {
          variable "heredoc" {}
        EOF
      }
      variable "nested" {}
    }
  }
}
variable "late" {}
"""


def test_a_job_file_says_its_name_kind_and_variables() -> None:
    found = scan_job(TEXT)
    assert found.names == ("shop",)
    assert found.kind == "system"
    assert dict(found.variables) == {
        "release": "string",
        "count": "",
        "zones": "list",
        "name": "string",
        "late": "",
    }
    assert scan_job(TEXT.replace("\n", "\r\n")) == found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ('job "a" {}\njob "b" {}', ("a", "b")),
        ("job shop {\n}", ("shop",)),
        ('job "a"\n{}', ()),
        ('x = "\njob "a" {\n}', ("a",)),
        ("job = 1", ()),
    ],
)
def test_odd_files(text: str, names: tuple[str, ...]) -> None:
    assert scan_job(text).names == names


@settings(deadline=None)
@given(st.one_of(st.text(), st.text('job"{}[]()$%<-EOF\n\\/*#= '), st.just("<<E\n" * 300)))
def test_no_text_is_too_odd(text: str) -> None:
    scan_job(text)
