"""The kick server as its users meet it: deployed, asked by people and by tasks, and broken."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from dnslib import DNSRecord

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.shop import Said, Shop
from tests.docs.pages import blocks, steps
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

NAME = "www.apps.example.com"
SHIPPED = Path(__file__).parents[2] / "jobs" / "kick"
EXAMPLES = {
    block.order.removeprefix("file: "): block.body
    for block in blocks("docs/kick.md")
    if block.order and block.order.startswith("file: ")
}
"""The files of the page's examples, by their paths in a project."""

FOLLOWED = """
[dns]
hostname = "hello.apps.example.com"
zone = "public"
ttl = "5s"
"""


@dataclass
class Journey:
    """A project with a kick server that runs, on a cluster that asks for tokens."""

    shop: Shop
    deployed: Said
    before: Said
    """What was said when no server ran yet."""

    def dns(self, *arguments: str, token: str | None = None) -> Said:
        """`toolkit dns …`, with the project's own token unless another one is given."""
        environ = self.shop.environ() | ({} if token is None else {"NOMAD_TOKEN": token})
        return self.shop.toolkit("dns", *arguments, environ=environ)

    def said(self, *arguments: str) -> dict[str, Any]:
        """The document of a command that must end with 0."""
        said = self.dns(*arguments, "--json")
        assert said.code == 0, said.out + said.err
        return said.report

    def resolve(self, name: str, kind: str = "A", *, private: bool = False) -> list[str]:
        """What the DNS server on loopback answers, over UDP."""
        ports = self.shop.cluster.state.ports
        port = ports.kick_dns_private if private else ports.kick_dns
        answer = DNSRecord.question(name, kind).send("127.0.0.1", port, timeout=10)
        return sorted(str(record.rdata) for record in DNSRecord.parse(answer).rr)

    def run_shop(self, script: str) -> Said:
        """A script inside a task of the batch job `shop`, followed to its end."""
        (self.shop.root / "jobs/shop/ask.sh").write_text(script)
        return self.shop.toolkit("run", "shop")


@pytest.fixture(scope="module")
def journey(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    root = tmp_path_factory.mktemp("journey")
    with local_cluster(root / "cluster", acl=True, machine=machine) as cluster:
        shop = Shop(cluster, root / "project")
        for path, text in EXAMPLES.items():
            (shop.root / path).parent.mkdir(parents=True, exist_ok=True)
            (shop.root / path).write_text(text.replace("8652", str(cluster.state.ports.kick_http)))
        before = shop.toolkit("dns", "list")
        yield Journey(shop, shop.deploy("kick"), before)


def error(said: Said) -> str:
    """What a refused command says, on one line."""
    assert said.code != 0, said.out
    assert "Traceback" not in said.err
    return " ".join(said.err.split())


# --- what is refused ---------------------------------------------------------------------------


def test_without_a_server_the_command_says_how_to_get_one(journey: Journey) -> None:
    assert journey.before.code == 1
    assert "no kick server runs in environment dev" in error(journey.before)
    assert "hint: toolkit deploy kick" in error(journey.before)


def test_a_token_that_nomad_does_not_know_is_told_apart(journey: Journey) -> None:
    said = error(journey.dns("set", NAME, "203.0.113.7", token=str(uuid.uuid4())))
    assert "NOMAD_TOKEN is not known there" in said


def test_a_person_without_a_rule_is_told_where_rules_are(journey: Journey) -> None:
    token = client_token(journey.shop.cluster)
    said = error(journey.dns("set", NAME, "203.0.113.7", token=token))
    assert "Kick at http://127.0.0.1:" in said
    assert "reader" in said
    assert "kick.toml" in said
    assert token not in said
    assert journey.resolve(NAME) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("set", "www.example.org", "203.0.113.7"), "lies in no zone of this server"),
        (("set", "apps.example.com", "203.0.113.7"), "no grant of its rule names it"),
        (("set", NAME, "169.254.169.254"), "link-local"),
        (("set", NAME, "8.8.8.8"), "8.8.8.8"),
        (("set", NAME, "2001:db8::1", "203.0.113.7"), "addresses of both kinds"),
        (("set", NAME, "300.1.1.1"), "is no address"),
        (("set", NAME), "no value"),
        (("set", "a..b", "203.0.113.7"), "two dots in a row"),
        (("set", f"_toolkit.{NAME}", "x", "--type", "TXT"), "owner records"),
        (("set", NAME, "x", "--type", "MX"), "type must be one of"),
        (("set", NAME, "203.0.113.7", "--zone", "secret"), "public"),
        (("set", NAME, "203.0.113.7", "--alias", "lb@Z1"), "an alias has no values"),
        (("delete", NAME), "has no record"),
        (("delete", NAME, "--type", "NS"), "there is no type"),
        (("list", "--zone", "secret"), "there is no zone"),
        (("iam",), "no zone of jobs/kick/kick.toml is in Route 53"),
    ],
)
def test_bad_input_is_one_clear_message(
    journey: Journey, arguments: tuple[str, ...], told: str
) -> None:
    said = journey.dns(*arguments)
    assert said.code == 1
    assert told in error(said)
    assert journey.resolve(NAME) == []


