"""A whole cluster on one machine: hardened agents, jobs across hosts, the world outside, losses."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.agents.cluster import pinned_machine
from tests.cluster.rehearsing import Project, make_project
from toolkit.clients.socks import connect
from toolkit.cluster.rehearsal import cgroups, plan
from toolkit.cluster.rehearsal.machines import clear, power_off
from toolkit.cluster.rehearsal.network import cut, ip, mend
from toolkit.cluster.rehearsal.processes import begun, first_child, kill, marked, within
from toolkit.cluster.rehearsal.state import State, read_state
from toolkit.workflows.cluster.rehearse.talk import open_rehearsal, read_access
from toolkit.workflows.cluster.servers import Servers

pytestmark = [pytest.mark.root, pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(600)]

LIMIT = 120.0
ENV = ("-e", "prod-rehearsal")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three servers, a frontend worker and two workers, with the shipped jobs."""
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")
    machine = pinned_machine()
    assert machine.nomad_bin is not None
    assert machine.consul_bin is not None
    assert machine.traefik_bin is not None
    programs = {
        "nomad": machine.nomad_bin,
        "consul": machine.consul_bin,
        "traefik": machine.traefik_bin,
    }
    own = make_project(tmp_path_factory.mktemp("rehearsal") / "project", programs)
    try:
        said = own.toolkit("cluster", "rehearse", "up", "prod", "--workers", "3", "--json")
        assert said.code == 0, said.out + said.err
        assert said.report["word"] == "up"
        said = own.toolkit("deploy", *ENV, "--all", "--json")
        assert said.code == 0, said.out + said.err
        yield own
    finally:
        clear(own.places)


def state_of(own: Project) -> State:
    state = read_state(own.places)
    assert state is not None
    return state


def inside(own: Project, name: str, line: str) -> str:
    """What a shell line says on a machine."""
    [init] = first_child(state_of(own).machines[name].process.pid)
    done = subprocess.run(
        [*within(init.pid), "/bin/bash", "-c", line],
        capture_output=True, text=True, timeout=LIMIT, env={"PATH": os.defpath},
    )  # fmt: skip
    return done.stdout + done.stderr


def until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def report(own: Project) -> dict[str, object]:
    return own.toolkit("cluster", "rehearse", "status", "prod", "--json").report


def test_every_machine_is_in_and_every_server_has_a_vote(project: Project) -> None:
    said = project.toolkit("cluster", "rehearse", "status", "prod", "--json")
    assert (said.code, said.report["word"], said.report["reasons"]) == (0, "well", []), said.out
    rows = {each["name"]: each for each in said.report["machines"]}
    assert set(rows) == {
        "server-1", "server-2", "server-3", "frontend-1", "worker-1", "worker-2",
    }  # fmt: skip
    assert {each["power"] for each in rows.values()} == {"on"}
    assert [rows[name]["nomad"] for name in ("frontend-1", "worker-1")] == ["ready", "ready"]
    servers = sorted(rows[f"server-{number}"]["nomad"] for number in (1, 2, 3))
    assert servers == ["leader", "voter", "voter"]
    assert said.report["memory"] > 0
    assert {each["days"] for each in said.report["certificates"]} == {364}


def test_nothing_without_a_token_and_nothing_without_the_authority(project: Project) -> None:
    distrusting = "curl -s -o /dev/null -w '%{http_code}' -m 5"
    look = f"{distrusting} --cacert /etc/nomad.d/tls/ca.pem"
    at = "https://server-1.prod.internal"
    assert inside(project, "worker-1", f"{look} {at}:4646/v1/jobs") == "403"
    assert inside(project, "worker-1", f"{look} {at}:8501/v1/agent/self") == "403"
    assert inside(project, "worker-1", f"{distrusting} {at}:4646/v1/jobs") == "000"
    plain = "curl -s -o /dev/null -w '%{http_code}' -m 5 http://10.42.0.11"
    assert inside(project, "worker-1", f"{plain}:8500/v1/status/leader").startswith("000")


def test_all_jobs_are_verified_across_machines(project: Project) -> None:
    for job in ("traefik", "backend", "frontend"):
        said = project.toolkit("verify", *ENV, job, "--json")
        assert said.code == 0, said.out + said.err
    said = project.toolkit("status", *ENV, "backend", "--json")
    nodes = {each["node"] for each in said.report["detail"]["instances"]}
    assert len(nodes) == 2


