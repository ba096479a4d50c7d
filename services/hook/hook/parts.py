"""Opening what the server works with, in order, and closing it in the reverse.

Whoever asks meanwhile is told what is waited for: another hook that still holds the audit, or the
repair of what a crash left.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

from hook.building import Building
from hook.children.children import Children
from hook.children.files import gather
from hook.deployments import Deployments
from hook.deployments.performing import Performing
from hook.gate.gate import Gate
from hook.gate.opens import RepoData
from hook.git.archive import make_kept, sweep
from hook.hook import Hook, Opened
from hook.ledger import Ledger
from hook.sandbox import Scripts
from hook.settings import Settings
from hook.tidying import tidy
from toolkit.errors import UnavailableError
from toolkit.repos.bundles import Bundles
from toolkit.repos.record_logs import Logs
from toolkit.repos.records import Records
from toolkit.repos.registry import Registry
from toolkit.serving.audit import Audit
from toolkit.serving.parts import BaseParts
from toolkit.spec.deployment import Deployment
from toolkit.spec.repo import Repo
from toolkit.spec.tree import Tree

AUDIT_FILE = 64 << 20
"""Bytes after which the audit goes on in a new file."""


class Parts(BaseParts):
    """Everything that is opened; `close` whatever came of it."""

    def __init__(self, settings: Settings, hook: Hook, children: Children):
        super().__init__(hook.log)
        self._settings = settings
        self._hook = hook
        self._children = children
        self._deployments: Deployments | None = None
        self._gate: Gate | None = None

    @property
    def archives(self) -> Path:
        """Where archives that were made are."""
        return self._settings.data / "archives"

    def open(self) -> None:
        """Open everything, in the data folder and nowhere else."""
        try:
            self._open()
        except OSError as exc:
            message = f"{self._settings.data} cannot be used: {exc.strerror}"
            raise UnavailableError(message) from exc

    def _open(self) -> None:
        settings, hook, config = self._settings, self._hook, self._settings.config
        # First of all: who holds it is the one hook, and its lock says who that is.
        hook.waits_for("the audit file")
        audit = Audit.open(
            settings.data / "audit",
            who=settings.who,
            now=time.time,
            clock=time.monotonic,
            sleep=self._sleep,
            patience=settings.patience,
            most=AUDIT_FILE,
        )
        self.closes(audit.close)
        if audit.mended is not None:
            hook.log.say("mended", what=audit.mended)
        ledger = Ledger(audit, hook.metrics)
        hook.waits_for("the repair of what was under way")
        registry = Registry(settings.data, config.limits)
        for sentence in registry.repair():
            hook.log.say("mended", what=sentence)
        bundles = Bundles(settings.data / "hooks", registry.trash)
        scripts = Scripts(bundles, registry.path, config.hooks)
        building = self._building(registry)
        data = RepoData(registry, config.limits)
        deployments = self._deploying(registry, data, bundles, scripts, building)
        gate = Gate(
            config,
            settings.data,
            children=self._children,
            opens=data,
            deploys=deployments,
            run_hooks=scripts.run_hooks,
            version_of=bundles.current,
            given=building.expected,
            ledger=ledger,
            log=hook.log,
            is_draining=lambda: hook.draining,
        )
        gate.open()
        self._gate = gate
        self.closes(gate.close)
        self._check_stopped()
        for each in deployments.reconcile():
            hook.log.say("repaired", repo=each.repo, deployment=each.id, state=each.state)
        self._begin_tidying(registry)
        hook.open(
            Opened(
                audit,
                ledger,
                registry,
                bundles,
                scripts,
                building,
                deployments,
                gate,
                self.archives,
            )
        )
        why = scripts.why_not()
        hook.log.say("ready", cluster=config.cluster, repos=len(registry.all()), no_hooks=why)

    def leave(self) -> None:
        """No more turns begin, and those under way let go: their pushers are told so; blocking."""
        if self._gate is not None:
            self._gate.leave()
        if self._deployments is not None:
            self._deployments.stop()

    def _building(self, registry: Registry) -> Building:
        settings = self._settings
        sweep(self.archives)
        building = Building(
            settings.data,
            settings.config,
            registry,
            # Where git's routes look for them, too.
            archive=partial(make_kept, limits=settings.config.limits),
            archives=self.archives,
            password=settings.registry_password,
            environ={"PATH": settings.path},
        )
        self.closes(building.stop)
        return building

    def _deploying(
        self,
        registry: Registry,
        data: RepoData,
        bundles: Bundles,
        scripts: Scripts,
        building: Building,
    ) -> Deployments:
        config = self._settings.config

        def files(repo: Repo, commit: str) -> Tree:
            with data.tree(repo, commit, None) as tree:
                return gather(tree, config.limits)

        performing = Performing(
            children=self._children,
            config=config,
            gather=files,
            building=building,
            run_hooks=scripts.run_hooks,
        )
        records = Records(self._settings.data)
        deployments = Deployments(
            records,
            Logs(records, most=config.limits.log_bytes),
            repos=registry,
            perform=performing,
            head=data.head,
            hooks=lambda name: bundles.current(registry.get(name)),
            halt=performing.halt,
            on_bug=self._hook.log.bug,
            on_end=self._note_end,
        )
        self.closes(deployments.stop)
        self._deployments = deployments
        return deployments

    def _note_end(self, record: Deployment) -> None:
        """What became of a deployment, for whoever looks at the server and asks nothing."""
        self._hook.metrics.deployments.labels(record.state).inc()
        self._hook.log.say(
            "deployment",
            repo=record.repo,
            id=record.id,
            kind=record.kind,
            commit=record.commit,
            state=record.state,
            seconds=round(record.changed - record.created, 1),
            pusher=record.pusher,
        )

    def _begin_tidying(self, registry: Registry) -> None:
        def work() -> None:
            keep, log = self._settings.config.trash, self._hook.log
            try:
                tidy(registry, log, keep=keep, wait=self._stopped.wait)
            except Exception as exc:  # noqa: BLE001  a thread's end is silent otherwise
                log.bug(exc)

        thread = threading.Thread(target=work, name="tidies", daemon=True)
        thread.start()
        self.closes(lambda: thread.join(5.0))