def test_beside_a_stranger_in_consul_the_jobs_own_instance_is_asked(journey: Journey) -> None:
    """Anybody who may register a service in Consul could call it kick."""
    with stranger(journey) as heard:
        said = journey.dns("list", "--json")
    assert said.code == 0
    assert heard == []


# --- what people do ----------------------------------------------------------------------------


def test_the_deploy_is_verified(journey: Journey) -> None:
    assert journey.deployed.code == 0, journey.deployed.out + journey.deployed.err
    assert journey.deployed.report["verdict"] == "deployed"


def test_a_record_is_set_changed_listed_and_deleted(journey: Journey) -> None:
    made = journey.said("set", NAME, "203.0.113.7")
    assert (made["verdict"], made["before"]) == ("set", None)
    assert made["after"]["owner"] == "people of cluster dev"
    assert made["next"].endswith(f" {NAME}")
    assert journey.resolve(NAME) == ["203.0.113.7"]
    assert journey.said("set", NAME.upper() + ".", "203.0.113.7")["verdict"] == "unchanged"
    changed = journey.dns("set", NAME, "203.0.113.8", "203.0.113.9", "--ttl", "5m")
    assert "203.0.113.7 (60 s) → 203.0.113.8, 203.0.113.9 (300 s)" in changed.out
    assert journey.resolve(NAME) == ["203.0.113.8", "203.0.113.9"]
    [listed] = journey.said("list", "--owner", "people", "--type", "a")["records"]
    assert (listed["name"], listed["ttl"], listed["zone"]) == (NAME, 300, "public")
    assert journey.said("list", "--zone", "private")["records"] == []
    gone = journey.said("delete", NAME)
    assert gone["before"]["values"] == ["203.0.113.8", "203.0.113.9"]
    assert journey.resolve(NAME) == []
    assert journey.resolve(f"_toolkit.{NAME}", "TXT") == []


def test_a_private_name_is_answered_to_the_private_side_alone(journey: Journey) -> None:
    journey.said("set", "db.apps.internal", "10.1.2.3")
    journey.said("set", "_db._tcp.apps.internal", "1 1 5432 db.apps.internal", "--type", "SRV")
    assert journey.resolve("db.apps.internal", private=True) == ["10.1.2.3"]
    assert journey.resolve("_db._tcp.apps.internal", "SRV", private=True) == [
        "1 1 5432 db.apps.internal."
    ]
    assert journey.resolve("db.apps.internal") == []


def test_the_page_shows_what_the_command_says(journey: Journey) -> None:
    shown = {
        step.command: step.shown
        for block in blocks("docs/kick.md")
        if block.kind == "console"
        for step in steps(block)
    }
    command = "toolkit dns set shop.apps.example.com 203.0.113.7"
    said = journey.dns(*command.split()[2:])
    assert journey.dns("delete", "shop.apps.example.com").code == 0
    port = str(journey.shop.cluster.state.ports.kick_dns)
    alike = [re.sub(r"in \d+\.\d s", "in 0.0 s", line) for line in said.out.splitlines()]
    assert [line.replace(port, "8653") for line in alike] == list(shown[command])


