"""Templates that fail: each says which template and line, and what was wrong there."""

from __future__ import annotations

import pytest

from tests.unit.rendering import MAIN, rendered
from toolkit.errors import ExitCode, RenderError
from toolkit.render import render
from toolkit.render.blame import map_template_error
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.tree import DictTree

MACROS = "jobs/_lib/m.hcl.j2"
LIBRARY = {
    MACROS: "[% macro good() %]\na = 1\n[% endmacro %]\n\n[% macro bad() %]\n\n[[ nope ]]\n"
    '[% endmacro %]\n[% macro wrong(x) %]\n"[[ x ]]"\n[% endmacro %]\n'
}
IMPORT = '[% import "_lib/m.hcl.j2" as lib %]\n'


def refused(template: str, **variables: object) -> RenderError:
    with pytest.raises(RenderError) as caught:
        rendered(template, LIBRARY, **variables)
    assert caught.value.code is ExitCode.REFUSED
    assert caught.value.message.startswith(f"{caught.value.template}:{caught.value.line}: ")
    return caught.value


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("\n\n[[ nope ]]", 3, "'nope' is undefined; there are: check, "),
        ("\n[[ relase ]]", 2, "'relase' is undefined; near names: release"),
        ("[[ job.nam ]]", 1, "'nam' is undefined; near names: name"),
        ("[[ var.timeout ]]", 1, "'timeout' is undefined; there are: x"),
        ("[[ release.version ]]", 1, "'version' is undefined: str object has no such thing"),
        ("[[ agents.acl ]]", 1, "'agents' is undefined"),
        ("\n[% if nope %][% endif %]", 2, "'nope' is undefined"),
        ("\n[% for a in nope %][% endfor %]", 2, "'nope' is undefined"),
        ("\n\n[% if %]", 3, "Expected an expression, got 'end of statement block'"),
        ("\n[% if release %]\n", 2, "Unexpected end of template"),
        ("\n[[ release | sage ]]", 2, "No filter named 'sage'"),
        ("\n[[ 1 / 0 ]]", 2, "the template fails: division by zero"),
        ("\n\n[[ 1 + release ]]", 3, "the template fails: unsupported operand"),
        ("\n[[ job ~ 1 ]]\n[[ range ]]", 3, "a value of type function cannot be written"),
        ("[% include 'job.nomad.hcl.j2' %]", 1, "the template calls or includes itself"),
        ("\n[% include 'nope.j2' %]", 2, "no template 'nope.j2' in tree"),
        ("\n[% filter upper %]a[% endfilter %]", 2, "filter blocks are not supported"),
        ("\n[% autoescape true %]a[% endautoescape %]", 2, "autoescape blocks are not supported"),
        ("\n[[ lipsum() ]]", 2, "'lipsum' is undefined"),
        ("\n[[ [1] | random ]]", 2, "No filter named 'random'"),
        ("\n[[ release | safe ]]", 2, "No filter named 'safe'"),
    ],
)
def test_a_broken_template_names_its_line(template: str, line: int, message: str) -> None:
    error = refused(template, x=1)
    assert (error.template, error.line) == (MAIN, line)
    assert message in error.message


@pytest.mark.parametrize(
    "template",
    [
        "\n[[ release.__class__ ]]",
        "\n[[ job.__class__.__mro__ ]]",
        "\n[[ job['__class__'] ]]",
        "\n[[ release | attr('__class__') ]]",
        "\n[[ ''.__class__.__base__.__subclasses__() ]]",
        "\n[[ '{0.__class__}'.format(release) ]]",
        "\n[[ range.__globals__ ]]",
        "\n[[ cycler.__init__.__globals__ ]]",
        "\n[[ self.__init__ ]]",
        "\n[[ job.update({}) ]]",
        "\n[[ secrets.append(1) ]]",
        "\n[% for n in range(10000000) %][% endfor %]",
        "\n[% call '{}'.format(release) %][% endcall %]",
    ],
)
def test_a_template_that_reaches_for_python_is_refused(template: str) -> None:
    error = refused(template)
    assert (error.template, error.line) == (MAIN, 2)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../etc/passwd", "../frontend/job.toml", "a/../../../x", "..\\x"],
)
@pytest.mark.parametrize("statement", ["include", "extends", "import", "from"])
def test_a_template_outside_its_folder_is_refused(path: str, statement: str) -> None:
    quoted = path.replace("\\", "\\\\")
    ending = {"import": " as x", "from": " import x"}.get(statement, "")
    error = refused(f"\n[% {statement} '{quoted}'{ending} %]")
    assert (error.template, error.line) == (MAIN, 2)
    assert "is outside of what a template may read: its own folder and jobs/_lib" in error.message


