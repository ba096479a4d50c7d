"""Wait for machines of a rehearsal, with a reason when they do not come.

Nothing here offers anything to block on: a machine says by a file that it is in, as it says it to
a stack in AWS.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.cluster.rehearsal.machines import said_by
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import last_line
from toolkit.cluster.rehearsal.state import State
from toolkit.errors import AgentError
from toolkit.spec.cluster import Machine
from toolkit.workflows.cluster.servers import Deadline


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
