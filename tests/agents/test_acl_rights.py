"""Tokens that are missing, wrong or too weak: told apart, and nothing unseen is called absent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.agents.shop import Said
from tests.faults.shell import complaint
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

READ = 'namespace "default" { policy = "read" }'
WRITE = 'namespace "default" { policy = "write" }'
NO_LOGS = """
namespace "default" {
  capabilities = ["list-jobs", "parse-job", "read-job", "submit-job"]
}
"""
LOCKS = """
namespace "default" {
  policy = "write"
  variables { path "toolkit/locks/*" { capabilities = [RIGHTS] } }
}
"""
ALL_BUT_THE_EDGE = """
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" }
service "traefik-api" { policy = "deny" }
"""
ONLY_NODES = 'node_prefix "" { policy = "read" }'
NO_RIGHT = 'the Nomad token has no right on the variables "toolkit/last-verified/*"'
SECRETS = '[secrets]\nkeys = ["db_password"]\n'


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A project that comes without any token unless one is given."""
    folder = tmp_path_factory.mktemp("rights")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        yield shop
        shop.close()


@pytest.fixture(autouse=True)
def nobody(shop: Guarded) -> Iterator[None]:
    """Each test says who it is."""
    shop.given = {}
    yield
    shop.given = {}


def be(shop: Guarded, *, nomad: str | None = None, consul: str | None = None) -> None:
    """Come with these tokens from here on; the agents' own where none is said."""
    state = shop.cluster.state
    shop.given = {
        "NOMAD_TOKEN": state.nomad_token if nomad is None else nomad,
        "CONSUL_HTTP_TOKEN": state.consul_token if consul is None else consul,
    }


@pytest.fixture(scope="module")
def served(shop: Guarded) -> str:
    """A service at 1.0.0."""
    be(shop)
    return shop.deployed()


def refused(shop: Guarded, *arguments: str) -> str:
    """Message and hint of a command that fails with 1, as text and as JSON."""
    text, data = shop.toolkit(*arguments), shop.toolkit(*arguments, "--json")
    assert (text.code, data.code) == (1, 1), text.err
    return complaint(text, data.error)


def unseen(said: Said) -> str:
    """The verdict is unknown because Consul could not be looked at; why."""
    assert (said.code, said.report["verdict"]) == (5, "unknown"), said.out + said.err
    link = said.link("consul")
    assert link["state"] == "unseen"
    assert link["detail"].startswith("cannot see: ")
    words = [row["consul"] for row in said.report["verification"]["instances"]]
    assert set(words) == {"unseen"}
    assert "missing" not in said.out
    return link["detail"]


# Nomad.


def test_a_token_without_a_right_to_the_lock_deploys_without_one_and_says_so(
    shop: Guarded,
) -> None:
    name = shop.write()
    be(shop, nomad=shop.nomad_token(WRITE)["SecretID"])
    said = shop.deploy(name, "--detach")
    assert (said.code, said.report["verdict"]) == (0, "submitted"), said.err
    lock = said.report["lock"]
    assert lock["state"] == "none"
    assert lock["reason"] == 'the Nomad token has no right on the variables "toolkit/locks/*"'
    assert said.told("note").count(f"without a deploy lock: {lock['reason']}") == 1


def test_a_lock_that_no_token_of_ours_is_shown_is_kept_and_broken_all_the_same(
    shop: Guarded,
) -> None:
    name = shop.write()
    # Nomad shows the id of a lock to management tokens only.
    be(shop, nomad=shop.nomad_token(LOCKS.replace("RIGHTS", '"read", "write"'))["SecretID"])
    writer = shop.nomad_token(LOCKS.replace("RIGHTS", '"write"'))["SecretID"]
    seen: dict[str, Said] = {}

    def look() -> None:
        ours = dict(shop.given)
        seen["refused"] = shop.deploy(name, "--release", "1.0.3")
        be(shop, nomad=writer)
        seen["blind"] = shop.deploy(name, "--release", "1.0.3")
        shop.given = ours
        seen["unlocked"] = shop.toolkit("unlock", name, "--reason", "why not", "--json")

    said = shop.deploy(name, "--release", "1.0.2", "--detach", on={"submit ": look})
    assert (said.code, said.report["lock"]["state"]) == (0, "held"), said.err
    assert seen["refused"].code == seen["blind"].code == 1
    assert "(toolkit deploy, release 1.0.2) since " in seen["refused"].error["message"]
    message = seen["blind"].error["message"]
    assert message == f"{name} is locked by somebody; nothing was changed"
    assert seen["unlocked"].report["action"] == "unlocked", seen["unlocked"].out


