"""A cluster's equipment deployed to real agents that ask for tokens, and what is in its way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.cluster.cluster_files import PLAIN
from tests.cluster.memory_store import MemoryStore
from toolkit.cluster.secrets import make_secrets
from toolkit.errors import (
    ExitCode,
    InterruptedRolloutError,
    RefusedError,
    UnreachableError,
)
from toolkit.spec.cluster_access import Access
from toolkit.spec.dev import Machine
from toolkit.spec.equip import EquipReport
from toolkit.spec.events import Event
from toolkit.views.cluster import equip as view
from toolkit.workflows.cluster.equip import equip
from toolkit.workflows.cluster.files import open_cluster

pytestmark = pytest.mark.agents

ROLLOUT = """
[rollout]
min_healthy_time = "100ms"
restart_attempts = 0
healthy_deadline = "20s"
progress_deadline = "40s"
shutdown_delay = "0s"
kill_timeout = "1s"
"""
RUNS = 'command = "/bin/sleep"\nargs = ["600"]\n'
ENDS = 'command = "/bin/false"\n'


@dataclass
class Site:
    """A project whose cluster is the agents of a test."""

    root: Path
    agents: LocalCluster
    store: MemoryStore
    made: list[str]

    def job(self, name: str, text: str = "", runs: str = RUNS) -> None:
        """A job of the equipment; `text`: more of its first lines."""
        self.made.append(name)
        folder = self.root / "jobs" / name
        folder.mkdir(parents=True, exist_ok=True)
        driver = f"[driver.raw_exec]\n{runs}"
        (folder / "job.toml").write_text(f"system = true\n{text}\n{driver}{ROLLOUT}")
        (folder / "job.nomad.hcl.j2").write_text('[% extends "_lib/service.nomad.hcl.j2" %]\n')

    @property
    def access(self) -> Access:
        state = self.agents.state
        return Access(
            nomad=state.nomad_address,
            consul=state.consul_address,
            proxy="",
            ca_file="",
            nomad_token=state.nomad_token,
            consul_token=state.consul_token,
        )

    def equip(self, access: Access | None = None, **more: Any) -> EquipReport:
        cluster = open_cluster(self.root, "prod").cluster
        return equip(self.root, cluster, access or self.access, self.store, **more)

    def registered(self) -> set[str]:
        with self.agents.nomad() as nomad:
            return {str(each["ID"]) for each in nomad.jobs() if each["Status"] != "dead"}


def leaping(seconds: float) -> Callable[[], float]:
    """A clock on which each look takes so long."""
    return itertools.count(0.0, seconds).__next__


@pytest.fixture(scope="module")
def agents(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with local_cluster(tmp_path_factory.mktemp("acl"), acl=True, machine=machine) as running:
        yield running


@pytest.fixture
def site(agents: LocalCluster, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/prod.toml").write_text(PLAIN)
    (tmp_path / "toolkit.toml").write_text('[environments.prod]\ndriver = "raw_exec"\n')
    store = MemoryStore()
    own = Site(tmp_path, agents, store, [])
    make_secrets(store, open_cluster(tmp_path, "prod").cluster, datetime.now(UTC))
    own.job("traefik")
    (tmp_path / "jobs/traefik/job.toml").write_text(f"system = false\n[driver.raw_exec]\n{RUNS}")
    own.made.clear()
    try:
        yield own
    finally:
        with agents.nomad() as nomad:
            for name in own.made:
                nomad.stop(name, purge=True)


def test_jobs_are_deployed_in_their_order_and_done_again_they_are_as_they_were(site: Site) -> None:
    site.job("second", 'depends = ["first"]')
    site.job("first")
    told: list[Event] = []
    elsewhere = {
        "NOMAD_ADDR": "http://127.0.0.1:9", "NOMAD_TOKEN": "x", "CONSUL_HTTP_TOKEN": "x",
        "NOMAD_NAMESPACE": "other", "TOOLKIT_ENV": "dev",
    }  # fmt: skip
    # The cluster file protects the environment: whoever calls has asked already. Variables that say
    # another cluster, or another token, do not count.
    report = site.equip(on_event=told.append, environ=elsewhere)
    assert report.code is ExitCode.OK, report
    assert [(each.job, each.word) for each in report.jobs] == [
        ("first", "deployed"), ("second", "deployed"),
    ]  # fmt: skip
    assert report.sentence.startswith("equipped with first, second, in ")
    assert [each.job for each in report.left_out] == ["hook", "kick"]
    assert {"first", "second"} <= {each.job for each in told}
    again = site.equip()
    assert [each.word for each in again.jobs] == ["unchanged", "unchanged"]
    assert site.registered() >= {"first", "second"}


def test_what_the_shipped_jobs_read_is_there_before_they_are(site: Site) -> None:
    report = site.equip()
    assert (report.code, report.jobs) == (ExitCode.OK, ())
    assert view.lines(report)[-1] == "note      the project has no job with system = true"
    readers = site.store.values["ca/bootstrap/traefik"].reveal()
    with site.agents.nomad() as nomad:
        kept = (nomad.variable("nomad/jobs/traefik") or {})["Items"]
        assert kept["consul_token"] == readers
        assert kept["api_users"].startswith("toolkit:{SHA}")
        assert (nomad.variable("nomad/jobs/frontend") or {})["Items"] == {
            "consul_http_token": readers
        }
        assert (nomad.acl_policy("toolkit-kick") or {})["JobACL"]["JobID"] == "kick"
    assert site.store.values["ca/bootstrap/traefik-api"].reveal() not in str(kept)


def test_a_job_that_does_not_run_is_the_code_and_says_why_and_what_to_type(site: Site) -> None:
    site.job("broken", runs=ENDS)
    site.job("waiting", 'depends = ["broken"]')
    report = site.equip()
    assert report.code is ExitCode.FAILED, report
    assert [(each.job, each.word) for each in report.jobs] == [
        ("broken", "failed"), ("waiting", "not begun"),
    ]  # fmt: skip
    assert report.next is not None
    assert "--env prod" in report.next
    assert report.sentence.startswith("broken does not run as it should: ")
    lines = view.lines(report)
    assert any(line.startswith("  cause") and "exit" in line for line in lines), lines
    assert "waiting" not in site.registered()


def test_a_secret_that_nobody_set_is_said_before_any_job_begins(site: Site) -> None:
    site.job("ready")
    site.job("secretive", '[secrets]\nkeys = ["api_key"]')
    report = site.equip()
    by_name = {each.job: each for each in report.jobs}
    assert (report.code, by_name["secretive"].word) == (ExitCode.REFUSED, "refused")
    assert "api_key" in by_name["secretive"].sentence
    assert "toolkit secret set --env prod secretive api_key" in (report.next or "")
    assert not site.registered() & {"ready", "secretive"}


def test_machines_that_do_not_come_leave_a_job_without_a_place(site: Site) -> None:
    site.job("placeless", 'node_class = "nobody"')
    report = site.equip(come=0.1)
    assert report.code is ExitCode.UNPLACED, report


def test_an_api_that_is_lost_is_an_error_and_no_report(site: Site) -> None:
    site.job("ready")
    away = replace(site.access, nomad="http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="not within 30 s"):
        site.equip(away, clock=leaping(40.0))


def test_a_token_that_the_servers_do_not_know_is_refused(site: Site) -> None:
    site.job("ready")
    other = "11111111-0000-4000-8000-000000000000"
    with pytest.raises(RefusedError, match=r"traefik.*denied"):
        site.equip(replace(site.access, nomad_token=other), clock=leaping(4.0))


def test_a_store_that_was_emptied_is_refused_by_name(site: Site) -> None:
    site.store.remove("ca/bootstrap/traefik-api")
    with pytest.raises(RefusedError, match="ca/bootstrap/traefik-api"):
        site.equip()


def test_an_interrupt_says_how_it_goes_on(site: Site) -> None:
    site.job("ready")

    def interrupt(event: Event) -> None:
        if event.stage == "submit":
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRolloutError) as caught:
        site.equip(on_event=interrupt)
    assert caught.value.hint == "toolkit cluster up prod goes on with what is left"
    assert site.equip().code is ExitCode.OK
