"""Our Nomad client on a real agent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from tests.faults.lab import Lab, shared_lab, until
from toolkit.clients.nomad import Nomad
from toolkit.errors import (
    ApiError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)

pytestmark = pytest.mark.agents

NOBODY = "00000000-0000-0000-0000-000000000000"
numbers = count(1)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return shared_lab()


@pytest.fixture
def nomad(lab: Lab) -> Iterator[Nomad]:
    with lab.open_nomad() as client:
        yield client


Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(nomad: Nomad) -> Iterator[Make]:
    """Makes job bodies with ids of their own and purges those jobs at the end."""
    made: list[str] = []

    def job(script: str = "sleep 600", name: str | None = None, **more: Any) -> dict[str, Any]:
        name = name or f"clients-{next(numbers)}"
        made.append(name)
        task = {
            "Name": "app",
            "Driver": "raw_exec",
            "Config": {"command": "/bin/sh", "args": ["-c", script]},
            "Resources": {"CPU": 10, "MemoryMB": 16},
            "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
        }
        group = {
            "Name": "web",
            "Count": 1,
            "Tasks": [task],
            "EphemeralDisk": {"SizeMB": 20},
            "RestartPolicy": {"Attempts": 0, "Mode": "fail"},
            "Update": {
                "HealthCheck": "task_states",
                "MinHealthyTime": 100_000_000,
                "HealthyDeadline": 20_000_000_000,
                "ProgressDeadline": 30_000_000_000,
                "MaxParallel": 1,
            },
        }
        return {
            "ID": name, "Name": name, "Type": "service", "Datacenters": ["*"],
            "TaskGroups": [group], **more,
        }  # fmt: skip

    yield job
    for name in made:
        nomad.stop(name, purge=True)


def run(nomad: Nomad, job: dict[str, Any]) -> dict[str, Any]:
    """Register a new job and follow blocking queries until its allocation runs."""
    nomad.register(job, check_index=0)
    return wait_for(nomad, job["ID"], lambda stub: stub["ClientStatus"] == "running")


def wait_for(
    nomad: Nomad, job: str, holds: Callable[[dict[str, Any]], bool], seconds: float = 60.0
) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    index = 0
    while time.monotonic() < deadline:
        page = nomad.allocations(job, index=index, wait=5.0)
        index = page.index
        for stub in page.value:
            if holds(stub):
                return dict(stub)
    raise AssertionError(f"no allocation of {job} in {seconds} s did what was waited for")


SUBMITS: list[Callable[[Nomad, dict[str, Any]], object]] = [
    lambda nomad, job: nomad.plan(job),
    lambda nomad, job: nomad.register(job, check_index=0),
]

# Failures first.


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda n: n.allocation(NOBODY), NotFoundError, "alloc not found"),
        (lambda n: n.logs(NOBODY, "app"), NotFoundError, "Unknown allocation"),
        (lambda n: list(n.follow_logs(NOBODY, "app")), NotFoundError, "Unknown allocation"),
        (lambda n: n.deployment(NOBODY), NotFoundError, "deployment not found"),
        (lambda n: n.deployment("short"), NotFoundError, "UUID"),
        (lambda n: n.evaluation(NOBODY), NotFoundError, "eval not found"),
        (lambda n: n.node(NOBODY), NotFoundError, "node not found"),
        (lambda n: n.promote(NOBODY), NotFoundError, "deployment not found"),
        (lambda n: n.fail(NOBODY), NotFoundError, "deployment not found"),
        (lambda n: n.revert("nobody", 0), NotFoundError, '"nobody"'),
        (lambda n: n.scale("nobody", "web", 1, message=""), NotFoundError, '"nobody"'),
        (lambda n: n.scale_status("nobody"), NotFoundError, "job not found"),
        (lambda n: n.tag_version("nobody", "t", 0, "d"), NotFoundError, '"nobody"'),
        (lambda n: n.evaluate("nobody"), NotFoundError, "job not found"),
        (lambda n: n.restart_allocation(NOBODY), NotFoundError, NOBODY),
        (lambda n: n.parse('job "x" {'), InvalidRequestError, "input.hcl:1,9-10"),
        (lambda n: n.bootstrap_acl("x"), InvalidRequestError, "ACL support disabled"),
    ],
)  # fmt: skip
def test_what_is_not_there_or_wrong(
    nomad: Nomad, call: Callable[[Nomad], object], kind: type[ApiError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        call(nomad)
    assert type(caught.value) is kind
    assert words in caught.value.message


def test_absent_things_that_may_be_absent(nomad: Nomad) -> None:
    assert nomad.job("nobody") is None
    assert nomad.versions("nobody") == []
    assert nomad.submission("nobody", 0) is None
    assert nomad.latest_deployment("nobody") is None
    assert nomad.allocations("nobody").value == []
    assert nomad.deployments("nobody").value == []
    assert nomad.evaluations("nobody") == []
    assert nomad.variable("no/body") is None
    assert nomad.variables("no/body") == []
    nomad.delete_variable("no/body")


def test_an_unknown_region(lab: Lab) -> None:
    with lab.open_nomad(region="mars") as nomad, pytest.raises(InvalidRequestError) as caught:
        nomad.jobs()
    assert "No path to region" in caught.value.message
    assert "toolkit.toml" in (caught.value.hint or "")


def test_a_namespace_that_does_not_exist(lab: Lab, make: Make) -> None:
    job = make(Namespace="mars")
    with lab.open_nomad(namespace="mars") as nomad:
        for call in SUBMITS:
            with pytest.raises(InvalidRequestError) as caught:
                call(nomad, job)
            assert "nonexistent namespace" in caught.value.message
            assert "nomad namespace list" in (caught.value.hint or "")


def test_a_job_of_another_namespace_than_the_environments(nomad: Nomad, make: Make) -> None:
    job = make(Namespace="mars")
    for call in SUBMITS:
        with pytest.raises(InvalidRequestError) as caught:
            call(nomad, job)
        assert "'mars'" in caught.value.message
    assert nomad.job(job["ID"]) is None
    assert nomad.counter.calls == 1


def test_a_job_of_another_type_under_that_name(nomad: Nomad, make: Make) -> None:
    job = make()
    index = nomad.register(job, check_index=0)["JobModifyIndex"]
    del job["TaskGroups"][0]["Update"]
    with pytest.raises(InvalidRequestError) as caught:
        nomad.register({**job, "Type": "batch"}, check_index=index)
    assert "cannot update job from type" in caught.value.message
    assert "another name" in (caught.value.hint or "")


def test_a_stale_check_index(nomad: Nomad, make: Make) -> None:
    job = make()
    first = nomad.register(job, check_index=0)["JobModifyIndex"]
    for stale in (0, first + 1):
        with pytest.raises(ConflictError) as caught:
            nomad.register({**job, "Priority": 60}, check_index=stale)
        assert f"Enforcing job modify index {stale}" in caught.value.message
    registered = nomad.job(job["ID"])
    assert registered is not None
    assert (registered["Version"], registered["Priority"]) == (0, 50)


def test_a_consul_at_nomads_address_and_the_reverse(lab: Lab) -> None:
    wrong = replace(lab.nomad, address=lab.consul.address)
    with Nomad(wrong) as nomad:
        for call in (nomad.jobs, lambda: nomad.job("x"), nomad.agent_self):
            with pytest.raises(ServerError) as caught:
                call()
            assert "check the address" in (caught.value.hint or "")


def test_tls_spoken_to_plain(lab: Lab) -> None:
    tls = replace(lab.nomad, address=lab.nomad.address.replace("http:", "https:"))
    with Nomad(tls) as nomad, pytest.raises(TlsError) as caught:
        nomad.jobs()
    assert caught.value.hint == "write the address with http://"


def test_nobody_listens(lab: Lab) -> None:
    slept: list[float] = []
    nobody = replace(lab.nomad, address="http://127.0.0.1:1")
    with Nomad(nobody, sleep=slept.append) as nomad:
        with pytest.raises(UnreachableError) as caught:
            nomad.jobs()
        assert len(slept) == 3
        with pytest.raises(UnreachableError) as written:
            nomad.register({"ID": "x"}, check_index=0)
    assert len(slept) == 3
    assert not written.value.lost_reply
    assert "connection refused" in caught.value.message
    assert "the test" in (caught.value.hint or "")


# Jobs.


@pytest.mark.parametrize("name", ["a#b?c&d=e", "team/web", "ünï", "100%25", "a+b", "-x", "a:b;c"])
def test_names_of_any_characters(nomad: Nomad, make: Make, name: str) -> None:
    job = make(name=name)
    assert nomad.plan(job)["JobModifyIndex"] == 0
    answer = nomad.register(job, check_index=0)
    registered = nomad.job(name)
    assert registered is not None
    assert registered["ID"] == name
    assert registered["JobModifyIndex"] == answer["JobModifyIndex"]
    assert [version["Version"] for version in nomad.versions(name)] == [0]
    assert nomad.evaluations(name)
    assert {stub["ID"] for stub in nomad.jobs(name[:2])} == {name}
    nomad.stop(name)
    stopped = nomad.job(name)
    assert stopped is not None
    assert stopped["Stop"] is True


def test_a_name_with_a_space_is_refused_by_nomad(nomad: Nomad, make: Make) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        nomad.register({**make(), "ID": "a b", "Name": "a b"}, check_index=0)
    assert "space" in caught.value.message
    assert nomad.job("a b") is None


def test_variables_of_a_job_file(nomad: Nomad) -> None:
    hcl = 'variable "n" {\n type = number\n}\njob "x" {\n priority = var.n\n group "g" {}\n}'
    assert nomad.parse(hcl, "n = 42\n")["Priority"] == 42
    with pytest.raises(InvalidRequestError) as caught:
        nomad.parse(hcl)
    assert "Missing" in caught.value.message or "Unset" in caught.value.message


def test_validate_says_what_is_wrong(nomad: Nomad, make: Make) -> None:
    assert not nomad.validate(make())["ValidationErrors"]
    broken = make()
    broken["TaskGroups"][0]["Tasks"] = []
    assert nomad.validate(broken)["Error"]


def test_versions_tags_and_what_was_submitted(nomad: Nomad, make: Make) -> None:
    job = make()
    submission = {"Source": "text of the job", "Format": "hcl2"}
    first = nomad.register(job, check_index=0, submission=submission)["JobModifyIndex"]
    nomad.register({**job, "Priority": 60}, check_index=first)
    name = job["ID"]
    nomad.tag_version(name, "toolkit-1.0.0", 0, "verified")
    newest, oldest = nomad.versions(name, diffs=True)
    assert (newest["Version"], newest["Diff"]["Type"]) == (1, "Edited")
    assert "Diff" not in oldest
    assert oldest["VersionTag"]["Name"] == "toolkit-1.0.0"
    nomad.untag_version(name, "toolkit-1.0.0")
    assert nomad.versions(name)[1]["VersionTag"] is None
    kept = nomad.submission(name, 0)
    assert kept is not None
    assert kept["Source"] == "text of the job"


def test_revert_holds_to_the_version_that_was_seen(nomad: Nomad, make: Make) -> None:
    job = make()
    first = nomad.register(job, check_index=0)["JobModifyIndex"]
    nomad.register({**job, "Priority": 60}, check_index=first)
    with pytest.raises(ConflictError):
        nomad.revert(job["ID"], 0, prior_version=7)
    nomad.revert(job["ID"], 0, prior_version=1)
    reverted = nomad.job(job["ID"])
    assert reverted is not None
    assert (reverted["Version"], reverted["Priority"]) == (2, 50)


def test_scale(nomad: Nomad, make: Make) -> None:
    job = make()
    run(nomad, job)
    with pytest.raises(InvalidRequestError) as caught:
        nomad.scale(job["ID"], "web", 2, message="while it rolls")
    assert "active deployment" in caught.value.message
    deployment = nomad.latest_deployment(job["ID"])
    assert deployment is not None
    follow(nomad, deployment["ID"], "successful")
    nomad.scale(job["ID"], "web", 2, message="more")
    status = nomad.scale_status(job["ID"])
    assert status["TaskGroups"]["web"]["Desired"] == 2
    assert status["TaskGroups"]["web"]["Events"][0]["Message"] == "more"
    assert nomad.evaluate(job["ID"])["EvalID"]


# Watching.


def test_a_rollout_seen_through_blocking_queries(nomad: Nomad, make: Make) -> None:
    job = make()
    job["TaskGroups"][0]["Update"]["Canary"] = 1
    stub = run(nomad, job)
    assert stub["TaskStates"]["app"]["State"] == "running"
    assert nomad.allocation(stub["ID"])["Job"]["ID"] == job["ID"]
    first = nomad.latest_deployment(job["ID"])
    assert first is not None
    follow(nomad, first["ID"], "successful")

    live = nomad.job(job["ID"])
    assert live is not None
    answer = nomad.register({**job, "Meta": {"release": "2"}}, check_index=live["JobModifyIndex"])
    evaluation = nomad.evaluation(answer["EvalID"]).value
    assert evaluation["JobID"] == job["ID"]
    wait_for(nomad, job["ID"], lambda stub: stub["JobVersion"] == 1)
    second = nomad.latest_deployment(job["ID"])
    assert second is not None
    assert {d["ID"] for d in nomad.deployments(job["ID"]).value} == {first["ID"], second["ID"]}
    assert len(nomad.deployment_allocations(second["ID"])) == 1

    nomad.pause(second["ID"], True)
    assert nomad.deployment(second["ID"]).value["Status"] == "paused"
    nomad.pause(second["ID"], False)
    wait_for(
        nomad,
        job["ID"],
        lambda stub: (
            stub["JobVersion"] == 1 and (stub["DeploymentStatus"] or {}).get("Healthy") is True
        ),
    )
    nomad.promote(second["ID"])
    follow(nomad, second["ID"], "successful")
    with pytest.raises(ConflictError):
        nomad.fail(second["ID"])
    with pytest.raises(ConflictError):
        nomad.promote(second["ID"])


def follow(nomad: Nomad, deployment: str, status: str) -> None:
    page = nomad.deployment(deployment)
    for _ in range(50):
        if page.value["Status"] == status:
            return
        page = nomad.deployment(deployment, index=page.index, wait=5.0)
    raise AssertionError(page.value)


def test_canaries_that_are_not_healthy_are_not_promoted(nomad: Nomad, make: Make) -> None:
    job = make()
    job["TaskGroups"][0]["Update"]["Canary"] = 1
    stub = run(nomad, job)
    first = nomad.latest_deployment(job["ID"])
    assert first is not None
    follow(nomad, first["ID"], "successful")
    live = nomad.job(stub["JobID"])
    assert live is not None
    job["TaskGroups"][0]["Update"]["MinHealthyTime"] = 15_000_000_000
    nomad.register({**job, "Meta": {"release": "2"}}, check_index=live["JobModifyIndex"])
    wait_for(nomad, job["ID"], lambda stub: stub["JobVersion"] == 1)
    second = nomad.latest_deployment(job["ID"])
    assert second is not None
    with pytest.raises(ConflictError) as caught:
        nomad.promote(second["ID"])
    assert "0/1 healthy" in caught.value.message
    assert nomad.fail(second["ID"])["EvalID"]
    assert nomad.deployment(second["ID"]).value["Status"] == "failed"


def test_a_blocking_query_ends_when_something_changes(nomad: Nomad, make: Make) -> None:
    job = make()
    nomad.register(job, check_index=0)
    page = nomad.deployments(job["ID"])
    with nomad.clone() as other:
        answers: list[bool] = []

        def block() -> None:
            waiting = other.allocations("not-there-yet", index=1, wait=20.0)
            answers.append(waiting.changed)

        thread = threading.Thread(target=block)
        thread.start()
        nomad.register(make(name="not-there-yet"), check_index=0)
        thread.join(19)
        assert answers == [True]
    assert page.index > 0


def test_a_wait_with_nothing_new_is_an_expired_one(nomad: Nomad) -> None:
    page = nomad.allocations("nobody")
    while page.changed:
        page = nomad.allocations("nobody", index=page.index, wait=0.2)
    assert nomad.counter.expired_waits == 1
    assert nomad.counter.calls >= 2


def test_restart_in_place(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make())
    nomad.restart_allocation(stub["ID"], task="app")
    wait_for(nomad, stub["JobID"], lambda stub: stub["TaskStates"]["app"]["Restarts"] == 1)
    with pytest.raises(ApiError) as caught:
        nomad.restart_allocation(stub["ID"], task="nobody")
    assert "nobody" in caught.value.message


# Logs.


def test_the_end_of_a_log(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make("seq 1 20000; echo FATAL no db_url >&2; sleep 600"))
    until(lambda: nomad.logs(stub["ID"], "app").endswith(b"\n20000\n"), "the log is written")
    tail = nomad.logs(stub["ID"], "app", last_bytes=12)
    assert tail == b"19999\n20000\n"
    assert nomad.logs(stub["ID"], "app", "stderr") == b"FATAL no db_url\n"


def test_a_task_that_has_not_started_has_no_log(nomad: Nomad, make: Make) -> None:
    job = make()
    artifact = {"GetterSource": "http://127.0.0.1:1/nothing", "RelativeDest": "local/"}
    job["TaskGroups"][0]["Tasks"][0]["Artifacts"] = [artifact]
    nomad.register(job, check_index=0)
    stub = wait_for(nomad, job["ID"], lambda stub: bool(stub["TaskStates"]))
    assert nomad.logs(stub["ID"], "app") == b""


def test_a_followed_log_arrives_line_by_line(lab: Lab, nomad: Nomad, make: Make) -> None:
    # The second line waits until the first was read: buffering would never end.
    go = lab.folder / "go"
    script = f"echo one; while [ ! -e {go} ]; do sleep 0.05; done; echo two; sleep 600"
    stub = run(nomad, make(script))
    lines = nomad.follow_logs(stub["ID"], "app", from_start=True)
    assert next(lines) == b"one\n"
    go.touch()
    assert next(lines) == b"two\n"
    lines.close()


def test_a_followed_log_ends_with_its_task(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make("seq 1 30000; sleep 2"))
    whole = b"".join(nomad.follow_logs(stub["ID"], "app", from_start=True))
    assert whole == b"".join(b"%d\n" % number for number in range(1, 30001))


# Variables and the cluster.


def test_variables_with_check_and_set(nomad: Nomad) -> None:
    path = "nomad/jobs/clients ü/a"
    written = nomad.put_variable("clients/v", {"k": "one", "other": "hunter2"}, check_index=0)
    with pytest.raises(ConflictError) as caught:
        nomad.put_variable("clients/v", {"k": "two"}, check_index=0)
    assert "hunter2" not in repr(caught.value) + str(caught.value.__cause__)
    nomad.put_variable("clients/v", {"k": "three"}, check_index=written["ModifyIndex"])
    kept = nomad.variable("clients/v")
    assert kept is not None
    assert kept["Items"] == {"k": "three"}
    assert [meta["Path"] for meta in nomad.variables("clients/")] == ["clients/v"]
    with pytest.raises(ConflictError):
        nomad.delete_variable("clients/v", check_index=written["ModifyIndex"])
    nomad.delete_variable("clients/v", check_index=kept["ModifyIndex"])
    assert nomad.variable("clients/v") is None
    with pytest.raises(InvalidRequestError):
        nomad.put_variable(path, {"k": "v"})


def test_the_cluster_itself(nomad: Nomad) -> None:
    assert nomad.ready_nodes() == 1
    node = nomad.nodes()[0]
    assert nomad.node(node["ID"])["Name"] == node["Name"]
    assert "config" in nomad.agent_self()
    assert nomad.leader()
    assert [space["Name"] for space in nomad.namespaces()] == ["default"]
    assert "SecretID" not in nomad.token_self()
