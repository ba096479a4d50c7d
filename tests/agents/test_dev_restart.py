"""Agents that keep data: one can go and come back while the other and the tasks go on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from toolkit.agents import processes
from toolkit.workflows import dev

pytestmark = pytest.mark.agents

STEADY: dict[str, Any] = {
    "ID": "steady",
    "Name": "steady",
    "Type": "service",
    "Datacenters": ["*"],
    "TaskGroups": [
        {
            "Name": "web",
            "Count": 1,
            "Services": [{"Name": "steady", "Provider": "consul"}],
            "Tasks": [
                {
                    "Name": "app",
                    "Driver": "raw_exec",
                    "Config": {"command": "/bin/sleep", "args": ["3600"]},
                    "Resources": {"CPU": 10, "MemoryMB": 16},
                }
            ],
        }
    ],
}


def tasks(cluster: LocalCluster) -> set[int]:
    return {
        each.pid
        for each in cluster.everything_running()
        if processes.command_name(each.pid) == "sleep"
    }


def test_each_agent_comes_back_to_what_it_knew(data_cluster: LocalCluster) -> None:
    cluster = data_cluster
    with cluster.nomad() as nomad, cluster.consul() as consul:
        nomad.register(STEADY, check_index=0)
        cluster.until("Consul lists it", lambda: "steady" in consul.services())
        cluster.until("its task runs", lambda: bool(tasks(cluster)))
        task = tasks(cluster)

        cluster.kill("nomad")
        assert dev.status(cluster.root).word == "died"
        assert tasks(cluster) == task
        cluster.start("nomad")
        assert [job["ID"] for job in nomad.jobs()] == ["steady"]
        assert tasks(cluster) == task

        cluster.restart("consul")
        cluster.until("Consul lists it again", lambda: "steady" in consul.services())
        assert tasks(cluster) == task
        assert dev.status(cluster.root).word == "running"
