"""Which machines a cluster has to have, and what is said while Nomad has not all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.machines import cluster
from tests.cluster.test_reach_way import BASTION, made
from tests.cluster.test_reach_way import CLUSTER as FILE
from toolkit.clients.aws.cloud import Cloud
from toolkit.cluster.template import pool_group
from toolkit.errors import RefusedError
from toolkit.spec.aws import GroupView
from toolkit.spec.cluster import Pool
from toolkit.spec.equip import Equipment
from toolkit.workflows.cluster.apply.filling import check_way, missing_nodes, wanted_nodes
from toolkit.workflows.cluster.apply.work import Tools, Work
from toolkit.workflows.cluster.files import need_project, open_cluster

CLUSTER = replace(
    cluster(),
    control=Pool("control", "t3.small"),
    pools={
        "frontend": Pool("frontend", "t3.small", 2, 3),
        "heavy": Pool("heavy", "t3.large", 1, 9, node_class="work", node_pool="batch"),
        "spot": Pool("spot", "t3.large", 1, 9, node_class="work", node_pool="batch"),
    },
)
WANTED = {("control", "default"): 1, ("frontend", "default"): 2, ("work", "batch"): 5}


def group(pool: str, desired: int) -> GroupView:
    return GroupView(pool_group(CLUSTER, pool), desired, 0, 9, ())


def node(kind: str, pool: str = "default", status: str = "ready") -> dict[str, Any]:
    return {"NodeClass": kind, "NodePool": pool, "Status": status}


def test_as_many_are_wanted_as_the_groups_are_told() -> None:
    groups = [group("control", 1), group("frontend", 2), group("heavy", 4), group("spot", 1)]
    assert wanted_nodes(CLUSTER, groups) == WANTED


def test_a_group_that_nobody_saw_has_to_have_its_least() -> None:
    assert wanted_nodes(CLUSTER, []) == {**WANTED, ("work", "batch"): 2}


def test_a_server_is_no_worker() -> None:
    servers = [GroupView(f"{CLUSTER.name}-server-{n}", 1, 0, 1, ()) for n in (1, 2, 3)]
    assert ("server", "default") not in wanted_nodes(CLUSTER, servers)


ALL = [node("control"), *[node("frontend")] * 2, *[node("work", "batch")] * 5]


def test_all_of_them_ready_is_all() -> None:
    assert missing_nodes(WANTED, ALL) == ""
    assert missing_nodes(WANTED, [*ALL, node("frontend"), node("another")]) == ""


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (ALL[1:], "0 of 1 of class control"),
        ([*ALL[:2], node("frontend", status="down"), *ALL[3:]], "1 of 2 of class frontend"),
        ([*ALL[:3], *[node("work", "default")] * 5], "0 of 5 of class work"),
        ([*ALL[:2], node("frontend", status="initializing"), *ALL[3:]], "1 of 2 of class frontend"),
    ],
)
def test_what_is_missing_is_named(nodes: list[dict[str, Any]], said: str) -> None:
    assert said in missing_nodes(WANTED, nodes)


@pytest.mark.parametrize(("more", "missing"), [("", "aws and session"), (BASTION, "needs ssh on")])
def test_up_asks_for_programs_before_anything_is_made(
    tmp_path: Path, more: str, missing: str
) -> None:
    (tmp_path / "toolkit.toml").write_text("")
    made(tmp_path, FILE + more)
    work = Work(
        open_cluster(tmp_path, "prod"),
        need_project(tmp_path),
        Equipment(()),
        Cloud("eu-west-1"),
        Tools(environ={"PATH": str(tmp_path)}),
        0.0,
    )
    with pytest.raises(RefusedError, match=missing):
        check_way(work)
    (tmp_path / "toolkit.toml").write_text('[environments.prod]\nproxy = "socks5h://127.0.0.1:9"\n')
    check_way(replace(work, project=need_project(tmp_path)))
