"""Cases that need tokens, or a Nomad that does not answer as it should."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.gallery.case import Case
from tests.agents.gallery.cases_access import CASES
from tests.agents.gallery.play import Played, judge
from tests.agents.gallery.stage import Stage, staged
from tests.agents.guarded import Guarded
from tests.agents.shop import Said
from tests.faults.proxy import FaultProxy, Rule
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

READ = 'namespace "default" { policy = "read" }'
WRITE = 'namespace "default" { policy = "write" }'
NO_LOGS = """
namespace "default" {
  capabilities = ["list-jobs", "parse-job", "read-job", "submit-job"]
}
"""
SCHEDULER = "/v1/operator/scheduler/configuration"
TOO_MANY = "Your IP is issuing too many concurrent connections, please rate limit your calls\n"


def by_need(need: str) -> list[str]:
    return [case.name for case in CASES if case.needs == need]


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def expect(case: Case, request: pytest.FixtureRequest) -> None:
    if case.xfail:
        request.applymarker(pytest.mark.xfail(strict=True, reason=case.xfail))


# With tokens.


@pytest.fixture(scope="module")
def guarded(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("access")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        yield shop
        shop.close()


@contextmanager
def closed(shop: Guarded) -> Iterator[None]:
    """An operator lets nobody register anything."""
    before = shop.nomad(SCHEDULER)["SchedulerConfig"]
    shop.nomad(SCHEDULER, {**before, "RejectJobRegistration": True})
    try:
        yield
    finally:
        shop.nomad(SCHEDULER, {**before, "RejectJobRegistration": False})


RULES: dict[str, str] = {
    "access-reader": READ,
    "access-elsewhere": WRITE,
    "access-closed": WRITE,
    "access-logs": NO_LOGS,
    "access-identity": WRITE,
    "access-template": WRITE,
}
"""What the token of a case may do; of the others there is none, or Nomad does not know it."""


@pytest.mark.parametrize("name", by_need("acl"))
def test_case_with_tokens(name: str, guarded: Guarded, request: pytest.FixtureRequest) -> None:
    case = named(name)
    expect(case, request)
    token = {"access-nobody": "", "access-stranger": str(uuid.UUID(int=9))}.get(name)
    if token is None:
        token = str(guarded.nomad_token(RULES[name])["SecretID"])
    guarded.given = {"NOMAD_TOKEN": token, "CONSUL_HTTP_TOKEN": guarded.cluster.state.consul_token}
    stage = Stage(guarded, {})
    more = ("--namespace", "elsewhere") if name == "access-elsewhere" else ()
    with ExitStack() as stack:
        if name == "access-closed":
            stack.enter_context(closed(guarded))
        said = stage.deploy(case, case.job, *more)
    judge(Played(case, stage, said))
    if case.code == 1:
        assert said.error["hint"]
        assert guarded.nomad(f"/v1/job/{name}") is None
    if token:
        assert token not in said.out + said.err


# Through a proxy.


@pytest.fixture(scope="module")
def stage(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(cluster, tmp_path_factory.mktemp("gallery") / "access") as stage:
        yield stage


def through(stage: Stage, case: Case, *rules: Rule) -> Said:
    with FaultProxy(stage.shop.cluster.nomad_address) as proxy:
        proxy.add(*rules)
        return stage.deploy(case, case.job, "--nomad-addr", proxy.address, "--timeout", "5s")


def spoken_wrong(stage: Stage, case: Case) -> Said:
    address = stage.shop.cluster.nomad_address.replace("http:", "https:")
    return stage.deploy(case, case.job, "--nomad-addr", address)


def too_late(stage: Stage, case: Case) -> Said:
    """Somebody registers another version while our registration is on its way."""

    def register() -> None:
        stage.register(case.name, case.job.replace("sleep 3600", "sleep 3602"))

    return through(stage, case, Rule("pass", "POST", r"/v1/jobs(\?|$)", times=1, before=register))


def gone_after(stage: Stage, case: Case) -> Said:
    """Every leader is gone a moment after the registration was answered."""
    with FaultProxy(stage.shop.cluster.nomad_address) as proxy:
        lost = Rule(
            "status", path="/(allocations|deployments|evaluation)", text="No cluster leader"
        )
        also = Rule("status", method="GET", path=f"/v1/job/{case.name}", text="No cluster leader")
        proxy.add(Rule("pass", path="/plan"), Rule("pass", path="/submission"))
        there = ("--nomad-addr", proxy.address, "--timeout", "5s")
        path = stage.path(case, case.job)
        return stage.shop.deploy(path, *there, on={"submit ": lambda: proxy.add(lost, also)})


PLAYERS: dict[str, Callable[[Stage, Case], Said]] = {
    "access-tls": spoken_wrong,
    "access-no-leader": lambda stage, case: through(
        stage, case, Rule("status", text="No cluster leader")
    ),
    "access-too-many": lambda stage, case: through(
        stage, case, Rule("status", status=429, text=TOO_MANY)
    ),
    "access-lost": gone_after,
    "access-check-index": too_late,
}


@pytest.mark.parametrize("name", by_need("proxy"))
def test_case_behind_a_proxy(name: str, stage: Stage, request: pytest.FixtureRequest) -> None:
    case = named(name)
    expect(case, request)
    said = PLAYERS[name](stage, case)
    judge(Played(case, stage, said))
    if case.code == 1:
        assert said.error["hint"]
    else:
        # What was last known is said.
        assert "Nomad does not answer" in said.report["sentence"]
        assert "No cluster leader" in said.report["sentence"]
        assert said.report["next"].startswith("toolkit attach ")
