"""`toolkit dev logs`: both agents or one, what is there and what comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from toolkit.errors import AgentError
from toolkit.spec.dev import Machine
from toolkit.workflows import dev

pytestmark = pytest.mark.agents


def test_no_log_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="no log of nomad"):
        dev.logs(tmp_path, "nomad")


def test_both_logs_say_whose_line_it_is(cluster: LocalCluster) -> None:
    lines = list(dev.logs(cluster.root))
    assert {line.split("|")[0].strip() for line in lines} == {"consul", "nomad"}
    assert lines[0].startswith("consul | ")


def test_one_log_is_the_file(cluster: LocalCluster) -> None:
    text = cluster.log("nomad").splitlines()
    assert list(dev.logs(cluster.root, "nomad"))[: len(text)] == text


def test_following_ends_with_the_agent_and_misses_nothing(machine: Machine, tmp_path: Path) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        followed = dev.logs(tmp_path, "consul", follow=True)
        seen = [next(followed)]
        log = Path(cluster.process("consul").log)
        cluster.stop("consul")
        seen += followed
        assert seen == log.read_text(errors="replace").splitlines()
