"""What `toolkit doctor` says of our rights, against what the agents let each token do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.agents.shop import Said
from toolkit.rollout.health import rights
from toolkit.rollout.health.rights import NEEDS, Need
from toolkit.rollout.lock import path_of
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

SEES_ALL = 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n'
OTHER = "prod-eu"

POLICIES = {
    "nothing": 'namespace "other" { policy = "write" }',
    "read": 'namespace "default" { policy = "read" }',
    "write": 'namespace "default" { policy = "write" }',
    "scale": 'namespace "default" { policy = "scale" }',
    "denied": 'namespace "default" { policy = "deny" }',
    "narrow": 'namespace "default" { capabilities = ["list-jobs", "read-job", "parse-job", '
    '"plan-job", "register-job", "promote-deployment", "read-logs"] }',
    "steering": 'namespace "default" { capabilities = ["read-job", "fail-deployment", '
    '"pause-deployment", "alloc-lifecycle", "dispatch-job", "deregister-job"] }',
    "files": 'namespace "default" { capabilities = ["read-job", "read-fs"] }',
    "levels": 'node { policy = "read" }\nagent { policy = "read" }\noperator { policy = "read" }',
    "everywhere": 'namespace "*" { policy = "read" }\nnode { policy = "write" }',
    "variables": 'namespace "default" { variables { path "nomad/jobs/*" '
    '{ capabilities = ["read", "write"] } } }',
    "locks": 'namespace "default" { policy = "write" variables { path "toolkit/*" '
    '{ capabilities = ["read", "write"] } } }',
    "one variable": 'namespace "default" { variables { path "*" { capabilities = ["read"] } '
    'path "nomad/jobs/NAME" { capabilities = ["write", "destroy"] } } }',
}

IN_OTHER = {
    "a glob": 'namespace "prod-*" { policy = "write" }',
    "the closest glob": 'namespace "*" { policy = "write" }\n'
    'namespace "prod-*" { capabilities = ["read-job"] }',
    "an exact name": 'namespace "prod-*" { policy = "write" }\n'
    'namespace "prod-eu" { capabilities = ["list-jobs"] }',
    "two as close": 'namespace "prod-*" { policy = "write" }\n'
    'namespace "*od-eu" { policy = "read" }',
    "two as close, turned": 'namespace "prod-*" { policy = "read" }\n'
    'namespace "*od-eu" { policy = "write" }',
    "a glob denied": 'namespace "*" { policy = "write" }\nnamespace "prod-*" { policy = "deny" }',
}


@dataclass
class Thing:
    """What the calls are made on."""

    job: str
    allocation: str
    deployment: str


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A project that comes with the tokens that it is given."""
    folder = tmp_path_factory.mktemp("doctor-rights")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        yield shop
        come(shop)
        shop.close()


def come(shop: Guarded, nomad: str | None = None, consul: str | None = None) -> None:
    """Come with these tokens from here on; the agents' own where none is said."""
    state = shop.cluster.state
    shop.given = {
        "NOMAD_TOKEN": state.nomad_token if nomad is None else nomad,
        "CONSUL_HTTP_TOKEN": state.consul_token if consul is None else consul,
    }


@pytest.fixture(scope="module")
def thing(shop: Guarded) -> Thing:
    """A service that runs, and the namespace beside its own."""
    shop.nomad(f"/v1/namespace/{OTHER}", {"Name": OTHER})
    come(shop)
    name = shop.deployed()
    [allocation] = shop.running(name)
    [deployment] = shop.deployments(name)
    return Thing(name, allocation["ID"], deployment["ID"])


