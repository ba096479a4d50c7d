"""Which template line made which HCL line, and Nomad's complaints told by it."""

from __future__ import annotations

import pytest

from tests.unit.rendering import MAIN, rendered
from toolkit.render import map_hcl_error, render
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.tree import DictTree

LIB = "jobs/_lib/m.hcl.j2"
PART = "jobs/shop/part.hcl.j2"
BASE = "jobs/_lib/base.hcl.j2"
FILES = {
    LIB: (
        "[# what a block looks like #]\n"
        "[% macro block(name) %]\n"
        "[[ name | key ]] {\n"
        "\n"
        "  [% for n in [1, 2] %]\n"
        "  line[[ n ]] = [[ n ]]\n"
        "  [% endfor %]\n"
        "}\n"
        "[% endmacro %]\n"
        "[% macro outer() %]\n"
        "outer {\n"
        "  [[ block('inner') ]]\n"
        "}\n"
        "[% endmacro %]\n"
        "[% macro entries(items) %]\n"
        "[% for item in items -%]\n"
        "  [[ item ]],\n"
        "[%- endfor %]\n"
        "[% endmacro %]\n"
    ),
    PART: "part {\n  [% if true %]\n  a = 1\n  [% endif %]\n}\n",
    BASE: "head\n[% block body %]\ndefault\n[% endblock %]\ntail\n",
}


def origins(job: RenderedJob) -> list[tuple[str, str, int]]:
    """HCL line, and the file and line that made it."""
    hcl = job.hcl.splitlines()
    assert len(hcl) == len(job.lines)
    found = []
    for text, origin in zip(hcl, job.lines, strict=True):
        assert origin is not None
        found.append((text.strip(), origin.path.rsplit("/", 1)[-1], origin.line))
    return found


def test_each_line_knows_the_line_that_made_it() -> None:
    job = rendered(
        '[% import "_lib/m.hcl.j2" as lib %]\n'
        "\n"
        "first\n"
        "[# a comment\n"
        "   of two lines #]\n"
        "[% set x = [\n"
        "  1,\n"
        "] %]\n"
        "second [[ x[0]\n"
        "  + 1 ]] [[ release ]]\n"
        "[[ lib.block('one') ]]\n"
        "[% raw %]\n"
        "[[ raw ]]\n"
        "[% endraw %]\n"
        "   [% if release -%]\n"
        "\n"
        "   third\n"
        "[% endif %]\n"
        "[% include 'part.hcl.j2' %]\n"
        "[[ lib.outer() ]]\n"
        "last",
        FILES,
    )
    main = "job.nomad.hcl.j2"
    assert origins(job) == [
        ("first", main, 3),
        ('second 2 "1.0.0"', main, 9),
        ("one {", "m.hcl.j2", 3),
        ("line1 = 1", "m.hcl.j2", 6),
        ("line2 = 2", "m.hcl.j2", 6),
        ("}", "m.hcl.j2", 8),
        ("", main, 12),
        ("[[ raw ]]", main, 13),
        ("third", main, 17),
        ("part {", "part.hcl.j2", 1),
        ("a = 1", "part.hcl.j2", 3),
        ("}", "part.hcl.j2", 5),
        ("outer {", "m.hcl.j2", 11),
        ("inner {", "m.hcl.j2", 3),
        ("line1 = 1", "m.hcl.j2", 6),
        ("line2 = 2", "m.hcl.j2", 6),
        ("}", "m.hcl.j2", 8),
        ("}", "m.hcl.j2", 13),
        ("last", main, 21),
    ]
    assert job.sources == {MAIN: job.sources[MAIN], LIB: FILES[LIB], PART: FILES[PART]}
    assert job.origin(0) is None
    assert job.origin(20) is None
    inner = job.origin(15)
    assert inner is not None
    assert inner.caller is not None
    assert (inner.caller.path, inner.caller.line) == (LIB, 12)
    assert inner.caller.caller is not None
    assert (inner.caller.caller.path, inner.caller.caller.line) == (MAIN, 20)


def test_a_line_of_a_block_belongs_to_the_file_that_has_it() -> None:
    job = rendered(
        "[% extends '_lib/base.hcl.j2' %]\n\n[% block body %]\n[[ super() ]]\nmine\n[% endblock %]",
        FILES,
    )
    assert origins(job) == [
        ("head", "base.hcl.j2", 1),
        ("default", "base.hcl.j2", 3),
        ("mine", "job.nomad.hcl.j2", 5),
        ("tail", "base.hcl.j2", 5),
    ]


def test_the_lines_of_a_long_value_and_of_a_heredoc_are_known() -> None:
    job = rendered(
        "a {\n  b = [[ var.x ]]\n  c = <<E\n\n    text [[ release ]]\n\n  E\n}\n", x=["x" * 90]
    )
    assert job.hcl == (
        'a {\n  b = [\n    "' + "x" * 90 + '",\n  ]\n  c = <<E\n\n    text 1.0.0\n\n  E\n}\n'
    )
    assert [origin.line for origin in job.lines if origin] == [1, 2, 2, 2, 3, 4, 5, 6, 7, 8]


