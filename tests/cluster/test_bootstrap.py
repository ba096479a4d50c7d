"""The first minutes of a cluster's servers: real ones, interrupted everywhere, met by liars."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import machines
from tests.cluster.fresh import Fresh, fresh_agents
from tests.cluster.memory_store import MemoryStore
from tests.faults.proxy import FaultProxy, Rule
from toolkit.agents import acl
from toolkit.cluster.bootstrap import Done, Patience, bootstrap, steps
from toolkit.cluster.bootstrap.perform import GRACE
from toolkit.cluster.bootstrap.rights import CONSUL_POLICIES, READERS, TASK_RIGHTS
from toolkit.cluster.bootstrap.steps import AUTH_METHOD, ConsulObject, ConsulToken
from toolkit.cluster.secrets import make_secrets, read_secrets
from toolkit.errors import (
    DeniedError,
    NotFoundError,
    RefusedError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.target import Secret

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

CLUSTER = machines.cluster()
Secrets = Mapping[str, Secret]


def new_secrets() -> Secrets:
    store = MemoryStore()
    make_secrets(store, CLUSTER, datetime.now(UTC))
    return read_secrets(store, CLUSTER)


class Clock:
    """Time that only passes while somebody sleeps."""

    def __init__(self, least: float = 0.0) -> None:
        """`least`: seconds that a sleep takes, however short it is meant to be."""
        self.now = 0.0
        self.least = least

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, self.least)


@dataclass
class Servers:
    """Fresh servers behind doors at which answers can be changed, and whose secrets are known."""

    fresh: Fresh
    consul_door: FaultProxy
    nomad_door: FaultProxy
    secrets: Secrets = field(default_factory=new_secrets)

    def bootstrap(self, secrets: Secrets | None = None, **how: Any) -> tuple[Done, ...]:
        own = secrets or self.secrets
        patience = how.pop("patience", Patience(60.0))
        direct = how.pop("direct", False)
        consul = self.fresh.consul_address if direct else self.consul_door.address
        nomad = self.fresh.nomad_address if direct else self.nomad_door.address
        with (
            self.fresh.consul(own["ca/bootstrap/consul"].reveal(), consul) as c,
            self.fresh.nomad(own["ca/bootstrap/nomad"].reveal(), nomad) as n,
        ):
            keys = f"{self.fresh.nomad_address}/.well-known/jwks.json"
            return bootstrap(CLUSTER, own, c, n, patience=patience, signing_keys=keys, **how)

    def changes(self) -> list[str]:
        """Paths of all requests that could change something."""
        doors = (self.consul_door, self.nomad_door)
        return [r.path for door in doors for r in door.requests if r.method != "GET"]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers in which nobody is known yet."""
    with (
        fresh_agents(tmp_path / "agents") as fresh,
        FaultProxy(fresh.consul_address) as consul_door,
        FaultProxy(fresh.nomad_address) as nomad_door,
    ):
        yield Servers(fresh, consul_door, nomad_door)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that know everybody; tests leave them as they are."""
    with (
        fresh_agents(tmp_path_factory.mktemp("known")) as fresh,
        FaultProxy(fresh.consul_address) as consul_door,
        FaultProxy(fresh.nomad_address) as nomad_door,
    ):
        own = Servers(fresh, consul_door, nomad_door)
        own.bootstrap()
        yield own


@pytest.fixture(autouse=True)
def honest(request: pytest.FixtureRequest) -> None:
    """Doors that change nothing, unless the test says so."""
    if "known" in request.fixturenames:
        own: Servers = request.getfixturevalue("known")
        own.consul_door.clear()
        own.nomad_door.clear()


class Killed(BaseException):
    """As SIGKILL: nothing of ours catches it."""


def test_all_that_stands_in_the_store_is_known_afterwards(known: Servers) -> None:
    told: list[Done] = []
    done = known.bootstrap(say=told.append)
    assert [each.step for each in done] == [str(step) for step in steps(CLUSTER, known.secrets)]
    assert told == list(done)
    for name, secret in known.secrets.items():
        if "/token/" in name or name in {"ca/bootstrap/operator", "ca/bootstrap/traefik"}:
            with known.fresh.consul(secret.reveal()) as consul:
                assert consul.token_self()["AccessorID"], name


def test_a_second_time_changes_nothing(known: Servers) -> None:
    before = [path for path in known.changes() if "bootstrap" not in path]
    done = known.bootstrap()
    assert not any(each.changed for each in done)
    # Only to learn that they were set up do the servers get requests that are no questions.
    assert [path for path in known.changes() if "bootstrap" not in path] == before


def test_a_run_that_is_killed_after_any_step_goes_on(servers: Servers) -> None:
    """Each run is killed after the first thing that it changes, until one has nothing to do."""

    def kill_at_change(done: Done) -> None:
        if done.changed:
            changed.append(done.step)
            raise Killed

    changed: list[str] = []
    all_of_them = [str(step) for step in steps(CLUSTER, servers.secrets)]
    for _ in all_of_them:
        try:
            done = servers.bootstrap(say=kill_at_change, direct=True)
            break
        except Killed:
            continue
    assert [each.step for each in done] == all_of_them
    # Every step but the two that only wait was somebody's last, and nobody did one again.
    assert changed == [step for step in all_of_them if not step.endswith("has a leader")]


def test_every_reply_may_be_lost_once(servers: Servers) -> None:
    """Each write is done, its answer is not heard, and nothing is there twice."""
    for door in (servers.consul_door, servers.nomad_door):
        for path in ("acl/bootstrap", "acl/policy", "acl/token", "acl/role", "auth-method",
                     "binding-rule", "/var/"):  # fmt: skip
            for method in ("PUT", "POST"):
                door.add(Rule("lose", method=method, path=path, times=1))
    done = servers.bootstrap()
    assert not any(each.changed for each in servers.bootstrap())
    assert len(done) == len(steps(CLUSTER, servers.secrets))
    with servers.fresh.consul(servers.secrets["ca/bootstrap/consul"].reveal()) as consul:
        assert len(consul.binding_rules(AUTH_METHOD)) == 2


def test_servers_that_are_not_there_yet_are_waited_for(servers: Servers) -> None:
    for door in (servers.consul_door, servers.nomad_door):
        door.add(
            Rule("drop", times=3),
            Rule("status", path="status/leader", status=200, text='""', times=2),
            Rule("status", path="acl/", status=500, text="No cluster leader", times=2),
        )
    clock = Clock()
    done = servers.bootstrap(patience=Patience(60.0, clock, clock.sleep))
    assert len(done) == len(steps(CLUSTER, servers.secrets))


def test_a_follower_that_does_not_know_a_token_yet_is_asked_again(known: Servers) -> None:
    known.consul_door.add(
        Rule("status", path="acl/policy", status=403, text="ACL not found", times=3)
    )
    clock = Clock()
    assert known.bootstrap(patience=Patience(60.0, clock, clock.sleep))


@pytest.mark.parametrize(
    ("rule", "error", "words"),
    [
        (Rule("drop"), UnreachableError, "not within 1 s: Consul has a leader"),
        (
            Rule("status", path="leader", status=200, text='""'),
            ServerError,
            "Consul has no leader",
        ),
        (
            Rule("status", path="acl/policy", status=500, text="No cluster leader"),
            ServerError,
            "not within 1 s: Consul has the policy agent-server",
        ),
    ],
)
def test_the_deadline_says_at_which_step_and_why(
    known: Servers, rule: Rule, error: type[Exception], words: str
) -> None:
    known.consul_door.add(rule)
    clock = Clock()
    with pytest.raises(error, match=words) as raised:
        known.bootstrap(patience=Patience(1.0, clock, clock.sleep))
    assert "goes on where it was" in (raised.value.hint or "")  # type: ignore[attr-defined]
    assert 1.0 <= clock.now < 2.0


def test_a_token_that_consul_does_not_know_is_denied_and_not_absent(known: Servers) -> None:
    """It says both with the same words."""
    with known.fresh.consul("11111111-0000-4000-8000-000000000000") as stranger:
        with pytest.raises(DeniedError, match="ACL not found"):
            stranger.token_self()
        with pytest.raises(DeniedError, match="ACL not found"):
            stranger.acl_object("policy", "catalog")


def test_servers_of_another_store_are_refused_within_seconds_and_left_alone(known: Servers) -> None:
    before = len(known.consul_door.requests), len(known.nomad_door.requests)
    clock = Clock(least=1.0)
    with pytest.raises(RefusedError, match="Consul knows its management token") as refused:
        known.bootstrap(new_secrets(), patience=Patience(600.0, clock, clock.sleep))
    assert "other tokens than those in the store" in (refused.value.hint or "")
    assert GRACE <= clock.now < GRACE + 2
    asked = known.consul_door.requests[before[0] :]
    assert {each.path for each in asked if each.method != "GET"} == {"/v1/acl/bootstrap"}
    assert len(known.nomad_door.requests) == before[1]


def test_a_token_that_is_not_the_stores_is_refused(known: Servers) -> None:
    other = dict(known.secrets) | {"worker/token/agent": new_secrets()["worker/token/agent"]}
    with pytest.raises(RefusedError, match="the token agent-client in Consul is not the one"):
        known.bootstrap(other)


def test_what_somebody_changed_is_as_it_should_be_again(known: Servers) -> None:
    management = known.secrets["ca/bootstrap/consul"].reveal()
    found = {type(step): step for step in steps(CLUSTER, known.secrets)}
    token = found[ConsulToken]
    assert isinstance(token, ConsulToken)
    with known.fresh.consul(management) as consul:
        policy = consul.acl_object("policy", "catalog")
        assert policy is not None
        weak = {**policy, "Rules": 'operator = "write"'}
        consul.put_acl_object("policy", weak, id=policy["ID"])
        consul.put_acl_object("token", {"Description": "mine"}, id=token.accessor)
        method = consul.acl_object("auth-method", AUTH_METHOD)
        assert method is not None
        consul.put_acl_object("auth-method", {**method, "MaxTokenTTL": "1h"}, id=AUTH_METHOD)
    with known.fresh.nomad(known.secrets["ca/bootstrap/nomad"].reveal()) as nomad:
        nomad.put_variable("nomad/jobs/traefik", {"consul_token": "old", "mine": "kept"})
    changed = {each.step for each in known.bootstrap() if each.changed}
    assert changed == {
        "Consul has the policy catalog", f"Consul has the token {token.name}",
        "Consul has the auth-method nomad-workloads",
        "Nomad keeps consul_token in nomad/jobs/traefik",
        "Nomad keeps api_users in nomad/jobs/traefik",
    }  # fmt: skip
    with known.fresh.consul(management) as consul:
        again = consul.acl_object("auth-method", AUTH_METHOD) or {}
    # Nomad never renews: a longest life would take services out of the catalog.
    assert again.get("MaxTokenTTL", "0s") == "0s"
    with known.fresh.nomad(known.secrets["ca/bootstrap/nomad"].reveal()) as nomad:
        assert (nomad.variable("nomad/jobs/traefik") or {})["Items"]["mine"] == "kept"


def test_no_secret_is_in_an_error_or_a_log_or_a_step(
    known: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [str(step) + repr(step) for step in steps(CLUSTER, known.secrets)]
    for rule in (
        Rule("status", path="acl/token", status=500, text="Invalid Token"),
        Rule("lose", path="/var/"),
        Rule("garbage", path="acl/token", text="{"),
    ):
        known.consul_door.clear()
        known.nomad_door.clear()
        known.consul_door.add(rule)
        known.nomad_door.add(rule)
        clock = Clock()
        with pytest.raises((RefusedError, ServerError, UnreachableError)) as raised:
            known.bootstrap(patience=Patience(1.0, clock, clock.sleep))
        cause: BaseException | None = raised.value
        while cause is not None:
            said.append(f"{cause} {cause!r} {getattr(cause, 'hint', '')}")
            cause = cause.__cause__ or cause.__context__
    said.append(caplog.text)
    together = "\n".join(said)
    for name, secret in known.secrets.items():
        text = secret.reveal()
        if text.startswith("-----BEGIN CERT") and "PRIVATE" not in text:
            continue
        for form in (text, base64.b64encode(text.encode()).decode(), json.dumps(text)[1:-1]):
            assert form not in together, name


# Rights, with the tokens that machines have.


def may(known: Servers, token: str, *wanted: tuple[str, str, str]) -> list[bool]:
    with known.fresh.consul(known.secrets[token].reveal()) as consul:
        return consul.authorize(list(wanted))


@pytest.mark.parametrize(
    ("token", "allowed", "denied"),
    [
        (
            "server/token/agent",
            [("node", "server-1", "write"), ("service", "web", "read")],
            [("node", "i-0abc", "write"), ("service", "web", "write"), ("key", "x", "read"),
             ("acl", "", "read"), ("operator", "", "read")],
        ),
        (
            "worker/token/agent",
            [("node", "i-0abc", "write")],
            [("service", "web", "write"), ("key", "x", "write"), ("acl", "", "write")],
        ),
        (
            "server/token/nomad",
            [("service", "nomad", "write"), ("agent", "server-1", "read")],
            [("service", "web", "write"), ("acl", "", "write"), ("operator", "", "write")],
        ),
        (
            "worker/token/nomad",
            [("service", "web", "write"), ("node", "i-0abc", "read")],
            [("node", "i-0abc", "write"), ("key", "x", "write"), ("acl", "", "read")],
        ),
        (
            "worker/token/dns",
            [("service", "web", "read"), ("node", "i-0abc", "read")],
            [("service", "web", "write"), ("key", "x", "read")],
        ),
        (
            "ca/bootstrap/traefik",
            [("service", "web", "read"), ("node", "i-0abc", "read")],
            [("service", "web", "write"), ("key", "x", "read"), ("acl", "", "read")],
        ),
        (
            "ca/bootstrap/operator",
            [("operator", "", "read"), ("service", "web", "read"), ("agent", "x", "read")],
            [("operator", "", "write"), ("service", "web", "write"), ("key", "x", "read"),
             ("acl", "", "read")],
        ),
    ],
)  # fmt: skip
def test_each_token_may_what_its_holder_needs_and_no_more(
    known: Servers,
    token: str,
    allowed: list[tuple[str, str, str]],
    denied: list[tuple[str, str, str]],
) -> None:
    assert may(known, token, *allowed) == [True] * len(allowed)
    assert may(known, token, *denied) == [False] * len(denied)


def test_whoever_comes_without_a_token_sees_nothing(known: Servers) -> None:
    with known.fresh.consul() as consul, known.fresh.nomad() as nomad:
        assert consul.services() == {}
        with pytest.raises(DeniedError):
            consul.agent_self()
        with pytest.raises(DeniedError):
            nomad.variable("nomad/jobs/traefik")


def test_a_thing_of_consul_that_is_not_there_is_none(known: Servers) -> None:
    with known.fresh.consul(known.secrets["ca/bootstrap/consul"].reveal()) as consul:
        for kind in ("policy", "role", "auth-method"):
            assert consul.acl_object(kind, "no such") is None
        accessor = "00000000-0000-4000-8000-000000000000"
        assert consul.acl_token(accessor, Secret("x")) is None
        with pytest.raises((NotFoundError, ServerError)):
            consul.put_acl_object("role", {"Name": "x"}, id=accessor)


def test_the_jobs_read_what_the_local_agents_give_them_too() -> None:
    """A shipped job finds its token under the same name in both kinds of cluster."""
    assert dict(READERS) == acl.READERS
    ours = [(each.name, each.rules, each.job) for each in TASK_RIGHTS]
    assert ours == [(each.name, each.rules, each.job) for each in acl.NOMAD_GRANTS]


def test_steps_are_the_same_each_time_and_in_the_order_of_need() -> None:
    secrets = new_secrets()
    found = [str(step) for step in steps(CLUSTER, secrets)]
    assert found == [str(step) for step in steps(CLUSTER, secrets)] and len(set(found)) == len(
        found
    )
    assert (
        found.index("Consul knows its management token")
        < found.index("Consul has the policy catalog")
        < found.index("Consul has the token catalog")
        < found.index("Nomad keeps consul_token in nomad/jobs/traefik")
    )
    assert found.index("Nomad has a leader") < found.index(
        f"Consul has the auth-method {AUTH_METHOD}"
    )
    names = {step.name for step in steps(CLUSTER, secrets) if isinstance(step, ConsulObject)}
    assert set(CONSUL_POLICIES) <= names
