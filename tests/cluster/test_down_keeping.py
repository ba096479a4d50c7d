"""Which volumes of an earlier stack the next one goes on with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.cluster import templates
from toolkit.cluster.keeping import data_volumes, kept_slots
from toolkit.cluster.network import slots
from toolkit.cluster.template import render_template
from toolkit.errors import RefusedError
from toolkit.spec.aws import VolumeView

CLUSTER = templates.cluster()


def volume(number: int, name: str = "", **more: object) -> VolumeView:
    """The data volume of a slot, as it was left."""
    slot = slots(CLUSTER)[number - 1]
    tags = {"toolkit:cluster": CLUSTER.name, "toolkit:slot": slot.name}
    made = VolumeView(
        name or f"vol-{number}", "available", slot.zone, 20, encrypted=True, tags=tags
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_two_volumes_of_one_slot_are_refused_with_their_names() -> None:
    with pytest.raises(RefusedError, match=r"server-2 .* 2 data volumes: vol-2, vol-9") as caught:
        kept_slots(CLUSTER, [volume(2), volume(2, "vol-9")], made=["vol-2"])
    assert "toolkit:slot" in str(caught.value.hint)


def test_a_volume_in_another_zone_than_its_server_is_refused() -> None:
    with pytest.raises(RefusedError, match="vol-1 of server-1 is in eu-west-1z"):
        kept_slots(CLUSTER, [volume(1, zone="eu-west-1z")], made=())


def test_volumes_of_others_and_without_a_slot_count_for_nobody() -> None:
    others = [
        volume(1, "vol-a", tags={"toolkit:cluster": "other", "toolkit:slot": "server-1"}),
        volume(1, "vol-b", tags={"toolkit:cluster": CLUSTER.name}),
        volume(1, "vol-c", tags={"toolkit:slot": "server-1"}),
        volume(1, "vol-d", state="deleting"),
    ]
    assert data_volumes(CLUSTER, others) == ()
    assert kept_slots(CLUSTER, [*others, volume(1)], made=()) == {"server-1": "vol-1"}


def test_what_the_stack_made_itself_is_not_kept_from_an_earlier_one() -> None:
    there = [volume(1), volume(2), volume(3)]
    assert kept_slots(CLUSTER, there, made=["vol-1", "vol-3", "subnet-1"]) == {"server-2": "vol-2"}
    assert kept_slots(CLUSTER, there, made=["vol-1", "vol-2", "vol-3"]) == {}
    assert kept_slots(CLUSTER, (), made=()) == {}


def test_the_template_makes_no_second_volume_of_a_kept_slot() -> None:
    whole = json.loads(render_template(CLUSTER).body)["Resources"]
    some = json.loads(render_template(CLUSTER, kept={"server-2": "vol-0kept"}).body)["Resources"]
    assert whole.keys() - some.keys() == {"Data2"}
    assert "Data2" in whole["Server2"]["DependsOn"]
    assert some["Server2"]["DependsOn"] == [
        each for each in whole["Server2"]["DependsOn"] if each != "Data2"
    ]
    attach = some["ServerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    said = json.dumps(attach)
    assert "volume/vol-0kept" in said, "a machine has to be let take it"
    assert "${Data2}" not in json.dumps(some), "nothing refers to what is not there"
    for name in ("Data2", "Server2", "ServerRole"):
        whole.pop(name, None), some.pop(name, None)
    assert some == whole
