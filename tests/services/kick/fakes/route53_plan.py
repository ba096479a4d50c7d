"""Which calls of the fake go wrong, and how: asked for one by one, or drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Literal, get_args

Kind = Literal[
    "throttle",
    "prior",
    "denied",
    "expired",
    "unknown-key",
    "error-before",
    "error-after",
    "lost-before",
    "lost-after",
    "reset-after",
    "garbled",
    "held-before",
    "held-after",
]
"""`before` and `after`: whether the batch was done. `held`: until `release`, or the client goes."""
KINDS: tuple[Kind, ...] = get_args(Kind)

Operation = Literal["change", "list", "get"]
LONGEST_HOLD = 30.0


@dataclass(slots=True)
class Fault:
    """What happens to the next calls of one operation."""

    kind: Kind
    operation: Operation
    times: int = 1
    skip: int = 0
    """Calls that go well before."""


@dataclass(slots=True)
class Plan:
    """Thread-safe; what is asked for goes before what is drawn."""

    seed: int = 0
    rates: Mapping[Kind, float] = field(default_factory=dict)
    """How often a change meets this, each from 0 to 1."""
    faults: list[Fault] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    reached: Event = field(default_factory=Event)
    """Set while a call is held."""
    _lock: Lock = field(default_factory=Lock)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(
        self, kind: Kind, operation: Operation = "change", *, times: int = 1, skip: int = 0
    ) -> None:
        """Let the next calls go wrong; several such follow each other."""
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind}")
        with self._lock:
            self.faults.append(Fault(kind, operation, times, skip))

    def take(self, operation: Operation) -> Kind | None:
        """What this call meets."""
        with self._lock:
            for fault in self.faults:
                if fault.operation != operation:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault.kind
            if operation != "change" or not self.rates:
                return None
            drawn = self._random.random()
            for kind, rate in self.rates.items():
                if drawn < rate:
                    return kind
                drawn -= rate
            return None

    def hold_next(self, kind: Kind) -> None:
        """Hold the next change; `reached` tells when."""
        self.released.clear()
        self.reached.clear()
        self.add(kind)

    def release(self) -> None:
        """Let go of every call that is held."""
        self.released.set()

    def hold(self) -> None:
        """Wait to be let go of; in the end by the clock, so that no test hangs for ever."""
        self.reached.set()
        self.released.wait(LONGEST_HOLD)