@pytest.mark.parametrize("command", ["deploy", "plan", "verify", "attach", "status", "history"])
def test_a_nomad_token_that_is_missing(shop: Guarded, served: str, command: str) -> None:
    be(shop, nomad="")
    said = refused(shop, command, served)
    assert "Permission denied" in said
    assert "set NOMAD_TOKEN: it was asked without a token" in said


@pytest.mark.parametrize("token", [str(uuid.UUID(int=7)), "correct-horse"])
@pytest.mark.parametrize("command", ["deploy", "verify"])
def test_a_nomad_token_that_is_wrong(shop: Guarded, served: str, command: str, token: str) -> None:
    be(shop, nomad=token)
    said = refused(shop, command, served)
    assert "the token in NOMAD_TOKEN is not known there" in said
    assert token not in said


def test_a_nomad_token_that_may_only_read(shop: Guarded, served: str) -> None:
    before = shop.job(served)["JobModifyIndex"]
    be(shop, nomad=shop.nomad_token(READ)["SecretID"])
    said = refused(shop, "deploy", served, "--release", "1.1.0")
    assert "Permission denied (" in said
    assert f"/v1/job/{served}/plan" in said  # the right that is missing, by what it was asked for
    assert "the token in NOMAD_TOKEN lacks the right for this" in said
    assert shop.job(served)["JobModifyIndex"] == before
    # Reading is all that a proof needs.
    assert shop.toolkit("verify", served).code == 0


def about(said: Said, words: str) -> list[str]:
    return [note for note in said.told("note") if words in note]


def test_a_deploy_and_the_way_back_without_a_right_on_our_variables(shop: Guarded) -> None:
    name = shop.write()
    be(shop, nomad=str(shop.nomad_token(WRITE)["SecretID"]))
    first = shop.deploy(name)
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err
    # Once, and no verdict is another one for it.
    assert about(first, "last verified") == [
        f"version 0 is not written down as last verified: {NO_RIGHT}"
    ]
    assert first.report["provenance"]["verdict"] == "deployed"
    assert shop.nomad(f"/v1/var/toolkit/last-verified/{name}") is None

    bumped = shop.deploy(name, "--release", "1.1.0")
    assert (bumped.code, bumped.report["verdict"]) == (0, "deployed"), bumped.err
    listed = shop.toolkit("history", name, "--json").report
    assert listed["last_verified"] is None
    assert listed["notes"] == [f"what was verified last cannot be seen: {NO_RIGHT}"]
    assert [row["provenance"]["verdict"] for row in listed["versions"]] == ["deployed"] * 2

    # The tags know the way.
    back = shop.toolkit("rollback", name, "--json")
    assert (back.code, back.report["serving"]) == (0, "1.0.0"), back.err
    assert back.told("note")[:2] == [
        f"what was verified last cannot be seen: {NO_RIGHT}",
        "back to version 0, release 1.0.0, which was verified before the live one",
    ]


def test_a_nomad_token_that_may_not_read_variables(shop: Guarded) -> None:
    name = shop.write(more=SECRETS)
    shop.secret(name, "db_password", "correct horse battery staple")
    be(shop, nomad=shop.nomad_token(WRITE)["SecretID"])
    said = refused(shop, "deploy", name)
    assert f"GET /v1/var/nomad/jobs/{name}" in said
    assert "not set" not in said  # it is: we cannot see it
    assert "lacks the right" in said
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_nomad_token_that_may_not_read_logs(shop: Guarded) -> None:
    name = shop.write(change={'MODE = "fine"': 'MODE = "crash"'})
    be(shop, nomad=shop.nomad_token(NO_LOGS)["SecretID"])
    said = shop.deploy(name)
    assert (said.code, said.report["verdict"]) == (3, "failed"), said.out
    cause = said.report["causes"][0]
    assert cause["summary"].startswith("task app exited 3")
    assert any(
        "cannot be read" in line and "Permission denied" in line for line in cause["evidence"]
    )


