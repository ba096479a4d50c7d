"""`toolkit cluster rehearse status`: machines, servers, balancer, certificates, as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from toolkit.cluster import pki
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.cgroups import memory_of
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import last_line
from toolkit.cluster.rehearsal.state import Running, State, read_state
from toolkit.cluster.secrets import read_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.cluster.secrets.making import leaves
from toolkit.config.cluster_environment import REHEARSED
from toolkit.errors import ApiError, RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.rehearsal import (
    CertificateRow,
    MachineRow,
    RehearsalReport,
    RehearsalWord,
    TargetRow,
)
from toolkit.workflows.cluster.rehearse.talk import (
    Rehearsal,
    is_there,
    open_rehearsal,
    read_access,
    read_health,
)
from toolkit.workflows.cluster.servers import Servers

Json = Mapping[str, Any]
UNSEEN = "unseen"


def status(folder: Path, name: str, *, now: float | None = None) -> RehearsalReport:
    """How the rehearsal of a cluster is; nothing is changed. RefusedError for somebody else's."""
    own = open_rehearsal(folder, name)
    try:
        there = is_there(own.places) and read_state(own.places) is not None
        return report_on(own, now=time() if now is None else now) if there else absent(own)
    except PermissionError as exc:
        raise RefusedError(
            f"the rehearsal of {name} belongs to another user",
            hint="run the same command with sudo",
        ) from exc


def absent(own: Rehearsal) -> RehearsalReport:
    """Nothing runs."""
    return RehearsalReport(
        own.cluster.name,
        own.cluster.rehearsal,
        "not running",
        f"there is no rehearsal of {own.cluster.name}",
        next=(f"toolkit cluster rehearse up {own.cluster.name}",),
    )


def report_on(
    own: Rehearsal, *, now: float, word: RehearsalWord | None = None, sentence: str = ""
) -> RehearsalReport:
    """All that can be seen of it; without `word` it is `well` or `unwell` by what is seen."""
    places = own.places
    state = read_state(places) or State()
    access = read_access(places)
    nodes, leader, reasons = _ask(own, access)
    machines = tuple(
        _row(places, running, nodes, leader, reasons) for running in state.machines.values()
    )
    targets = _targets(own.cluster, state, read_health(places))
    wrong = _wrong(state, machines, reasons)
    if word is None:
        word = "unwell" if wrong else "well"
        on = sum(1 for each in machines if each.power == "on")
        sentence = wrong or f"{on} machines are on, and every server has a vote"
    return RehearsalReport(
        own.cluster.name,
        own.cluster.rehearsal,
        word,
        sentence,
        machines,
        targets,
        _certificates(places, own.cluster, now),
        reasons,
        memory_of(places.group),
        next=_mending(own, state, access) if word == "unwell" else (),
    )


def _mending(own: Rehearsal, state: State, access: Access | None) -> tuple[str, ...]:
    """What to type: machines come to those that are there, and only a new one has a new way in."""
    commands = (
        f"toolkit cluster rehearse down {own.cluster.name}",
        f"toolkit cluster rehearse up {own.cluster.name}",
    )
    return commands if state.ready and access is None else commands[1:]


def _ask(
    own: Rehearsal, access: Access | None
) -> tuple[Mapping[str, Json] | None, str, tuple[str, ...]]:
    """Nomad's nodes by name, the address of its leader, and why no server may go."""
    if access is None:
        return None, "", ("nobody can be asked: how it is reached is not written down",)
    with ExitStack() as stack:
        try:
            secrets = read_secrets(FolderStore(own.places.store), own.cluster)
        except RefusedError as error:
            return None, "", (error.message,)
        asked = stack.enter_context(Servers(own.cluster, access, secrets, origin=REHEARSED))
        reasons = asked.judge().reasons
        try:
            nodes = {str(node["Name"]): node for node in asked.nomad.nodes()}
            return nodes, asked.leader_address(), reasons
        except ApiError as error:
            return None, "", (*reasons, error.message)


def _row(
    places: Places,
    running: Running,
    nodes: Mapping[str, Json] | None,
    leader: str,
    reasons: tuple[str, ...],
) -> MachineRow:
    machine, on = running.machine, running.process.lives
    return MachineRow(
        machine.name,
        machine.role,
        machine.zone,
        machine.pool,
        machine.address,
        "on" if on else "off",
        _of_server(machine.name, machine.address == leader, reasons)
        if machine.role == "server"
        else _of_node(None if nodes is None else nodes.get(machine.name, {})),
        "" if on else last_line(places.machine(machine.name) / "init.log"),
    )


def _of_server(name: str, leads: bool, reasons: tuple[str, ...]) -> str:
    against = next((each for each in reasons if name in each), "")
    return against or ("leader" if leads else "voter" if not reasons else UNSEEN)


def _of_node(node: Json | None) -> str:
    if node is None:
        return UNSEEN
    if not node:
        return "unknown to Nomad"
    said = str(node["Status"])
    if node.get("Drain"):
        return f"{said}, draining"
    eligible = node.get("SchedulingEligibility") != "ineligible"
    return said if eligible else f"{said}, ineligible"


def _targets(cluster: Cluster, state: State, health: Mapping[str, bool]) -> tuple[TargetRow, ...]:
    machines = plan.edge_machines(cluster, [each.machine for each in state.machines.values()])
    return tuple(
        TargetRow(
            each.name, f"{each.address}:{cluster.edge.traefik_port}", health.get(each.name, False)
        )
        for each in machines
    )


def _wrong(state: State, machines: tuple[MachineRow, ...], reasons: tuple[str, ...]) -> str:
    """The first thing that is not as it should be; empty when all is."""
    parts = {"switch": state.switch, "operator": state.operator, "balancer": state.balancer}
    for name, process in parts.items():
        if process is None or not process.lives:
            return f"its {name} does not run"
    if not state.ready:
        return "it was not brought up whole"
    for each in machines:
        if each.power == "off":
            return f"{each.name} is off"
    servers = {slot_row.name for slot_row in machines if slot_row.role == "server"}
    if reasons:
        return reasons[0]
    for each in machines:
        if each.name not in servers and each.nomad != "ready":
            return f"Nomad says of {each.name}: {each.nomad}"
    return ""


def _certificates(places: Places, cluster: Cluster, now: float) -> tuple[CertificateRow, ...]:
    store = FolderStore(places.store)
    at = datetime.fromtimestamp(now, UTC)
    rows = []
    for name in leaves(cluster):
        if (pem := store.get(name)) is not None:
            said = pki.facts(pem.reveal())[0]
            rows.append(CertificateRow(name, f"{said.ends:%Y-%m-%d}", said.left(at).days))
    return tuple(rows)
