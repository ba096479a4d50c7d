"""The ASGI application of the hook server: git's routes and the table, behind one desk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from starlette.applications import Starlette

from hook.actions import Action
from hook.git.parts import GitParts, Passed
from hook.git.routes import git_routes
from hook.hook import Hook
from hook.table import TABLE
from hook.who import who_of
from toolkit.serving import app
from toolkit.serving.desk import Visit
from toolkit.serving.limits import Limits
from toolkit.spec.repo import Repo


def make_app(
    hook: Hook,
    actions: Sequence[Action] = TABLE,
    *,
    archives: Path,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application over `hook`; `actions` is the whole table.

    `archives`: a folder for archives that were made.
    """
    parts = GitParts(
        repos=_Registered(hook),
        policy=hook.config.policy,
        limits=hook.config.limits,
        admit=_admission(hook),
        archives=archives,
        log=hook.log,
        is_draining=lambda: hook.draining,
    )
    return app.make_app(
        hook, actions, limits=limits, clock=clock, beside=lambda desk: git_routes(desk, parts)
    )


class _Registered:
    """The registry, as soon as there is one: an `unavailable` problem until then."""

    def __init__(self, hook: Hook):
        self._hook = hook

    def get(self, name: str) -> Repo:
        return self._hook.registry.get(name)

    def path(self, repo: Repo) -> Path:
        return self._hook.registry.path(repo)


def _admission(
    hook: Hook,
) -> Callable[[Repo, Visit, Callable[[], None]], AbstractContextManager[Passed]]:
    def admit(
        repo: Repo, visit: Visit, arrived: Callable[[], None]
    ) -> AbstractContextManager[Passed]:
        hook.check_open()
        source = visit.request.client.host if visit.request.client else ""
        return hook.gate.admit(repo, who_of(visit), source, arrived)

    return admit