# --- what tasks do -----------------------------------------------------------------------------


def test_the_examples_of_the_page_work_inside_a_task(journey: Journey) -> None:
    python = EXAMPLES["jobs/shop/ask.py"].replace("'", "'\\''")
    said = journey.run_shop(EXAMPLES["jobs/shop/ask.sh"] + f"\npython3 -c '{python}'\n")
    assert said.code == 0, said.out + said.err
    assert journey.resolve("shop.apps.example.com") == ["203.0.113.7"]
    assert journey.resolve("api.shop.apps.example.com") == ["203.0.113.8"]
    owners = {each["owner"] for each in journey.said("list", "--owner", "shop")["records"]}
    assert owners == {"default/shop of cluster dev"}


def test_a_task_gets_neither_a_name_outside_its_rules_nor_anybody_elses(journey: Journey) -> None:
    journey.said("set", "mine.shop.apps.example.com", "203.0.113.20")
    ask = EXAMPLES["jobs/shop/ask.sh"].replace('"Idempotency-Key: $NOMAD_ALLOC_ID"', '"A: b"')
    outside = ask.replace("shop.apps", "other.apps")
    taken = ask.replace("shop.apps", "mine.shop.apps")
    nobody = ask.replace("nomad_kick.jwt", "nothing")
    python = EXAMPLES["jobs/shop/ask.py"].replace("api.shop.apps", "python.apps")
    told = f"python3 -c '{python}'"
    ended = journey.run_shop(
        "\n".join(f"({each}) || echo; echo" for each in (outside, taken, nobody, told))
    )
    said = ended.out + ended.err
    assert "no grant of its rule names it" in said
    assert 'names = [\\"python.apps.example.com\\"] would' in said
    assert "people of cluster dev" in said
    assert '"status":401' in said
    assert journey.resolve("mine.shop.apps.example.com") == ["203.0.113.20"]
    assert journey.resolve("other.apps.example.com") == []


def test_a_declared_name_follows_its_job(journey: Journey) -> None:
    shop = journey.shop
    name = shop.write("hello", more=FOLLOWED)
    said = shop.deploy(name)
    assert said.report["verdict"] == "deployed", said.out + said.err
    shop.until("the record is answered", lambda: journey.resolve("hello.apps.example.com") != [])
    assert journey.resolve("hello.apps.example.com") == ["127.0.0.1"]
    planned = journey.said("plan")
    assert (planned["steps"], planned["jobs"]) == ([], 1)
    assert journey.said("sync")["unchanged"] == 1


# --- what stays --------------------------------------------------------------------------------


def test_the_audit_names_everybody_and_holds(journey: Journey) -> None:
    journey.said("set", "audited.apps.example.com", "203.0.113.30")
    report = journey.said("audit", "--verify", "--name", "audited.apps.example.com")
    assert report["verified"] is True
    assert [each["kind"] for each in report["entries"]] == ["intent", "outcome"]
    assert journey.said("audit", "--since", "1h", "--last", "2")["count"] >= 2
    assert journey.said("audit", "--verify", "--head", report["head"][:16])["verified"]
    cut = journey.dns("audit", "--verify", "--head", "0123456789abcdef")
    assert cut.code == 6
    assert "no entry has the hash 0123456789abcdef" in error(cut)
    lines = journey.dns("audit", "--name", "audited.apps.example.com").out
    assert re.search(r"Bootstrap Token +dns.set +audited\S+ +nothing → A 203.0.113.30 +done", lines)


def test_no_token_reaches_what_is_kept_or_said(journey: Journey) -> None:
    cluster = journey.shop.cluster
    secrets = [cluster.state.nomad_token, cluster.state.traefik_token]
    kept = [path for path in (cluster.root / ".toolkit/kick").rglob("*") if path.is_file()]
    assert kept
    said = journey.shop.toolkit("logs", "kick").out
    for text in [*(path.read_text() for path in kept), said]:
        assert not [secret for secret in secrets if secret in text]


