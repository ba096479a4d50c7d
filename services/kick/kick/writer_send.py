"""Sends plans of one zone to its provider and tells each plan's fate; nothing is sent blindly.

What the provider refuses is split until what is wrong stands alone; what it is too busy for is sent
again later; what got no reply is read. A plan whose name has changed since it was thought out is
handed back to be thought out anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from toolkit.clients.dns.provider import BatchRefusedError, BusyError, Provider, ReplyLostError
from toolkit.dns.batches import pack, split
from toolkit.dns.standing import Standing, agree, names_of, standings
from toolkit.errors import ApiError, UnreachableError
from toolkit.spec.dns import Change, Submitted, Zone

LONGEST_PAUSE = 5.0
"""Seconds between two tries of a busy provider."""
FIRST_PAUSE = 0.2


class Plan(Protocol):
    """What one name is to become."""

    @property
    def before(self) -> Standing:
        """What was there when it was thought out."""

    @property
    def after(self) -> Standing:
        """What it is to become."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What to send."""


@dataclass(frozen=True, slots=True)
class Done:
    """The provider has it."""

    submitted: Submitted
    found: Standing | None = None
    """What was read of the name since, where it had to be."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is not there, and the name was read: think anew."""

    why: str


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing of it was done."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, and cannot be read."""

    error: ApiError


Fate = Done | Again | NotDone | Unknown


class Sender:
    """Talks to the providers, one request at a time."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        *,
        read: Callable[[Zone, Iterable[Standing]], None],
        tries: int,
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ):
        """`read` is told what names have; `tries`: of a request while a provider is busy."""
        self._providers = providers
        self._read = read
        self._tries = tries
        self._sleep = sleep
        self._random = random
        self.sent = 0
        """Batches, those that were refused among them."""

    def send(self, zone: Zone, plans: Sequence[Plan]) -> list[Fate]:
        """The fate of each plan; plans are of different names."""
        fates: dict[str, Fate] = {}
        most = self._providers[zone.provider].most_changes
        for batch in pack(plans, _changes, most=most):
            self._send(zone, batch, fates)
        return [fates[plan.before.name] for plan in plans]

    def look(
        self, zone: Zone, names: Iterable[str], *, stubborn: bool = False
    ) -> dict[str, Standing]:
        """What names have now; noted as read.

        Raises ApiError: when the provider stays busy or, `stubborn`, whatever it is, after a few
        tries.
        """
        wanted = list(dict.fromkeys(names))
        provider = self._providers[zone.provider]
        for tried in range(self._tries):
            try:
                found = standings(provider.at(zone, names_of(wanted)), wanted)
            except ApiError as error:
                if tried + 1 == self._tries or not (stubborn or isinstance(error, BusyError)):
                    raise
                self._pause(tried)
            else:
                self._read(zone, found)
                return {standing.name: standing for standing in found}
        raise ValueError("a provider is tried at least once")

    def _send(self, zone: Zone, plans: list[Plan], fates: dict[str, Fate]) -> None:
        try:
            submitted = self._apply(zone, [each for plan in plans for each in plan.changes])
        except BatchRefusedError as error:
            self._refused(zone, plans, error, fates)
        except ApiError as error:
            if isinstance(error, ReplyLostError) or (
                isinstance(error, UnreachableError) and error.lost_reply
            ):
                self._lost(zone, plans, error, fates)
            else:
                fates |= {plan.before.name: NotDone(error) for plan in plans}
        else:
            fates |= {plan.before.name: Done(submitted) for plan in plans}

    def _apply(self, zone: Zone, changes: Sequence[Change]) -> Submitted:
        for tried in range(self._tries):
            self.sent += 1
            try:
                return self._providers[zone.provider].apply(zone, changes)
            except BusyError:
                if tried + 1 == self._tries:
                    raise
                self._pause(tried)
        raise ValueError("a provider is tried at least once")

    def _refused(
        self, zone: Zone, plans: list[Plan], error: BatchRefusedError, fates: dict[str, Fate]
    ) -> None:
        """Split what was refused; one alone is outdated, or wrong in itself."""
        if len(plans) > 1:
            for part in split(plans, _changes, error.blamed):
                self._send(zone, part, fates)
            return
        (plan,) = plans
        name = plan.before.name
        try:
            now = self.look(zone, [name])[name]
        except ApiError as worse:
            fates[name] = NotDone(worse)
            return
        fates[name] = NotDone(error) if now == plan.before else Again("the name had changed")

    def _lost(self, zone: Zone, plans: list[Plan], error: ApiError, fates: dict[str, Fate]) -> None:
        """Read what became of a batch without a reply."""
        try:
            now = self.look(zone, [plan.before.name for plan in plans], stubborn=True)
        except ApiError:
            fates |= {plan.before.name: Unknown(error) for plan in plans}
            return
        for plan in plans:
            name = plan.before.name
            if agree(now[name], plan.after, plan.changes):
                # Whoever answered nothing gave no id either: the state is told by time alone.
                fates[name] = Done(Submitted("", "PENDING"), now[name])
            else:
                fates[name] = Again("its reply was lost")

    def _pause(self, tried: int) -> None:
        """Longer every time, and never the same for two who were refused together."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * math.pow(2, tried))
        self._sleep(longest * (0.5 + self._random() / 2))


def _changes(plan: Plan) -> tuple[Change, ...]:
    return plan.changes
