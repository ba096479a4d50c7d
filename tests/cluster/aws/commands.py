"""`plan`, `up`, `status` and `down` of a cluster whose machines do not exist: all of AWS is asked.

What needs machines that answer is handed in: they are entered, begun, ready and equipped at once.
Also a program, for tests that kill it: `python -m tests.cluster.aws.commands up prod`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from toolkit.clients.aws.cloud import Cloud
from toolkit.cluster.bootstrap import mark_begun
from toolkit.cluster.secrets import read_secrets
from toolkit.cluster.secrets.store import Store
from toolkit.errors import ToolkitError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.equip import Equipment, EquipReport
from toolkit.spec.events import Event
from toolkit.workflows.cluster import apply
from toolkit.workflows.cluster import down as ending
from toolkit.workflows.cluster.apply.filling import Filling, Sleep
from toolkit.workflows.cluster.apply.work import Work

ATTEMPTS = 2
"""Of one call: who throttles until the end is believed sooner than by a user's command."""
PACE = 20.0
"""How much faster time goes by than outside: nothing takes minutes here."""
NAP = 0.05
"""Seconds outside that a wait takes at least."""


@contextmanager
def enter(work: Work, store: Store) -> Iterator[Access]:
    """The way in."""
    yield Access(
        "https://server-1.prod.internal:4646", "https://server-1.prod.internal:8501", "", ""
    )


def begin(work: Work, access: Access, store: Store, sleep: Sleep) -> None:
    """The servers have heard of everybody whose secret is in the store."""
    assert read_secrets(store, work.cluster)
    mark_begun(store)


def unequipped(*_: Any, **__: Any) -> Equipment:
    """A project whose shipped jobs nobody reads: to render them takes longer than all the rest."""
    return Equipment((), ())


FILLING = Filling(
    check_way=lambda _: None,
    enter=enter,
    begin=begin,
    settle=lambda work, *_: "3 servers decide together",
    fit_out=lambda work, *_: EquipReport(work.name, work.name, (), (), "no equipment"),
)


@dataclass
class Ended:
    """How a command ended."""

    code: int
    said: str
    report: Any = None
    events: list[Event] = field(default_factory=list)


def clock() -> float:
    """Seconds of this faster time."""
    return time.monotonic() * PACE


def nap(seconds: float) -> None:
    """Wait that many of them."""
    time.sleep(max(seconds / PACE, NAP))


class Quick(Cloud):
    """AWS, as the process finds it; boto3 reads what it knows of a service once.

    To do so for each command would take longer than all that commands ask.
    """

    session: ClassVar[Any] = None
    made: ClassVar[dict[int, dict[tuple[str, bool], Any]]] = {}
    """boto3 clients, by the attempts of a call."""

    def __init__(self, region: str, *, account: str | None, attempts: int) -> None:
        super().__init__(region, account=account, attempts=attempts)
        self._clients = Quick.made.setdefault(attempts, {})

    def close(self) -> None:
        """The next command goes on with it."""

    def _opened(self) -> Any:
        if Quick.session is None:
            Quick.session = super()._opened()
        return Quick.session


def opener(attempts: int) -> Callable[[Cluster], Cloud]:
    """How AWS is opened."""
    return lambda cluster: Quick(cluster.region, account=cluster.account, attempts=attempts)


def plan(folder: Path, *, attempts: int = ATTEMPTS) -> Ended:
    """`toolkit cluster plan prod`."""
    return _ended(lambda events: apply.plan(folder, "prod", _apply_tools(events, attempts)))


def up(folder: Path, *, attempts: int = ATTEMPTS) -> Ended:
    """`toolkit cluster up prod`."""
    return _ended(lambda events: apply.up(folder, "prod", _apply_tools(events, attempts)))


def down(folder: Path, *, keep_data: bool = False, attempts: int = ATTEMPTS) -> Ended:
    """`toolkit cluster down prod`."""
    return _ended(
        lambda events: ending.down(
            folder,
            "prod",
            ending.Tools(
                confirm=lambda _: True,
                on_event=events.append,
                clock=clock,
                sleep=nap,
                cloud=opener(attempts),
            ),
            keep_data=keep_data,
        )
    )


def _apply_tools(events: list[Event], attempts: int) -> apply.Tools:
    return apply.Tools(
        confirm=lambda _: True,
        on_event=events.append,
        clock=clock,
        sleep=nap,
        cloud=opener(attempts),
        filling=FILLING,
        equipment=unequipped,
    )


def _ended(command: Callable[[list[Event]], Any]) -> Ended:
    events: list[Event] = []
    try:
        report = command(events)
    except ToolkitError as error:
        hint = f" (hint: {error.hint})" if error.hint else ""
        return Ended(int(error.code), f"{error}{hint}", events=events)
    return Ended(int(report.code), report.sentence, report, events)


def main() -> int:
    """Run one of them in this folder."""
    command = {"plan": plan, "up": up, "down": down}[sys.argv[1]]
    ended = command(Path.cwd())
    sys.stdout.write(json.dumps({"code": ended.code, "said": ended.said}) + "\n")
    return ended.code


if __name__ == "__main__":
    sys.exit(main())
