"""Names that follow jobs on real agents: of what is read, whose it is, and what a rollout shows."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dnslib import DNSRecord
from kick.cluster_view import ClusterView
from kick.metrics import Metrics
from kick.nameserver import NameServer
from kick.reconciler import Reconciler
from kick.reconciler_metrics import ReconcilerMetrics
from kick.writer import Writer

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.faults.proxy import FaultProxy, Rule
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.config.kick import load_kick
from toolkit.dns.policy import permit
from toolkit.errors import ToolkitError
from toolkit.serving.audit import Audit
from toolkit.serving.log import Log
from toolkit.spec.dev import Machine
from toolkit.spec.discovery import View
from toolkit.spec.target import Endpoint, Secret

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

GRACE = 1.0
NOMAD_RULES = 'namespace "*" { capabilities = ["list-jobs", "read-job"] }'
CONSUL_RULES = 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }'
CONFIG = f"""
cluster = "blue"
[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "local"
[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"
[targets]
public = ["203.0.113.0/24"]
loopback = true
[edge.public]
addresses = ["203.0.113.7"]
[reconcile]
grace = {GRACE}
hold = "1s"
interval = "200ms"
settle = "200ms"
"""
RULE = """
[[policy.workload]]
namespace = "default"
job = "{job}"
[[policy.workload.grants]]
names = ["{job}.apps.example.com", "*.{job}.apps.internal"]
types = ["A", "SRV"]
zones = ["public", "private"]
most = 10
"""
INSTANCES = """
[dns]
hostname = "_http._tcp.NAME.apps.internal"
target = "instances"
type = "SRV"
ttl = "1s"
"""
EDGE = """
[dns]
hostname = "NAME.apps.example.com"
"""
FADES = {'MODE = "fine"': 'MODE = "fades"\nFLAG = "APP.NAME"'}


@dataclass
class Server:
    """The reconciling part of a kick server, with a DNS server, in this process."""

    shop: Guarded
    data: Path
    nomad: Endpoint
    consul: Endpoint
    jobs: list[str] = field(default_factory=list)
    said: io.StringIO = field(default_factory=io.StringIO)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def job(self) -> str:
        """The name of a new job that the policy knows; the server begins anew with it."""
        self.jobs.append(self.shop.name())
        self.again()
        return self.jobs[-1]

    def again(self) -> None:
        """End, and begin over the same data."""
        self.stack.close()
        rules = "".join(RULE.format(job=job) for job in self.jobs)
        self.config = config = load_kick(CONFIG + rules)
        files = ZoneFiles(self.data / "zones")
        self.stack.callback(files.close)
        free = ("127.0.0.1", 0)
        self.dns = NameServer(files, config.zones, public=free, private=free)
        self.dns.start()
        self.stack.callback(self.dns.close)
        audit = Audit.open(
            self.data / "audit", who="a test", now=time.time, clock=time.monotonic,
            sleep=time.sleep,
        )  # fmt: skip
        self.stack.callback(audit.close)
        self.writer = Writer(
            zones=config.zones,
            providers={"local": files},
            audit=audit,
            permit=lambda caller, zone, record, held: permit(
                config.policy, caller, zone, record, held=held
            ),
            clock=time.monotonic,
            now=time.time,
            sleep=time.sleep,
            random=lambda: 0.5,
        )
        self.writer.start()
        self.stack.callback(self.writer.close)
        log = Log(self.said)
        self.reconciler = Reconciler(
            config,
            cluster=lambda told: ClusterView(
                lambda: self.nomad, lambda: self.consul, told=told, bug=log.bug
            ),
            writer=self.writer,
            audit=audit,
            clock=time.monotonic,
            now=time.time,
            log=log,
            metrics=ReconcilerMetrics(Metrics().registry),
        )
        self.reconciler.start()
        self.stack.callback(self.reconciler.stop)

    def resolve(self, name: str, kind: str = "A", view: str = "private") -> list[str]:
        """What the DNS server answers, over UDP."""
        address = self.dns.address(view)  # type: ignore[arg-type]
        assert address is not None
        answer = DNSRecord.question(name, kind).send(*address, timeout=10)
        return sorted(str(record.rdata) for record in DNSRecord.parse(answer).rr)

    def places(self, job: str) -> list[str]:
        """`host:port` of each service record of a job, resolved to the end."""
        found = []
        for value in self.resolve(f"_http._tcp.{job}.apps.internal", "SRV"):
            _, _, port, target = value.split()
            found += [f"{host}:{port}" for host in self.resolve(target)]
        return sorted(found)

    def runs(self, job: str) -> list[str]:
        """`host:port` of each instance that passes, as Consul has it."""
        return sorted(self.shop.passing(job).values())

    def left(self, job: str) -> list[str]:
        """The names that are a job's."""
        zones = self.config.zones
        found = [standing for zone in zones for standing in self.writer.standings(zone)]
        return [each.name for each in found if each.owner and each.owner.job == job]

    def until_it_follows(self, job: str, number: int) -> None:
        """Until the record is exactly the instances that pass, so many."""

        def holds() -> bool:
            found = self.runs(job)
            return len(found) == number and self.places(job) == found

        self.shop.until(f"the name of {job} lists its {number} instances", holds)

    def view(self, **change: Any) -> View:
        """What a cluster view of its own sees, with other endpoints."""
        nomad, consul = change.get("nomad", self.nomad), change.get("consul", self.consul)
        news = threading.Event()
        seen = ClusterView(lambda: nomad, lambda: consul, told=news.set, bug=_raise)
        seen.start()
        try:
            while True:
                assert news.wait(30)
                news.clear()
                try:
                    return seen.view()
                except ToolkitError as error:
                    if "not been read yet" not in error.message:
                        raise
        finally:
            seen.close()


def _raise(exc: BaseException) -> None:
    raise exc


@pytest.fixture(scope="module")
def server(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("discovery")
    with local_cluster(root / "cluster", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, root / "project")
        nomad = str(shop.nomad_token(NOMAD_RULES)["SecretID"])
        consul = shop.consul_token(CONSUL_RULES)
        made = Server(
            shop,
            root / "kick",
            Endpoint("Nomad", cluster.nomad_address, "a test", token=Secret(nomad)),
            Endpoint("Consul", cluster.consul_address, "a test", token=Secret(consul)),
        )
        with made.stack:
            yield made


def allocations(server: Server, job: str) -> set[str]:
    return {each["ID"] for each in server.shop.running(job)}


def deploy(server: Server, job: str, *, more: str = "", **how: Any) -> None:
    server.shop.write(job, more=more, **how)
    said = server.shop.deploy(job)
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err


def register(server: Server, job: str, **how: Any) -> None:
    server.shop.write(job, **how)
    said = server.shop.deploy(job, "--detach")
    assert said.code == 0, said.out + said.err


# --- who is believed ---


@pytest.mark.parametrize(
    "rules",
    [
        "",
        'service_prefix "" { policy = "read" }',
        'node_prefix "" { policy = "read" }\nservice_prefix "shop" { policy = "read" }',
    ],
    ids=["nothing", "no nodes", "one service"],
)
def test_a_consul_token_that_sees_a_part_is_not_believed(server: Server, rules: str) -> None:
    token = Secret(server.shop.consul_token(rules)) if rules else None
    with pytest.raises(ToolkitError, match="Consul"):
        server.view(consul=Endpoint("Consul", server.consul.address, "a test", token=token))


@pytest.mark.parametrize("rules", ["", 'node { policy = "read" }'], ids=["anonymous", "no jobs"])
def test_a_nomad_token_that_sees_no_jobs_is_not_believed(server: Server, rules: str) -> None:
    token = Secret(str(server.shop.nomad_token(rules)["SecretID"])) if rules else None
    with pytest.raises(ToolkitError, match="Nomad"):
        server.view(nomad=Endpoint("Nomad", server.nomad.address, "a test", token=token))


def test_a_job_is_over_when_nomad_says_so_of_it(server: Server) -> None:
    job = server.job()
    register(server, job)
    hidden = server.shop.nomad_token('namespace "other" { capabilities = ["list-jobs"] }')
    blind = Endpoint("Nomad", server.nomad.address, "a test", token=Secret(str(hidden["SecretID"])))
    assert _ended(server.nomad, job) is None
    assert _ended(blind, job) is None
    assert _ended(server.nomad, "never-was") == 0.0
    assert _ended(blind, "never-was") is None
    server.shop.nomad(f"/v1/job/{job}", method="DELETE")
    stopped = _ended(server.nomad, job)
    assert stopped is not None
    assert stopped > time.time() - 300


def _ended(nomad: Endpoint, job: str) -> float | None:
    seen = ClusterView(lambda: nomad, lambda: nomad, told=lambda: None, bug=_raise)
    try:
        return seen.ended(("default", job))
    finally:
        seen.close()


# --- what is followed ---


def test_a_template_that_does_not_carry_it_is_told_of(server: Server) -> None:
    job = server.job()
    template = '[% extends "_lib/service.nomad.hcl.j2" %]\n[% set dns = none %]\n'
    server.shop.write(job, more=INSTANCES, template=template)
    plan = server.shop.toolkit("plan", job, "--json")
    assert [finding["rule"] for finding in plan.report["lint"]] == ["dns-not-declared"]


def test_a_name_follows_and_never_has_no_answer(server: Server) -> None:
    """Asked for in place, scaled and replaced, sick, pretended by strangers, restarted, stopped."""
    job = server.job()
    flag = Path(f"{server.shop.app}.{job}")
    deploy(server, job, change=FADES)
    _is_asked_for_in_place(server, job)
    answers: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            answers.append(len(server.resolve(f"_http._tcp.{job}.apps.internal", "SRV")))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        deploy(server, job, more=INSTANCES, change=FADES, count=2, release="1.1.0")
        server.until_it_follows(job, 2)
        _strangers_change_nothing(server, job)
        flag.write_text("")
        server.shop.until("Consul takes them out", lambda: server.runs(job) == [])
        flag.unlink()
        register(server, job, more=INSTANCES, change=FADES, count=1, release="1.1.0")
        server.until_it_follows(job, 1)
    finally:
        ended.set()
        watching.join(30)
    assert len(answers) > 10
    assert min(answers) >= 1
    server.again()
    server.until_it_follows(job, 1)
    server.shop.nomad(f"/v1/job/{job}", method="DELETE")
    server.shop.until(f"nothing of {job} is left", lambda: not server.left(job))
    assert server.resolve(f"_http._tcp.{job}.apps.internal", "SRV") == []


def _is_asked_for_in_place(server: Server, job: str) -> None:
    """No instance is replaced for a name, and the plan says so."""
    before = allocations(server, job)
    server.shop.write(job, more=INSTANCES, change=FADES)
    plan = server.shop.toolkit("plan", job, "--json")
    assert plan.code == 10, plan.out + plan.err
    (group,) = plan.report["groups"]
    assert (group["in_place"], group["replace"], group["canary"]) == (1, 0, 0)
    assert "toolkit_dns_hostname" in plan.out
    assert plan.report["lint"] == []
    said = server.shop.deploy(job)
    assert said.code == 0, said.out + said.err
    server.until_it_follows(job, 1)
    assert allocations(server, job) == before


def _strangers_change_nothing(server: Server, job: str) -> None:
    """Whoever may register services may write any meta, any ID and any address."""
    ident = min(server.shop.passing(job))
    before = server.places(job)
    meta = {"toolkit_dns_hostname": f"stolen.{job}.apps.internal", "toolkit_dns_zone": "private"}
    strangers = {"stranger": "passing", f"{ident}-copy": "critical"}
    for stranger, check in strangers.items():
        body = {
            "ID": stranger, "Name": job, "Port": 1, "Address": "10.6.6.6", "Meta": meta,
            "Check": {"TTL": "300s", "Status": check, "Name": stranger},
        }  # fmt: skip
        server.shop.consul("/v1/agent/service/register", body, "PUT")
    report = server.reconciler.sync()
    assert report.turn.steps == ()
    assert server.places(job) == before
    assert server.resolve(f"stolen.{job}.apps.internal") == []
    for stranger in strangers:
        server.shop.consul(f"/v1/agent/service/deregister/{stranger}", {}, "PUT")


def test_a_name_of_the_edge_is_there_while_its_job_is(server: Server) -> None:
    job = server.job()
    name = f"{job}.apps.example.com"
    register(server, job, more=EDGE, route=True)
    server.shop.until(
        "the name points to the edge",
        lambda: server.resolve(name, "A", "public") == ["203.0.113.7"],
    )
    # Purged while the server is away: nothing in Nomad tells of it any more.
    server.stack.close()
    server.shop.nomad(f"/v1/job/{job}?purge=true", method="DELETE")
    server.again()
    assert server.resolve(name, "A", "public") == ["203.0.113.7"]
    server.shop.until("the name is gone", lambda: server.resolve(name, "A", "public") == [])


def test_while_nomad_is_away_names_stay(server: Server) -> None:
    job = server.job()
    register(server, job, more=INSTANCES)
    server.until_it_follows(job, 1)
    before = server.resolve(f"_http._tcp.{job}.apps.internal", "SRV")
    assert before
    direct = server.nomad
    with FaultProxy(direct.address) as proxy:
        server.nomad = Endpoint("Nomad", proxy.address, "a test", token=direct.token)
        try:
            server.again()
            server.shop.until("it follows through the proxy", lambda: _is_clear(server))
            for _ in range(3):
                server.reconciler.sync()
            # However many turns: one call for each job that asks, and has changed.
            assert proxy.count("GET", r"/v1/job/") == 1
            proxy.add(Rule("drop"))
            server.shop.nomad(f"/v1/job/{job}?purge=true", method="DELETE")
            server.shop.until("it is blind", lambda: not _is_clear(server))
            over = time.time() + 1.5 * GRACE
            server.shop.until("the grace is over", lambda: time.time() > over)
            assert server.resolve(f"_http._tcp.{job}.apps.internal", "SRV") == before
            assert not _is_clear(server)
        finally:
            server.nomad = direct
    server.again()
    server.shop.until("the name is gone", lambda: server.places(job) == [])


def _is_clear(server: Server) -> bool:
    try:
        server.reconciler.preview()
    except ToolkitError:
        return False
    return True
