"""Who asks, told from real tokens: Nomad signs them, knows their holders, and turns its keys."""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.agents.cluster import LocalCluster
from tests.agents.identity_rig import DEFAULT, KICK, Rig, identity_rig
from tests.agents.plain import plain
from tests.agents.shop import Shop
from tests.identity import mint
from toolkit.clients.nomad import Nomad
from toolkit.errors import DeniedError, IdentityError, ServerError
from toolkit.identity.keys import read_keys
from toolkit.identity.verify import Verifier
from toolkit.spec.dev import Machine
from toolkit.spec.identity import Person, Workload
from toolkit.spec.target import Endpoint, Secret

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def rig(machine: Machine) -> Iterator[Rig]:
    with identity_rig(machine) as made:
        yield made


@pytest.fixture(autouse=True)
def in_time(rig: Rig) -> Iterator[None]:
    """Each test begins with clocks that are right."""
    rig.seconds = 0.0
    yield
    rig.seconds = 0.0


# Workloads.


def test_a_task_is_the_workload_that_it_is(rig: Rig) -> None:
    found = rig.verifier.verify(f"Bearer {rig.token('web')}")

    assert isinstance(found, Workload)
    assert (found.namespace, found.job, found.task) == ("default", "web", "app")
    assert found.allocation == rig.allocations["default/web"]
    assert 3000 < found.expires - time.time() <= 3600


def test_jobs_are_told_apart_by_their_whole_names(rig: Rig) -> None:
    assert rig.ask(rig.token("web")) == "default/web"
    assert rig.ask(rig.token("web-admin")) == "default/web-admin"
    assert rig.ask(rig.token("web", namespace="other")) == "other/web"


def test_a_dispatched_child_is_its_parent(rig: Rig) -> None:
    assert rig.ask(rig.token("child")) == "default/work"


def test_nomads_own_header_does_as_well(rig: Rig) -> None:
    found = rig.verifier.verify(None, nomad_token=rig.token("web"))

    assert str(found) == "default/web"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nomad_kick.jwt", "default/many"),
        ("nomad_hook.jwt", "audience"),
        ("nomad_both.jwt", "audience"),
        ("nomad_endless.jwt", "unlimited"),
        ("nomad_week.jwt", "lifetime"),
        (DEFAULT, "audience"),
    ],
)
def test_only_a_token_for_us_alone_and_for_a_while(rig: Rig, file: str, reason: str) -> None:
    assert rig.ask(rig.token("many", file)) == reason


def test_nomads_own_token_is_none_for_us_whatever_we_are_called(rig: Rig) -> None:
    # It is a right at Nomad's API, and never ends.
    assert rig.ask(rig.token("many", DEFAULT), rig.fresh("nomadproject.io")) == "unlimited"


def test_what_introduces_a_node_is_no_workload(rig: Rig) -> None:
    body = {"NodeName": "n1", "NodePool": "default", "TTL": "5m"}
    made = rig.shop.nomad("/v1/acl/identity/client-introduction-token", body, "POST")

    assert rig.ask(made["JWT"]) == "audience"
    assert rig.ask(made["JWT"], rig.fresh("nomadproject.io")) == "node-identity"


def test_a_token_means_nothing_once_its_allocation_is_over(rig: Rig) -> None:
    token = rig.token("leaving")
    assert rig.ask(token) == "default/leaving"
    rig.shop.nomad("/v1/job/leaving", method="DELETE")
    id_ = rig.allocations["default/leaving"]

    def over() -> bool:
        return bool(rig.shop.nomad(f"/v1/allocation/{id_}")["ClientStatus"] == "complete")

    rig.shop.until("the allocation is over", over)
    rig.seconds = 5.1

    assert rig.ask(token) == "dead-allocation"


def test_clocks_that_differ(rig: Rig) -> None:
    """Our clock beside Nomad's: half a minute more than a token's life does not matter."""
    token = rig.token("web")
    issued = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["iat"]
    for ahead, said in [
        (0, "default/web"), (30, "default/web"), (300, "default/web"), (3600, "default/web"),
        (3600 + 30, "expired"), (2 * 3600, "expired"),
        (-25, "default/web"), (-300, "not-yet"), (-3600, "not-yet"),
    ]:  # fmt: skip
        rig.seconds = issued + ahead - time.time()
        assert rig.ask(token, rig.fresh()) == said, ahead