def test_a_request_from_the_world_goes_through_the_balancer_to_a_service(
    project: Project,
) -> None:
    with world(project) as reach:
        assert reach.get("198.51.100.1", 80, "frontend.localhost") == 200
        # What is private has no route at the public entrance.
        assert reach.get("198.51.100.1", 80, "backend.localhost") == 404


def test_from_the_world_everything_else_refuses_or_is_absent(project: Project) -> None:
    at_balancer = (4646, 4647, 4648, 8300, 8301, 8500, 8501, 8081, 8082)
    places = [("198.51.100.1", port) for port in at_balancer]
    for name, port in (
        ("server-1", 4646), ("server-1", 8501), ("frontend-1", 80), ("frontend-1", 8081),
        ("frontend-1", 8082), ("worker-1", 4646),
    ):  # fmt: skip
        places.append((state_of(project).machines[name].machine.address, port))
    with world(project) as reach, ThreadPoolExecutor(len(places)) as pool:
        # Who is absent says nothing: all are waited for at the same time.
        found = pool.map(lambda place: reach.get(place[0], place[1], "frontend.localhost"), places)
        assert dict(zip(places, found, strict=True)) == dict.fromkeys(places)


def test_traefiks_api_asks_who_it_is(project: Project) -> None:
    address = state_of(project).machines["frontend-1"].machine.address
    look = f"curl -s -o /dev/null -w '%{{http_code}}' -m 5 http://{address}:8082/api/rawdata"
    assert inside(project, "worker-1", look) == "401"
    access = read_access(project.places)
    assert access is not None
    who = f"{access.traefik_user}:{access.traefik_password}"
    assert inside(project, "worker-1", f"{look} -u {who}") == "200"


def test_from_a_task_the_private_route_answers(project: Project) -> None:
    access = read_access(project.places)
    assert access is not None
    # The operator's name for it, which a task does not know.
    there = state_of(project).machines["frontend-1"].machine.address
    entrance = access.edge["private"].replace("edge.prod.internal", there)
    look = f"curl -s -m 5 -H 'Host: backend.localhost' {entrance}/"
    answer = json.loads(task_says(project, look))
    assert answer["release"] == "1.0.0"


def task_says(own: Project, line: str) -> str:
    """What a shell line says in the task of a backend: its cgroup, its environment, its rights."""
    for name in ("worker-1", "worker-2", "frontend-1"):
        found = inside(own, name, "pgrep -f -- '-m [b]ackend' | tail -1").strip()
        if found:
            return inside(own, name, f'nsenter -t {found} -m -n /bin/bash -c "{line}"')
    raise AssertionError("no backend runs")


def test_machines_that_come_later_have_traefik_and_get_requests(project: Project) -> None:
    said = project.toolkit("cluster", "rehearse", "up", "prod", "--json")
    assert said.code == 0, said.out + said.err
    assert said.report["word"] == "grown"
    names = {each["name"] for each in said.report["machines"]}
    assert {"frontend-2", "control-1"} <= names

    def has_requests() -> bool:
        targets = report(project)["targets"]
        assert isinstance(targets, list)
        return {"frontend-2": True}.items() <= {t["name"]: t["well"] for t in targets}.items()

    until("frontend-2 gets requests", has_requests)
    said = project.toolkit("verify", *ENV, "traefik", "--json")
    assert said.code == 0, said.out + said.err
    again = project.toolkit("cluster", "rehearse", "up", "prod", "--json")
    assert (again.code, again.report["word"]) == (0, "already up")


def test_the_private_entrance_is_there_while_a_machine_of_the_edge_is_not(
    project: Project,
) -> None:
    state, access = state_of(project), read_access(project.places)
    assert access is not None
    assert access.edge["private"] == "http://edge.prod.internal:8081"
    assert state.switch is not None
    first = state.machines["frontend-1"].machine.address
    cut(state.switch.pid, first)
    try:
        place = ("edge.prod.internal", 8082)
        with closing(connect(urlsplit(access.proxy), place, LIMIT)) as line:
            line.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
            assert line.recv(64).split()[1] == b"200"
    finally:
        mend(state.switch.pid, first)


def test_a_rehearsal_whose_file_changed_says_so_and_goes_on(project: Project) -> None:
    file = project.root / "clusters" / "prod.toml"
    before = file.read_text()
    file.write_text(before + '[network]\nrange = "10.99.0.0/16"\n')
    try:
        said = project.toolkit("cluster", "rehearse", "up", "prod")
        assert said.code == 1
        assert "has changed since" in said.err
    finally:
        file.write_text(before)
    assert report(project)["word"] == "well"