def test_brackets_and_blank_lines_are_put_in_order() -> None:
    job = rendered('a {\n\n\n b = [{\n"}" = 1 # {\n}]\n\n\n\n/* {\n */\nc = 1\n\n}\n\n\nd\n\n')
    assert job.hcl == ('a {\n  b = [{\n    "}" = 1 # {\n  }]\n\n  /* {\n */\n  c = 1\n}\n\nd\n')


def test_a_jobs_own_file_wins_over_the_library() -> None:
    own = {"jobs/shop/m.hcl.j2": "mine\n", LIB: "theirs\n", "jobs/shop/_lib/n.j2": "mine too\n"}
    assert rendered("[% include 'm.hcl.j2' %]", own).hcl == "mine\n"
    assert rendered("[% include '_lib/m.hcl.j2' %]", own).hcl == "theirs\n"
    assert rendered("[% include '_lib/n.j2' %]", own).hcl == "mine too\n"


JOB = rendered(
    '[% import "_lib/m.hcl.j2" as lib %]\njob "a" {\n  foo = [[ release ]]\n'
    "  [[ lib.block('x') ]]\n}\n",
    FILES,
)


def test_a_parsers_complaint_is_told_by_the_template_line() -> None:
    error = map_hcl_error(
        JOB,
        "Nomad at http://127.0.0.1:4646: Failed to parse job: input.hcl:2,3-6: Unsupported"
        ' argument; An argument named "foo" is not expected here.',
    )
    assert (error.template, error.line) == (MAIN, 3)
    assert error.message == (
        f'{MAIN}:3: Unsupported argument; An argument named "foo" is not expected here\n'
        f"  {MAIN}:3: foo = [[ release ]]\n"
        '  HCL line 2, column 3: foo = "1.0.0"'
    )
    assert error.hint == "`toolkit render` prints the HCL"


def test_every_complaint_of_the_parser_is_told() -> None:
    error = map_hcl_error(
        JOB,
        "Failed to parse job: input.hcl:4,5-10: Unsupported argument; First.\n"
        'input.hcl:5,5-6,12: Attribute redefined; The argument "x" was already set at'
        " input.hcl:2,3-6. Each argument may be set only once., and 1 other diagnostic(s)",
    )
    assert (error.template, error.line) == (LIB, 6)
    assert error.message == (
        f"{LIB}:6: Unsupported argument; First\n"
        f"  {LIB}:6: line[[ n ]] = [[ n ]]\n"
        f"  {MAIN}:4: [[ lib.block('x') ]]\n"
        "  HCL line 4, column 5: line1 = 1\n"
        f'{LIB}:6: Attribute redefined; The argument "x" was already set at HCL line 2 ({MAIN}:3).'
        " Each argument may be set only once., and 1 other diagnostic(s)\n"
        f"  {LIB}:6: line[[ n ]] = [[ n ]]\n"
        f"  {MAIN}:4: [[ lib.block('x') ]]\n"
        "  HCL line 5, column 5: line2 = 2"
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Job spec is empty", "Job spec is empty"),
        ('Failed to parse job: <nil>: Unset variable "x"; A used…', 'Unset variable "x"; A used…'),
        (
            "Failed to parse job: unable to parse var content: input.hcl:1,5-2,1: Invalid; Quoted",
            "unable to parse var content: input.hcl:1,5-2,1: Invalid; Quoted",
        ),
    ],
)
def test_a_complaint_without_a_line_of_the_job_is_about_the_job(message: str, told: str) -> None:
    error = map_hcl_error(JOB, message)
    assert (error.message, error.line) == (f"{MAIN}: {told}", None)
    assert (error.hint is not None) == ("Unset" in message)


def test_a_line_that_nothing_made_is_about_the_job() -> None:
    error = map_hcl_error(JOB, "Failed to parse job: input.hcl:99,1-2: Missing; Something.")
    assert (error.template, error.line) == (MAIN, None)
    assert error.message == f"{MAIN}: Missing; Something\n  HCL line 99, column 1: "


def test_a_plain_job_goes_out_as_it_is() -> None:
    text = 'variable "a" {}\njob "[[ x ]]" {\n\n\n  foo = "${a}"\n}\n'
    path = "shop.nomad.hcl"
    spec = JobSpec(
        "shop", "service", path, path, plain=True, variables={"a": 'x"y', "b": [1, {"c": None}]}
    )
    job = render(DictTree({path: text.encode()}), spec)
    assert job.hcl == text
    assert job.variables == 'a = "x\\"y"\nb = [1, { "c" = null }]\n'
    error = map_hcl_error(job, "Failed to parse job: input.hcl:5,3-6: Unsupported; Not here.")
    assert error.message == 'shop.nomad.hcl:5: Unsupported; Not here\n  foo = "${a}"'
    assert (error.template, error.line, error.hint) == (path, 5, None)
