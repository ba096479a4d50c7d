"""Another kind of action is a row more: the server's files know nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from kick.actions import Action, Ask
from kick.app import make_app
from kick.endpoints_statuses import may_use
from kick.table import TABLE

from tests.services.kick.rig import ALICE, NOBODY, SHOP, Rig, make_rig
from toolkit.errors import ForbiddenError
from toolkit.serving.actions import Answer, Around
from toolkit.spec.identity import Person

LAMPS: dict[str, str] = {}


def _people_only(ask: Ask) -> str:
    """Its own policy; what it grants is handed to the effect."""
    if not isinstance(ask.caller, Person):
        raise ForbiddenError("lamps are for people")
    return ask.path["lamp"]


def _switch(ask: Ask, lamp: str) -> Answer:
    if lamp == "broken":
        raise RuntimeError("a lamp fell down")
    LAMPS[lamp] = ask.body["state"]
    return Answer({"lamp": lamp, "state": ask.body["state"]})


LAMP = Action(
    name="lamps.switch",
    method="PUT",
    path="/lamp/{lamp}",
    summary="Switch a lamp",
    policy=_people_only,
    effect=_switch,
    audit=Around(
        before=lambda _, lamp: {"state": LAMPS.get(lamp)},
        after=lambda ask, _: {"state": ask.body["state"]},
    ),
    answers={200: {"type": "object", "properties": {"lamp": {"type": "string"}}}},
    body={
        "type": "object",
        "additionalProperties": False,
        "required": ["state"],
        "properties": {"state": {"enum": ["on", "off"]}},
    },
)


@pytest.fixture
def lit(portal: BlockingPortal, tmp_path: Path) -> Iterator[Rig]:
    LAMPS.clear()
    with make_rig(portal, tmp_path, actions=(*TABLE, LAMP)) as made:
        yield made


def switch(rig: Rig, who: dict[str, str], body: Any, lamp: str = "hall") -> httpx.Response:
    return rig.ask("PUT", f"/lamp/{lamp}", who, body)


def test_its_effect_is_in_the_audit_before_and_after(lit: Rig) -> None:
    LAMPS["hall"] = "off"
    assert switch(lit, ALICE, {"state": "on"}).json() == {"lamp": "hall", "state": "on"}
    intent, outcome = lit.entries()
    assert (intent["kind"], intent["action"]) == ("intent", "lamps.switch")
    assert (intent["before"], intent["after"]) == ({"state": "off"}, {"state": "on"})
    assert intent["actor"]["name"] == "alice"
    assert (outcome["intent"], outcome["result"]) == (intent["seq"], "done")


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ({}, {"state": "on"}, 401),
        (NOBODY, {"state": "on"}, 403),
        (SHOP, {"state": "on"}, 403),
        (ALICE, {"state": "dim"}, 422),
        (ALICE, {"state": "on", "colour": "red"}, 422),
        (ALICE, {}, 422),
    ],
)
def test_its_schema_and_policy_are_asked(
    lit: Rig, who: dict[str, str], body: Any, status: int
) -> None:
    assert switch(lit, who, body).status_code == status
    assert LAMPS == {}
    assert lit.entries() == []


def test_what_cannot_be_recorded_has_no_effect(lit: Rig) -> None:
    lit.kick.audit.close()
    answer = switch(lit, ALICE, {"state": "on"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/audit-unavailable")
    assert LAMPS == {}


def test_an_effect_that_fails_is_recorded_as_failed(lit: Rig) -> None:
    assert switch(lit, ALICE, {"state": "on"}, "broken").status_code == 500
    intent, outcome = lit.entries()
    assert (outcome["intent"], outcome["result"]) == (intent["seq"], "failed")


def test_it_is_in_the_document_and_in_the_metrics(lit: Rig) -> None:
    document = lit.ask("GET", "/openapi.json", {}).json()
    operation = document["paths"]["/lamp/{lamp}"]["put"]
    assert operation["operationId"] == "lamps.switch"
    assert operation["requestBody"]["content"]["application/json"]["schema"] == LAMP.body
    switch(lit, ALICE, {"state": "on"})
    metrics = lit.ask("GET", "/metrics", {}).text
    assert 'kick_requests_total{action="lamps.switch",status="200"} 1.0' in metrics


def test_it_is_refused_while_the_server_drains(lit: Rig) -> None:
    lit.kick.draining = True
    assert switch(lit, ALICE, {"state": "on"}).status_code == 503
    assert LAMPS == {}


def test_two_actions_for_one_method_and_path_are_a_mistake(lit: Rig) -> None:
    with pytest.raises(ValueError, match="two actions for PUT /lamp"):
        make_app(lit.kick, (LAMP, LAMP))


def test_every_action_of_the_table_has_a_policy_of_the_policy() -> None:
    """Nobody whom no rule is about gets anything, whatever is added to the table."""
    assert {action.name for action in TABLE if action.policy is may_use} == {
        "records.list",
        "statuses.list",
        "statuses.report",
    }, "these are for every caller of the policy: may one more be?"
