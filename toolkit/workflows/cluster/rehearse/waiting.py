"""Wait for machines, nodes and servers of a rehearsal: one deadline, and a reason when it passes.

Nothing here offers anything to block on: a machine says by a file that it is in, as it says it to
a stack in AWS, and servers that begin have no index yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from toolkit.agents.interrupts import Check, never
from toolkit.cluster.rehearsal.machines import said_by
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import last_line
from toolkit.cluster.rehearsal.state import State
from toolkit.errors import AgentError, ApiError
from toolkit.spec.cluster import Machine
from toolkit.workflows.cluster.rehearse.talk import Servers

PAUSE = 0.1


@dataclass(frozen=True)
class Deadline:
    """When it has to be over."""

    began: float
    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    check: Check = never

    @property
    def left(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self.began + self.seconds - self.clock())

    def until(self, reason: Callable[[], str]) -> None:
        """Ask until there is no reason against it; AgentError with the last one."""
        while said := reason():
            self.check()
            if not self.left:
                raise AgentError(
                    f"not within {self.seconds:.0f} s: {said}",
                    hint="a machine that has more to do needs longer: --timeout says how long",
                )
            self.sleep(PAUSE)


def await_machines(
    places: Places, state: State, machines: Sequence[Machine], deadline: Deadline
) -> None:
    """Every machine has said that it is in; AgentError with what a failed one said."""
    deadline.until(lambda: still_out(places, state, machines))


def still_out(places: Places, state: State, machines: Sequence[Machine]) -> str:
    """Which machines are not in yet; AgentError when one never will be."""
    waiting = []
    for each in machines:
        folder = places.machine(each.name)
        said = said_by(folder)
        if said and said[-1].startswith("success"):
            continue
        if said:
            raise AgentError(
                f"the machine {each.name} did not start: {said[-1].partition(' ')[2]}",
                hint=f"its log is {folder / 'opt' / 'toolkit' / 'boot.log'}",
            )
        if not state.machines[each.name].process.lives:
            log = folder / "init.log"
            raise AgentError(
                f"the machine {each.name} ended: {last_line(log) or 'it said nothing'}",
                hint=f"its log is {log}",
            )
        waiting.append(each.name)
    return f"{', '.join(waiting)} not in" if waiting else ""


def await_nodes(asked: Servers, machines: Sequence[Machine], deadline: Deadline) -> None:
    """Nomad has every worker, ready."""

    def reason() -> str:
        try:
            ready = {node["Name"] for node in asked.nomad.nodes() if node["Status"] == "ready"}
        except ApiError as error:
            return error.message
        missing = [each.name for each in machines if each.name not in ready]
        return f"Nomad has not {', '.join(missing)} as ready" if missing else ""

    deadline.until(reason)


def await_servers(asked: Servers, deadline: Deadline) -> None:
    """Both systems' servers decide together, all of them."""
    deadline.until(lambda: "; ".join(asked.judge().reasons[:1]))
