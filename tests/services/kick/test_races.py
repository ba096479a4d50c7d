"""What comes between the policy's word and the writer's deed: nobody was asked about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from kick.actions import Ask
from kick.table import TABLE

from tests.services.kick.rig import CONFIG, SHOP, Rig, make_rig, set_shop, zone_of
from toolkit.config.kick import load_kick
from toolkit.errors import ChangedError
from toolkit.spec.identity import Workload

NAME = "shop.apps.example.com"
PATH = f"/record/{NAME}"
TXT = {"hostname": NAME, "type": "TXT", "values": ["of the other task"]}
LESS = f"""
[[policy.workload]]
namespace = "default"
job = "shop"
task = "less"
[[policy.workload.grants]]
names = ["{NAME}"]
types = ["A"]
zones = ["public"]
"""
OTHERS = CONFIG.replace('job = "shop"\n', 'job = "shop"\ntask = "app"\n', 1) + LESS
REMOVE = next(action for action in TABLE if action.name == "record.remove")


@pytest.fixture
def rig(portal: BlockingPortal, tmp_path: Path) -> Iterator[Rig]:
    with make_rig(portal, tmp_path, config=load_kick(OTHERS)) as made:
        yield made


def removal(rig: Rig) -> Ask:
    """Of whatever is there, by a task that may have nothing there but addresses."""
    less = Workload("default", "shop", "less", "5b2c90aa-26d1-4c6b-9d0e-0123456789ab", 4e9)
    return Ask(server=rig.kick, caller=less, request="race", path={"hostname": NAME})


def test_a_record_of_another_type_that_came_meanwhile_stays(rig: Rig) -> None:
    set_shop(rig)
    ask = removal(rig)
    granted = REMOVE.policy(ask)
    assert rig.ask("DELETE", PATH, SHOP).status_code == 200
    assert rig.ask("POST", "/records", SHOP, TXT).status_code == 201
    with pytest.raises(ChangedError):
        REMOVE.effect(ask, granted)
    assert zone_of(rig)[0] == (NAME, "TXT", ("of the other task",))


def test_a_record_that_came_where_nothing_was_stays(rig: Rig) -> None:
    ask = removal(rig)
    granted = REMOVE.policy(ask)
    assert rig.ask("POST", "/records", SHOP, TXT).status_code == 201
    with pytest.raises(ChangedError):
        REMOVE.effect(ask, granted)
    assert zone_of(rig)[0] == (NAME, "TXT", ("of the other task",))


def test_what_was_there_and_granted_goes(rig: Rig) -> None:
    set_shop(rig)
    ask = removal(rig)
    granted = REMOVE.policy(ask)
    assert set_shop(rig, ip_address="203.0.113.9").status_code == 201
    assert REMOVE.effect(ask, granted).status == 200
    assert zone_of(rig) == []
