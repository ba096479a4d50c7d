"""What a push gives to its jobs: in a template, in a plain job, and where nothing was pushed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from toolkit.config.given import Flags
from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.tree import LayeredTree, builtin_tree
from toolkit.errors import RenderError
from toolkit.render import render
from toolkit.repos.builds import Built, Code, given
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.tree import DictTree

COMMIT = "4be1c02" + "0" * 33
SUM = "sha256:" + "ab" * 32
CODE = Code("https://hook.example:8655", "shop", COMMIT, SUM, "hook.dev")
PUSHED = given(
    CODE,
    {
        "web-app": Built("web-app", SUM, url="https://hook.example:8655/shop/builds/x.tar.gz"),
        "worker": Built("worker", SUM, image=f"registry.example/shop-worker@{SUM}"),
    },
)
JOB = 'kind = "batch"\n[driver.raw_exec]\ncommand = "/bin/true"\n'
TEMPLATE = '[% extends "_lib/batch.nomad.hcl.j2" %]\n[% block task %]\n{}\n[% endblock %]\n'
PLAIN = """
variable "code_archive" {
  type = string
}
variable "build_web_app_checksum" {
  type = string
}
job "plain" {
  type = "batch"
}
"""
TARGET = Target(
    "dev",
    Endpoint("Nomad", "http://127.0.0.1:4646", "default"),
    Endpoint("Consul", "http://127.0.0.1:8500", "default"),
)


def loaded(files: Mapping[str, str], name: str, flags: Flags) -> tuple[LayeredTree, JobSpec]:
    project = b'[environments.dev]\ndriver = "raw_exec"\n'
    found = {"toolkit.toml": project, **{path: text.encode() for path, text in files.items()}}
    tree = LayeredTree(DictTree(found), builtin_tree())
    return tree, load_job(load_project(tree), name, TARGET, flags, python="python3")


def rendered(task: str, flags: Flags) -> str:
    """The HCL of a job whose task has these blocks, words apart by one blank."""
    folder = "jobs/work/"
    files = {f"{folder}job.toml": JOB, f"{folder}job.nomad.hcl.j2": TEMPLATE.format(task)}
    tree, spec = loaded(files, "work", flags)
    return " ".join(render(tree, spec).hcl.split())


def test_without_a_push_the_code_is_missed_by_name() -> None:
    with pytest.raises(RenderError, match="'code' is undefined: a push to the hook server") as told:
        rendered("[[ lib.code(code) ]]", Flags())
    assert "--var-file" in told.value.message


def test_a_service_that_nobody_builds_is_missed_by_name() -> None:
    with pytest.raises(RenderError, match="'web' is undefined; near names: web-app"):
        rendered("[[ lib.built(code, build.web) ]]", Flags(given=PUSHED))
    with pytest.raises(RenderError, match="'build' is undefined: a push gives what `toolkit repo"):
        rendered("[[ lib.built(code, build.web) ]]", Flags(given=given(CODE, {})))


def test_a_job_may_do_without_a_push() -> None:
    choice = "[% if code is defined %][[ lib.code(code) ]][% endif %]"
    assert "artifact" not in rendered(choice, Flags())
    assert "artifact" in rendered(choice, Flags(given=PUSHED))


def test_the_code_is_fetched_with_the_tasks_own_token_and_by_its_checksum() -> None:
    hcl = rendered("[[ lib.code(code) ]]", Flags(given=PUSHED))
    assert (
        'identity { name = "hook" aud = ["hook.dev"] ttl = "1h" env = true change_mode = "noop" } '
        f'artifact {{ source = "https://hook.example:8655/shop/archive/{COMMIT}.tar.gz" '
        f'destination = "local/code" options {{ checksum = "{SUM}" }} '
        'headers { Authorization = "Bearer ${NOMAD_TOKEN_hook}" } }'
    ) in hcl


def test_what_was_built_is_fetched_the_same_way() -> None:
    hcl = rendered('[[ lib.built(code, build["web-app"], "local/") ]]', Flags(given=PUSHED))
    assert 'source = "https://hook.example:8655/shop/builds/x.tar.gz" destination = "local/"' in hcl
    assert hcl.count("identity {") == 1


def test_a_task_with_both_has_one_token() -> None:
    both = (
        '[[ lib.pulls(code) ]][[ lib.pull(code.archive, code.checksum, "local/code") ]]'
        '[[ lib.pull(build["web-app"].url, build["web-app"].checksum, "local/build") ]]'
    )
    hcl = rendered(both, Flags(given=PUSHED))
    assert (hcl.count("identity {"), hcl.count("artifact {")) == (1, 2)


def test_an_image_that_was_built_is_a_value() -> None:
    hcl = rendered("env { IMAGE = [[ build.worker.image ]] }", Flags(given=PUSHED))
    assert f'IMAGE = "registry.example/shop-worker@{SUM}"' in hcl


def test_values_cannot_leave_their_quotes() -> None:
    evil = Code('http://x"\n}${a}', "shop", COMMIT, SUM, "hook.dev")
    hcl = rendered("[[ lib.code(code) ]]", Flags(given=given(evil, {})))
    assert r'source = "http://x\"\n}$${a}/shop/archive/' in hcl


def test_a_file_of_the_values_does_where_nothing_is_pushed(tmp_path: Path) -> None:
    file = tmp_path / "code.toml"
    lines = "".join(f'{key} = "{value}"\n' for key, value in CODE.values().items())
    file.write_text(f"[code]\n{lines}")
    hcl = rendered("[[ lib.code(code) ]]", Flags(var_files=(str(file),)))
    assert hcl == rendered("[[ lib.code(code) ]]", Flags(given=PUSHED))


def test_a_push_is_believed_before_its_own_files() -> None:
    mine = JOB + '[variables]\ncode = {archive = "http://evil.example", audience = "x"}\n'
    folder = "jobs/work/"
    template = TEMPLATE.format("[[ lib.code(code) ]]")
    files = {f"{folder}job.toml": mine, f"{folder}job.nomad.hcl.j2": template}
    tree, spec = loaded(files, "work", Flags(given=PUSHED))
    hcl = render(tree, spec).hcl
    assert "evil.example" not in hcl
    assert CODE.archive in hcl


def test_a_plain_job_gets_the_variables_that_it_declares() -> None:
    _, spec = loaded({"jobs/plain/job.nomad.hcl": PLAIN}, "plain", Flags(given=PUSHED))
    found: Mapping[str, Any] = spec.variables
    assert found == {"code_archive": CODE.archive, "build_web_app_checksum": SUM}