def allowed(shop: Guarded, token: str, path: str, body: Any = None, method: str = "GET") -> bool:
    """Whether Nomad lets the token do it, whatever else it then says."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        shop.cluster.state.nomad_address + path, data, {"X-Nomad-Token": token}, method=method
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return "Permission denied" not in error.read().decode()
    return True


def blank(name: str, namespace: str) -> dict[str, Any]:
    """A job that asks for no instance."""
    task = {"Name": "t", "Driver": "raw_exec", "Config": {"command": "true"}}
    group = {"Name": "g", "Count": 0, "Tasks": [task]}
    return {"ID": name, "Name": name, "Namespace": namespace, "Datacenters": ["*"],
            "Type": "service", "TaskGroups": [group]}  # fmt: skip


def calls(thing: Thing, namespace: str = "default") -> dict[Need, Callable[..., tuple[Any, ...]]]:
    """For each right, the call that needs it: path, body, method."""
    job, at = f"/v1/job/{thing.job}", f"?namespace={namespace}"
    deployment = f"/v1/deployment/WHAT/{thing.deployment}{at}"
    there = {"DeploymentID": thing.deployment}
    variable = f"/v1/var/nomad/jobs/{thing.job}{at}"
    spare = blank("spare", namespace)
    made: dict[Need, tuple[Any, ...]] = {
        rights.PARSE: (f"/v1/jobs/parse{at}", {"JobHCL": 'job "x" {}'}, "POST"),
        rights.READ: (job + at,),
        rights.LIST: ("/v1/jobs" + at,),
        rights.PLAN: (f"/v1/job/spare/plan{at}", {"Job": spare}, "POST"),
        rights.REGISTER: ("/v1/jobs" + at, {"Job": spare}, "POST"),
        rights.PROMOTE: (deployment.replace("WHAT", "promote"), there | {"All": True}, "POST"),
        rights.FAIL: (deployment.replace("WHAT", "fail"), {}, "POST"),
        rights.PAUSE: (deployment.replace("WHAT", "pause"), there | {"Pause": True}, "POST"),
        rights.SCALE: (f"{job}/scale{at}", {"Target": {"Group": "none"}, "Count": 1}, "POST"),
        rights.STOP: (f"/v1/job/spare{at}", None, "DELETE"),
        rights.RESTART: (
            f"/v1/client/allocation/{thing.allocation}/restart{at}", {"TaskName": "none"}, "POST",
        ),
        rights.DISPATCH: (f"{job}/dispatch{at}", {}, "POST"),
        rights.LOGS: (
            f"/v1/client/fs/logs/{thing.allocation}?task=app&type=stdout&plain=true"
            f"&namespace={namespace}",
        ),
        rights.NODES: ("/v1/nodes",),
        rights.AGENT: ("/v1/agent/self",),
        rights.OPERATOR: ("/v1/operator/scheduler/configuration",),
        Need("variables", ("read",)): (variable,),
        Need("variables", ("write",)): (
            variable, {"Path": f"nomad/jobs/{thing.job}", "Items": {"k": "v"}}, "PUT",
        ),
        Need("locks", ("read",)): (f"/v1/var/{path_of(thing.job)}{at}",),
        rights.LOCK: (
            f"/v1/var/{path_of(thing.job)}{at}",
            {"Path": path_of(thing.job), "Items": {"k": "v"}}, "PUT",
        ),
        Need("variables", ("destroy",)): (variable, None, "DELETE"),
    }  # fmt: skip
    return {need: (lambda call=call: call) for need, call in made.items()}


def really(shop: Guarded, token: str, thing: Thing, namespace: str = "default") -> dict[Need, bool]:
    """Each right as Nomad's own answers show it."""
    found = {need: allowed(shop, token, *call()) for need, call in calls(thing, namespace).items()}
    # That nothing is hidden anywhere cannot be asked for: it is so when the policy says so.
    found[rights.CONSUL] = True
    # No job here has any.
    found[rights.SECRETS] = True
    return found


