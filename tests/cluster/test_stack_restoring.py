"""Groups that somebody took below what the file says, and how many machines they get again."""

from __future__ import annotations

from tests.cluster import templates
from toolkit.cluster.network import slots
from toolkit.cluster.template import group_name, pool_group
from toolkit.spec.aws import GroupView
from toolkit.workflows.cluster.apply.restoring import below

CLUSTER = templates.cluster()


def group(name: str, least: int, desired: int) -> GroupView:
    """A group without machines."""
    return GroupView(name, desired, least, 9, ())


def groups(desired: int, least: int = 0) -> list[GroupView]:
    """All of the cluster's, as they are told."""
    servers = [group(group_name(CLUSTER, slot), 0, desired) for slot in slots(CLUSTER)]
    pools = [pool_group(CLUSTER, pool.name) for pool in CLUSTER.all_pools]
    return servers + [group(name, least, desired) for name in pools]


def test_what_an_ended_down_took_away_comes_again() -> None:
    found = {name: (least, desired) for name, least, desired in below(CLUSTER, groups(0))}
    assert found == {
        "prod-server-1": (0, 1), "prod-server-2": (0, 1), "prod-server-3": (0, 1),
        "prod-pool-control": (1, 1), "prod-pool-frontend": (1, 1), "prod-pool-worker": (2, 2),
    }  # fmt: skip


def test_groups_with_more_than_they_need_are_left_alone_and_absent_ones_too() -> None:
    assert not list(below(CLUSTER, groups(5, 2)))
    assert not list(below(CLUSTER, ()))


def test_a_least_that_was_lowered_is_raised_and_machines_stay() -> None:
    own = [group("prod-pool-worker", 0, 4)]
    assert list(below(CLUSTER, own)) == [("prod-pool-worker", 2, 4)]
