"""Machines that are namespaces, with agents that are not: what they are, and what they reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster.small import LIMIT, Small, begin, is_in, need_root
from toolkit.clients.socks import connect
from toolkit.cluster.rehearsal import cgroups, plan
from toolkit.cluster.rehearsal.machines import clear, power_off, start_machine
from toolkit.cluster.rehearsal.network import ip
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import begun, first_child, kill, marked, within

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    need_root()
    root = tmp_path_factory.mktemp("small").resolve()
    try:
        yield begin(root)
    finally:
        clear(Places(root, "prod"))


def test_a_machine_runs_the_boot_script_of_its_role(small: Small) -> None:
    config = json.loads(small.inside("frontend-1", "cat /etc/nomad.d/10-agent.json"))
    assert config["name"] == "frontend-1"
    assert config["client"]["node_class"] == "edge"
    assert "10.40.32.12 server-2.prod.internal" in small.inside("server-1", "cat /etc/hosts")
    assert small.inside("server-1", "hostname").strip() == "server-1"


def test_a_machine_reaches_others_by_name_and_nobody_beyond(small: Small) -> None:
    line = "curl -s -m 5 http://127.0.0.1:8500/v1/status/leader"
    assert ":8300" in small.inside("frontend-1", line)
    # The worker's own programs answer on loopback only: a listener of ours on the worker.
    assert small.inside("server-1", "ip -4 route get 10.40.0.32").startswith("10.40.0.32 dev eth0")
    assert "server-1" in small.inside("frontend-1", "getent hosts server-1.prod.internal")
    said = small.inside("server-1", "timeout 5 bash -c 'echo >/dev/tcp/192.0.2.1/80' && echo yes")
    assert "yes" not in said
    assert len(small.inside("server-1", "ip -o link").splitlines()) == 2


def test_a_task_sees_no_other_machine_and_no_secret_of_the_operator(small: Small) -> None:
    folder = small.places.folder
    assert (folder / "store" / "ca" / "key").exists()
    assert small.inside("frontend-1", f"ls -A {folder}") == ""
    assert small.inside("frontend-1", "ls /opt/store").split() == ["worker"]
    assert small.inside("server-1", "ls /opt/store").split() == ["server"]
    assert "Read-only" in small.inside("frontend-1", "echo x >/opt/store/worker/x")
    pids = small.inside("frontend-1", "ls -d /proc/[0-9]* | wc -l")
    assert int(pids) < 40


def test_a_machine_has_cgroups_of_its_own_and_sees_no_others(small: Small) -> None:
    own = small.inside("frontend-1", "cut -d: -f3 /proc/self/cgroup | sort -u")
    # The command came from outside: what the machine itself started is in the root of its own.
    started = small.inside("frontend-1", "cut -d: -f3 /proc/1/cgroup | sort -u").split()
    assert set(started) <= {"/", "/init"}, own
    for tree in cgroups.here():
        ours = tree.folder / small.places.group / "frontend-1"
        assert (ours / "cgroup.procs").read_text().split()
        name = f"made-{os.getpid()}"
        point = next(line.split()[4] for line in mounts() if line.split()[4] in str(tree.folder))
        small.inside("frontend-1", f"mkdir {point}/{name}")
        assert (ours / name).is_dir()
        (ours / name).rmdir()


def groups(small: Small, name: str) -> list[Path]:
    return [tree.folder / small.places.group / name for tree in cgroups.here()]


def test_a_start_that_nobody_recorded_does_not_make_two_of_a_machine(small: Small) -> None:
    forgotten = small.started["frontend-1"]
    worker = small.machines["frontend-1"]
    small.started["frontend-1"] = start_machine(small.places, small.cluster, worker, small.switch)
    assert not forgotten.lives
    is_in(small.places, "frontend-1")
    agent = small.inside("frontend-1", "ls /run/toolkit/consul.pid")
    assert "No such file" not in agent
    assert len(small.inside("server-1", "ip -o link").splitlines()) == 2


def mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted(
        (line for line in lines if " - cgroup" in line), key=lambda line: -len(line.split()[4])
    )


def test_agents_of_a_server_have_no_capability_and_those_of_workers_have(small: Small) -> None:
    def bounding(name: str, agent: str) -> int:
        line = f"grep CapBnd /proc/$(cat /run/toolkit/{agent}.pid)/status"
        return int(small.inside(name, line).split()[1], 16)

    assert bounding("server-1", "nomad") == 0
    assert bounding("server-1", "consul") == 0
    assert bounding("frontend-1", "nomad") != 0


def test_an_agent_that_is_killed_comes_again(small: Small) -> None:
    def agent() -> str:
        return small.inside("server-1", "cat /run/toolkit/consul.pid").strip()

    before = agent()
    small.inside("server-1", f"kill -9 {before}")
    end = time.monotonic() + LIMIT
    while agent() == before:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert small.inside("server-1", f"kill -0 {agent()} && echo lives").strip() == "lives"


def test_what_is_left_without_a_parent_is_reaped(small: Small) -> None:
    small.inside("frontend-1", "(sleep 0.01 & sleep 0.02 &) ; (true &)")
    end = time.monotonic() + LIMIT
    while "Z" in small.inside("frontend-1", "cat /proc/[0-9]*/stat | cut -d' ' -f3"):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_credential_of_the_caller_reaches_a_machine(small: Small) -> None:
    for process in marked(small.places.folder):
        said = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"NOMAD_TOKEN" not in said
        assert b"AWS_" not in said


def test_files_are_their_owners_alone(small: Small) -> None:
    assert small.places.folder.stat().st_mode & 0o777 == 0o700
    assert small.places.folder.parent.stat().st_mode & 0o777 == 0o700


def test_power_off_is_silence_and_power_on_is_the_same_machine_again(small: Small) -> None:
    worker = small.machines["frontend-1"]
    small.inside("frontend-1", "touch /opt/state/kept")
    power_off(small.places, worker, small.started["frontend-1"], small.switch)
    assert not small.started["frontend-1"].lives
    assert not any(each.exists() for each in groups(small, "frontend-1"))
    # Nobody is there to say no.
    line = f"timeout 1 bash -c 'echo >/dev/tcp/{worker.address}/8500'; echo $?"
    assert "refused" not in small.inside("server-1", line)
    small.started["frontend-1"] = start_machine(small.places, small.cluster, worker, small.switch)
    is_in(small.places, "frontend-1")
    assert small.inside("frontend-1", "ls /opt/state/kept").strip() == "/opt/state/kept"


LISTENER = """
import socket
with socket.create_server(("0.0.0.0", 9999)) as server:
    print("listens", flush=True)
    line, _ = server.accept()
    while data := line.recv(64):
        line.sendall(data)
