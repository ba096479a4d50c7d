"""`toolkit cluster rehearse` where it goes wrong: mute agents, interrupts, bad input."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.machines import SERVER
from tests.cluster.rehearsing import CLUSTER, Project, make_project
from toolkit.cluster import pki
from toolkit.cluster.rehearsal import cgroups
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import Process, marked, start_time
from toolkit.cluster.rehearsal.state import State, exclusive, read_state, write_state
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.cluster_access import Access
from toolkit.workflows.cluster.rehearse import down, status
from toolkit.workflows.cluster.rehearse.waiting import await_machines
from toolkit.workflows.cluster.servers import Deadline

LIMIT = 60.0
ENVIRONMENT = "prod-rehearsal"
HERE = Process(os.getpid(), start_time(os.getpid()) or 0)
GONE = Process(os.getpid(), -1)

MUTE = """#!/bin/bash
if [ "$1" = version ]; then
  echo "@SAID@"
  exit
fi
exec sleep infinity
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Agents say their version and nothing else."""
    programs = {}
    versions = {"nomad": "Nomad v1.11.3", "consul": "Consul v1.22.7", "traefik": "Version: 3.7.15"}
    for name, said in versions.items():
        path = tmp_path / name
        path.write_text(MUTE.replace("@SAID@", said))
        path.chmod(0o755)
        programs[name] = path
    own = make_project(tmp_path / "project", programs)
    yield own
    if os.geteuid() == 0:
        clear(own.places)


@pytest.fixture
def root_only() -> None:
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")


def nothing_runs(own: Project) -> bool:
    groups = [tree.folder / own.places.group for tree in cgroups.here()]
    return marked(own.places.folder) == () and not any(each.exists() for each in groups)


def test_nothing_runs_and_that_is_said(project: Project) -> None:
    said = project.toolkit("cluster", "rehearse", "status", "prod", "--json")
    assert (said.code, said.report["word"]) == (3, "not running")
    assert said.report["next"] == ["toolkit cluster rehearse up prod"]
    said = project.toolkit("cluster", "rehearse", "down", "prod")
    assert (said.code, said.out) == (0, "down      there was no rehearsal of prod\n")
    assert not (project.root / ".toolkit").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nomad": "https://a:1"}', '{"edge": 1}'])
def test_a_way_in_that_is_damaged_is_said_with_what_helps(project: Project, text: str) -> None:
    project.places.folder.mkdir(parents=True)
    project.places.access.write_text(text)
    write_state(project.places, State(HERE, HERE, HERE, ready=True))
    said = project.toolkit("cluster", "rehearse", "status", "prod", "--json")
    assert (said.code, said.report["word"]) == (3, "unwell")
    again = ["toolkit cluster rehearse down prod", "toolkit cluster rehearse up prod"]
    assert said.report["next"] == again
    said = project.toolkit("status", "-e", "prod-rehearsal")
    assert said.code == 1
    assert f"{again[0]}, then up again" in said.err


def test_one_that_went_with_the_machines_last_start_is_said_where_it_is_missed(
    project: Project,
) -> None:
    project.places.folder.mkdir(parents=True)
    authority = pki.make_authority("prod", pki.make_key(), datetime.now(UTC))
    project.places.authority.write_text(authority.certificate)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    access = Access(
        "https://server.global.nomad:4646", "https://server.dc1.consul:8501",
        f"socks5h://127.0.0.1:{port}", str(project.places.authority),
    )  # fmt: skip
    project.places.access.write_text(access.to_json())
    said = project.toolkit("status", "-e", ENVIRONMENT)
    assert said.code == 1
    assert "cannot be reached: connection refused" in said.err
    assert "`toolkit cluster rehearse status NAME` says what of it is off" in said.err


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_what_is_somebody_elses_is_said(project: Project) -> None:
    with exclusive(project.places):
        pass
    os.chown(project.places.folder.parent, 1234, 1234)
    for arguments in (["cluster", "rehearse", "status", "prod"], ["status", "-e", ENVIRONMENT]):
        # Root that may not look past permissions, as if it were anybody.
        done = subprocess.run(
            ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all",
             sys.executable, "-m", "toolkit", *arguments],
            cwd=project.root, env={**project.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
        assert done.returncode == 1
        assert "belongs to another user" in done.stderr
        assert "run the same command with sudo" in done.stderr


@pytest.mark.parametrize("command", ["up", "status"])
def test_a_cluster_that_is_not_there_is_said_with_those_that_are(
    project: Project, command: str
) -> None:
    said = project.toolkit("cluster", "rehearse", command, "prid")
    assert said.code == 1
    assert 'there is no cluster "prid"' in said.err
    assert "prod" in said.err


@pytest.mark.parametrize("name", ["../prod", "prod-rehearsal", "", "Prod"])
def test_down_takes_no_name_that_leads_elsewhere(project: Project, name: str) -> None:
    said = project.toolkit("cluster", "rehearse", "down", name)
    assert said.code == 1
    assert "the name" in said.err


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_a_cluster_file_that_is_gone_keeps_nobody_from_ending_its_rehearsal(
    project: Project,
) -> None:
    (project.places.folder / "machines").mkdir(parents=True)
    shutil.rmtree(project.root / "clusters")
    assert project.toolkit("cluster", "rehearse", "down", "prod").code == 0
    assert not project.places.folder.exists()


def test_somebody_else_than_root_cannot_end_it(project: Project) -> None:
    project.places.folder.mkdir(parents=True)
    with pytest.raises(RefusedError, match="is root's"):
        down(project.root, "prod", user=1000)
    assert project.places.folder.exists()


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_agents_that_never_answer_end_it_and_leave_their_logs(project: Project) -> None:
    said = project.toolkit(
        "cluster", "rehearse", "up", "prod", "--workers", "1", "--timeout", "2s", "--json"
    )
    assert said.code == 1, said.out
    assert "not within" in said.error["message"]
    assert "--timeout says how long" in said.error["hint"]
    assert str(project.places.machine("server-1").parent) in said.error["hint"]
    assert "what was left of it" not in said.err
    assert nothing_runs(project)
    assert not project.places.access.exists()
    assert (project.places.machine("server-1") / "opt" / "toolkit" / "boot.log").exists()
    assert status(project.root, "prod").word == "not running"
    assert project.toolkit("cluster", "rehearse", "down", "prod").code == 0
    assert not project.places.folder.exists()


def waiting(places: Places, said: str, process: Process) -> tuple[State, Deadline]:
    """One machine that has said this, and no time left."""
    own = places.machine(SERVER.name) / "opt" / "toolkit"
    own.mkdir(parents=True)
    (places.machine(SERVER.name) / "init.log").write_text("mount: no such thing\n")
    if said:
        (own / "signal").write_text(said)
    return State().with_machine(SERVER, process), Deadline(0, 5, lambda: 5.0, lambda _: None)


@pytest.mark.parametrize(
    ("said", "process", "message"),
    [
        ("failure nomad cannot be fetched\n", HERE, "server-1 did not start: nomad cannot be"),
        ("success in\nfailure no leader\n", HERE, "server-1 did not start: no leader"),
        ("", GONE, "server-1 ended: mount: no such thing"),
        ("", HERE, "not within 5 s: server-1 not in"),
    ],
)
def test_a_machine_that_does_not_come_in_says_why(
    tmp_path: Path, said: str, process: Process, message: str
) -> None:
    places = Places(tmp_path, "prod")
    state, deadline = waiting(places, said, process)
    with pytest.raises(AgentError, match=message):
        await_machines(places, state, (SERVER,), deadline)


def test_a_machine_that_is_in_is_waited_for_no_longer(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    state, deadline = waiting(places, "success server-1 is in\n", GONE)
    await_machines(places, state, (SERVER,), deadline)


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_all_of_it(project: Project, number: signal.Signals) -> None:
    with project.process("cluster", "rehearse", "up", "prod") as process:
        assert process.stderr is not None
        assert any("server-1" in line for line in process.stderr)
        process.send_signal(number)
        process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert nothing_runs(project)


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_what_kill_9_left_is_unwell_and_the_next_one_clears_it(project: Project) -> None:
    with project.process("cluster", "rehearse", "up", "prod") as process:
        assert process.stderr is not None
        assert any("server-3" in line for line in process.stderr)
        process.kill()
        process.communicate(timeout=LIMIT)
    left = marked(project.places.folder)
    assert left
    before = read_state(project.places)
    assert before is not None
    assert not before.ready
    said = project.toolkit("cluster", "rehearse", "up", "prod", "--workers", "1", "--timeout", "1s")
    assert said.code == 1
    assert "what was left of it is gone" in said.err
    assert not any(each.lives for each in left)
    assert nothing_runs(project)


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_two_at_once_are_refused_and_the_first_goes_on(project: Project) -> None:
    with exclusive(project.places):
        for command in ("up", "down"):
            said = project.toolkit("cluster", "rehearse", command, "prod", "--json")
            assert said.code == 1
            assert f"(process {os.getpid()})" in said.error["message"]
            assert said.error["kind"] == "RefusedError"


@pytest.mark.usefixtures("root_only")
@pytest.mark.root
def test_a_range_without_room_is_refused_before_anything_is_made(project: Project) -> None:
    file = project.root / "clusters" / "prod.toml"
    file.write_text(CLUSTER + '[network]\nrange = "10.40.0.0/22"\n')
    said = project.toolkit("cluster", "rehearse", "up", "prod", "--workers", "500")
    assert said.code == 1
    assert "has no address for a machine" in said.err
    assert not project.places.folder.exists()


def test_no_workers_are_a_wrong_command_line(project: Project) -> None:
    assert project.toolkit("cluster", "rehearse", "up", "prod", "--workers", "0").code == 2
