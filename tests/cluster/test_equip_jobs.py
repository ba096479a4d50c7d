"""What a cluster is equipped with, as the files say it: found, rendered and refused offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.cluster_files import PLAIN
from tests.golden.shipped import HOOK, KICK, clustered
from toolkit.cluster.config import agent_files
from toolkit.cluster.network import LETTERS, subnets
from toolkit.config.jobs import load_job
from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import ConfigError, ExitCode, Mistake, RenderError
from toolkit.spec.cluster_access import Access
from toolkit.spec.equip import Equipment, Equipped, EquipReport, LeftOut
from toolkit.spec.jobspec import JobSpec
from toolkit.views.cluster import equip as view
from toolkit.workflows.cluster.equip import equipment
from toolkit.workflows.cluster.files import open_cluster

PROJECT = """\
default_environment = "dev"
[environments.dev]
local = true
[environments.prod]
node_pool = "shared"
"""
RUNS = '[driver.docker]\nimage = "agent"\n[driver.raw_exec]\ncommand = "agent"\n'
LEFT_OUT = tuple(
    LeftOut(name, f"jobs/{name}/{name}.prod.toml does not exist") for name in ("hook", "kick")
)
EDGE_ALONE = Equipment(("traefik",), LEFT_OUT)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text(PROJECT)
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/prod.toml").write_text(PLAIN)
    return tmp_path


def add_job(root: Path, name: str, text: str, template: str = "") -> None:
    folder = root / "jobs" / name
    folder.mkdir(parents=True)
    (folder / "job.toml").write_text(text + RUNS)
    base = '[% extends "_lib/service.nomad.hcl.j2" %]\n'
    (folder / "job.nomad.hcl.j2").write_text(template or base)


def found(root: Path, **more: str) -> Equipment:
    return equipment(root, open_cluster(root, "prod").cluster, **more)  # type: ignore[arg-type]


def mistakes(root: Path) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as caught:
        found(root)
    return caught.value.mistakes


def settings(root: Path, name: str, access: Access | None = None) -> Settings:
    return load_settings(Flags(environment=name), {}, root, access=access)


def load(root: Path, job: str, environment: str) -> JobSpec:
    own = settings(root, environment)
    return load_job(own.project, job, own.target, Flags(), python="p")


# Which jobs.


def test_a_project_without_jobs_of_its_own_is_equipped_with_the_shipped_edge(root: Path) -> None:
    assert found(root) == EDGE_ALONE


@pytest.mark.parametrize(("name", "text"), [("kick", KICK), ("hook", HOOK)])
def test_a_server_comes_with_the_file_of_its_environment(
    root: Path, name: str, text: bytes
) -> None:
    (root / "jobs" / name).mkdir(parents=True)
    (root / "jobs" / name / f"{name}.prod.toml").write_bytes(text)
    without = tuple(each for each in LEFT_OUT if each.job != name)
    assert found(root) == Equipment(tuple(sorted((name, "traefik"))), without)
    missing = f"jobs/{name}/{name}.prod-rehearsal.toml does not exist"
    assert LeftOut(name, missing) in found(root, environment="prod-rehearsal").left_out


def test_own_jobs_say_so_and_environments_may_differ(root: Path) -> None:
    add_job(root, "agent", "system = true\n")
    add_job(root, "dear", "system = true\n[env.prod]\nsystem = false\n")
    add_job(root, "late", "[env.prod-rehearsal]\nsystem = true\n")
    add_job(root, "plain", "")
    assert found(root).jobs == ("agent", "traefik")
    # A rehearsal has what `[env.prod]` says, and its own above it.
    assert found(root, environment="prod-rehearsal").jobs == ("agent", "late", "traefik")


def test_a_project_may_have_no_equipment_at_all(root: Path) -> None:
    for name in ("traefik", "kick", "hook"):
        add_job(root, name, "")
    assert found(root) == Equipment(())


# What is wrong.


def test_mistakes_of_all_equipment_are_said_at_once_and_those_of_others_are_not(root: Path) -> None:
    add_job(root, "agent", "system = true\ncuont = 1\n")
    add_job(root, "other", "system = true\ncount = -1\n")
    add_job(root, "broken", "cuont = 1\n")
    assert {(each.where, each.key) for each in mistakes(root)} == {
        ("jobs/agent/job.toml", "cuont"), ("jobs/other/job.toml", "count"),
    }  # fmt: skip


def test_a_kick_file_with_mistakes_is_refused_before_anything_is_made(root: Path) -> None:
    (root / "jobs/kick").mkdir(parents=True)
    (root / "jobs/kick/kick.prod.toml").write_text("nonsense = 1\n")
    assert {each.where for each in mistakes(root)} == {"jobs/kick/kick.prod.toml"}


def test_equipment_does_not_wait_for_what_nobody_deploys(root: Path) -> None:
    add_job(root, "store", "")
    add_job(root, "agent", 'system = true\ndepends = ["store"]\n')
    [mistake] = mistakes(root)
    assert (mistake.where, mistake.key, mistake.line) == ("jobs/agent/job.toml", "depends", 2)
    assert mistake.message == 'agent is equipment, and "store", which it waits for, is not'
    add_job(root, "names", 'system = true\ndepends = ["kick"]\n')
    said = [each.message for each in mistakes(root)]
    left = "which is left out: jobs/kick/kick.prod.toml does not exist"
    assert said == [mistake.message, f'names waits for "kick", {left}']
    (root / "jobs/names/job.toml").write_text(RUNS)
    (root / "jobs/store/job.toml").write_text(f"system = true\n{RUNS}")
    assert found(root).jobs == ("agent", "store", "traefik")


def test_a_template_that_fails_is_refused(root: Path) -> None:
    add_job(root, "agent", "system = true\n", 'job "agent" { name = [[ nonsense ]] }\n')
    with pytest.raises(RenderError, match="nonsense"):
        found(root)


def test_a_file_that_is_no_toml_is_refused_because_it_may_be_equipment(root: Path) -> None:
    add_job(root, "agent", "system = \n")
    assert [each.where for each in mistakes(root)] == ["jobs/agent/job.toml"]


@pytest.mark.parametrize(
    ("text", "key"), [('system = "yes"', "system"), ("node_pool = 1", "node_pool")]
)
def test_values_of_another_type_are_mistakes(root: Path, text: str, key: str) -> None:
    add_job(root, "agent", f"system = true\n{text}\n" if key != "system" else f"{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(root, "agent", "prod")
    assert [each.key for each in caught.value.mistakes] == [key]


def test_variables_that_say_another_cluster_do_not_count(root: Path) -> None:
    elsewhere = {
        "NOMAD_ADDR": "https://other:4646",
        "CONSUL_HTTP_ADDR": "other",
        "KICK_ADDR": "x:1",
        "HOOK_ADDR": "x:1",
    }
    cluster = open_cluster(root, "prod").cluster
    assert equipment(root, cluster, environ=elsewhere) == EDGE_ALONE


# The node pool of a job.


def test_a_job_says_its_node_pool_over_the_environments(root: Path) -> None:
    add_job(root, "agent", 'node_pool = "own"\n[env.prod-rehearsal]\nnode_pool = "other"\n')
    add_job(root, "plain", "")
    pools = {
        (job, name): load(root, job, name).context["env"]["node_pool"]
        for job in ("agent", "plain")
        for name in ("prod", "prod-rehearsal", "dev")
    }
    assert pools == {
        ("agent", "prod"): "own", ("agent", "prod-rehearsal"): "other", ("agent", "dev"): "default",
        ("plain", "prod"): "shared", ("plain", "prod-rehearsal"): "shared",
        ("plain", "dev"): "default",
    }  # fmt: skip


def test_a_plain_job_file_says_its_node_pool_itself(root: Path) -> None:
    folder = root / "jobs/legacy"
    folder.mkdir(parents=True)
    (folder / "job.toml").write_text('system = true\nnode_pool = "own"\n')
    (folder / "job.nomad.hcl").write_text('job "legacy" {\n}\n')
    [mistake] = mistakes(root)
    assert (mistake.key, mistake.message[:13]) == ("node_pool", "has no effect")


# The edge of a cluster.


@pytest.mark.parametrize("network", ["10.0.0.0/16", "10.7.128.0/17", "172.20.4.0/22"])
def test_the_balancers_ranges_hold_all_public_subnets_and_no_machine(network: str) -> None:
    zones = tuple(f"eu-west-1{letter}" for letter in LETTERS)
    base = machines.cluster()
    wide = replace(base, network=type(base.network)(network), zones=zones)
    for each in subnets(wide):
        assert each.public.subnet_of(wide.public_part)
        assert not each.private.overlaps(wide.public_part)


EDGE = '[edge]\nkind = "KIND"\npool = "web"\ntraefik_port = 81\n[pools.web]\ntype = "t3.small"\n'


def edge_lines(kind: str, more: str = "") -> list[str]:
    text = PLAIN.replace('[pools.frontend]\ntype = "t3.small"\n', EDGE.replace("KIND", kind))
    hcl = clustered("traefik", text, more).hcl
    return [line.strip() for line in hcl.splitlines() if "trusted" in line or "pool" in line]


def test_the_edge_is_on_the_pool_behind_the_balancer_and_believes_the_balancer() -> None:
    assert edge_lines("alb") == [
        'node_pool   = "default"',
        "# Every machine of the pool behind the balancer, and no other.",
        'attribute = "${meta.pool}"',
        '"--entryPoints.public.forwardedHeaders.trustedIPs=10.42.192.0/18",',
    ]  # fmt: skip
    assert edge_lines("nlb")[-2:] == [
        '"--entryPoints.public.proxyProtocol.trustedIPs=10.42.192.0/18",',
        '"--entryPoints.traefik.proxyProtocol.trustedIPs=10.42.192.0/18",',
    ]


def test_who_else_is_in_front_of_the_edge_is_said_by_its_job_file() -> None:
    more = '[env.prod.variables]\ntrusted = ["203.0.113.0/24"]\n'
    [said] = [each for each in edge_lines("alb", more) if "trustedIPs" in each]
    assert said.endswith('trustedIPs=10.42.192.0/18,203.0.113.0/24",')
    # A CDN is a caller of the network balancer, and tells in a header who its own is.
    assert edge_lines("nlb", more)[-2:] == [
        '"--entryPoints.traefik.proxyProtocol.trustedIPs=10.42.192.0/18",',
        '"--entryPoints.public.forwardedHeaders.trustedIPs=203.0.113.0/24",',
    ]


def test_only_the_control_machine_has_a_place_for_the_kick_servers_data() -> None:
    cluster = machines.cluster()
    own = agent_files(cluster, machines.CONTROL)
    others = agent_files(cluster, machines.WORKER)
    assert set(own) - set(others) == {"/etc/nomad.d/25-control.json"}
    for name in (b"kick", b"hook"):
        assert b"/opt/state/" + name in own["/etc/nomad.d/25-control.json"]


# A way in that the caller has.

ACCESS = Access(
    nomad="https://server-1.prod.internal:4646",
    consul="https://server-1.prod.internal:8501",
    proxy="socks5h://127.0.0.1:1080",
    ca_file="/nowhere/ca.pem",
    nomad_token="canary-nomad",
    consul_token="canary-consul",
    traefik_user="toolkit",
    traefik_password="canary-traefik",
    edge={"public": "http://balancer.example.com", "private": "http://10.42.0.9:8081"},
)


def test_a_way_in_makes_the_environment_whole(root: Path, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    assert settings(root, "prod").target.nomad.address == ""
    target = settings(root, "prod", replace(ACCESS, ca_file=str(ca))).target
    for endpoint, token in ((target.nomad, "canary-nomad"), (target.consul, "canary-consul")):
        assert endpoint.token is not None
        assert (endpoint.token.reveal(), endpoint.proxy) == (token, ACCESS.proxy)
        assert (endpoint.ca_file, endpoint.origin) == (str(ca), "toolkit cluster")
    assert (target.nomad.address, target.consul.address) == (ACCESS.nomad, ACCESS.consul)
    assert target.traefik is not None
    assert target.traefik.token is not None
    assert target.traefik.token.reveal() == "canary-traefik"
    assert target.edge == ACCESS.edge
    assert not target.rehearsed
    assert "canary" not in repr(target)


def test_an_entrance_that_the_project_names_is_stronger_than_the_way_in(root: Path) -> None:
    with (root / "toolkit.toml").open("a") as file:
        file.write('edge.private = "http://10.42.9.9:8081"\n')
    (root / "ca.pem").write_text("")
    target = settings(root, "prod", replace(ACCESS, ca_file=str(root / "ca.pem"))).target
    assert target.edge == {
        "public": "http://balancer.example.com", "private": "http://10.42.9.9:8081",
    }  # fmt: skip


# What is reported.


def test_a_cluster_is_only_up_when_all_of_its_equipment_is() -> None:
    good = Equipped("kick", "deployed", "kick 0.1.0, 1 of 1 verified", ExitCode.OK, "0.1.0")
    bad = Equipped(
        "traefik", "failed", "traefik did not start", ExitCode.FAILED,
        next="toolkit explain --env prod traefik",
    )  # fmt: skip
    late = Equipped("agent", "not begun", "never began", ExitCode.OK)
    left = (LeftOut("dns", "jobs/dns/x does not exist"),)
    report = EquipReport("prod", "prod", (good, bad, late), left, "traefik does not run")
    assert (report.code, report.next) == (ExitCode.FAILED, bad.next)
    assert view.lines(report) == [
        "equip     kick deployed: 0.1.0, 1 of 1 verified",
        "equip     traefik failed: did not start",
        "equip     agent not begun: never began",
        "note      dns is left out: jobs/dns/x does not exist",
    ]
    document = view.document(report)
    assert (document["code"], document["jobs"][0]["release"]) == (3, "0.1.0")
    assert document["left_out"] == [{"job": "dns", "why": "jobs/dns/x does not exist"}]
    assert replace(report, jobs=(good,)).code is ExitCode.OK
