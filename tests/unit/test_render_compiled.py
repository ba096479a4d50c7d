"""Compiled templates are kept; whatever is wrong with what was kept, the result is the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.unit.rendering import MAIN
from toolkit.errors import RenderError
from toolkit.render import render
from toolkit.render.compiled import FORMAT, MEMORY, REMEMBERED, RememberedTemplates
from toolkit.render.environment import TreeLoader, build
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.tree import DictTree

SAMPLE = (
    '[% macro m(x) %]\na = "[[ x ]]"\n[% endmacro %]\n[% if release %]\n[[ m(1) ]]\n[% endif %]\n'
)
COMPILED = "1:4fd0"


def run(cache: Path | None, template: str = SAMPLE) -> RenderedJob:
    spec = JobSpec("shop", "service", "jobs/shop/job.toml", MAIN, release="1")
    return render(DictTree({MAIN: template.encode()}), spec, cache=cache)


def kept(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes | None) -> None:
    run(tmp_path)
    whole = kept(tmp_path).read_bytes()
    kept(tmp_path).write_bytes(whole[:-10] if damage is None else damage)
    assert run(tmp_path) == run(None)
    assert kept(tmp_path).read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    assert run(taken / "cache") == run(None)


def test_a_kept_template_is_used_and_tells_the_same_lines(tmp_path: Path) -> None:
    first = run(tmp_path / "cache")
    before = kept(tmp_path / "cache").stat()
    second = run(tmp_path / "cache")
    after = kept(tmp_path / "cache").stat()
    assert first == second == run(None)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_changed_template_is_compiled_again(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, "b = 2\n").hcl == "b = 2\n"
    with pytest.raises(RenderError, match=f"{MAIN}:2: 'nope' is undefined"):
        run(tmp_path, "\n[[ nope ]]")
    with pytest.raises(RenderError, match=f"{MAIN}:2: 'nope' is undefined"):
        run(tmp_path, "\n[[ nope ]]")


def test_the_format_changes_with_the_code_that_templates_become() -> None:
    code = build(TreeLoader(DictTree({}), MAIN), []).compile(SAMPLE, MAIN, MAIN, raw=True)
    digest = hashlib.sha256(code.encode()).hexdigest()[:4]
    assert f"{FORMAT}:{digest}" == COMPILED, "raise compiled.FORMAT, then write this here"


def test_without_a_folder_the_process_remembers_by_source_alone() -> None:
    memory = RememberedTemplates()
    for template in (SAMPLE, SAMPLE.replace("a =", "b ="), SAMPLE):
        loader = TreeLoader(DictTree({MAIN: template.encode()}), MAIN)
        environment = build(loader, ("release",))
        assert environment.bytecode_cache is MEMORY
        environment.bytecode_cache = memory
        made = environment.get_template(MAIN).render(release="1")
        assert ("b = " in made) is ("b = " in template)
    assert len(memory._codes) == 2


def test_what_a_process_remembers_is_bounded() -> None:
    memory = RememberedTemplates()
    for number in range(REMEMBERED + 5):
        loader = TreeLoader(DictTree({MAIN: f"a = {number}\n".encode()}), MAIN)
        environment = build(loader, ())
        environment.bytecode_cache = memory
        environment.get_template(MAIN)
    assert len(memory._codes) == REMEMBERED
