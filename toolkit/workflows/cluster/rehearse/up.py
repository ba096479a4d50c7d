"""`toolkit cluster rehearse up`: from nothing to machines that all answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from toolkit.agents import interrupts
from toolkit.agents.find import find_traefik
from toolkit.cluster.bootstrap import Patience, bootstrap, mark_begun
from toolkit.cluster.bootstrap.rights import TRAEFIK_USER
from toolkit.cluster.config import places as on_machine
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.check import check_host
from toolkit.cluster.rehearsal.machines import (
    clear,
    power_off,
    start_balancer,
    start_machine,
    start_operator,
    start_switch,
)
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.programs import place_programs
from toolkit.cluster.rehearsal.state import (
    State,
    exclusive,
    make_folder,
    read_state,
    write_private,
    write_state,
)
from toolkit.cluster.secrets import make_secrets, needed, read_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.config.cluster_environment import REHEARSED
from toolkit.errors import ApiError, RefusedError
from toolkit.spec import dev
from toolkit.spec.agents import AgentName
from toolkit.spec.cluster import Binary, Cluster, Machine
from toolkit.spec.cluster_access import Access
from toolkit.spec.events import Event, OnEvent, Stage, ignore
from toolkit.spec.rehearsal import RehearsalReport
from toolkit.spec.target import Secret, Visibility
from toolkit.views.text import counted
from toolkit.workflows.cluster.rehearse.programs import find_programs, other_versions, this_arch
from toolkit.workflows.cluster.rehearse.status import report_on
from toolkit.workflows.cluster.rehearse.talk import (
    Rehearsal,
    open_rehearsal,
    read_access,
)
from toolkit.workflows.cluster.rehearse.waiting import await_machines, still_out
from toolkit.workflows.cluster.servers import Deadline, Servers, await_nodes, await_servers


@dataclass(frozen=True)
class Tools:
    """What `up` is handed: programs of this machine, clocks, whom to tell."""

    machine: dev.Machine
    given: Mapping[AgentName, Path | None]
    traefik: Path | None = None
    timeout: float = 120.0
    """Seconds from the first machine to the last one that answers; builds apart."""
    on_event: OnEvent = ignore
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def say(self, stage: Stage, text: str) -> None:
        """Tell it."""
        self.on_event(Event(stage, text, self.now()))


@dataclass(frozen=True)
class Making:
    """One call of `up`: what is wanted, and with what."""

    own: Rehearsal
    cluster: Cluster
    """The file's, with this machine's programs."""
    programs: Mapping[Binary, plan.Program]
    workers: int | None
    traefik: str
    """Path of its program."""
    tools: Tools
    deadline: Deadline

    @property
    def places(self) -> Places:
        """Where it keeps what."""
        return self.own.places

    def secrets(self) -> Mapping[str, Secret]:
        """All that the store has."""
        return read_secrets(FolderStore(self.places.store), self.cluster)


def up(folder: Path, name: str, tools: Tools, *, workers: int | None = None) -> RehearsalReport:
    """Bring the rehearsal of a cluster up, whole, or let one that is up grow.

    `workers`: machines beside the servers, see `plan.worker_machines`. RefusedError, AgentError,
    ApiError; then nothing of a first `up` runs any more, and nothing new of a later one.
    """
    own = open_rehearsal(folder, name)
    plan.worker_machines(own.cluster, workers)
    check_host(own.places.folder)
    traefik = find_traefik(tools.machine, tools.traefik)
    programs = find_programs(
        tools.machine, dict(tools.given), lambda text: tools.say("build", text)
    )
    with interrupts.noticed() as check, exclusive(own.places):
        deadline = Deadline(tools.clock(), tools.timeout, tools.clock, tools.sleep, check)
        making = Making(
            own,
            plan.rehearsed(own.cluster, programs, this_arch()),
            programs,
            workers,
            str(traefik.path),
            tools,
            deadline,
        )
        state = read_state(own.places)
        if state is not None and _stands(state):
            return _grow(making, state)
        return _begin(making)


def _begin(making: Making) -> RehearsalReport:
    """Everything from nothing; whatever goes wrong ends what was started."""
    own, places, tools, deadline = making.own, making.places, making.tools, making.deadline
    if clear(places):
        tools.say("note", "an earlier rehearsal was not ended; what was left of it is gone")
    with ExitStack() as undo:
        undo.callback(clear, places, keep_files=True)
        make_folder(places)
        store = FolderStore(places.store)
        make_secrets(store, making.cluster, datetime.fromtimestamp(tools.now(), UTC))
        write_private(places.authority, making.secrets()[needed.AUTHORITY].reveal())
        place_programs(places, making.programs)
        state, port = _start_network(making)
        access = _access(making, port)
        write_private(places.access, access.to_json())
        workers = plan.worker_machines(making.cluster, making.workers)
        servers = plan.server_machines(making.cluster)
        state = _start(making, state, servers)
        with _servers(making, access) as asked:
            _set_up(making, state, store, asked)
            await_machines(places, state, servers, deadline)
            # Only now: a worker that starts before its tokens are known waits for half a minute.
            state = _start(making, state, workers)
            await_machines(places, state, workers, deadline)
            await_nodes(asked, [each.name for each in workers], deadline)
            await_servers(asked, deadline)
        write_state(places, replace(state, ready=True))
        deadline.check()
        undo.pop_all()
    seconds = tools.clock() - deadline.began
    number = f"{len(servers)} servers and {counted(len(workers), 'worker')}"
    sentence = f"{number} answer, in {seconds:.1f} s"
    report = report_on(own, now=tools.now(), word="up", sentence=sentence)
    return _ended(making, replace(report, seconds=seconds))


def _grow(making: Making, state: State) -> RehearsalReport:
    """The machines that are missing or off, beside those that are there."""
    own, places, deadline = making.own, making.places, making.deadline
    planned = (
        *plan.server_machines(making.cluster),
        *plan.worker_machines(making.cluster, making.workers),
    )
    for each in planned:
        there = state.machines.get(each.name)
        if there is not None and there.machine != each:
            raise RefusedError(
                f"clusters/{making.cluster.name}.toml has changed since the rehearsal began:"
                f" {each.name} would be another machine",
                hint=f"toolkit cluster rehearse down {making.cluster.name}, then up again",
            )
    new = [
        each
        for each in planned
        if each.name not in state.machines or not state.machines[each.name].process.lives
    ]
    access = read_access(places)
    if access is None:
        raise RefusedError(
            f"how the rehearsal of {making.cluster.name} is reached is not written down any more",
            hint=f"toolkit cluster rehearse down {making.cluster.name}, then up again",
        )
    if not new:
        sentence = f"{len(state.machines)} machines are on already"
        return _ended(
            making,
            report_on(own, now=making.tools.now(), word="already up", sentence=sentence),
        )
    with ExitStack() as undo:
        for each in new:
            undo.callback(_take_back, places, each, state)
        state = _start(making, state, new)
        with _servers(making, access) as asked:
            await_machines(places, state, new, deadline)
            others = [each.name for each in new if each.role != "server"]
            await_nodes(asked, others, deadline)
            await_servers(asked, deadline)
        deadline.check()
        undo.pop_all()
    sentence = f"{', '.join(each.name for each in new)} came to those that were on"
    return _ended(making, report_on(own, now=making.tools.now(), word="grown", sentence=sentence))


def _take_back(places: Places, machine: Machine, before: State) -> None:
    """End a machine that did not come in; what is recorded of it is what was before."""
    now = read_state(places)
    running = None if now is None else now.machines.get(machine.name)
    if now is None or running is None or now.switch is None:
        return
    power_off(places, machine, running.process, now.switch)
    if machine.name not in before.machines:
        left = {name: each for name, each in now.machines.items() if name != machine.name}
        write_state(places, replace(now, machines=left))


def _servers(making: Making, access: Access) -> Servers:
    return Servers(making.cluster, access, making.secrets(), origin=REHEARSED)


def _ended(making: Making, report: RehearsalReport) -> RehearsalReport:
    return replace(
        report,
        notes=(*report.notes, *other_versions(making.own.cluster, making.programs)),
        next=(
            f"toolkit deploy -e {making.cluster.rehearsal} --all",
            f"toolkit cluster rehearse down {making.cluster.name}",
        ),
    )


def _set_up(making: Making, state: State, store: FolderStore, asked: Servers) -> None:
    """What a cluster's first minutes are, whatever its machines are made of."""
    servers = plan.server_machines(making.cluster)

    def sleep(seconds: float) -> None:
        making.deadline.check()
        # A machine that failed is not waited for.
        still_out(making.places, state, servers)
        making.tools.sleep(seconds)

    patience = Patience(making.deadline.left, making.tools.clock, sleep)
    try:
        done = bootstrap(
            making.cluster, making.secrets(), asked.consul, asked.nomad, patience=patience
        )
    except ApiError as error:
        # Its own advice is for servers that stay: these end, and only their logs are left.
        logs = making.places.folder / "machines"
        error.hint = f"--timeout says how long it may take; what the servers said is below {logs}"
        raise
    mark_begun(store)
    making.tools.say("start", f"access control set up in {len(done)} steps")


