"""The loop: wait for a change, look what it means, take a turn for each job that it concerns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from toolkit.agents import interrupts
from toolkit.config.project import PROJECT_FILE
from toolkit.errors import ConfigError, RefusedError
from toolkit.loop.notice import Inbox, Notice
from toolkit.loop.settle import Settling
from toolkit.spec.loop import Item, OnItem, Remark, Turn
from toolkit.workflows.dev import status
from toolkit.workflows.dev_watch.plan import PROJECT, Planned, planned
from toolkit.workflows.dev_watch.tails import Tails
from toolkit.workflows.dev_watch.turn import NOTHING, Opened, Turning

ECHO = 0.2
"""Seconds after a look in which what is told was most likely seen by it already."""


def watch(
    opened: Opened,
    jobs: Sequence[str],
    *,
    environ: Mapping[str, str],
    on_item: OnItem,
    clock: Callable[[], float] | None = None,
) -> None:
    """Deploy the jobs, then whatever changes, until KeyboardInterrupt.

    `opened` opens a session for a release, and reads toolkit.toml anew. `environ` is what builds
    see, without its secrets. RefusedError for an environment that is not local, and where its
    agents do not run. InterruptedRolloutError when a rollout was under way.
    """
    session = opened(None)
    project = session.settings.project
    if project is None or project.root is None:
        raise RefusedError("dev watch needs a project", hint="toolkit init makes one")
    if not session.target.local:
        raise RefusedError(
            f"dev watch deploys every change, so it is for local clusters only; environment "
            f"{session.target.environment} is at {session.target.nomad.address}",
            hint="choose one that is local: toolkit dev watch --env NAME",
        )
    agents = status(project.root)
    if agents.word != "running":
        raise RefusedError(agents.sentence, hint="toolkit dev up starts them")
    plan = planned(session, jobs)
    if not plan.jobs:
        raise RefusedError("the project has no job", hint="each folder in jobs/ is one")
    clock = session.world.clock if clock is None else clock
    teller = _Teller(on_item)
    with interrupts.noticed():
        inbox = Inbox(clock)
        notice = Notice(project.root, inbox)
        tails = Tails(lambda: opened(None), teller)
        turning = Turning(
            root=project.root,
            opened=opened,
            environ=environ,
            on_item=teller,
            registered=_follows(tails, teller),
            clock=clock,
            pause=session.world.sleep,
        )
        try:
            notice.watch(plan.places)
            _Loop(opened, jobs, plan, inbox, notice, turning, teller, clock).run()
        finally:
            notice.close()
            tails.close()


def _follows(tails: Tails, on_item: OnItem) -> Callable[[str, str], None]:
    said: set[str] = set()

    def registered(job: str, job_id: str) -> None:
        if not tails.follow(job, job_id) and job not in said:
            said.add(job)
            on_item(Remark(f"logs of {job} are not shown, of so many jobs: toolkit logs {job} -f"))

    return registered


class _Teller:
    """Passes on one thing at a time, whichever thread it comes from."""

    def __init__(self, on_item: OnItem) -> None:
        self._on_item, self._lock = on_item, threading.Lock()

    def __call__(self, item: Item) -> None:
        with self._lock:
            self._on_item(item)


class _Loop:
    """What one call of `watch` goes round with."""

    def __init__(
        self,
        opened: Opened,
        named: Sequence[str],
        plan: Planned,
        inbox: Inbox,
        notice: Notice,
        turning: Turning,
        on_item: OnItem,
        clock: Callable[[], float],
    ) -> None:
        self.opened, self.named, self.plan = opened, named, plan
        self.inbox, self.notice, self.turning = inbox, notice, turning
        self.on_item, self.clock = on_item, clock
        self.wrong = False
        """toolkit.toml had a mistake when it was read last."""

    def run(self) -> None:
        """Until interrupted."""
        for note in self.plan.notes:
            self.on_item(Remark(note))
        self.turns(self.plan.jobs, self.clock())
        watched = sorted({place for each in self.plan.sources.values() for place in each})
        also = f", {', '.join(watched)}" if watched else ""
        self.on_item(Remark(f"watching jobs, toolkit.toml{also}; Ctrl-C ends it"))
        while True:
            self.change(self.inbox.take())

    def change(self, news: Settling) -> None:
        """One change, to its end."""
        since = news.last
        echo = news.silent or self.is_echo(since)
        fresh = self.replan(since) if PROJECT in news.jobs else []
        if fresh is None:
            return
        jobs = [job for job in self.plan.jobs if job in news.jobs or job in fresh]
        if not jobs and not echo:
            seconds = self.clock() - since
            self.on_item(Turn("unchanged", "", NOTHING, seconds))
        self.turns(jobs, since, silent=echo)

    def is_echo(self, at: float) -> bool:
        """True for what was told so soon after a look that the look has most likely seen it."""
        return at <= self.turning.looked + ECHO

    def turns(self, jobs: Sequence[str], since: float, *, silent: bool = False) -> None:
        """A turn for each; what is unchanged is said in one line, or not at all if `silent`."""
        unchanged: list[Turn] = []
        for job in jobs:
            turn = self.turning.take(job, self.plan.sources.get(job, ()), since)
            if turn.word == "unchanged" and turn.sentence.startswith(NOTHING):
                unchanged.append(turn)
                continue
            self.on_item(turn)
        waiting = self.inbox.waiting_since
        if waiting is not None and not self.is_echo(waiting):
            self.on_item(Remark("files changed meanwhile; their newest state is next"))
        if unchanged and not silent:
            self.on_item(_together(unchanged))

    def replan(self, since: float) -> list[str] | None:
        """Which jobs there are now, and of them the new ones; None, said, for a wrong file."""
        try:
            session = self.opened(None)
            plan = planned(session, self.named, self.plan)
        except ConfigError as exc:
            text = f"{exc.message}\nwhat runs goes on"
            seconds = self.clock() - since
            self.on_item(Turn("mistake", "", text, seconds, hint=exc.hint))
            self.wrong = True
            return None
        if self.wrong:
            self.wrong = False
            self.on_item(Remark(f"{PROJECT_FILE} is well again"))
        before, self.plan = self.plan, plan
        for note in plan.notes:
            if note not in before.notes:
                self.on_item(Remark(note))
        for job in before.jobs:
            if job not in plan.jobs:
                text = f"{job} is no longer among the jobs, and runs on: toolkit stop {job}"
                self.on_item(Remark(text))
        if plan.places != before.places:
            self.notice.watch(plan.places)
        return [job for job in plan.jobs if job not in before.jobs]


def _together(turns: Sequence[Turn]) -> Turn:
    """One line for jobs of which nothing changed."""
    if len(turns) == 1:
        return turns[0]
    names = ", ".join(turn.job for turn in turns)
    return Turn("unchanged", "", f"{NOTHING} in {names}", max(t.seconds for t in turns))
