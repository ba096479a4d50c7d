"""Machines that are namespaces, with agents that are not: what they are made of, and what stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.sandbox import AGENT
from toolkit.cluster.rehearsal import cgroups, plan
from toolkit.cluster.rehearsal.check import TRIALS, Trial, attempt, check_host
from toolkit.cluster.rehearsal.machines import (
    clear,
    power_off,
    said_by,
    start_balancer,
    start_machine,
    start_operator,
    start_switch,
)
from toolkit.cluster.rehearsal.network import ip
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import Process, begun, first_child, kill, marked, within
from toolkit.cluster.rehearsal.programs import place_programs
from toolkit.cluster.rehearsal.state import exclusive, make_folder
from toolkit.cluster.secrets import make_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.cluster import Cluster, Machine

pytestmark = pytest.mark.root

LIMIT = 60.0


@pytest.fixture(autouse=True)
def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")


@dataclass
class Small:
    """A rehearsal of one server and one worker, whose agents are a small program."""

    places: Places
    cluster: Cluster
    switch: Process
    operator: Process
    port: int
    balancer: Process
    started: dict[str, Process]
    machines: dict[str, Machine]

    def inside(self, name: str, line: str) -> str:
        """What a shell line says on a machine."""
        [init] = first_child(self.started[name].pid)
        done = subprocess.run(
            [*within(init.pid), "/bin/bash", "-c", line],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        return done.stdout + done.stderr


def is_in(places: Places, name: str) -> None:
    end = time.monotonic() + LIMIT
    while not (said := said_by(places.machine(name))):
        assert time.monotonic() < end, (places.machine(name) / "init.log").read_text()
        time.sleep(0.02)
    assert said[-1].startswith("success"), said


def programs(folder: Path) -> dict[str, plan.Program]:
    import hashlib

    found = {}
    for name in ("nomad", "consul"):
        path = folder / name
        path.write_text(AGENT)
        path.chmod(0o755)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = plan.Program(str(path), {"nomad": "1.11.3", "consul": "1.22.7"}[name], digest)
    return found


def begin(root: Path) -> Small:
    own = Places(root, "prod")
    make_folder(own)
    agents = programs(root)
    cluster = plan.rehearsed(machines.cluster(), agents, machines.ARCH)  # type: ignore[arg-type]
    store = FolderStore(own.store)
    make_secrets(store, cluster, datetime.now(UTC))
    place_programs(own, agents)  # type: ignore[arg-type]
    server, worker = plan.server_machines(cluster)[0], plan.worker_machines(cluster, 1)[0]
    own.names.write_text(json.dumps(plan.names(cluster, (server, worker))))
    own.targets.write_text(json.dumps(plan.targets(cluster, (server, worker))))
    switch = start_switch(own, cluster)
    operator, port = start_operator(own, cluster, switch)
    balancer = start_balancer(own, cluster, switch)
    started = {each.name: start_machine(own, cluster, each, switch) for each in (server, worker)}
    for name in started:
        is_in(own, name)
    found = {each.name: each for each in (server, worker)}
    return Small(own, cluster, switch, operator, port, balancer, started, found)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")
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


# What stays of it on the host: nothing, whoever ended it and how.

SNAPSHOT = """
import json, os, subprocess, sys
from pathlib import Path
def say(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout
def snapshot():
    return {
        "links": say("ip", "-o", "-a", "link"), "addresses": say("ip", "-o", "addr"),
        "routes": say("ip", "route", "show", "table", "all"), "rules": say("ip", "rule"),
        "names": sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else None,
        "iptables": say("iptables-save"),
        "forward": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "listening": say("ss", "-Hltn"), "host": os.uname().nodename,
        "etc": sorted((each.name, each.stat().st_mtime_ns) for each in Path("/etc").iterdir()),
    }
"""

WHOLE = (
    SNAPSHOT
    + """
from tests.cluster.test_rehearsal_host import begin
from toolkit.cluster.rehearsal.machines import clear
root = Path(sys.argv[1])
say("ip", "link", "set", "lo", "up")
before = snapshot()
small = begin(root)
during = snapshot()
clear(small.places)
after = snapshot()
print(json.dumps([before, during, after]))
"""
)


def test_nothing_of_the_host_changes(tmp_path: Path) -> None:
    # In a network and mounts of its own, that stand for the host's: nobody else is in them.
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-c", WHOLE,
         str(tmp_path)],
        capture_output=True, text=True, timeout=120, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, during, after = json.loads(done.stdout)
    assert "lo" in before["links"]
    # Mounts of others go with their folders, wherever we look from.
    mounts = [set(each.pop("mounts").splitlines()) for each in (before, during, after)]
    assert mounts[1] <= mounts[0]
    assert mounts[2] <= mounts[0]
    assert after == before
    assert during.pop("listening") != before.pop("listening")
    assert during == before
    group = Places(tmp_path, "prod").group
    assert not any((tree.folder / group).exists() for tree in cgroups.here())
    assert list(tmp_path.glob(".toolkit/rehearsal/*")) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.cluster.test_rehearsal_host import begin
begin(Path(sys.argv[1]))
print("begun", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_one_left_is_found_and_cleared(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    try:
        assert done.returncode == -signal.SIGKILL, done.stderr
        # Nothing was recorded: the marks are enough.
        assert not places.state.exists()
        left = marked(places.folder)
        assert len(left) > 5
    finally:
        assert clear(places)
    assert marked(places.folder) == ()
    assert not any(each.lives for each in left)
    assert not places.folder.exists()
    assert not any((tree.folder / places.group).exists() for tree in cgroups.here())
    assert not clear(places)


def test_a_process_whose_maker_ends_before_it_is_furnished_ends(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with (
        pytest.raises(RuntimeError, match="in between"),
        begun(tmp_path, tmp_path / "log", ("--net",), ("touch", str(ran))) as process,
    ):
        raise RuntimeError("in between")
    end = time.monotonic() + LIMIT
    while process.lives:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.waitpid(process.pid, 0)
    assert not ran.exists()


def test_a_process_that_does_not_begin_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(AgentError, match="true does not begin: Try 'unshare"),
        begun(tmp_path, tmp_path / "log", ("--bogus",), ("true",)),
    ):
        pytest.fail("it has begun")


def test_a_group_that_cannot_be_joined_is_said(tmp_path: Path) -> None:
    missing = (tmp_path / "none" / "cgroup.procs",)
    with (
        pytest.raises(AgentError, match="No such file"),
        begun(tmp_path, tmp_path / "log", ("--net",), ("true",), groups=missing),
    ):
        pytest.fail("it has begun")


# What is looked at before anything is made.


def test_this_machine_can_rehearse(tmp_path: Path) -> None:
    check_host(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []


def test_without_root_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="needs root") as refused:
        check_host(tmp_path, user=1000)
    assert "sudo" in str(refused.value.hint)


def test_elsewhere_than_on_linux_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="needs Linux"):
        check_host(tmp_path, platform="darwin")


def test_every_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        check_host(tmp_path, path=str(tmp_path))
    assert "no program nsenter; " in refused.value.message
    assert "no program unshare" in refused.value.message


CHECK = """
import sys
from pathlib import Path
from toolkit.cluster.rehearsal.check import check_host
from toolkit.errors import RefusedError
try:
    check_host(Path(sys.argv[1]))
except RefusedError as error:
    print(error.message)
"""


def test_without_namespaces_it_is_refused_and_everything_that_lacks_is_said(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all", sys.executable,
         "-c", CHECK, str(tmp_path)],
        capture_output=True, text=True, timeout=LIMIT, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("this machine cannot rehearse a cluster: no namespaces (")
    assert "no bridges and veth (" in done.stdout
    assert "no overlay file systems in this folder (" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.what)
def test_every_trial_can_fail(trial: Trial, tmp_path: Path) -> None:
    broken = Trial(trial.what, trial.flags, f"{trial.shell} && echo the last word >&2 && exit 3")
    assert attempt(broken, tmp_path) == "the last word"


def test_two_at_once_are_refused_by_the_process_that_has_it(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    with (
        exclusive(places),
        pytest.raises(RefusedError, match=rf"at work .* \(process {os.getpid()}\)"),
        exclusive(places),
    ):
        pytest.fail("both have it")
    with exclusive(places):
        assert places.lock.exists()
