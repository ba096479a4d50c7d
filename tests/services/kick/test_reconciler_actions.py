"""`POST /plan` and `POST /sync`: who may, what they answer, and when they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from kick.reconciler import Reconciler
from kick.reconciler_actions import REPORT_SCHEMA, document
from kick.reconciler_metrics import ReconcilerMetrics

from tests.dns.discovering import NAME, PRIVATE, declared, instance, job, owner, view
from tests.services.kick.reconciling import StandInCluster
from tests.services.kick.rig import ALICE, EVE, NOBODY, SHOP, Rig
from toolkit.dns.plan import NEVER
from toolkit.errors import UnreachableError
from toolkit.spec.discovery import Leftover, Turn, TurnReport

BOTH = pytest.mark.parametrize("path", ["/plan", "/sync"])
KICK = job("kick")


@pytest.fixture
def cluster(rig: Rig) -> StandInCluster:
    """A cluster that the rig's reconciler follows."""
    found = StandInCluster(view([KICK]))

    def follow(told: Callable[[], None]) -> StandInCluster:
        found.told = told
        return found

    rig.kick.reconciler = Reconciler(
        rig.kick.config, cluster=follow, writer=rig.kick.writer, audit=rig.kick.audit,
        clock=lambda: 0.0, now=rig.kick.now, log=rig.kick.log,
        metrics=ReconcilerMetrics(rig.kick.metrics.registry),
    )  # fmt: skip
    return found


def asked(rig: Rig, path: str) -> dict[str, Any]:
    answer = rig.ask("POST", path, ALICE, {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    Draft202012Validator(dict(REPORT_SCHEMA)).validate(found)
    return found


@BOTH
@pytest.mark.parametrize("who", [SHOP, NOBODY, EVE], ids=["its own job", "another job", "no rule"])
def test_a_turn_is_for_people_of_the_policy(
    rig: Rig, cluster: StandInCluster, path: str, who: dict[str, str]
) -> None:
    assert rig.ask("POST", path, who, {}).status_code == 403
    assert not cluster.seen.is_set()


@BOTH
def test_before_the_reconciler_has_begun(rig: Rig, path: str) -> None:
    answer = rig.ask("POST", path, ALICE, {})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


@BOTH
@pytest.mark.parametrize("body", [[], {"dry": True}, "yes"])
def test_a_turn_takes_no_orders(rig: Rig, cluster: StandInCluster, path: str, body: Any) -> None:
    assert rig.ask("POST", path, ALICE, body).status_code == 422
    assert not cluster.seen.is_set()


@BOTH
def test_of_a_cluster_that_cannot_be_read_nothing_is_said(
    rig: Rig, cluster: StandInCluster, path: str
) -> None:
    cluster.now_is = UnreachableError("Nomad's jobs: nothing answers", system="Nomad")
    answer = rig.ask("POST", path, ALICE, {})
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Nomad's jobs: nothing answers"


def test_a_plan_says_what_a_sync_then_does(rig: Rig, cluster: StandInCluster) -> None:
    other = declared("shop", "web.apps.internal", service="other")
    cluster.now_is = view([KICK, job("shop", declared(), other)], [instance(1)])
    planned, done, again = asked(rig, "/plan"), asked(rig, "/sync"), asked(rig, "/plan")
    (step,) = planned["steps"]
    assert (planned["done"], done["done"], planned["wanted"], planned["jobs"]) == (
        False,
        True,
        1,
        1,
    )
    assert step == {
        "action": "create", "hostname": NAME, "type": "A", "zone": "private",
        "zone_name": "apps.internal", "owner": "default/shop of cluster blue", "before": [],
        "after": ["10.0.0.1"], "ttl": 60, "why": "1 of 1 instances pass", "result": "",
        "detail": "",
    }  # fmt: skip
    assert done["steps"] == [{**step, "result": "done"}]
    assert (again["steps"], again["unchanged"], again["wanted"]) == ([], 1, 1)
    (held,) = planned["held"]
    assert (held["hostname"], held["reason"], held["refused"]) == (
        "web.apps.internal", "policy", True,
    )  # fmt: skip


def test_an_update_says_both_sides_and_a_leftover_when_it_goes(
    rig: Rig, cluster: StandInCluster
) -> None:
    cluster.now_is = view([KICK, job("shop", declared())], [instance(1)])
    asked(rig, "/sync")
    cluster.now_is = view([KICK, job("shop", declared(ttl=5))], [instance(2)])
    (step,) = asked(rig, "/sync")["steps"]
    assert (step["action"], step["before"], step["after"], step["ttl"]) == (
        "update", ["10.0.0.1"], ["10.0.0.2"], 5,
    )  # fmt: skip
    cluster.now_is = view([KICK])
    found = asked(rig, "/plan")
    assert found["steps"] == []
    assert [(each["hostname"], each["types"], each["seconds"]) for each in found["leaving"]] == [
        (NAME, ["A"], rig.kick.config.reconcile.grace)
    ]


def test_what_never_goes_has_no_time() -> None:
    left = Leftover(PRIVATE, NAME, ("A",), owner(), "its job is gone", None, NEVER)
    assert [
        each["seconds"] for each in document(TurnReport(Turn(leftovers=(left,))))["leaving"]
    ] == [None]