def test_a_mistake_in_a_macro_is_told_at_the_macro() -> None:
    error = refused(IMPORT + "[[ lib.bad() ]]")
    assert (error.template, error.line) == (MACROS, 7)
    assert "'nope' is undefined" in error.message


def test_a_value_that_does_not_fit_a_macro_names_the_caller_too() -> None:
    error = refused(IMPORT + "\n[[ lib.wrong([1]) ]]")
    assert (error.template, error.line) == (MACROS, 10)
    assert f"(called from {MAIN}:3)" in error.message
    assert error.hint == "write lists and maps outside of quotes"


@pytest.mark.parametrize(
    "expression",
    [
        "lib.good() ~ release",
        "lib.good() | upper",
        "lib.good() + release",
        "lib.good().format(release)",
        "lib.good() | replace('1', release)",
        "[lib.good(), release] | join",
        "(lib.good() ~ release) | raw",
    ],
)
def test_text_of_a_macro_that_was_changed_is_not_written(expression: str) -> None:
    error = refused(IMPORT + f"[[ {expression} ]]")
    assert error.line == 2


def test_a_macro_that_is_not_called_is_refused() -> None:
    assert "a value of type Macro" in refused(IMPORT + "[[ lib.good ]]").message


def test_a_template_that_is_not_there_is_refused() -> None:
    spec = JobSpec("shop", "service", "jobs/shop/job.toml", MAIN)
    with pytest.raises(RenderError, match=f"{MAIN}: no template '{MAIN}' in an empty tree"):
        render(DictTree({}, name="an empty tree"), spec)


@pytest.mark.parametrize("plain", [False, True])
def test_a_template_that_is_not_text_is_refused(plain: bool) -> None:
    spec = JobSpec("shop", "service", "jobs/shop/job.toml", MAIN, plain=plain)
    with pytest.raises(RenderError, match="not UTF-8 text"):
        render(DictTree({MAIN: b"a\n\xff"}), spec)


def test_an_error_of_the_tree_is_not_blamed_on_a_template() -> None:
    class Broken(DictTree):
        def read(self, path: str) -> bytes:
            raise OSError("the disk is gone")

    spec = JobSpec("shop", "service", "jobs/shop/job.toml", MAIN)
    with pytest.raises(OSError, match="the disk is gone"):
        render(Broken({}), spec)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("[[ " + "(" * 3000 + "1" + ")" * 3000 + " ]]", "nested too deeply"),
        ("[% if 1 %]" * 3000 + "[% endif %]" * 3000, "nested too deeply"),
        ("[% for x in [1] %]" * 60 + "[% endfor %]" * 60, "nested too deeply"),
        ("[[ " + "9" * 100_000 + " ]]", "Exceeds the limit"),
    ],
)
def test_what_jinja_itself_breaks_over_is_a_fault_of_the_template(
    template: str, message: str
) -> None:
    with pytest.raises(RenderError, match=message) as caught:
        rendered(template)
    assert (caught.value.template, caught.value.line) == (MAIN, None)


def test_a_template_without_memory_is_said_to_need_it() -> None:
    told = map_template_error(MemoryError(), MAIN)
    assert told is not None
    assert told.message == f"{MAIN}: the template needs more memory than there is for it"


def test_an_error_of_our_own_is_not_blamed_on_the_template() -> None:
    assert map_template_error(ValueError("ours"), MAIN) is None
