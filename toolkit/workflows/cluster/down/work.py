"""What `down` works with, how it waits, and what an end before its end means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from toolkit.agents.interrupts import Check, never
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.errors import going_on
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.aws.stacks import Stacks
from toolkit.clients.dns.provider import Provider
from toolkit.cluster.template import alias
from toolkit.errors import ApiError, ExitCode, InterruptedRolloutError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_down import Done, Part
from toolkit.spec.events import Event, OnEvent, ignore
from toolkit.spec.kick import KickConfig
from toolkit.workflows.protection import Confirm, unanswered

TIMEOUT = 2700.0
"""Seconds; balancers, gateways and machines take AWS five to fifteen minutes."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at what AWS does; the last one again and again."""
WIDTH = 10
"""Where the text of a part's line starts."""


def open_cloud(cluster: Cluster) -> Cloud:
    """AWS in the cluster's region, for its account only."""
    return Cloud(cluster.region, account=cluster.account)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the caller hands in: whom to ask and tell, clocks, and the seams of tests."""

    confirm: Confirm = unanswered
    on_event: OnEvent = ignore
    timeout: float = TIMEOUT
    """Seconds until what is not over is left to go on without us."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    nonce: Callable[[], str] = lambda: token_hex(8)
    """Text that no other request has."""
    cloud: Callable[[Cluster], Cloud] = open_cloud


class TimeUpError(Exception):
    """The deadline has come; the message says what was waited for."""


@dataclass(slots=True)
class Work:
    """One call of `down`, opened."""

    cluster: Cluster
    kick: KickConfig | None
    """What the cluster's kick server was told, where the project says it."""
    cloud: Cloud
    records: Provider
    """Writes DNS records as the kick server does."""
    tools: Tools
    began: float
    check: Check = never
    root: Path | None = None
    """The project's folder; None: there is none in which a way into the cluster may stand."""
    done: list[Done] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the cluster and of its stack."""
        return self.cluster.name

    @property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        return Stacks(self.cloud)

    @property
    def machines(self) -> Machines:
        """EC2 and Auto Scaling."""
        return Machines(self.cloud)

    @property
    def zones(self) -> HostedZones:
        """Route 53's zones, whole."""
        return HostedZones(self.cloud)

    @property
    def keys(self) -> Keys:
        """KMS."""
        return Keys(self.cloud)

    @property
    def store(self) -> ParameterStore:
        """The secrets."""
        return ParameterStore(self.cloud, self.name, alias(self.cluster))

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.tools.clock() - self.began

    def say(self, part: Part, text: str) -> None:
        """Tell what goes on."""
        self.tools.on_event(Event("step", f"{part:<{WIDTH}}{text}", self.tools.now()))

    def finish(self, part: Part, text: str) -> None:
        """Tell what was done, and keep it for the report."""
        self.done.append(Done(part, text))
        self.say(part, text)

    def until(self, reason: Callable[[], str], *, most: float | None = None) -> str:
        """Look until there is no reason to wait; the last one when `most` seconds are over.

        TimeUpError at the deadline of all.
        """
        began, pauses = self.tools.clock(), list(PAUSES)
        while said := reason():
            self.check()
            waited = self.tools.clock() - began
            if most is not None and waited >= most:
                return said
            left = self.tools.timeout - self.seconds
            if left <= 0:
                raise TimeUpError(said)
            self.tools.sleep(min(pauses[0], left))
            if len(pauses) > 1:
                pauses.pop(0)
        return ""


@contextmanager
def under_way(name: str) -> Iterator[None]:
    """What an interruption, or an API that is lost, means once something was deleted."""
    again = f"toolkit cluster down {name}"
    try:
        yield
    except KeyboardInterrupt as exc:
        raise InterruptedRolloutError(
            f"interrupted; AWS goes on with what was begun of the end of {name}",
            hint=f"{again} goes on, and looks at what is left",
        ) from exc
    except ApiError as exc:
        if exc.code is ExitCode.REFUSED:
            exc.code = ExitCode.UNKNOWN
            exc.hint = going_on(exc.hint, again)
        raise
