"""Templates that reach for Python, files or the machine: refused, and nothing is executed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hook.children.children import Children
from hook.children.errand import Result, Work
from hook.gate.checking import Check

from tests.services.hook.gate_rig import FILES, TOKEN, config, files_of
from toolkit.spec.target import Secret

MAIN = "jobs/web/job.nomad.hcl.j2"

INTERNALS = [
    "[[ ''.__class__.__mro__ ]]",
    "[[ ().__class__.__base__.__subclasses__() ]]",
    "[[ cycler.__init__.__globals__.os.popen('id').read() ]]",
    "[[ joiner.__init__.__globals__ ]]",
    "[[ namespace.__init__.__globals__ ]]",
    "[[ lipsum.__globals__ ]]",
    "[[ self.__init__.__globals__ ]]",
    "[[ self._TemplateReference__context ]]",
    "[[ self._context ]]",
    "[[ dict.mro() ]]",
    "[[ dict.__base__ ]]",
    "[[ range.__class__ ]]",
    "[[ nothing.__class__ ]]",
    "[[ ''|attr('__class__') ]]",
    "[[ ''|attr('__cla'~'ss__')|attr('__mro__') ]]",
    "[[ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') ]]",
    "[[ ''['__class__'] ]]",
    "[[ ['']|map(attribute='__class__')|list ]]",
    "[[ ['']|groupby('__class__')|list ]]",
    "[[ ['', 'a']|sort(attribute='__class__.__mro__')|list ]]",
    "[[ ['']|selectattr('__class__')|list ]]",
    "[[ ['']|sum(attribute='__class__') ]]",
    "[[ ['', 'a']|unique(attribute='__class__')|list ]]",
    "[[ ['', 'a']|max(attribute='__class__') ]]",
    "[[ '{0.__class__.__mro__}'.format('') ]]",
    "[[ '{a.__class__}'.format_map({'a': ''}) ]]",
    "[[ '%s'|format(''.__class__) ]]",
    "[% set f = '{0.__class__.__mro__}'.format %][[ f('') ]]",
    "[[ ['{0.__class__}']|map('format', '')|list ]]",
    "[% macro m() %]{0.__class__}[% endmacro %][[ m().format('') ]]",
    "[% macro m() %][% endmacro %][[ m.__globals__ ]]",
    "[% macro m() %][% endmacro %][[ m._func.__globals__ ]]",
    "[% macro m() %][[ caller._func ]][% endmacro %][% call m() %][% endcall %]",
    "[[ file.__self__ ]]",
    "[[ file.__func__.__globals__ ]]",
    "[% for x in [1] %][[ loop.__class__ ]][% endfor %]",
    "[% for x in [1] %][[ loop._iterator ]][% endfor %]",
    "[[ ([1]|map('string')).gi_frame.f_globals ]]",
    "[[ [].append(1) ]]",
    "[[ var.update({'a': 1}) ]]",
    "[% call range(1) %][% endcall %]",
    "[% import 'os' as os %]",
    "[% do 1 %]",
    "[% debug %]",
]

OUTSIDE = [
    "[% import '../../../../etc/passwd' as x %]",
    "[% include '/etc/passwd' %]",
    "[% include '../../toolkit.toml' %]",
    "[% extends '../other/job.nomad.hcl.j2' %]",
    "[% extends '/proc/self/environ' %]",
    "[% from ['a', '../b'] import x %]",
    "[[ file('/etc/passwd') ]]",
    "[[ file('../../../etc/passwd') ]]",
    "[[ file('..\\\\..\\\\toolkit.toml') ]]",
    "[[ file('/proc/self/environ') ]]",
    "[[ file('a\\0b') ]]",
]

TOO_MUCH = [
    "[[ range(10 ** 10)|list ]]",
    "[[ 'a' * 10 ** 10 ]]",
    "[% set x = 'a' * 2 ** 20 %][[ x * 2 ** 20 ]]",
    "[[ 'a'.center(10 ** 11) ]]",
    "[[ 'a'|center(10 ** 11) ]]",
    "[[ '%1000000000000d' % 1 ]]",
    "[[ '{:>100000000000}'.format(1) ]]",
    "[[ 'a\\nb'|indent(10 ** 11) ]]",
    "[[ [1] * 10 ** 10 ]]",
    "[% set ns = namespace(s='a' * 1000) %]"
    "[% for i in range(60) %][% set ns.s = ns.s ~ ns.s %][% endfor %]",
    "[[ ('a' * 100000).replace('a', 'b' * 1000000)|length ]]",
    "[[ range(99999)|join('x' * 1000000)|length ]]",
    "[[ [1]|batch(10 ** 10, 0)|list|length ]]",
    "[[ [1]|tojson(indent=10 ** 10) ]]",
    "[% macro m() %][[ m() ]][% endmacro %][[ m() ]]",
    "[% for x in [[1]] recursive %][[ loop([[1]]) ]][% endfor %]",
    "[% import 'job.nomad.hcl.j2' as x %]",
    "[% extends 'job.nomad.hcl.j2' %]",
    "[[ " + "(" * 3000 + "1" + ")" * 3000 + " ]]",
    "[[ 1" + "+1" * 20000 + " ]]",
    "[[ " + "9" * 100000 + " ]]",
    "[[ (10 ** 5000)|string ]]",
]

ENDLESS = [
    "[% for i in range(99999) %][% for j in range(99999) %][% endfor %][% endfor %]",
    "[[ 10 ** (10 ** 9) ]]",
    "[[ [1]|slice(10 ** 10)|list|length ]]",
    "[[ ('a ' * 10 ** 6)|wordwrap(1)|length ]]",
]


def checked(children: Children, template: str, *, seconds: float = 30.0) -> Result:
    """One check of a project whose only job has that template, by a Nomad that nobody reaches."""
    files = files_of({**FILES, MAIN: f"{template}\n", "jobs/other/job.nomad.hcl.j2": "a = 1\n"})
    work = Work("hook.gate.checking:check", Check(config()), Secret(TOKEN), files)
    return children.run(work, memory=192 << 20, seconds=seconds)


@pytest.mark.parametrize("template", [*INTERNALS, *OUTSIDE], ids=str)
def test_what_reaches_out_of_the_sandbox_is_refused_with_file_and_line(
    children: Children, template: str
) -> None:
    result = checked(children, template)
    assert (result.end, result.error) == ("refused", "RenderError")
    assert result.message.startswith(f"{MAIN}:1: ")
    for told in ("root:", "uid=", "PATH=", "/usr/", TOKEN, "function ", "<class", "<module"):
        assert told not in result.message


@pytest.mark.parametrize("template", TOO_MUCH, ids=lambda text: text[:40])
def test_what_takes_too_much_is_refused_with_its_file(children: Children, template: str) -> None:
    result = checked(children, template)
    assert (result.end, result.error) == ("refused", "RenderError")
    assert result.message.startswith(MAIN)
    assert len(result.message) > len(MAIN) + 10


def test_what_never_ends_is_ended_and_others_are_served_meanwhile(children: Children) -> None:
    with ThreadPoolExecutor(len(ENDLESS)) as pool:
        endless = [pool.submit(checked, children, each, seconds=1.0) for each in ENDLESS]
        served = checked(children, "[[ nothing ]]")
        assert served.error == "RenderError"
        for each in endless:
            result = each.result()
            assert result.end in {"deadline", "memory"} or "memory" in result.message


def test_a_template_that_renders_gets_as_far_as_nomad(children: Children) -> None:
    """The others are refused for what they say, and not for want of a Nomad."""
    result = checked(children, '[% extends "_lib/service.nomad.hcl.j2" %]')
    assert (result.end, result.error) == ("refused", "UnreachableError")