def test_what_was_set_outlives_the_server(journey: Journey) -> None:
    shop = journey.shop
    journey.said("set", "kept.apps.example.com", "203.0.113.40")
    assert shop.toolkit("stop", "kick", "--yes").code == 0
    stopped = error(journey.dns("set", NAME, "203.0.113.7"))
    assert "no kick server runs in environment dev" in stopped
    with stranger(journey) as heard:
        alone = error(journey.dns("set", NAME, "203.0.113.7"))
    assert "is no instance of job kick in namespace default; no token was sent there" in alone
    assert heard == []
    said = shop.deploy("kick")
    assert said.report["verdict"] == "deployed", said.out + said.err
    assert journey.resolve("kept.apps.example.com") == ["203.0.113.40"]
    assert journey.said("audit", "--verify")["verified"]


def test_a_changed_policy_is_deployed_and_holds(journey: Journey) -> None:
    """One instance follows the other at the same port and the same audit file."""
    shop = journey.shop
    wild = "*.wild.apps.example.com"
    assert journey.said("set", wild, "203.0.113.50")["verdict"] == "set"
    shipped = (SHIPPED / "kick.toml").read_text()
    folder = shop.root / "jobs" / "kick"
    folder.mkdir()
    (folder / "kick.toml").write_text(shipped.replace('grant = ["wildcard"]', ""))
    said = shop.deploy("kick")
    assert said.report["verdict"] == "deployed", said.out + said.err
    assert "wildcard" in error(journey.dns("set", wild, "203.0.113.51"))
    assert journey.resolve("any.wild.apps.example.com") == ["203.0.113.50"]
    (folder / "kick.toml").write_text(shipped.replace('types = ["A"', 'tpyes = ["A"', 1))
    wrong = error(shop.toolkit("deploy", "kick"))
    assert re.search(r"jobs/kick/kick\.toml:\d+: .*tpyes", wrong)


def test_without_access_control_every_write_is_refused(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    shop = Shop(cluster, tmp_path / "open")
    try:
        shop.made.append("kick")
        assert shop.deploy("kick").report["verdict"] == "deployed"
        told = error(shop.toolkit("dns", "set", NAME, "203.0.113.7"))
    finally:
        shop.close()
    assert "toolkit dev up --acl" in told


# --- helpers -----------------------------------------------------------------------------------


def client_token(cluster: LocalCluster) -> str:
    """A token of a person who may read jobs, and of whom kick.toml says nothing."""
    from nomad import Nomad as Library

    library = Library(
        host="127.0.0.1", port=cluster.state.ports.nomad_http, token=cluster.state.nomad_token
    )
    rules = 'namespace "*" { policy = "read" }'
    library.acl.create_policy("reader", {"Name": "reader", "Rules": rules})
    made = library.acl.create_token({"Name": "reader", "Type": "client", "Policies": ["reader"]})
    return str(made["SecretID"])


STRANGER = "A-service"
"""Its ID in Consul comes before those of Nomad's."""


@contextlib.contextmanager
def stranger(journey: Journey) -> Iterator[list[bytes]]:
    """A passing service `kick` in Consul that is not the job's, and what it is sent."""
    heard: list[bytes] = []
    endpoint = journey.shop.cluster.target().consul
    assert endpoint.token is not None
    headers = {"X-Consul-Token": endpoint.token.reveal()}
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        httpx.Client(base_url=endpoint.address, headers=headers, trust_env=False) as consul,
    ):

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        heard.append(connection.recv(4096))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        body = {"ID": STRANGER, "Name": "kick", "Address": "127.0.0.1", "Port": port}
        consul.put("/v1/agent/service/register", json=body).raise_for_status()
        try:
            yield heard
        finally:
            consul.put(f"/v1/agent/service/deregister/{STRANGER}").raise_for_status()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
