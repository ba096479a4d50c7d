"""What a push builds: as a Nomad job, once for the same files, and never half."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.agents.hook_yard import Yard, deployer, hook_yard
from tests.agents.shop import Said
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


def said(yard: Yard, *words: str, code: int = 0, token: str = "") -> Said:
    """`toolkit repo build …`, by an admin unless a token is given."""
    environ = yard.as_laptop(token or yard.admin)
    found = yard.shop.toolkit("repo", "build", "shop", *words, environ=environ)
    assert found.code == code, found.out + found.err
    return found


def build(yard: Yard, script: str = MAKE) -> None:
    said(yard, "greeter", "--command", f"sh -c {shlex.quote(script)}", "--artifact", "out")


def left(yard: Yard) -> list[Mapping[str, Any]]:
    """What Nomad still knows of builds."""
    jobs = yard.shop.nomad("/v1/jobs?prefix=build-")
    return [*jobs, *yard.shop.nomad("/v1/vars?prefix=toolkit/locks/build-")]


def test_what_is_built_is_said_by_an_admin_and_shown_to_readers(yard: Yard) -> None:
    assert "nothing is built" in said(yard).out
    words = ("web", "--dockerfile", "Dockerfile")
    refused = said(yard, *words, token=yard.token, code=1)
    assert "may not administer shop" in refused.err
    assert "web is built" not in said(yard, "web", code=1).out
    for wrong in (["--rm"], [*words, "--rm"], ["web", "--command", "'"]):
        said(yard, *wrong, code=2)

    assert said(yard, *words, "--json").report["verdict"] == "set"
    assert said(yard, *words, "--json").report["verdict"] == "unchanged"
    assert "web: image of Dockerfile" in said(yard, token=yard.token).out
    more = ("web", "--command", "make 'a b'", "--artifact", "out")
    assert "changed" in said(yard, *more).out
    (shown,) = said(yard, "web", "--json").report["builds"]
    assert shown["command"] == ["make", "a b"]
    assert "make 'a b' \u2192 out" in said(yard).out
    assert "removed" in said(yard, "web", "--rm").out
    said(yard, "web", "--rm", code=1)


def test_a_push_builds_once_and_its_job_gets_what_was_built(yard: Yard) -> None:
    build(yard)
    _, pushed = yard.push(files("good morning\n"), "reader")
    assert yard.last()["state"] == "deployed", pushed.stderr
    first = yard.output("reader")
    assert first.startswith("good morning\n")
    assert "greeter  made greeter of shop" in pushed.stderr
    assert "TOKEN" not in pushed.stderr
    assert left(yard) == []

    again = yard.ask("POST", "/repos/shop/deployments", json={"kind": "redeploy"})
    log = yard.ask("GET", f"{again.headers['Location']}/log?follow=true").text
    assert "greeter  built before from the same files: sha256:" in log
    assert "building" not in log
    assert yard.output("reader") == first


def test_a_build_that_fails_says_its_last_lines_and_registers_nothing(yard: Yard) -> None:
    build(yard, "echo compiling; echo no such header >&2; exit 3")
    before = yard.shop.nomad("/v1/jobs")
    _, pushed = yard.push(files("broken\n"), "reader")
    record = yard.last()
    assert (record["state"], record["code"]) == ("failed", 3), pushed.stderr
    assert "the build of greeter failed: exit 3; nothing was registered" in record["sentence"]
    words = " ".join(pushed.stderr.replace("remote:", "").split())
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
        push = pool.submit(lambda: yard.push(files("gated"), "reader", token=token["SecretID"]))
        yard.shop.until("it is built", lambda: any(yard.running("build-")))
        yard.shop.nomad(f"/v1/acl/token/{token['AccessorID']}", method="DELETE")
        gate.touch()
        _, pushed = push.result()
    record = yard.last()
    assert record["state"] == "needs-token", pushed.stderr
    assert token["SecretID"] not in pushed.stderr
    again = yard.ask("POST", f"/repos/shop/deployments/{record['id']}/resume", json={})
    log = yard.ask("GET", f"{again.headers['Location']}/log?follow=true").text
    assert yard.last()["state"] == "deployed", log
    assert yard.output("reader") == "ok\n"
