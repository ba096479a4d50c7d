"""One job, watched: the chain of each instance, old and new, whenever a link of it changes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from toolkit.errors import ApiError, NotFoundError
from toolkit.rollout import ask, chain, declared, edges, read, table
from toolkit.rollout.consul_side import ConsulSide
from toolkit.rollout.feed import Feed, Update
from toolkit.spec.chain import InstanceChain
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView
from toolkit.spec.sight import Change, JobSight, Sight, SightWord
from toolkit.workflows.names import Found, find
from toolkit.workflows.overview import state as state_of
from toolkit.workflows.session import Session
from toolkit.workflows.watching import changes

FIRST_STEP = 0.25
"""Seconds after a change until Traefik and the instances are asked again; they grow."""
LAST_STEP = 5.0
AGAIN = 1.0
"""Seconds before Nomad is asked for the job again, when it did not answer."""
IDLE = 60.0
"""Seconds of one wait where nothing has to be asked by the clock."""


def watch_job(session: Session, job: str) -> Iterator[Sight]:
    """What is there, then again on each change; ends when the job is purged.

    A job of the project that is not deployed is waited for. NotFoundError, before the first sight,
    for one that nobody knows; ApiError where the first look fails.
    """
    # Its own patience: what keeps silent must not keep the others from being shown.
    looking = session.glancing()
    found = find(session, job)
    raw = session.nomad.job(found.id)
    if raw is None and found.spec is None:
        raise NotFoundError(
            f"no job {found.id}, neither in the project nor in namespace "
            f"{session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint="toolkit status lists them",
        )
    watch = Watch(looking, found, raw)
    return watch.run()


class Watch:
    """What was seen so far; lives for one call of `watch_job`."""

    def __init__(self, session: Session, found: Found, raw: Mapping[str, Any] | None) -> None:
        self.session, self.world, self.found = session, session.world, found
        self.raw = raw
        self.registered = raw is not None
        self.fresh = True
        """`raw` is as Nomad has it now."""
        self.allocations: tuple[AllocationView, ...] | None = None
        self.deployments: tuple[DeploymentView, ...] | None = None
        self.consul: dict[str, tuple[ConsulInstance, ...]] = {}
        self.hidden: set[str] = set()
        self.lost: dict[str, str] = {}
        self.edges = edges.Edges()
        self.served: dict[tuple[str, int], str] = {}
        """What an allocation answered, by its id and restarts."""
        self.step, self.look_at = FIRST_STEP, 0.0
        self.said: Sight | None = None

    def run(self) -> Iterator[Sight]:
        """Sights, until the job is gone."""
        while True:
            with Feed(self.world, self.found.id, self.names()) as feed:
                ended = yield from self.follow(feed)
            if ended:
                return

    def names(self) -> list[str]:
        """Services of the job as it is registered."""
        return [service.name for service in declared.services(self.raw or {})]

    def follow(self, feed: Feed) -> Generator[Sight, None, bool]:
        """Until the job is gone (True), or has other services than the feed follows (False)."""
        names = self.names()
        while True:
            yield from self.wait(feed)
            if not self.fresh:
                self.reread()
            if self.raw is None and self.registered:
                text = f"{self.found.id} is not registered any more: it was purged"
                yield self.sight("gone", (Change("job", text),))
                return True
            self.registered = self.raw is not None
            if self.names() != names:
                self.look_at, self.consul = 0.0, {}
                return False
            if self.told(names):
                self.look()
                yield from self.news()

    def wait(self, feed: Feed) -> Iterator[Sight]:
        """Take what is new, or what the clock is for."""
        seconds = IDLE
        if self.told(self.names()) and self.asks():
            seconds = max(self.look_at - self.world.clock(), 0.0)
        update = feed.next(seconds if self.fresh else min(seconds, AGAIN))
        while update is not None:
            yield from self.take(update)
            update = feed.next(0)

    def take(self, update: Update) -> Iterator[Sight]:
        """Keep one update."""
        match update.kind:
            case "allocations":
                self.allocations, self.fresh = update.value, False
            case "deployments":
                self.deployments, self.fresh = update.value, False
            case "consul":
                self.consul[update.source] = update.value
                (self.hidden.add if update.hidden else self.hidden.discard)(update.source)
            case "lost" | "denied" if update.error is not None:
                if update.kind == "denied" and update.source == "Nomad":
                    raise update.error
                text = f"{update.source} is lost: {update.error.message}"
                if update.source not in self.lost:
                    self.lost[update.source] = update.error.message
                    yield self.sight("lost", (Change("hold", text),))
            case "back":
                self.lost.pop(update.source, None)
                self.fresh = False
                yield self.sight("back", (Change("hold", f"{update.source} answers again"),))
        self.step = FIRST_STEP
        self.look_at = min(self.look_at, self.world.clock() + FIRST_STEP)

    def reread(self) -> None:
        """The registered job; a Nomad that does not answer is what the feed tells of."""
        with suppress(ApiError):
            self.raw = self.session.nomad.job(self.found.id)
            self.fresh = True

    def told(self, names: list[str]) -> bool:
        """True once everything that is followed has told, or cannot."""
        nomad = self.allocations is not None and self.deployments is not None
        return nomad and ("Consul" in self.lost or all(name in self.consul for name in names))

    # What has to be asked by the clock.

    def asks(self) -> bool:
        """True when the job has a link that nobody tells of."""
        routed = any(service.routes for service in declared.services(self.raw or {}))
        return routed or self.release() is not None

    def release(self) -> str | None:
        """The release that instances are asked for; None: they are not."""
        spec = self.found.spec
        if spec is None or spec.served is None or not self.names():
            return None
        meta = (self.raw or {}).get("Meta") or {}
        return None if meta.get("release") is None else str(meta["release"])

    def look(self) -> None:
        """Look at Traefik, if it is time; the next look is later, unless something changes."""
        now = self.world.clock()
        if not self.asks() or now < self.look_at:
            return
        if any(service.routes for service in declared.services(self.raw or {})):
            self.edges = edges.look(self.world)
        self.ask()
        self.look_at = self.world.clock() + self.step
        self.step = min(self.step * 2, LAST_STEP)

    def ask(self) -> None:
        """Ask instances that take requests which release they serve; each until it answers."""
        spec = self.found.spec
        if self.release() is None or spec is None or spec.served is None:
            return
        for view in self.shown():
            key = (view.id, sum(task.restarts for task in view.tasks))
            mine = [
                item
                for found in self.consul.values()
                for item in found
                if item.allocation == view.id and item.passing and item.port
            ]
            if mine and self.served.get(key, "unseen") == "unseen":
                self.served[key] = (
                    ask.instance(self.world, mine[0], spec.served).release or "unseen"
                )

    # What is seen.

    def shown(self) -> tuple[AllocationView, ...]:
        """The instances to show."""
        version = -1 if self.raw is None else read.live_job(self.raw).version
        return table.shown(self.allocations or (), version)

    def rows(self) -> tuple[InstanceChain, ...]:
        """Each instance's chain as far as it is known."""
        services = declared.services(self.raw or {})
        blind = self.lost.get("Consul") or ("not all may be read" if self.hidden else None)
        latest = self.latest()
        rows = table.drawn(
            chain.Seen(
                expected=self.shown(),
                wanted=0,
                known=self.allocations or (),
                services=services,
                consul=ConsulSide(self.consul, blind=blind),
                edges=self.edges,
                rolling=latest is not None and not latest.terminal,
            )
        )
        if self.release() is None:
            return rows
        restarts = {v.id: sum(task.restarts for task in v.tasks) for v in self.allocations or ()}
        return tuple(
            replace(row, serves=self.served.get((row.allocation, restarts[row.allocation]), "-"))
            for row in rows
        )

    def latest(self) -> DeploymentView | None:
        """The deployment of the registered version, if it has one."""
        version = None if self.raw is None else read.live_job(self.raw).version
        mine = [each for each in self.deployments or () if each.job_version == version]
        return mine[-1] if mine else None

    def job(self) -> JobSight:
        """The job as the head of its instances."""
        if self.raw is None:
            return JobSight(self.found.id, "not deployed")
        live, latest = read.live_job(self.raw), self.latest()
        return JobSight(
            name=self.found.id,
            state=state_of(self.raw, live),
            release=live.release,
            version=live.version,
            deployment=None if latest is None else latest.status,
            healthy=None if latest is None else sum(group.healthy for group in latest.groups),
            wanted=None if latest is None else sum(group.desired_total for group in latest.groups),
        )

    def news(self) -> Iterator[Sight]:
        """A sight, if it is another one than the last."""
        before, job, rows = self.said, self.job(), self.rows()
        found = changes.of_job(
            before.job if before else None,
            job,
            before.instances if before else (),
            rows,
            self.allocations or (),
        )
        if found:
            word: SightWord = "seen" if before is None else "changed"
            self.said = self.sight(word, found, job, rows)
            yield self.said

    def sight(
        self,
        word: SightWord,
        found: tuple[Change, ...],
        job: JobSight | None = None,
        rows: tuple[InstanceChain, ...] | None = None,
    ) -> Sight:
        """A sight; without new facts, of those that were said last."""
        target, last = self.session.target, self.said
        return Sight(
            environment=target.environment,
            address=target.nomad.address,
            namespace=target.namespace,
            word=word,
            at=self.world.now(),
            changes=found,
            job=job or (last.job if last else None) or JobSight(self.found.id, "unknown"),
            instances=rows if rows is not None else last.instances if last else (),
        )