"""


def test_a_connection_to_a_machine_that_is_off_ends(small: Small) -> None:
    worker = small.machines["frontend-1"]
    [init] = first_child(small.started["frontend-1"].pid)
    command = [*within(init.pid, "n"), sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        try:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "listens\n"
            relay = urlsplit(f"socks5h://127.0.0.1:{small.port}")
            with closing(connect(relay, (worker.address, 9999), LIMIT)) as line:
                line.sendall(b"there?")
                assert line.recv(64) == b"there?"
                power_off(small.places, worker, small.started["frontend-1"], small.switch)
                # Nobody says so: neither to who asks now, nor to who waits for an answer.
                line.sendall(b"still?")
                with suppress(ConnectionResetError):
                    assert line.recv(64) == b""
        finally:
            listener.kill()
    small.started["frontend-1"] = start_machine(small.places, small.cluster, worker, small.switch)
    is_in(small.places, "frontend-1")


def test_from_the_world_only_the_balancer_is_there(small: Small) -> None:
    with begun(
        small.places.folder, small.places.log("world"), ("--net",), ("sleep", "infinity")
    ) as world:
        ip(small.balancer.pid, f"link add name world type veth peer name eth0 netns {world.pid}",
           "address add 198.51.100.1/30 dev world", "link set world up")  # fmt: skip
        ip(world.pid, "address add 198.51.100.2/30 dev eth0", "link set eth0 up",
           "route add default via 198.51.100.1")  # fmt: skip
    try:

        def reach(address: str, port: int) -> bool:
            shell = f"timeout 2 bash -c 'echo >/dev/tcp/{address}/{port}'"
            done = subprocess.run(
                [*within(world.pid, "n"), "/bin/bash", "-c", shell], capture_output=True
            )
            return done.returncode == 0

        balancer = plan.balancer_address(small.cluster)
        assert reach("198.51.100.1", 80)
        assert reach(balancer, 80)
        for port in (4646, 8500, 8501, 8081, 8082):
            assert not reach(balancer, port)
        assert not reach(small.machines["server-1"].address, 8500)
        assert not reach(small.machines["frontend-1"].address, 8500)
    finally:
        kill((world,), within=LIMIT)
