"""Requests for the edge's address after a restart: who the edge is cannot be told before a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from kick.reconciler import Reconciler
from kick.reconciler_metrics import ReconcilerMetrics

from tests.dns.discovering import instance, job
from tests.services.kick.reconciling import StandInCluster
from tests.services.kick.rig import CONFIG, SHOP, Rig, make_rig
from toolkit.config.kick import load_kick
from toolkit.errors import UnreachableError
from toolkit.spec.discovery import View
from toolkit.spec.policy import Edge
from toolkit.spec.target import Visibility

EDGE = "192.168.7.1"
"""In none of `[targets]`: only the edge may be there."""
OTHER = "192.168.7.2"
KICK = job("kick")
TRAEFIK = instance(1, "traefik", address=EDGE)
CHECKS = {f"_nomad-task-{TRAEFIK.allocation}-group-app-api-http": {"node-1": True}}


@pytest.fixture
def restarted(portal: BlockingPortal, tmp_path: Path) -> Iterator[Rig]:
    """A server whose private edge is a job, and that has not looked yet."""
    config = load_kick(CONFIG)
    edges: Mapping[Visibility, Edge] = {"private": Edge(service="traefik")}
    config = replace(config, policy=replace(config.policy, edges=edges))
    with make_rig(portal, tmp_path, config=config) as rig:
        yield rig


def follow(rig: Rig) -> StandInCluster:
    """Have the rig follow a cluster; no turn is taken."""
    cluster = StandInCluster(View({KICK.key: KICK}, (TRAEFIK,), CHECKS))

    def told(_: Callable[[], None]) -> StandInCluster:
        return cluster

    rig.kick.reconciler = Reconciler(
        rig.kick.config, cluster=told, writer=rig.kick.writer, audit=rig.kick.audit,
        clock=lambda: 0.0, now=rig.kick.now, log=rig.kick.log,
        metrics=ReconcilerMetrics(rig.kick.metrics.registry),
    )  # fmt: skip
    return cluster


def ask(rig: Rig, *values: str, name: str = "shop.apps.internal") -> tuple[int, str]:
    said = rig.ask("PUT", f"/record/{name}?zone=private", SHOP, {"values": values})
    assert said.status_code != 503 or said.headers["Retry-After"]
    return said.status_code, said.json().get("detail", "")


@pytest.mark.parametrize("began", [False, True], ids=["no reconciler yet", "no turn yet"])
def test_before_the_first_turn_it_is_not_refused_for_good(restarted: Rig, began: bool) -> None:
    if began:
        follow(restarted)
    status, detail = ask(restarted, EDGE)
    assert status == 503
    assert "traefik" in detail
    assert not restarted.entries()


def test_after_it_the_edge_is_granted_and_others_are_not(restarted: Rig) -> None:
    follow(restarted)
    assert restarted.kick.reconciler is not None
    restarted.kick.reconciler.sync()
    assert ask(restarted, EDGE)[0] == 201
    assert ask(restarted, OTHER)[0] == 403


def test_a_turn_that_was_blind_tells_nothing(restarted: Rig) -> None:
    cluster = follow(restarted)
    cluster.now_is = UnreachableError("Nomad does not answer", system="Nomad", address="x")
    assert restarted.kick.reconciler is not None
    with pytest.raises(UnreachableError):
        restarted.kick.reconciler.sync()
    assert ask(restarted, EDGE)[0] == 503


def test_what_can_be_told_without_the_edge_is_told_at_once(restarted: Rig) -> None:
    assert ask(restarted, "10.1.2.3")[0] == 201  # within [targets]
    assert ask(restarted, EDGE, "169.254.169.254")[0] == 403  # never, whoever the edge is
    assert ask(restarted, EDGE, name="web.apps.internal")[0] == 403  # not its name


def test_where_the_edge_is_no_job_nothing_is_waited_for(restarted: Rig) -> None:
    said = restarted.ask(
        "PUT", "/record/shop.apps.example.com?zone=public", SHOP, {"values": ["8.8.8.8"]}
    )
    assert said.status_code == 403