def doctor(shop: Guarded, *arguments: str) -> tuple[Said, dict[str, str]]:
    """What the doctor says of each command."""
    said = shop.toolkit("doctor", "--only", "rights", "--json", *arguments)
    return said, {right["command"]: right["may"] for right in said.report["rights"]}


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_said_is_what_nomad_does(shop: Guarded, thing: Thing, policy: str) -> None:
    token = shop.nomad_token(POLICIES[policy].replace("NAME", thing.job))["SecretID"]
    come(shop, nomad=token)
    said, may = doctor(shop)
    real = really(shop, token, thing)
    real[rights.EVERYWHERE] = policy == "everywhere"
    expected = {
        command: "may" if all(real[need] for need in needs) else "may not"
        for command, needs in NEEDS.items()
    }
    assert may == expected
    assert said.code == (0 if set(expected.values()) == {"may"} else 1)


@pytest.mark.parametrize("policy", IN_OTHER)
def test_the_namespace_that_decides_is_nomads(shop: Guarded, thing: Thing, policy: str) -> None:
    token = shop.nomad_token(IN_OTHER[policy])["SecretID"]
    come(shop, nomad=token)
    _said, may = doctor(shop, "--namespace", OTHER)
    real = really(shop, token, thing, OTHER)
    for command in ("validate", "plan", "history", "stop"):
        holds = all(real[need] for need in NEEDS[command])
        assert may[command] == ("may" if holds else "may not"), command


def test_a_job_with_secrets_and_a_token_that_may_not_read_them(shop: Guarded, thing: Thing) -> None:
    name = shop.write(more='[secrets]\nkeys = ["db_password"]\n')
    shop.secret(name, "db_password", "correct horse battery staple")
    come(shop, nomad=shop.nomad_token(POLICIES["write"])["SecretID"])
    _said, may = doctor(shop)
    refused = shop.toolkit("deploy", name)
    (shop.root / "jobs" / name / "job.toml").unlink()
    assert (refused.code, may["deploy"]) == (1, "may not")
    assert doctor(shop)[1]["deploy"] == "may"


def test_roles_count(shop: Guarded, thing: Thing) -> None:
    policy = {"Name": "by-role", "Rules": POLICIES["write"]}
    shop.nomad("/v1/acl/policy/by-role", policy, "POST")
    role = {"Name": "deployer", "Policies": [{"Name": "by-role"}]}
    made = shop.nomad("/v1/acl/role", role, "PUT")
    body = {"Name": "roled", "Type": "client", "Roles": [{"ID": made["ID"]}]}
    come(shop, nomad=shop.nomad("/v1/acl/token", body, "POST")["SecretID"])
    _said, may = doctor(shop)
    assert may["deploy"] == "may"
    assert may["secret set"] == "may not"


def test_a_token_that_nobody_knows_is_tried_by_reading(shop: Guarded, thing: Thing) -> None:
    come(shop, nomad="5f3a1c4e-2222-4222-8222-feedfacebeef")
    said = shop.toolkit("doctor", "--json")
    checks = {check["name"]: check for check in said.report["checks"]}
    assert said.code == 1
    assert checks["nomad-token"]["word"] == "failed"
    assert "does not know our token" in checks["nomad-token"]["summary"]
    assert checks["rights"]["word"] == "failed"
    assert checks["nomad-clients"]["word"] == "could not tell"
    assert checks["consul-servers"]["word"] == "passed"
    assert "5f3a1c4e" not in said.out + said.err


