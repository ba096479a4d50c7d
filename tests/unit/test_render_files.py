"""`file("kick.toml")` in a template: the text as it is, from the tree and from nowhere else."""

from __future__ import annotations

import pytest

from tests.unit.rendering import MAIN, rendered
from toolkit.errors import RenderError
from toolkit.render import render
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.tree import DictTree

TOML = '[[zone]]\nname = "[[ job.name ]]"\ntext = "${NOMAD_X} %{y} {{ z }}"\n'


def test_a_file_is_no_template_and_a_value_like_any_other() -> None:
    made = rendered('data = [[ file("kick.toml") ]]', {"jobs/shop/kick.toml": TOML})
    assert made.hcl.strip() == (
        'data = "[[zone]]\\nname = \\"[[ job.name ]]\\"\\n'
        'text = \\"$${NOMAD_X} %%{y} {{ z }}\\"\\n"'
    )


def test_what_a_job_reads_is_one_of_its_sources() -> None:
    made = rendered('data = [[ file("kick.toml") ]]', {"jobs/shop/kick.toml": TOML})
    assert made.sources["jobs/shop/kick.toml"] == TOML


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope.toml", "no file 'nope.toml' in tree"),
        ("../other/job.toml", "outside of what a template may read"),
        ("/etc/passwd", "outside of what a template may read"),
    ],
)
def test_a_file_that_is_not_there_or_not_ours_is_told_with_the_line(
    name: str, message: str
) -> None:
    with pytest.raises(RenderError, match=message) as caught:
        rendered(f'\na = [[ file("{name}") ]]', {"jobs/other/job.toml": "secret = 1"})
    assert (caught.value.template, caught.value.line) == (MAIN, 2)


def test_a_file_that_is_no_text_is_refused() -> None:
    tree = DictTree({MAIN: b'a = [[ file("x") ]]', "jobs/shop/x": b"\xff\xfe"})
    spec = JobSpec("shop", "service", "jobs/shop/job.toml", MAIN)
    with pytest.raises(RenderError, match="jobs/shop/x is not UTF-8 text"):
        render(tree, spec)
