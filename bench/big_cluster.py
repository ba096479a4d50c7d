"""A cluster of a thousand jobs on an agent of its own: what it takes to look at all, and at one.

The mock driver makes instances that run nothing; Nomad's answers are real.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import samples
from bench.row import Row
from tests.agents.cluster import LocalCluster, local_cluster

JOBS, EACH = 1_000, 2
CONNECTIONS = 4
FILLED_WITHIN = 600.0
"""Seconds for all instances to run; about a minute and a half on two cores."""
RUNS = 5


def big_cluster() -> list[Row]:
    """`status` of everything and `explain` of one job; calls depend on the job, not on the rest."""
    with tempfile.TemporaryDirectory() as folder, local_cluster(Path(folder) / "big") as cluster:
        make_room(cluster)
        (cluster.root / "toolkit.toml").write_text(
            'default_environment = "dev"\n[environments.dev]\nlocal = true\n'
        )
        register(cluster, [job("well"), job("sick", exit_code=1)])
        cluster.until("two run", lambda: number_in(cluster, "running") >= EACH)
        cluster.until("two failed", lambda: number_in(cluster, "failed") >= EACH)
        alone = {name: _calls(cluster, "explain", name) for name in ("well", "sick")}
        began = time.monotonic()
        register(cluster, [job(f"many-{number:04}") for number in range(JOBS - 2)])
        wanted = (JOBS - 1) * EACH
        cluster.until("all run", lambda: number_in(cluster, "running") >= wanted, FILLED_WITHIN)
        cluster.until("the rollouts are over", lambda: not _rolling(cluster), FILLED_WITHIN)
        print(f"   {JOBS} jobs, {JOBS * EACH} allocations in {time.monotonic() - began:.0f} s")
        return [*_status(cluster), *_explain(cluster, alone)]


def _status(cluster: LocalCluster) -> list[Row]:
    bare, text, as_json = samples.interleaved(
        RUNS,
        samples.bare(),
        samples.toolkit("status"),
        samples.toolkit("status", "--json"),
        folder=cluster.root,
    )
    report = _report(cluster, "status")
    assert len(report["jobs"]) == JOBS, len(report["jobs"])
    calls = report["calls"]
    return [
        Row(
            f"status of {JOBS} jobs",
            "≤ 2 s",
            f"{text}; as JSON {as_json}; python -c pass {bare}",
            max(text.median, as_json.median) <= 2,
        ),
        Row(f"status of {JOBS} jobs, calls", "≤ 10", str(calls), calls <= 10),
    ]


def _explain(cluster: LocalCluster, alone: dict[str, int]) -> list[Row]:
    rows = []
    for name, before in alone.items():
        [taken] = samples.interleaved(RUNS, samples.toolkit("explain", name), folder=cluster.root)
        calls = _calls(cluster, "explain", name)
        rows += [
            Row(f"explain {name} among {JOBS} jobs", "≤ 1 s", str(taken), taken.median <= 1),
            Row(
                f"explain {name}, calls here / alone on a cluster",
                "the same",
                f"{calls} / {before}",
                calls <= before,
            ),
        ]
    return rows


def _calls(cluster: LocalCluster, *arguments: str) -> int:
    return int(_report(cluster, *arguments)["calls"])


def _report(cluster: LocalCluster, *arguments: str) -> dict[str, Any]:
    ran = samples.run(samples.toolkit(*arguments, "--json"), folder=cluster.root)
    found = json.loads(ran.output)
    assert isinstance(found, dict) and "error" not in found, ran.output
    return found


def make_room(cluster: LocalCluster) -> None:
    """Have Nomad believe in more memory than the machine may have: nothing uses it."""
    cluster.stop("nomad")
    path = cluster.layout.config("nomad")
    config = json.loads(path.read_text())
    config["client"] |= {"memory_total_mb": 64_000, "cpu_total_compute": 64_000}
    path.write_text(json.dumps(config))
    cluster.start("nomad")


def job(name: str, *, exit_code: int = 0) -> dict[str, Any]:
    """Two instances without processes; with an exit code they end with it at once."""
    runs = {"run_for": "1ms", "exit_code": exit_code} if exit_code else {"run_for": "6h"}
    task = {
        "Name": "app",
        "Driver": "mock_driver",
        "Config": runs,
        "Resources": {"CPU": 1, "MemoryMB": 10},
        # No process that collects output, for each task.
        "LogConfig": {"Disabled": True, "MaxFiles": 1, "MaxFileSizeMB": 1},
    }
    group = {
        "Name": "web",
        "Count": EACH,
        "EphemeralDisk": {"SizeMB": 10},
        "RestartPolicy": {"Attempts": 0, "Mode": "fail"},
        "ReschedulePolicy": {"Attempts": 0, "Unlimited": False},
        "Update": {"MaxParallel": EACH, "MinHealthyTime": 0, "HealthCheck": "task_states"},
        "Tasks": [task],
    }
    return {
        "ID": name, "Name": name, "Type": "service", "Datacenters": ["*"],
        "Meta": {"release": "1.0.0"}, "TaskGroups": [group],
    }  # fmt: skip


def register(cluster: LocalCluster, jobs: list[dict[str, Any]]) -> None:
    host = urlsplit(cluster.nomad_address).netloc

    def some(first: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=30)
        for body in jobs[first::CONNECTIONS]:
            connection.request("PUT", "/v1/jobs", json.dumps({"Job": body}))
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(some, range(CONNECTIONS)))


def number_in(cluster: LocalCluster, state: str) -> int:
    """Allocations in a client state, from the summaries: a list of all would slow the filling."""
    stubs = _ask(cluster, "/v1/jobs")
    groups = (group for stub in stubs for group in stub["JobSummary"]["Summary"].values())
    return sum(int(group[state.capitalize()]) for group in groups)


def _rolling(cluster: LocalCluster) -> bool:
    """True while Nomad still has rollouts to look after, which takes its time."""
    return any(each["Status"] == "running" for each in _ask(cluster, "/v1/deployments"))


def _ask(cluster: LocalCluster, path: str) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(cluster.nomad_address).netloc, timeout=30)
    connection.request("GET", path)
    found = json.loads(connection.getresponse().read())
    connection.close()
    assert isinstance(found, list)
    return found
