"""Our Nomad client on a real agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.faults.jobs import Make, follow, making, run
from tests.faults.lab import Lab
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


@pytest.fixture(scope="module")
def lab(cluster: LocalCluster) -> Lab:
    return Lab.of(cluster.target())


@pytest.fixture
def nomad(lab: Lab) -> Iterator[Nomad]:
    with lab.open_nomad() as client:
        yield client


@pytest.fixture
def make(nomad: Nomad) -> Iterator[Make]:
    with making(nomad) as make:
        yield make


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
    assert "toolkit dev" in (caught.value.hint or "")


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


def test_purging_right_after_registering_leaves_nomad_alive(nomad: Nomad, make: Make) -> None:
    # Nomad 1.11.3 dies when a job goes while its first plan is applied; one in some tries.
    for _ in range(15):
        job = make()
        nomad.register(job, check_index=0)
        nomad.stop(job["ID"], purge=True)
        assert nomad.job(job["ID"]) is None
    assert nomad.leader()


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
    answer = nomad.validate(broken)
    assert answer["Error"]
    # Nomad's are lists inside of lists, over several lines.
    for said in (answer["Error"], *answer["ValidationErrors"]):
        assert said == " ".join(said.split())
        assert "occurred" not in said


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