def _stands(state: State) -> bool:
    """It was brought up whole, and what holds it together runs."""
    parts = (state.switch, state.operator, state.balancer)
    return state.ready and all(each is not None and each.lives for each in parts)


def _start_network(making: Making) -> tuple[State, int]:
    """Switch, operator and balancer, and the port of the operator's relay."""
    places, cluster = making.places, making.cluster
    _write_names(places, cluster, ())
    versions = {str(agent): program.version for agent, program in making.programs.items()}
    switch = start_switch(places, cluster)
    operator, port = start_operator(places, cluster, switch)
    balancer = start_balancer(places, cluster, switch)
    state = State(switch, operator, balancer, programs=versions)
    write_state(places, state)
    return state, port


def _start(making: Making, state: State, machines: Sequence[Machine]) -> State:
    """Power machines on; each is recorded before the next."""
    places = making.places
    if state.switch is None:
        raise RefusedError(
            f"the rehearsal of {making.cluster.name} has no network any more",
            hint=f"toolkit cluster rehearse down {making.cluster.name}, then up again",
        )
    for each in machines:
        with interrupts.held():
            process = start_machine(places, making.cluster, each, state.switch)
            write_state(places, state := state.with_machine(each, process))
        making.tools.say("start", f"{each.name} {each.address} in {each.zone}")
        making.deadline.check()
    _write_names(places, making.cluster, [each.machine for each in state.machines.values()])
    return state


def _write_names(places: Places, cluster: Cluster, machines: Sequence[Machine]) -> None:
    write_private(places.names, json.dumps(plan.names(cluster, machines)) + "\n")
    write_private(places.targets, json.dumps(plan.targets(cluster, machines)) + "\n")


def _access(making: Making, port: int) -> Access:
    cluster, secrets = making.cluster, making.secrets()
    workers = plan.worker_machines(cluster, making.workers)
    edge: dict[Visibility, str] = {"public": plan.public_edge(cluster)}
    if private := plan.private_edge(cluster, workers):
        edge["private"] = private
    return Access(
        nomad=f"https://{plan.NOMAD_NAME}:{on_machine.NOMAD_HTTP}",
        consul=f"https://{plan.consul_name(cluster)}:{on_machine.CONSUL_HTTPS}",
        proxy=f"socks5h://127.0.0.1:{port}",
        ca_file=str(making.places.authority),
        nomad_token=secrets[needed.NOMAD_MANAGEMENT].reveal(),
        consul_token=secrets[needed.OPERATOR].reveal(),
        traefik_user=TRAEFIK_USER,
        traefik_password=secrets[needed.TRAEFIK_API].reveal(),
        traefik=making.traefik,
        edge=edge,
    )
