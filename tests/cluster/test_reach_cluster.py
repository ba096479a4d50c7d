"""A shell's way into a whole cluster: real servers with TLS and tokens, behind a real ssh."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.agents.cluster import pinned_machine
from tests.cluster.rehearsing import Project, make_project
from tests.cluster.sshd import Programs, Sshd
from tests.cluster.test_reach_way import machine
from tests.cluster.test_tunnel_process import gone
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.tunnel_record import end_kept, read_kept
from toolkit.cluster.network import hosts, slots
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.rehearsal.processes import first_child, within
from toolkit.cluster.rehearsal.state import read_state
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.errors import RefusedError, UnreachableError
from toolkit.spec.aws import InstanceView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_env import EnvReport
from toolkit.views.cluster import env as view
from toolkit.workflows.cluster.env import DIRECT, Tools, env, stop
from toolkit.workflows.cluster.files import open_cluster
from toolkit.workflows.cluster.reach import Ways, reach

pytestmark = [pytest.mark.root, pytest.mark.agents]

LIMIT = 60.0


@dataclass
class Shell:
    """A cluster whose servers are a rehearsal's, reached as if they were in AWS."""

    project: Project
    sshd: Sshd
    programs: Programs
    more: tuple[InstanceView, ...] = ()

    @property
    def cluster(self) -> Cluster:
        return open_cluster(self.project.root, "prod").cluster

    @property
    def own(self) -> Path:
        return self.project.root / ".toolkit" / "cluster" / "prod"

    @property
    def environ(self) -> dict[str, str]:
        return {**self.project.environ, "PATH": self.programs.environ["PATH"]}

    def machines(self) -> tuple[InstanceView, ...]:
        return self.more + tuple(
            machine(f"i-{slot.number}", slot.address, role="server", slot=slot.name)
            for slot in slots(self.cluster)
        )

    def tools(self, more: Mapping[str, str] | None = None, answer: float = 5.0) -> Tools:
        def ways(_: Cloud, __: Cluster, environ: Mapping[str, str], **___: object) -> Ways:
            send = lambda _instance, _zone, _user, key: self.sshd.let_in(key)  # noqa: E731
            return Ways(self.machines, send, environ, user="root", answer=answer)

        return Tools(
            {**self.environ, **(more or {})},
            store=lambda _cloud, _cluster: FolderStore(self.project.places.store),
            ways=ways,
        )

    def env(self, more: Mapping[str, str] | None = None) -> EnvReport:
        return env(self.project.root, "prod", self.tools(more))

    def says(self, text: str, line: str, more: Mapping[str, str] | None = None) -> str:
        """What a shell line says once it has evaluated the text."""
        done = subprocess.run(
            ["/bin/sh", "-ec", f'eval "$1"; {line}', "sh", text],
            cwd=self.project.root, env={**self.environ, **(more or {})},
            capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Three servers and the way in; no tunnel yet."""
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")
    pinned = pinned_machine()
    assert pinned.nomad_bin is not None
    assert pinned.consul_bin is not None
    assert pinned.traefik_bin is not None
    found = {"nomad": pinned.nomad_bin, "consul": pinned.consul_bin, "traefik": pinned.traefik_bin}
    sshd = Sshd.made(tmp_path_factory.mktemp("sshd"))
    project = make_project(tmp_path_factory.mktemp("reach") / "project", found)
    try:
        # What nobody deploys to with Docker here: the driver of a rehearsal's machines.
        with (project.root / "toolkit.toml").open("a") as file:
            file.write('[environments.prod]\ndriver = "raw_exec"\n')
        said = project.toolkit("cluster", "rehearse", "up", "prod", "--workers", "2", "--json")
        assert said.code == 0, said.out + said.err
        programs = Programs.made(project.root / "bin")
        for name in ("nomad", "consul"):
            (programs.folder / name).symlink_to(found[name])
        shell = Shell(project, sshd, programs)
        programs.put("aws", becomes=inside(shell))
        yield shell
    finally:
        end_kept(project.root / ".toolkit" / "cluster" / "prod")
        clear(project.places)


def inside(shell: Shell) -> list[str]:
    """sshd in the first server's network, with the names that the private zone has."""
    state = read_state(shell.project.places)
    assert state is not None
    [init] = first_child(state.machines["server-1"].process.pid)
    names = shell.project.root / "hosts"
    names.write_text("".join(f"{ip} {name}\n" for name, ip in hosts(shell.cluster).items()))
    line = f'mount --bind {shlex.quote(str(names))} /etc/hosts && exec "$@"'
    own = ["unshare", "-m", "/bin/sh", "-c", line, "sh"]
    return [*within(init.pid, "n"), *own, *shell.sshd.command]


@pytest.fixture
def calls(shell: Shell) -> Iterator[Programs]:
    """Notes of the programs' calls, from here on; no tunnel stands before or afterwards."""
    end_kept(shell.own)
    shell.sshd.forget()
    (shell.programs.folder / "notes").unlink(missing_ok=True)
    yield shell.programs
    end_kept(shell.own)


def test_nomad_consul_and_the_toolkit_all_read_what_is_exported(
    shell: Shell, calls: Programs
) -> None:
    report = shell.env()
    text = "\n".join(view.lines(report))
    assert "server-1" in shell.says(text, "nomad server members")
    assert "alive" in shell.says(text, "consul members")
    toolkit = f"PYTHONPATH={shlex.quote(os.pathsep.join(sys.path))} {sys.executable} -m toolkit"
    said = shell.says(text, f"{toolkit} status -e prod --json")
    assert '"environment": "prod"' in said, said
    assert "TOOLKIT_ACCESS" in shell.says(text, f"{toolkit} status -e dev || true")
    assert len(calls.calls()) == 1
    assert report.variables["NO_PROXY"] == ",".join(DIRECT)
    assert (report.word, report.tunnel) == ("open", "i-1")


@pytest.mark.soak
@pytest.mark.edge
def test_a_deploy_is_verified_through_the_way(shell: Shell, calls: Programs) -> None:
    said = shell.project.toolkit("deploy", "-e", "prod-rehearsal", "--all", "--json")
    assert said.code == 0, said.out + said.err
    own = replace(shell, more=workers(shell))
    text = "\n".join(view.lines(own.env()))
    toolkit = f"PYTHONPATH={shlex.quote(os.pathsep.join(sys.path))} {sys.executable} -m toolkit"
    command = f"{toolkit} deploy -e prod --release 2.0.0 --json backend"
    said_there = json.loads(shell.says(text, f"{command} 2>/dev/null"))
    assert (said_there["verdict"], said_there["code"]) == ("deployed", 0), said_there
    assert len(calls.calls()) == 1


def workers(shell: Shell) -> tuple[InstanceView, ...]:
    """The machines of the pools, as EC2 would list them."""
    state = read_state(shell.project.places)
    assert state is not None
    return tuple(
        machine(f"i-{name}", each.machine.address, role="worker", pool=each.machine.pool)
        for name, each in state.machines.items()
        if each.machine.pool
    )


def test_what_is_on_disk_holds_no_token(shell: Shell, calls: Programs) -> None:
    report = shell.env()
    secrets = [report.variables["NOMAD_TOKEN"], report.variables["CONSUL_HTTP_TOKEN"]]
    secrets.append(report.variables["TOOLKIT_TRAEFIK_PASSWORD"])
    assert {each.name for each in shell.own.iterdir()} == {
        ".lock", "ca.pem", "key", "known_hosts", "ssh.log", "tunnel.json",
    }  # fmt: skip
    for each in shell.own.iterdir():
        assert not [secret for secret in secrets if secret in each.read_text()]
        assert each.name == "ca.pem" or each.stat().st_mode & 0o077 == 0 or each.name in {
            "known_hosts", "tunnel.json", "ssh.log",
        }  # fmt: skip
    assert not [each for each in secrets if each in repr(report)]
    assert not [each for each in secrets if each in str(calls.notes)]


def test_a_second_shell_takes_the_tunnel_that_stands_and_so_does_a_command(
    shell: Shell, calls: Programs
) -> None:
    first = shell.env()
    assert shell.env().variables == first.variables
    ways = shell.tools().ways(Cloud("eu-west-1"), shell.cluster, shell.environ)
    store = FolderStore(shell.project.places.store)
    with reach(shell.cluster, shell.project.root, store, proxy=None, ways=ways) as access:
        assert access.proxy == first.proxy
    kept = read_kept(shell.own)
    assert kept is not None
    assert kept.stands
    assert len(calls.calls()) == 1


def test_a_killed_tunnel_comes_back_at_the_port_that_shells_know(
    shell: Shell, calls: Programs
) -> None:
    first = shell.env()
    kept = read_kept(shell.own)
    assert kept is not None
    os.kill(kept.pid, signal.SIGKILL)
    assert gone(kept.pid)
    assert shell.env().proxy == first.proxy
    assert "server-1" in shell.says("\n".join(view.lines(first)), "nomad server members")
    assert len(calls.calls()) == 2


def test_a_tunnel_through_which_nobody_answers_is_made_anew(shell: Shell, calls: Programs) -> None:
    shell.env()
    before = read_kept(shell.own)
    assert before is not None
    # Stopped it still takes connections and answers none, as when the network went away.
    os.killpg(before.group, signal.SIGSTOP)
    shell.programs.put("aws", becomes=inside(shell))
    after_env = env(shell.project.root, "prod", shell.tools(answer=0.5))
    after = read_kept(shell.own)
    assert after is not None
    assert after.pid != before.pid
    assert gone(before.pid)
    assert "server-1" in shell.says("\n".join(view.lines(after_env)), "nomad server members")


@pytest.mark.usefixtures("calls")
def test_stopped_nothing_stands_and_the_shell_forgets(shell: Shell) -> None:
    text = "\n".join(view.lines(shell.env()))
    kept = read_kept(shell.own)
    assert kept is not None
    variables = shell.env().variables
    report = stop(shell.project.root, "prod", shell.tools(variables))
    assert report.sentence == "the tunnel into prod has ended"
    assert gone(kept.pid)
    assert {each.name for each in shell.own.iterdir()} == {".lock", "known_hosts"}
    both = text + "\n" + "\n".join(view.lines(report))
    left = shell.says(both, "env")
    assert not [name for name in variables if f"{name}=" in left]
    again = stop(shell.project.root, "prod", shell.tools())
    assert (again.sentence, again.unset) == ("nothing stood for prod", ())


@pytest.mark.usefixtures("calls")
def test_a_record_of_somebody_elses_process_ends_nobody(shell: Shell) -> None:
    shell.env()
    kept = read_kept(shell.own)
    assert kept is not None
    end_kept(shell.own)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        text = (shell.own / "ca.pem").read_text()
        assert text
        record = f'{{"pid": {other.pid}, "group": {other.pid}, "started": "1", "port": 1,'
        (shell.own / "tunnel.json").write_text(f'{record} "instance": "i-1"}}')
        stop(shell.project.root, "prod", shell.tools())
        assert other.poll() is None
        other.kill()


@pytest.mark.usefixtures("calls")
def test_a_way_that_cannot_be_made_leaves_nothing(shell: Shell) -> None:
    shell.programs.put("aws", does="An error occurred (AccessDeniedException): not you")
    try:
        with pytest.raises(UnreachableError, match="not you"):
            shell.env()
    finally:
        shell.programs.put("aws", becomes=inside(shell))
    assert read_kept(shell.own) is None


@pytest.mark.usefixtures("calls")
def test_two_at_once_are_told_and_the_first_goes_on(shell: Shell) -> None:
    import fcntl

    shell.own.mkdir(parents=True, exist_ok=True)
    clock = iter(range(0, 1000, 40))
    tools = replace(shell.tools(), clock=lambda: float(next(clock)), sleep=lambda _: None)
    with (shell.own / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match="another command opens or ends the way into prod"):
            env(shell.project.root, "prod", tools)


@pytest.mark.usefixtures("calls")
def test_a_proxy_of_the_users_own_stays(shell: Shell) -> None:
    report = shell.env({"HTTPS_PROXY": "http://office:3128", "CONSUL_HTTP_TOKEN_FILE": "/x"})
    assert not {"HTTPS_PROXY", "NO_PROXY"} & {*report.variables}
    assert report.notes == (
        f"HTTPS_PROXY is http://office:3128 and stays: nomad and consul need"
        f" HTTPS_PROXY={report.proxy} before them, toolkit does not",
    )
    # It would win over the token.
    assert view.lines(report)[0] == "unset CONSUL_HTTP_TOKEN_FILE"


def test_the_rehearsals_own_environment_needs_no_tunnel(shell: Shell, calls: Programs) -> None:
    said = shell.project.toolkit("cluster", "env", "prod-rehearsal")
    assert said.code == 0, said.err
    assert "server-1" in shell.says(said.out, "nomad server members")
    assert "alive" in shell.says(said.out, "consul members")
    assert calls.calls() == []
    assert "relay" in said.err
