"""What a push builds: as a Nomad job, once for the same files, and never half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.agents.hook_yard import Yard, hook_yard
from tests.agents.test_hook_pull import JOB
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

BUILT = """[% extends "_lib/batch.nomad.hcl.j2" %]
[% block task %]
[[ lib.built(code, build.greeter) ]]
[% endblock %]
"""
MAKE = "mkdir out && cp app/greet.txt out/ && echo made $SERVICE of $REPO && env | sort"


@pytest.fixture(scope="module")
def yard(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with hook_yard(machine, tmp_path_factory.mktemp("build")) as made:
        yield made


def files(greeting: str, script: str = "cat local/build/greet.txt") -> dict[str, str]:
    return {
        "jobs/reader/job.toml": JOB.replace("NAME", "reader").replace("SCRIPT", script),
        "jobs/reader/job.nomad.hcl.j2": BUILT,
        "app/greet.txt": greeting,
    }


def build(yard: Yard, script: str = MAKE, artifact: str = "out") -> None:
    body = {"command": ["sh", "-c", script], "artifact": artifact}
    answer = yard.ask("PUT", "/repos/shop/builds/greeter", json=body)
    assert answer.status_code in (200, 201), answer.text


def left(yard: Yard) -> list[Mapping[str, Any]]:
    """Builds that Nomad still knows."""
    return [each for each in yard.shop.nomad("/v1/jobs?prefix=build-") if each]


def test_a_push_builds_and_its_job_gets_what_was_built(yard: Yard) -> None:
    build(yard)
    _, said = yard.push(files("good morning\n"), "reader")
    assert yard.last()["state"] == "deployed", said.stderr
    assert yard.output("reader") == "good morning\n"
    assert "greeter  made greeter of shop" in said.stderr
    assert "TOKEN" not in said.stderr
    assert left(yard) == []


def test_the_same_files_are_not_built_twice(yard: Yard) -> None:
    build(yard, "mkdir out && date +%N > out/greet.txt")
    _, said = yard.push(files("one\n"), "reader")
    assert "greeter  built sha256:" in said.stderr, said.stderr
    answer = yard.ask("POST", "/repos/shop/deployments", json={"kind": "redeploy"})
    first = yard.output("reader")
    log = yard.ask("GET", f"{answer.headers['Location']}/log?follow=true").text
    assert "greeter  built before from the same files: sha256:" in log
    assert "building" not in log
    assert yard.output("reader") == first


@pytest.mark.parametrize(
    ("script", "artifact", "why", "last"),
    [
        ("echo compiling; echo no such header >&2; exit 3", "out", "exit 3", "no such header"),
        ("true", "dist/app", "the command did well, and there is no dist/app", ""),
        ("ln -s /etc out", "out/hostname", "out/hostname is not inside the commit's folder", ""),
        ("mkdir out; ln -s /etc/passwd out/p", "out", "p is neither a file nor a folder", ""),
        ("head -c 3000000 /dev/urandom > out", "out", "out has more than 2,000,000 bytes", ""),
        ("sleep 300 & echo waits; wait", "out", "it was not done after 3 s", "waits"),
    ],
)
def test_a_build_that_fails_says_why_and_registers_nothing(
    yard: Yard, script: str, artifact: str, why: str, last: str
) -> None:
    build(yard, script, artifact)
    before = yard.shop.nomad("/v1/jobs")
    _, said = yard.push(files(f"{script}\n"), "reader")
    record = yard.last()
    assert (record["state"], record["code"]) == ("failed", 3), said.stderr
    assert f"the build of greeter failed: {why}; nothing was registered" in record["sentence"]
    assert last in said.stderr
    after = yard.shop.nomad("/v1/jobs")
    assert [(each["ID"], each["JobModifyIndex"]) for each in after if each["ID"] == "reader"] == [
        (each["ID"], each["JobModifyIndex"]) for each in before if each["ID"] == "reader"
    ]
    assert left(yard) == []