def test_a_workloads_identity_is_tried_by_reading(shop: Guarded, thing: Thing) -> None:
    job = blank("identified", "default")
    [group] = job["TaskGroups"]
    [task] = group["Tasks"]
    group["Count"] = 1
    script = "echo token:$NOMAD_TOKEN: && sleep 600"
    task |= {"Config": {"command": "sh", "args": ["-c", script]}, "Identity": {"Env": True}}
    shop.nomad("/v1/jobs", {"Job": job}, "POST")
    shop.until_running("identified", 1)
    [allocation] = shop.running("identified")
    # A followed log is the only way to wait for what a task writes.
    path = f"/v1/client/fs/logs/{allocation['ID']}?task=t&type=stdout&plain=true&follow=true"
    request = urllib.request.Request(
        shop.cluster.state.nomad_address + path,
        headers={"X-Nomad-Token": shop.cluster.state.nomad_token},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=60
    ) as log:
        token = log.readline().decode().split(":")[1]
    assert token.count(".") == 2
    come(shop, nomad=token)
    said = shop.toolkit("doctor", "--json")
    checks = {check["name"]: check for check in said.report["checks"]}
    assert checks["nomad-token"]["word"] == "could not tell"
    assert "a workload's identity" in checks["nomad-token"]["summary"]
    may = {right["command"]: right["may"] for right in said.report["rights"]}
    real = really(shop, token, thing)
    for command in ("history", "secret list"):
        holds = all(real[need] for need in NEEDS[command])
        assert may[command] == ("may" if holds else "may not"), command
    assert token not in said.out + said.err
    come(shop)
    shop.nomad("/v1/job/identified", method="DELETE")


def test_no_token_at_all(shop: Guarded, thing: Thing) -> None:
    come(shop, nomad="", consul="")
    said = shop.toolkit("doctor", "--json")
    checks = {check["name"]: check for check in said.report["checks"]}
    assert said.code == 1
    assert checks["nomad-token"]["advice"] == "set NOMAD_TOKEN"
    assert "set CONSUL_HTTP_TOKEN" in checks["consul-token"]["advice"]
    assert checks["rights"]["summary"] == "our tokens may not run any of our commands"
    # What is hidden is not called absent.
    for name in ("edge", "instances", "nomad-clients", "nomad-version"):
        assert checks[name]["word"] == "could not tell", checks[name]
    assert checks["nomad"]["word"] == checks["consul"]["word"] == "passed"


def test_a_token_that_ends(shop: Guarded, thing: Thing) -> None:
    body = {"Name": "short", "Type": "management", "ExpirationTTL": "2h0m0s"}
    come(shop, nomad=shop.nomad("/v1/acl/token", body, "POST")["SecretID"])
    said = shop.toolkit("doctor", "--only", "nomad-token", "--json")
    [check] = said.report["checks"]
    assert (said.code, check["notes"]) == (0, ["it ends within a day"])
    assert "management token short, ends in 2.0 hours" in check["summary"]


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        (SEES_ALL, "passed"),
        ('node_prefix "" { policy = "read" }', "failed"),
        ('service_prefix "" { policy = "read" }', "failed"),
        (SEES_ALL + 'service "traefik-api" { policy = "deny" }', "failed"),
    ],
)
def test_what_consul_shows(shop: Guarded, thing: Thing, rules: str, word: str) -> None:
    come(shop, consul=shop.consul_token(rules))
    said = shop.toolkit("doctor", "--json")
    checks = {check["name"]: check for check in said.report["checks"]}
    assert checks["consul-token"]["word"] == word, checks["consul-token"]
    may = {right["command"]: right["may"] for right in said.report["rights"]}
    assert may["verify"] == ("may" if word == "passed" else "may not")
    assert may["history"] == "may"


def test_a_weak_token_calls_no_instance_stale(shop: Guarded, thing: Thing) -> None:
    """An allocation that Nomad does not show to us may run all the same."""
    gone = f"_nomad-task-0badc0de-0000-4000-8000-000000000000-group-{thing.job}-http"
    node = {"Node": "elsewhere", "Address": "127.0.0.1"}
    shop.consul("/v1/catalog/register",
                node | {"Service": {"ID": gone, "Service": thing.job, "Port": 1}})  # fmt: skip
    words = {}
    try:
        for policy in ("read", "everywhere"):
            come(shop, nomad=shop.nomad_token(POLICIES[policy])["SecretID"])
            said = shop.toolkit("doctor", "--only", "instances", "--json")
            words[policy] = said.report["checks"][0]["word"]
    finally:
        shop.consul("/v1/catalog/deregister", {"Node": "elsewhere"})
    assert words == {"read": "could not tell", "everywhere": "failed"}
