"""The hook server's parts in one place, for actions, git routes and the process around them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hook.about import ABOUT
from hook.metrics import Metrics
from toolkit.repos.policy import permit, rights
from toolkit.serving.base import BaseServer
from toolkit.serving.log import Log
from toolkit.serving.server import Verifies
from toolkit.spec.audit import Json
from toolkit.spec.hook import HookConfig
from toolkit.spec.identity import Caller
from toolkit.spec.repo import Repo, Right

if TYPE_CHECKING:
    from hook.building import Building
    from hook.deployments import Deployments
    from hook.gate.gate import Gate
    from hook.ledger import Ledger
    from hook.sandbox import Scripts
    from toolkit.repos.bundles import Bundles
    from toolkit.repos.registry import Registry
    from toolkit.serving.actions import Answer, Ask
    from toolkit.serving.audit import Audit


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that is opened at the start; handed in by `parts`."""

    audit: Audit
    ledger: Ledger
    registry: Registry
    bundles: Bundles
    scripts: Scripts
    building: Building
    deployments: Deployments
    gate: Gate
    archives: Path
    """A folder of archives, with one for each repository that any was made of."""


class Hook(BaseServer):
    """What the actions work with; one for the process."""

    about = ABOUT

    def __init__(
        self,
        config: HookConfig,
        verifier: Verifies,
        *,
        metrics: Metrics | None = None,
        log: Log | None = None,
        now: Callable[[], float] = time.time,
    ):
        super().__init__(verifier, log=log, now=now)
        self.config = config
        self.metrics = metrics or Metrics()
        self._opened: Opened | None = None

    def open(self, opened: Opened) -> None:
        """Have everything that an action needs."""
        self._opened = opened
        self.metrics.open.set(1)

    @property
    def is_open(self) -> bool:
        """Whether it was given its parts."""
        return self._opened is not None

    @property
    def parts(self) -> Opened:
        """What was opened; an `unavailable` problem while it is not."""
        return self._there(self._opened)

    @property
    def ledger(self) -> Ledger:
        """The audit as it is written; an `unavailable` problem while it is not open."""
        return self.parts.ledger

    @property
    def registry(self) -> Registry:
        """The repositories."""
        return self.parts.registry

    @property
    def deployments(self) -> Deployments:
        """Their deployments."""
        return self.parts.deployments

    @property
    def bundles(self) -> Bundles:
        """Their hooks."""
        return self.parts.bundles

    @property
    def building(self) -> Building:
        """What is built of them."""
        return self.parts.building

    @property
    def gate(self) -> Gate:
        """What every push passes."""
        return self.parts.gate

    def permit(self, caller: Caller, repo: str, right: Right) -> None:
        """Whether the policy grants it, by the name alone; raises ForbiddenError."""
        permit(self.config.policy, caller, repo, right)

    def rights(self, caller: Caller, repo: str) -> frozenset[Right]:
        """What the caller may do with it."""
        return rights(self.config.policy, caller, repo)

    def allowed(self, caller: Caller, name: str, right: Right) -> Repo:
        """The repository, for whoever has the right to it: ForbiddenError, then AbsentError."""
        self.permit(caller, name, right)
        return self.registry.get(name)

    def perform(
        self, name: str, ask: Ask[Any], *, before: Json, after: Json, effect: Callable[[], Answer]
    ) -> Answer:
        """An action with its intent recorded before it and its outcome after."""
        subject = ask.path.get("repo", "")
        with self.ledger.around(
            name, ask.caller, subject, before=before, after=after, request=ask.request
        ):
            return effect()
