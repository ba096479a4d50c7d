"""`toolkit dev up` on this machine: what is in the way, what is left, what is said."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster, free_offset, local_cluster
from tests.agents.dev_helpers import STUBBORN, job, nothing_left, run_job
from toolkit.agents import processes
from toolkit.agents.layout import Layout
from toolkit.agents.ports import listeners
from toolkit.agents.stop import find_leftovers
from toolkit.errors import AgentError, ExitCode, PortTakenError, RefusedError
from toolkit.spec.agents import AgentPorts
from toolkit.spec.dev import Machine
from toolkit.spec.events import Event
from toolkit.workflows import dev

pytestmark = pytest.mark.agents


def test_a_taken_port_is_named_with_the_process_that_has_it(
    machine: Machine, tmp_path: Path
) -> None:
    offset = free_offset()
    port = AgentPorts.at(offset).nomad_http
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(PortTakenError) as caught,
    ):
        dev.up(tmp_path, machine=machine, port_offset=offset)
    assert f"port {port} (Nomad HTTP) is in use by" in caught.value.message
    assert f"(process {os.getpid()})" in caught.value.message
    assert "--port-offset" in (caught.value.hint or "")
    nothing_left(tmp_path)


def test_a_taken_gossip_port_is_found_on_udp(machine: Machine, tmp_path: Path) -> None:
    offset = free_offset()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", AgentPorts.at(offset).consul_serf_lan))
        with pytest.raises(PortTakenError, match="Consul LAN gossip"):
            dev.up(tmp_path, machine=machine, port_offset=offset)


def test_another_projects_cluster_is_named(cluster: LocalCluster, tmp_path: Path) -> None:
    with pytest.raises(PortTakenError) as caught:
        dev.up(tmp_path, machine=cluster.machine, port_offset=cluster.state.ports.offset)
    assert f"of the local cluster in {cluster.layout.root}" in caught.value.message


def test_a_port_offset_out_of_range_is_refused(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="out of range"):
        dev.up(tmp_path, machine=machine, port_offset=60000)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("#!/bin/sh\necho oh no >&2\nexit 3\n", "ends with 3: oh no"), ("nothing", "format error")],
)
def test_a_broken_binary_is_named(
    machine: Machine, tmp_path: Path, content: str, complaint: str
) -> None:
    broken = tmp_path / "consul"
    broken.write_text(content)
    broken.chmod(0o755)
    with pytest.raises(AgentError) as caught:
        dev.up(tmp_path, machine=machine, consul_bin=broken, port_offset=free_offset())
    assert f"{broken} does not work as consul" in caught.value.message
    assert complaint in caught.value.message
    assert "--consul-bin" in (caught.value.hint or "")
    nothing_left(tmp_path)


def test_another_program_is_not_taken_for_an_agent(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="does not work as consul"):
        dev.up(tmp_path, machine=machine, consul_bin=machine.nomad_bin, port_offset=free_offset())


def test_an_agent_that_ends_while_it_starts_says_why(machine: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "nomad"
    broken.parent.mkdir()
    broken.write_text(
        "#!/bin/sh\n[ $1 = version ] && echo Nomad v1.11.3 && exit\necho FATAL no luck\nexit 1\n"
    )
    broken.chmod(0o755)
    with pytest.raises(AgentError) as caught:
        dev.up(tmp_path, machine=machine, nomad_bin=broken, port_offset=free_offset())
    assert "nomad 1.11.3 ended by itself" in caught.value.message
    assert "FATAL no luck" in caught.value.message
    assert "nomad.log" in (caught.value.hint or "")
    nothing_left(tmp_path)


def test_an_agent_that_never_answers_ends_at_the_deadline(machine: Machine, tmp_path: Path) -> None:
    mute = tmp_path / "bin" / "consul"
    mute.parent.mkdir()
    mute.write_text("#!/bin/sh\n[ $1 = version ] && echo Consul v1.22.7 && exit\nexec sleep 3600\n")
    mute.chmod(0o755)
    with pytest.raises(AgentError, match="not after 0 s: Consul has a leader"):
        dev.up(tmp_path, machine=machine, consul_bin=mute, port_offset=free_offset(), timeout=0.1)
    nothing_left(tmp_path)


def test_state_that_cannot_be_written_is_said_before_anything_starts(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / ".toolkit").write_text("a file in the way")
    with pytest.raises(AgentError, match=r"cannot write in .*\.toolkit"):
        dev.up(tmp_path, machine=machine, port_offset=free_offset())


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        with (small / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
        with pytest.raises(AgentError, match="no space is left"):
            dev.up(small, machine=machine, port_offset=free_offset())
        assert processes.belonging_to(Layout.of(small).dev) == ()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_up_twice_says_so_and_starts_nothing(cluster: LocalCluster) -> None:
    before = cluster.state
    events: list[Event] = []
    report = dev.up(cluster.root, machine=cluster.machine, on_event=events.append)
    assert report.word == "already up"
    assert report.code is ExitCode.OK
    assert cluster.state == before
    assert events == []


def test_up_again_with_other_flags_is_refused(cluster: LocalCluster) -> None:
    with pytest.raises(RefusedError, match="up already, without access control"):
        dev.up(cluster.root, machine=cluster.machine, acl=True)


def test_two_commands_at_once_do_not_meet(machine: Machine, tmp_path: Path) -> None:
    offset = free_offset()
    refusals: list[RefusedError] = []

    def meanwhile(_event: Event) -> None:
        with pytest.raises(RefusedError, match="at work in") as caught:
            dev.down(tmp_path)
        refusals.append(caught.value)

    try:
        dev.up(tmp_path, machine=machine, port_offset=offset, on_event=meanwhile)
    finally:
        dev.down(tmp_path)
    assert refusals


def test_nothing_listens_beyond_loopback(cluster: LocalCluster) -> None:
    sockets = {
        str(entry.readlink())
        for each in cluster.state.processes
        for entry in Path(f"/proc/{each.pid}/fd").iterdir()
        if entry.is_symlink()
    }
    ours = [each for each in listeners() if f"socket:[{each.inode}]" in sockets]
    assert {each.port for each in ours} >= {
        cluster.state.ports.nomad_http, cluster.state.ports.nomad_serf,
        cluster.state.ports.consul_grpc, cluster.state.ports.consul_dns,
    }  # fmt: skip
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert [each for each in ours if each.address not in loopback] == []


def test_a_dead_agent_is_reported_with_the_end_of_its_log(machine: Machine, tmp_path: Path) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        assert dev.status(tmp_path).word == "running"
        cluster.kill("consul")
        report = dev.status(tmp_path)
        dead = next(row for row in report.agents if row.name == "consul")
        assert report.word == "died"
        assert report.code is ExitCode.FAILED
        assert report.sentence == "consul should run and does not"
        assert dead.status == "died"
        assert dead.last_lines
        assert set(dead.last_lines) <= set(cluster.log("consul").splitlines())
        assert list(report.addresses) == ["Nomad"]


def test_up_after_both_agents_were_killed_cleans_up_and_starts(
    machine: Machine, tmp_path: Path
) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        run_job(cluster, job("crash", STUBBORN))
        before = cluster.state
        cluster.kill("nomad")
        cluster.kill("consul")
        left = cluster.everything_running()
        assert left, "the tasks were to outlive their agents"
        events: list[Event] = []
        report = dev.up(
            tmp_path, machine=machine, port_offset=before.ports.offset, on_event=events.append
        )
        assert report.word == "started"
        assert events[0].stage == "note"
        assert not [each for each in left if processes.is_running(each.pid, each.started)]
        assert not {each.pid for each in before.processes} & {
            each.pid for each in cluster.state.processes
        }
        with cluster.nomad() as nomad:
            assert nomad.jobs() == []


def test_a_record_of_before_a_reboot_is_not_believed(machine: Machine, tmp_path: Path) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        state = cluster.state
        dev.down(tmp_path)
        # The same process id, used by somebody else since.
        stranger = replace(state.processes[0], pid=os.getpid())
        cluster.layout.state.write_text(replace(state, processes=(stranger,)).to_json())
        assert dev.status(tmp_path).word == "died"
        report = dev.up(tmp_path, machine=machine, port_offset=state.ports.offset)
        assert report.word == "started"


def test_a_lost_record_does_not_lose_the_processes(machine: Machine, tmp_path: Path) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        shutil.rmtree(tmp_path / ".toolkit")
        report = dev.status(tmp_path)
        assert report.word == "not running"
        assert "left" in report.notes[0]
        dev.down(tmp_path)
        assert not cluster.everything_running()
    nothing_left(tmp_path)


def test_down_leaves_no_process_and_no_mount(machine: Machine, tmp_path: Path) -> None:
    with local_cluster(tmp_path, machine=machine) as cluster:
        run_job(cluster, job("tidy", STUBBORN))
        found = find_leftovers(cluster.layout, cluster.state)
        assert len(found) > len(cluster.state.processes)
        report = dev.down(tmp_path)
        assert report.word == "stopped"
        assert report.code is ExitCode.OK
        assert not [each for each in found if processes.is_running(each.pid, each.started)]
        nothing_left(tmp_path)
        assert dev.down(tmp_path).sentence == "no local agents were running"
        assert dev.status(tmp_path).word == "not running"


def test_down_of_kept_data_forgets_registrations_only(machine: Machine, tmp_path: Path) -> None:
    service = {"Name": "kept", "Provider": "consul", "AddressMode": "auto"}
    with local_cluster(tmp_path, machine=machine, data=True) as cluster:
        offset = cluster.state.ports.offset
        run_job(cluster, job("kept", Services=[service]))
        with cluster.consul() as consul:
            cluster.until("Consul lists it", lambda: "kept" in consul.services())
        dev.down(tmp_path)
        assert not cluster.everything_running()
        assert list((cluster.layout.data / "consul").glob("services/*")) == []
        dev.up(tmp_path, machine=machine, data=True, port_offset=offset)
        with cluster.nomad() as nomad:
            assert [each["ID"] for each in nomad.jobs()] == ["kept"]