def test_the_verdict_is_true_when_the_leaders_host_dies_in_the_middle_of_a_deploy(
    project: Project,
) -> None:
    name = leader(project)
    machine = state_of(project).machines[name]
    switch = state_of(project).switch
    assert switch is not None

    def die() -> None:
        power_off(project.places, machine.machine, machine.process, switch)

    said = project.toolkit(
        "deploy", *ENV, "backend", "--release", "1.1.0", "--timeout", "150s", "--json",
        on={"canary": die},
    )  # fmt: skip
    assert not machine.process.lives
    verdict = said.report["verdict"]
    # Nomad gives a canary up whose token Consul could not make meanwhile: then the old one stays.
    # What each word claims of the release that serves; `unknown` claims nothing.
    claims = {
        (0, "deployed"): "1.1.0", (8, "reverted"): "1.0.0", (3, "failed"): "1.0.0",
        (5, "unknown"): None,
    }  # fmt: skip
    assert (said.code, verdict) in claims, said.out + said.err
    claimed = claims[said.code, verdict]
    status = project.toolkit("cluster", "rehearse", "status", "prod", "--json")
    assert status.code == 3
    assert f"{name} is off" in status.report["sentence"]
    again = project.toolkit("cluster", "rehearse", "up", "prod", "--json")
    assert (again.code, again.report["word"]) == (0, "grown"), again.out + again.err
    assert report(project)["reasons"] == []
    if claimed is not None:
        verified = project.toolkit("verify", *ENV, "backend", "--json")
        assert verified.code == 0, verified.out
        live = project.toolkit("status", *ENV, "backend", "--json").report["detail"]["job"]
        assert live["release"] == claimed, said.out


def leader(own: Project) -> str:
    """The name of the server that leads Nomad."""
    opened = open_rehearsal(own.root, "prod")
    access = read_access(own.places)
    assert access is not None
    from toolkit.cluster.secrets import read_secrets
    from toolkit.cluster.secrets.folder import FolderStore

    secrets = read_secrets(FolderStore(own.places.store), opened.cluster)
    with Servers(opened.cluster, access, secrets) as asked:
        address = asked.leader_address()
    return next(
        each.name for each in plan.server_machines(opened.cluster) if each.address == address
    )


def test_down_leaves_nothing(tmp_path: Path, project: Project) -> None:
    # The last of this file: what all others used goes.
    folder = project.places.folder
    left = marked(folder)
    assert len(left) > 20
    said = project.toolkit("cluster", "rehearse", "down", "prod", "--json")
    assert (said.code, said.report["word"]) == (0, "down"), said.out
    assert not any(each.lives for each in left)
    assert not folder.exists()
    assert not any((tree.folder / project.places.group).exists() for tree in cgroups.here())
    here = Path("/proc/self/mountinfo").read_text()
    assert str(project.root) not in here
    said = project.toolkit("deploy", *ENV, "backend", "--json")
    assert said.code != 0
    assert "toolkit cluster rehearse up prod" in said.out


class world:  # noqa: N801 - reads as what it is: a place to be in
    """A network that has a wire to the balancer and to nothing else."""

    def __init__(self, own: Project) -> None:
        self._own = own

    def __enter__(self) -> world:
        state, places = state_of(self._own), self._own.places
        assert state.balancer is not None
        with begun(places.folder, places.log("world"), ("--net",), ("sleep", "infinity")) as each:
            ip(state.balancer.pid, f"link add name world type veth peer name eth0 netns {each.pid}",
               "address add 198.51.100.1/30 dev world", "link set world up")  # fmt: skip
            ip(each.pid, "address add 198.51.100.2/30 dev eth0", "link set eth0 up",
               "route add default via 198.51.100.1")  # fmt: skip
        self._process = each
        return self

    def __exit__(self, *_: object) -> None:
        kill((self._process,), within=LIMIT)

    def get(self, address: str, port: int, host: str) -> int | None:
        """The status of an answer; None when nobody answers."""
        done = subprocess.run(
            [*within(self._process.pid, "n"), "curl", "-s", "-o", os.devnull, "-m", "2",
             "-w", "%{http_code}", "-H", f"Host: {host}", f"http://{address}:{port}/"],
            capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
        return int(done.stdout) if done.returncode == 0 else None
