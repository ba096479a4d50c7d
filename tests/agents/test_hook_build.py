"""What a push builds: as a Nomad job, once for the same files, and never half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.agents.hook_yard import Yard, deployer, hook_yard
from tests.agents.test_hook_pull import JOB
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

BUILT = """[% extends "_lib/batch.nomad.hcl.j2" %]
[% block task %]
[[ lib.built(code, build.greeter) ]]
[% endblock %]
"""
MAKE = (
    "mkdir out; cp app/greet.txt out/; date +%N >> out/greet.txt; echo made $SERVICE of $REPO;"
    " env | sort"
)


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


def test_a_push_builds_once_and_its_job_gets_what_was_built(yard: Yard) -> None:
    build(yard)
    _, said = yard.push(files("good morning\n"), "reader")
    assert yard.last()["state"] == "deployed", said.stderr
    first = yard.output("reader")
    assert first.startswith("good morning\n")
    assert "greeter  made greeter of shop" in said.stderr
    assert "TOKEN" not in said.stderr
    assert left(yard) == []

    again = yard.ask("POST", "/repos/shop/deployments", json={"kind": "redeploy"})
    log = yard.ask("GET", f"{again.headers['Location']}/log?follow=true").text
    assert "greeter  built before from the same files: sha256:" in log
    assert "building" not in log
    assert yard.output("reader") == first


def test_a_build_that_fails_says_its_last_lines_and_registers_nothing(yard: Yard) -> None:
    build(yard, "echo compiling; echo no such header >&2; exit 3")
    before = yard.shop.nomad("/v1/jobs")
    _, said = yard.push(files("broken\n"), "reader")
    record = yard.last()
    assert (record["state"], record["code"]) == ("failed", 3), said.stderr
    assert "the build of greeter failed: exit 3; nothing was registered" in record["sentence"]
    words = " ".join(said.stderr.replace("remote:", "").split())
    assert "no such header" in words.partition("nothing was registered")[0]
    after = yard.shop.nomad("/v1/jobs")
    assert [(each["ID"], each["JobModifyIndex"]) for each in after] == [
        (each["ID"], each["JobModifyIndex"]) for each in before
    ]


def test_a_token_that_is_revoked_in_mid_build_is_asked_for_again(yard: Yard) -> None:
    gate = yard.shop.root / ".git" / "go"
    waits = (
        f"echo waits; until [ -e {gate} ]; do sleep 0.1; done; mkdir out; echo ok > out/greet.txt"
    )
    build(yard, waits)
    token = deployer(yard.shop)
    with ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(lambda: yard.push(files("gated"), "reader", token=token["SecretID"]))
        yard.shop.until("it is built", lambda: any(yard.running("build-")))
        yard.shop.nomad(f"/v1/acl/token/{token['AccessorID']}", method="DELETE")
        gate.touch()
        _, said = pushed.result()
    record = yard.last()
    assert record["state"] == "needs-token", said.stderr
    assert token["SecretID"] not in said.stderr
    again = yard.ask("POST", f"/repos/shop/deployments/{record['id']}/resume", json={})
    log = yard.ask("GET", f"{again.headers['Location']}/log?follow=true").text
    assert yard.last()["state"] == "deployed", log
    assert yard.output("reader") == "ok\n"
