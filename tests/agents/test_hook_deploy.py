"""Deployments of a hook server on real agents with ACLs, with the tokens of those who push."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hook.who import Who

from tests.agents.cluster import local_cluster
from tests.agents.pushing import TWO_TASKS, Mortal, Pushed, Server, config_of
from tests.agents.shop import header
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

SICK = {'healthy_deadline = "50s"': 'healthy_deadline = "2s"'}


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    folder = tmp_path_factory.mktemp("pushed")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        # The cluster ends with these tests, and all that they made with it.
        yield Pushed(cluster, folder / "project")


@pytest.fixture(scope="module")
def server(shop: Pushed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), config_of(shop.cluster))
    server.children.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def alice(shop: Pushed) -> Who:
    return shop.somebody("alice")


@pytest.fixture(scope="module", autouse=True)
def killed(
    shop: Pushed, server: Server, alice: Who, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Deployment]]:
    """A deployment whose server was killed in mid-rollout, and the server that came after it.

    Made first: the lock of the job ends by itself while the others are tested.
    """
    data = tmp_path_factory.mktemp("killed")
    migrate, name = shop.names("migrate", "killed")
    gate = shop.gated(migrate)
    shop.stack(migrate, shop.service(name, f"{migrate}:done"))
    mortal = Mortal(data, config_of(shop.cluster), shop, alice)
    try:
        mortal.hear(f"submit {migrate}")
    finally:
        mortal.kill()
    after = Server(data, config_of(shop.cluster), children=server.children)
    (record,) = after.deployments.reconcile()
    gate.touch()
    yield after, record
    after.deployments.stop()


@pytest.fixture(scope="module", autouse=True)
def begun(shop: Pushed, server: Server, alice: Who, killed: object) -> dict[str, list[Deployment]]:
    """Pushes to two repositories, on their way while others are looked at.

    To `sick` a first release; to `both` two, by two people, the second while the first rolls.
    """
    sick, both = shop.names("sick", "both")
    shop.stack(shop.service(sick))
    found = {sick: [server.push(shop, "sick", alice)]}
    server.repo("both")
    server.registry.change("both", lambda repo: replace(repo, order="queue"))
    shop.stack(shop.service(both))
    first = server.push(shop, "both", alice)
    shop.service(both, release="1.1.0")
    found[both] = [first, server.push(shop, "both", shop.somebody("bob"))]
    return found


def texts(lines: list[LogLine]) -> str:
    return "\n".join(f"{line.number} {line.stage} {line.job} {line.text}" for line in lines)


def test_a_push_deploys_four_jobs_and_a_migration_before_them(
    shop: Pushed, server: Server, alice: Who
) -> None:
    db, migrate, backend, front, worker = shop.names("db", "migrate", "backend", "front", "worker")
    shop.service(db)
    shop.work(migrate)
    shop.service(backend, f"{migrate}:done")
    shop.service(front, template=TWO_TASKS)
    shop.service(worker)
    shop.stack(backend, migrate, db, front, worker)

    record, lines = server.end_of(server.push(shop, "shop", alice))

    assert (record.state, int(record.code), record.pusher) == ("deployed", 0, "alice"), texts(lines)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    last = lines[-1]
    assert last.text.startswith("deployed in ")
    assert last.text.endswith(" · toolkit repo log shop 1")
    assert last.document is not None
    assert {row["job"]: row["verdict"] for row in last.document["jobs"]} == {
        db: "deployed", migrate: "completed", backend: "deployed",
        front: "deployed", worker: "deployed",
    }  # fmt: skip
    finished = [a["ModifyIndex"] for a in shop.nomad(f"/v1/job/{migrate}/allocations")]
    assert max(finished) < shop.submitted(backend)
    assert {line.job for line in lines} >= {db, migrate, backend, front, worker}
    (tag,) = [each["VersionTag"] for each in shop.nomad(f"/v1/job/{front}/versions")["Versions"]]
    assert record.commit in tag["Description"]
    assert "alice, shop 1" in tag["Description"]
    assert alice.token.reveal() not in texts(lines)


def test_a_release_that_fails_its_check_is_reverted_while_the_old_one_serves(
    shop: Pushed, server: Server, alice: Who, begun: dict[str, list[Deployment]]
) -> None:
    name = next(name for name in begun if name.startswith("sick"))
    record, lines = server.end_of(*begun[name])
    assert record.state == "deployed", texts(lines)
    (old,) = shop.running(name)
    (place,) = shop.passing(name).values()

    shop.stack(shop.service(name, change=SICK, mode="sick", release="1.1.0"))
    with asking(f"http://{place}/") as answers:
        record, lines = server.end_of(server.push(shop, "sick", alice))

    assert (record.state, int(record.code)) == ("reverted", 8), texts(lines)
    assert set(answers) == {"1.0.0"}
    assert [each["ID"] for each in shop.running(name)] == [old["ID"]]
    assert shop.serves(name) == ["1.0.0"]
    # Why is on the pusher's screen.
    assert "database is gone" in texts(lines)
    assert lines[-1].text.startswith("reverted: ")


@contextlib.contextmanager
def asking(url: str) -> Iterator[list[str]]:
    """What an address answers, asked all the time."""
    answers: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.wait(0.05):
            try:
                answers.append(header(url))
            except OSError as exc:
                answers.append(str(exc))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        enough.set()
        thread.join()


def test_a_token_revoked_in_mid_deploy_is_no_failure_and_somebody_else_goes_on(
    shop: Pushed, server: Server
) -> None:
    migrate, name = shop.names("migrate", "revoked")
    gate = shop.gated(migrate)
    shop.stack(migrate, shop.service(name, f"{migrate}:done"))
    mallory, bob = shop.somebody("mallory"), shop.somebody("bob")

    record = server.push(shop, "revoked", mallory)
    said = []
    for line in server.deployments.follow(record.repo, record.id):
        said.append(line)
        if line.stage == "submit":
            shop.revoke(mallory)
            gate.touch()
    record = server.deployments.get(record.repo, record.id)
    assert record.state == "needs-token", texts(said)
    assert "revoked" in record.sentence
    assert said[-1].text.endswith("toolkit repo resume revoked 1 goes on")
    assert mallory.token.reveal() not in texts(said)
    assert shop.nomad(f"/v1/job/{name}") is None

    server.deployments.resume("revoked", 1, bob)
    record, lines = server.end_of(record)
    assert record.state == "deployed", texts(lines)
    assert (record.pusher, record.resumed_by) == ("mallory", "bob")
    assert shop.serves(name) == ["1.0.0"]


def test_two_pushers_at_once_are_both_deployed_one_after_the_other(
    shop: Pushed, server: Server, alice: Who, begun: dict[str, list[Deployment]]
) -> None:
    name = next(name for name in begun if name.startswith("both"))
    with ThreadPoolExecutor(2) as pool:
        (one, said), (two, _) = pool.map(server.end_of, begun[name])

    assert (one.id, one.state, two.id, two.state) == (1, "deployed", 2, "deployed"), texts(said)
    assert (one.pusher, two.pusher) == ("alice", "bob")
    assert shop.serves(name) == ["1.1.0"]
    # No line of one is in the log of the other.
    assert "1.1.0" not in texts(said)

    back = server.deployments.rollback("both", None, alice)
    back, lines = server.end_of(back)
    assert (back.id, back.kind, back.of, back.state) == (3, "rollback", 1, "deployed"), texts(lines)
    assert shop.serves(name) == ["1.0.0"]
    assert server.head(server.repo("both")) == two.commit
    assert "while main stays as it is" in lines[0].text


def test_a_killed_server_s_deployment_needs_a_token_and_goes_on_with_one(
    shop: Pushed, killed: tuple[Server, Deployment], alice: Who
) -> None:
    server, record = killed
    assert (record.id, record.state, record.pusher) == (1, "needs-token", "alice")
    assert record.sentence.startswith("the server ended in mid-rollout, after: migrate-")

    server.deployments.resume(record.repo, record.id, alice)
    record, lines = server.end_of(record)

    assert record.state == "deployed", texts(lines)
    migrate, name = (line.job for line in lines if line.stage == "submit")
    assert shop.serves(name) == ["1.0.0"]
    # The work that was under way was not done twice.
    assert shop.versions(migrate) == [0]
    # The log goes on where the killed server left it.
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