def test_what_somebody_else_signs_with_nomads_public_key(rig: Rig) -> None:
    """All that a forger has of Nomad is public: its keys, and what its tokens look like."""
    real = rig.token("web")
    with rig.connect() as nomad:
        published = nomad.signing_keys()
    (key,) = [key for key in read_keys(published).values() if key.algorithm == "RS256"]
    pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    said = mint.claims(
        iat=int(time.time()), nbf=int(time.time()), exp=int(time.time()) + 600,
        nomad_allocation_id=rig.allocations["default/web"],
    )  # fmt: skip

    def forged(signer: Any, **header: Any) -> str:
        return rig.ask(mint.token(signer, header={"kid": key.id, **header}, said=said))

    assert forged(pem, alg="HS256") == "algorithm"
    assert forged(pem) == "signature"
    assert forged(der) == "signature"
    assert forged(None, alg="none") == "algorithm"
    assert forged(None) == "signature"
    assert forged(mint.rsa_key()) == "signature"
    assert forged(mint.rsa_key(), jwk=mint.jwk()) == "header"
    assert forged(mint.rsa_key(), kid=str(uuid.uuid4())) == "unknown-key"
    assert forged(mint.edwards_key(), alg="EdDSA") == "algorithm"
    head, claims, signature = real.split(".")
    assert rig.ask(f"{head}.{mint.encode(mint.as_json(said))}.{signature}") == "signature"
    assert rig.ask(f"{head}.{claims}.") == "signature"
    assert rig.ask(real) == "default/web"


def test_a_server_that_may_not_look_lets_nobody_in(rig: Rig) -> None:
    weak = rig.shop.nomad_token('namespace "default" { policy = "read" }')["SecretID"]

    def connect() -> Nomad:
        return Nomad(Endpoint("Nomad", rig.cluster.nomad_address, "test", token=Secret(weak)))

    verifier = Verifier(connect, "kick")
    assert rig.ask(rig.token("web"), verifier) == "default/web"
    assert rig.ask(rig.token("web", namespace="other"), verifier) == "dead-allocation"
    verifier.close()


# People.


def person(rig: Rig, secret: str) -> Person | str:
    """Who holds an ACL token, or the reason for which nobody does."""
    try:
        found = rig.verifier.verify(f"Bearer {secret}")
    except IdentityError as error:
        assert secret not in error.message + (error.hint or "")
        return error.reason
    assert isinstance(found, Person)
    return found


def acl_token(rig: Rig, **how: Any) -> Mapping[str, Any]:
    made = rig.shop.nomad("/v1/acl/token", {"Name": "ann", "Type": "client", **how}, "POST")
    assert isinstance(made, dict)
    return made


def test_a_manager_is_one(rig: Rig) -> None:
    found = person(rig, rig.cluster.state.nomad_token)

    assert isinstance(found, Person)
    assert found.management
    assert found.accessor


def test_a_person_has_the_policies_of_token_and_roles(rig: Rig) -> None:
    for name in ("deploy", "zones", "unrelated"):
        body = {"Name": name, "Rules": 'namespace "default" { policy = "read" }'}
        rig.shop.nomad(f"/v1/acl/policy/{name}", body, "POST")
    role = rig.shop.nomad("/v1/acl/role", {"Name": "dns", "Policies": [{"Name": "zones"}]}, "POST")
    plain_one = acl_token(rig, Policies=["deploy"])
    with_role = acl_token(rig, Policies=["deploy"], Roles=[{"ID": role["ID"]}])
    only_role = acl_token(rig, Roles=[{"Name": "dns"}])

    assert person(rig, plain_one["SecretID"]) == Person(
        plain_one["AccessorID"], "ann", frozenset({"deploy"})
    )
    assert person(rig, with_role["SecretID"]) == Person(
        with_role["AccessorID"], "ann", frozenset({"deploy", "zones"}), frozenset({"dns"})
    )
    assert person(rig, only_role["SecretID"]) == Person(
        only_role["AccessorID"], "ann", frozenset({"zones"}), frozenset({"dns"})
    )
    # A role may outlive its policies, and a token its roles.
    rig.shop.nomad("/v1/acl/policy/zones", method="DELETE")
    rig.seconds = 10.1
    assert person(rig, only_role["SecretID"]) == Person(
        only_role["AccessorID"], "ann", frozenset(), frozenset({"dns"})
    )
    rig.shop.nomad(f"/v1/acl/role/{role['ID']}", method="DELETE")
    rig.seconds = 20.2
    assert person(rig, only_role["SecretID"]) == Person(only_role["AccessorID"], "ann")


def test_a_revoked_token_is_nobodys_ten_seconds_later(rig: Rig) -> None:
    token = acl_token(rig, Policies=["kick"])
    assert isinstance(person(rig, token["SecretID"]), Person)
    rig.shop.nomad(f"/v1/acl/token/{token['AccessorID']}", method="DELETE")
    rig.seconds = 10.1

    assert person(rig, token["SecretID"]) == "unknown-token"


