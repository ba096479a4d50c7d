"""What checks say that do not pass, and whom it costs a call."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.rollout.ailing import MOST, filled, is_ailing, outputs
from toolkit.spec.observed import CheckView, ConsulInstance
from toolkit.spec.target import Endpoint

SAID = "HTTP GET http://127.0.0.1:8080/health: 500 Internal Server Error Output: database is gone"


def instance(name: str = "one", status: str = "critical", output: str = "") -> ConsulInstance:
    checks = (CheckView("alive", status, output, name), CheckView("serf", "passing", "", ""))
    return ConsulInstance("shop", name, None, "127.0.0.1", 8080, "node-1", checks=checks)


def test_a_check_without_output_says_what_was_heard_of_it() -> None:
    [found] = filled([instance()], {("one", "alive"): SAID, ("two", "alive"): "of another"})
    assert [check.output for check in found.checks] == [SAID, ""]


@pytest.mark.parametrize("known", [instance(output="catalog"), instance(status="passing")])
def test_what_the_catalog_knows_and_what_passes_stays_as_it_is(known: ConsulInstance) -> None:
    assert filled([known], {("one", "alive"): SAID}) == (known,)


def test_only_ailing_instances_are_asked_about() -> None:
    well, ill = instance("well", "passing"), instance("ill")
    assert (is_ailing([well]), is_ailing([well, ill])) == (False, True)
    body = {"check-1": {"Name": "alive", "Status": "critical", "Output": SAID}}
    with Scripted(Reply(json.dumps(body).encode())) as server, consul(server) as client:
        assert outputs(client, [well, ill]) == {("ill", "alive"): SAID}
        assert len(server.asked) == 1
        assert 'ServiceID == "ill"' in server.asked[0].query["filter"]


def test_a_look_asks_about_a_bounded_number() -> None:
    ailing = [instance(f"i{number}") for number in range(MOST + 5)]
    with Scripted(Reply(b"{}")) as server, consul(server) as client:
        assert outputs(client, ailing) == {}
        assert len(server.asked) == MOST


def test_an_agent_that_refuses_to_say_leaves_the_others_said() -> None:
    def script(asked: Asked) -> Reply:
        if "first" in asked.query["filter"]:
            return Reply(b"Permission denied", 403)
        return Reply(json.dumps({"c": {"Name": "alive", "Output": SAID}}).encode())

    ailing = [instance("first"), replace(instance(), id="second")]
    with Scripted(script) as server, consul(server) as client:
        assert outputs(client, ailing) == {("second", "alive"): SAID}


def consul(server: Scripted) -> Consul:
    return Consul(Endpoint("Consul", server.address, "test"))