def test_a_nomad_token_that_is_taken_away_in_the_middle_of_a_watch(shop: Guarded) -> None:
    be(shop)
    name = shop.deployed()
    token = shop.nomad_token(WRITE)
    be(shop, nomad=token["SecretID"])

    def revoke() -> None:
        shop.nomad(f"/v1/acl/token/{token['AccessorID']}", method="DELETE")

    said = shop.deploy(name, "--release", "1.1.0", on={"submit ": revoke})
    assert (said.code, said.report["verdict"]) == (5, "unknown"), said.out
    assert "Nomad tells us nothing more" in said.report["sentence"]
    assert said.report["next"] == f"toolkit attach {name}"
    ours = shop.deployments(name)[-1]
    assert ours["Status"] == "running"
    assert not any(group["Promoted"] for group in ours["TaskGroups"].values())
    # Somebody who may ends it.
    be(shop)
    attached = shop.toolkit("attach", name, "--json")
    assert (attached.code, attached.report["verdict"]) == (0, "deployed"), attached.out
    assert shop.serves(name) == ["1.1.0"]


# Consul.


def test_a_consul_token_that_is_missing_cannot_see(shop: Guarded, served: str) -> None:
    be(shop, consul="")
    assert "may not read" in unseen(shop.toolkit("verify", served, "--json"))


def test_a_consul_token_that_is_wrong_cannot_see(shop: Guarded, served: str) -> None:
    token = str(uuid.uuid4())
    be(shop, consul=token)
    said = shop.toolkit("verify", served, "--json")
    assert "ACL not found" in unseen(said)
    assert token not in said.out + said.err


def test_a_consul_token_that_may_not_read_the_service_cannot_see(
    shop: Guarded, served: str
) -> None:
    be(shop, consul=shop.consul_token(ONLY_NODES))
    assert f"may not read all of service {served}" in unseen(
        shop.toolkit("verify", served, "--json")
    )


def test_a_consul_token_that_may_not_read_the_edge_cannot_see_it(shop: Guarded) -> None:
    be(shop)
    name = shop.registered(route=True)
    shop.until("it passes", lambda: len(shop.passing(name)) == 1)
    edge = {"Name": "traefik-api", "Address": "127.0.0.1", "Port": 9}
    shop.consul("/v1/agent/service/register", edge)
    be(shop, consul=shop.consul_token(ALL_BUT_THE_EDGE))
    said = shop.toolkit("verify", name, "--json")
    shop.consul("/v1/agent/service/deregister/traefik-api", method="PUT")
    assert (said.code, said.report["verdict"]) == (5, "unknown"), said.out
    assert said.link("consul")["state"] == "holds"
    assert said.link("traefik")["state"] == "unseen"
    assert "may not read service traefik-api" in said.link("traefik")["detail"]


@pytest.mark.parametrize("rules", ["", ONLY_NODES])
def test_nothing_starts_to_roll_that_consul_would_not_show(
    shop: Guarded, served: str, rules: str
) -> None:
    before = shop.job(served)["JobModifyIndex"]
    be(shop, consul=shop.consul_token(rules) if rules else "")
    said = refused(shop, "deploy", served, "--release", "1.1.0")
    assert f"the Consul token may not read service {served}" in said
    assert "nothing was changed" in said
    assert "CONSUL_HTTP_TOKEN" in said
    assert shop.job(served)["JobModifyIndex"] == before


def test_a_first_deploy_that_consul_does_not_show_is_unknown(shop: Guarded) -> None:
    name = shop.write()
    be(shop, consul=shop.consul_token(ONLY_NODES))
    assert "may not read" in unseen(shop.deploy(name, "--timeout", "30s"))
    be(shop)
    assert shop.toolkit("verify", name).code == 0