@pytest.mark.soak
def test_an_expired_token_is_nobodys(rig: Rig) -> None:
    """A minute is the shortest life that Nomad gives one."""
    token = acl_token(rig, Policies=["kick"], ExpirationTTL="1m")["SecretID"]
    assert isinstance(person(rig, token), Person)

    def expired() -> bool:
        with rig.connect() as nomad:
            return nomad.token_of(Secret(token)) is None

    rig.shop.until("the token has expired", expired, 90)
    rig.seconds = 10.1

    assert person(rig, token) == "unknown-token"
    # It is no failure of Nomad's: others are looked up at once.
    assert isinstance(person(rig, rig.cluster.state.nomad_token), Person)


def test_what_is_no_persons_token(rig: Rig) -> None:
    assert person(rig, str(uuid.uuid4())) == "unknown-token"
    assert person(rig, acl_token(rig, Policies=["kick"])["AccessorID"]) == "unknown-token"
    # A node's own secret is a right at Nomad, and no person's.
    (secret,) = rig.cluster.layout.data.rglob("secret-id")
    assert person(rig, secret.read_text()) == "unknown-token"


def test_without_acls_tasks_are_told_and_people_are_not(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    shop = Shop(cluster, tmp_path / "project")
    verifier = Verifier(cluster.nomad, "kick")
    with pytest.raises(IdentityError) as caught:
        verifier.verify(f"Bearer {uuid.uuid4()}")
    assert caught.value.reason == "acls-disabled"

    name = shop.name("told")
    with cluster.nomad() as nomad:
        shop.nomad("/v1/jobs", {"Job": nomad.parse(plain(name, task=KICK))})
    shop.until_running(name, 1)
    place = cluster.layout.alloc / shop.running(name)[0]["ID"] / "app" / "secrets"
    found = verifier.verify(f"Bearer {(place / 'nomad_kick.jwt').read_text()}")
    assert str(found) == f"default/{name}"
    verifier.close()
    shop.close()


# The way to Nomad.


def test_all_of_it_goes_over_the_tasks_socket(rig: Rig) -> None:
    assert rig.socket.startswith("unix:/")
    with rig.connect() as nomad:
        before = nomad.jobs_page()
        rig.run("later")
        after = nomad.jobs_page(index=before.index, wait=30.0)
        assert after.index > before.index
        assert "later" in {job["ID"] for job in after.value}
        # It waits as long as it is told to, and says so when nothing came.
        rig.settle("later")
        found = nomad.whereabouts(rig.allocations["default/later"])
        assert found is not None
        assert found["JobID"] == "later"
    bare = Nomad(Endpoint("Nomad", rig.socket, "kick.toml"))
    with bare as nomad, pytest.raises(DeniedError) as caught:
        nomad.signing_keys()
    assert caught.value.hint == "set NOMAD_TOKEN: it was asked without a token"


def test_a_deployed_job_gets_the_token_that_its_file_asks_for(rig: Rig) -> None:
    name = rig.shop.deployed(more='[identity.kick]\naudience = ["kick"]\n')
    rig.settle(name)

    assert rig.ask(rig.token(name)) == f"default/{name}"
    (task,) = rig.shop.job(name)["TaskGroups"][0]["Tasks"]
    assert [each["Name"] for each in task["Identities"]] == ["kick"]
    plan = rig.shop.toolkit("plan", name, "--json").report
    assert "identity-not-declared" not in {finding["rule"] for finding in plan["lint"]}
    assert plan["warnings"] == []


# Last: it takes the keys away with which the others' tokens are signed.


def test_nomad_turns_its_keys(rig: Rig) -> None:
    old = rig.token("web")
    verifier = Verifier(rig.cluster.nomad, "kick", now=rig.now, clock=rig.clock)
    assert rig.ask(old, verifier) == "default/web"
    before = {key["KeyID"] for key in rig.shop.nomad("/v1/operator/keyring/keys")}
    rig.shop.nomad("/v1/operator/keyring/rotate", {}, "PUT")
    rig.run("newcomer")
    rig.settle("newcomer")
    new = rig.token("newcomer")
    rig.seconds = 6

    assert rig.ask(new, verifier) == "default/newcomer"
    assert rig.ask(old, verifier) == "default/web"

    for id_ in before:
        rig.shop.nomad(f"/v1/operator/keyring/key/{id_}?force=true", method="DELETE")
    rig.seconds += 301
    assert rig.ask(old, verifier) == "unknown-key"
    assert rig.ask(new, verifier) == "default/newcomer"
    verifier.close()

    # A server whose own token went with the key is told nothing any more: it lets nobody in.
    for token in (old, new):
        with pytest.raises(ServerError, match="authenticating"):
            rig.ask(token)
