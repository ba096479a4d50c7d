"""Jobs that fetch their code from the hook server with the token that Nomad signs for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.hook_yard import Yard, hook_yard
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

JOB = """
name = "NAME"
kind = "batch"
[release]
version = "1"
[driver.raw_exec]
command = "/bin/sh"
args = ["-c", "SCRIPT"]
[resources]
cpu = 20
memory = 32
[rollout]
restart_attempts = 0
"""
CODE = """[% extends "_lib/batch.nomad.hcl.j2" %]
[% block task %]
[[ lib.code(code) ]]
[% endblock %]
"""
GREETING = "print('hello')\n"


@pytest.fixture(scope="module")
def yard(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with hook_yard(machine, tmp_path_factory.mktemp("pull")) as made:
        yield made


def job(name: str, script: str, template: str = CODE) -> dict[str, str]:
    """The files of a job that runs one line of a shell."""
    return {
        f"jobs/{name}/job.toml": JOB.replace("NAME", name).replace("SCRIPT", script),
        f"jobs/{name}/job.nomad.hcl.j2": template,
    }


def test_a_job_runs_the_very_commit_that_was_pushed_and_a_laptop_may_run_it_too(
    yard: Yard,
) -> None:
    files = job("reader", "python3 -B local/code/app/greet.py")
    commit, said = yard.push({**files, "app/greet.py": GREETING}, "reader")
    assert said.returncode == 0, said.stderr
    record = yard.last()
    assert (record["state"], record["commit"]) == ("deployed", commit), said.stderr
    assert yard.output("reader") == "hello\n"

    environ = yard.as_laptop()
    without = yard.shop.toolkit("render", "reader", environ=environ)
    assert without.code == 1
    assert "'code' is undefined: a push to the hook server gives it" in without.err

    code = yard.shop.toolkit("repo", "code", "shop", environ=environ)
    assert (code.code, f'commit = "{commit}"' in code.out) == (0, True), code.err
    file = yard.shop.root / "code.toml"
    file.write_text(code.out)

    plan = yard.shop.toolkit("plan", "reader", "--var-file", str(file), environ=environ)
    assert plan.code == 0, plan.out + plan.err  # what the push registered is what this would
    again = yard.shop.toolkit("run", "reader", "--var-file", str(file), environ=environ)
    assert (again.code, again.out) == (0, "hello\n"), again.err


def test_a_job_without_a_grant_fails_and_is_told_the_artifact_and_the_status(yard: Yard) -> None:
    _, said = yard.push({**job("stranger", "true"), "app/greet.py": GREETING}, "stranger")
    assert said.returncode == 0, said.stderr
    assert yard.last()["state"] == "failed", said.stderr
    commit = yard.last()["commit"]
    address = f"{yard.server.url}/shop/archive/{commit}.tar.gz"
    words = " ".join(said.stderr.replace("remote:", "").split())
    assert f"{address}: the hook server grants its job no right to it" in words
    assert "bad response code: 403" in words
    assert "[[policy.workload]]" in words


def test_a_clone_with_the_workloads_token_as_password(yard: Yard) -> None:
    # In a variable of the helper's, not in the URL: git keeps that in the clone.
    helper = '!f() { echo username=job; echo "password=$NOMAD_TOKEN_hook"; }; f'
    clone = f"git -c credential.helper='{helper}' clone -q {yard.server.url}/shop.git local/clone"
    script = f"{clone} && cat local/clone/app/greet.py".replace('"', r"\"")
    template = CODE.replace("lib.code(code)", "lib.pulls(code)")
    _, said = yard.push({**job("reader", script, template), "app/greet.py": GREETING}, "reader")
    assert yard.last()["state"] == "deployed", said.stderr
    assert yard.output("reader") == GREETING
