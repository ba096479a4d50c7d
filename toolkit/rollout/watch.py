"""Follow a registered job until Nomad is done with it, and gate the promotion on the way.

One loop: keep what the feed tells, let the machine decide, do what it decided. Nothing is decided
here; `toolkit.rollout.machine` knows no clock, no client and no listener.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from toolkit.errors import ApiError, DeniedError, ServerError, UnreachableError
from toolkit.rollout import (
    compared,
    gate,
    machine,
    placement,
    progress,
    read,
    reasons,
    secrets,
    table,
)
from toolkit.rollout.declared import services
from toolkit.rollout.feed import Feed, Update, reread
from toolkit.rollout.machine import (
    Analyse,
    Ask,
    Decision,
    End,
    Explain,
    Fail,
    Follow,
    Look,
    Opinion,
    Promote,
    Wait,
    Watched,
)
from toolkit.rollout.machine.capacity import patience, short_of
from toolkit.rollout.outside import Outside
from toolkit.rollout.sightings import Sightings
from toolkit.rollout.state import State
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.chain import InstanceChain
from toolkit.spec.events import Event, OnEvent, Stage
from toolkit.spec.observed import AllocationView
from toolkit.spec.outcome import Outcome

GATE_STEP = 0.02
"""Seconds between two looks of a closed gate at Traefik, which cannot be blocked on; the looks of
rollouts that are followed at the same time share the time."""
BLIND_STEP = 0.5
"""Seconds between two looks of a gate that cannot see, or of the gate of a revert."""
BY_HAND = "Deployment marked as failed"
"""How Nomad describes a deployment that a person, or another tool, failed."""
FAIL_STEP = 1.0
"""Seconds before Nomad is asked again to fail a deployment, when it did not answer."""
ASK_STEP = 0.5
"""Seconds before Nomad is asked again what is registered."""


class Source(Protocol):
    """Where updates come from."""

    def next(self, timeout: float) -> Update | None:
        """The next update, or None when `timeout` seconds bring none."""

    def follow_evaluations(self) -> None:
        """Tell of evaluations as well from now on; asked again, it changes nothing."""


def watch(
    world: World, watched: Watched, on_event: OnEvent, outside: Outside | None = None
) -> Outcome:
    """Follow our registration to its end, a revert of it included.

    `outside` is heard as well: what is told there is decided on at once.
    """
    names = [service.name for service in services(watched.job)]
    outside = outside or Outside()
    with Feed(world, str(watched.job["ID"]), names) as feed:
        outside.wakes(feed.wake)
        try:
            return Watch(world, watched, on_event, feed, outside).run()
        finally:
            outside.leaves(feed.wake)


class Watch:
    """The loop and what it touches; lives for one call of `watch`."""

    def __init__(
        self,
        world: World,
        watched: Watched,
        on_event: OnEvent,
        feed: Source,
        outside: Outside | None = None,
    ):
        self.world, self.watched, self.on_event, self.feed = world, watched, on_event, feed
        self.outside = outside or Outside()
        now = world.clock()
        self.state = State(begun=now, quiet_since=now)
        self.seen = Sightings()
        self.short_said = False
        self.drawn: tuple[InstanceChain, ...] = ()

    def run(self) -> Outcome:
        """Decide and do, until it is over."""
        while True:
            now = self.world.clock()
            self.state.probe = self.outside.of("probe")
            self._hear(self.outside.of("analysis"))
            decision = machine.decide(self.watched, self.state.answers(self.watched, now))
            if isinstance(decision, End):
                return self._end(decision)
            self._do(decision, now)

    def _do(self, decision: Decision, now: float) -> None:
        match decision:
            case Wait():
                self._wait(decision, now)
            case Ask(what="evaluations"):
                self._ask_evaluations()
            case Ask():
                self._ask(now)
            case Look():
                self._look(decision)
            case Analyse():
                self._did(analysing=True)
                compared.begin(self.world, self.watched, self.state, self.outside)
            case Promote():
                self._promote(decision)
            case Fail():
                self._fail(decision)
            case Explain():
                self._explain(decision)
            case Follow():
                self._say("revert", f"Nomad goes back to version {decision.target}")
                self._did(following=now)

    def _did(self, **what: object) -> None:
        self.state.did = replace(self.state.did, **what)  # type: ignore[arg-type]

    def _hear(self, found: Opinion | None) -> None:
        """What was found of the canaries, said when it changes."""
        known, self.state.analysis = self.state.analysis, found
        if found is not None and found != known:
            self._say("analyse", found.reason)

    def _say(self, stage: Stage, text: str) -> None:
        self.world.say(self.on_event, stage, text)

    # What is waited for, and what is asked.

    def _wait(self, wait: Wait, now: float) -> None:
        if wait.short and not self.short_said:
            self.short_said = True
            seconds = patience(self.watched)
            text = f"waiting up to {seconds:g} s for capacity: {wait.short[0].summary}"
            self._say("place", text)
        update = self.feed.next(max(wait.until - now, 0.0))
        if update is None:
            self.state.gate = None
        while update is not None:
            self.state.take(update, self.world.clock())
            self.seen.take(update, self.world.now())
            self._tell_lost(update)
            update = self.feed.next(0)
        compared.aim(self.world, self.watched, self.state, self.outside)
        self._tell()

    def _ask(self, now: float) -> None:
        try:
            raw = self.world.nomad.job(str(self.watched.job["ID"]))
        except ApiError as exc:
            if isinstance(exc, DeniedError):
                self.state.denied["Nomad"] = exc
            since = self.state.did.asking_since
            since = now if since is None else since
            again = self.world.clock() + ASK_STEP
            self._did(asking_since=since, asked_error=exc.message, ask_again=again)
            return
        self.state.registered = "gone" if raw is None else read.live_job(raw)
        self._did(asking_since=None, asked_error="", ask_again=self.world.clock() + ASK_STEP)

    def _ask_evaluations(self) -> None:
        job_id = str(self.watched.job["ID"])
        try:
            found = read.evaluations(self.world.nomad.evaluations(job_id))
        except ApiError as exc:
            self._did(read_again=self.world.clock() + ASK_STEP, asked_error=exc.message)
            return
        self.state.list_evaluations(found)
        self.feed.follow_evaluations()

    # The gate.

    def _look(self, look: Look) -> None:
        state, job, revert = self.state, self.watched.job, look.revert
        try:
            if revert:
                job = self.world.nomad.job(str(job["ID"])) or job
            answer = gate.check(
                self.world,
                job,
                look.deployment,
                state.allocations or (),
                self.watched.served,
                edge_seen=self.watched.edge_seen and not revert,
            )
        except ApiError as exc:
            self._close(exc.message, BLIND_STEP, blind=True)
            return
        state.look(answer, self.world.clock())
        self.seen.look(answer.verification.instances, self.world.now())
        self._note_healthy()
        if not answer.open:
            slow = answer.blind or revert
            step = BLIND_STEP if slow else min(GATE_STEP * self.world.crowd, BLIND_STEP)
            self._close(answer.reason, step, blind=answer.blind)
            return
        rows = answer.verification.instances
        if not state.did.analysing:
            for text in progress.chains(rows):
                self.on_event(Event("canary", text, self.world.now(), rows))
        if (then := compared.what_follows(self.watched, state)) and not revert:
            self._say("gate", f"{answer.reason} · {then}")

    def _close(self, reason: str, seconds: float, *, blind: bool) -> None:
        if reason != self.state.gate_said:
            self.state.gate_said = reason
            self._say("hold" if blind else "gate", f"closed: {reason}")
        self._did(gate_again=self.world.clock() + seconds)

    def _promote(self, promote: Promote) -> None:
        state = self.state
        said = state.gate.reason if state.gate else ""
        state.gate = None
        try:
            self.world.nomad.promote(promote.deployment.id)
        except DeniedError as exc:
            self._did(promotion_denied=exc.message)
        except ApiError as exc:
            # Nomad judges again by itself: a canary may have become unhealthy in this moment.
            if exc.message != state.gate_said:
                state.gate_said = exc.message
                self._say("gate", f"{said} · not promoted: {progress.refused(exc)}")
            self._did(gate_again=self.world.clock() + BLIND_STEP)
        else:
            state.gate_said = ""
            if promote.revert:
                self._did(gate_again=self.watched.deadline)
            else:
                self._did(promoted_at=self.world.clock())
            self._say("gate", f"{said} · {'revert promoted' if promote.revert else 'promoted'}")

    # Failing, and why.

    def _fail(self, fail: Fail) -> None:
        if fail.suspects:
            self._find_causes(fail.suspects)
            self.state.causes += fail.causes
        else:
            self.state.causes = fail.causes
        try:
            self.world.nomad.fail(fail.deployment.id)
        except (ServerError, UnreachableError) as exc:
            if not self.state.did.fail_again:
                self._say("fail", f"cannot fail the deployment: {exc.message}")
            self._did(fail_again=self.world.clock() + FAIL_STEP)
            return
        except ApiError as exc:
            # Terminal meanwhile: the next view of the deployment says what became of it.
            self._say("fail", f"cannot fail the deployment: {exc.message}")
            denied = exc.message if isinstance(exc, DeniedError) else ""
            self._did(fail_refused=True, fail_denied=denied)
            return
        self._did(failed=True, explained=True, gave_up=fail.why == "unplaced")
        self.state.causes = self._named(self.state.causes)
        self._say("fail", f"{self.state.causes[0].summary} · deployment failed now")

    def _explain(self, explain: Explain) -> None:
        state, failed = self.state, explain.deployment
        by_hand = failed is not None and failed.description.startswith(BY_HAND)
        if state.causes:
            pass
        elif failed is not None and by_hand:
            state.causes = (reasons.by_hand(failed),)
        elif explain.causes:
            state.causes = explain.causes
        else:
            suspects = explain.suspects
            # Nomad's word on a deployment may come before the last events of its allocations.
            if found := reread(self.world, str(self.watched.job["ID"])):
                state.list_allocations(found, self.world.clock())
                ids = {a.id for a in suspects}
                suspects = tuple(a for a in state.allocations or () if a.id in ids)
            self._find_causes(suspects)
        if failed is not None:
            self._say("fail", failed.description)
        self._did(explained=True)

    def _find_causes(self, bad: tuple[AllocationView, ...]) -> None:
        # Read only now: a rollout that goes well never needs them.
        hidden = {*self.watched.secrets, *secrets.stored(self.world, str(self.watched.job["ID"]))}
        self.state.causes = reasons.causes(
            self.world,
            bad,
            self.state.evidence(),
            hidden,
            services(self.watched.job),
        )

    def _named(self, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        """The causes with the holders of ports and the health of drivers, as the plan names them.

        Looked up at the end only: the machine decides without it.
        """
        if causes[0].kind != "unplaced":
            return causes
        answers = self.state.answers(self.watched, self.world.clock())
        failed = short_of(self.watched, answers)
        return placement.explained(self.world, failed, self.watched.job) or causes

    # What is told, and how it ends.

    def _tell(self) -> None:
        lines = progress.transitions(
            self.state.told,
            self.state.allocations or (),
            self.watched.version,
            since=self.watched.modify_index,
        )
        rows = table.rows(self.watched, self.state)
        # Without a line the table alone changed, such as by a check that passes now.
        silent: list[tuple[Stage, str]] = [("place", "")] if rows != self.drawn else []
        for stage, text in lines or silent:
            self.on_event(Event(stage, text, self.world.now(), rows))
        self.drawn = rows

    def _tell_lost(self, update: Update) -> None:
        if update.kind == "lost" and update.error is not None:
            self._say("hold", f"{update.source} is lost: {update.error.message}")
        elif update.kind == "back":
            self._say("hold", f"{update.source} answers again")

    def _note_healthy(self) -> None:
        if self.state.healthy_at is None:
            self.state.healthy_at = self.world.clock()

    def _end(self, end: End) -> Outcome:
        state = self.state
        ended_at = self.world.clock()
        if end.end == "successful":
            self._note_healthy()
        if end.causes:
            state.causes = self._named(end.causes)
        elif end.suspects and not state.causes:
            self._find_causes(end.suspects)
        return Outcome(
            end=end.end,
            detail=end.detail,
            version=end.version,
            deployment=end.deployment,
            allocations=state.allocations or (),
            causes=state.causes,
            gated=state.gated,
            healthy_at=state.healthy_at,
            promoted_at=state.did.promoted_at,
            ended_at=ended_at,
            edge_wait=state.edge_wait,
            sightings=self.seen.found,
            skew=self.seen.skew,
            lost=frozenset(state.were_lost),
        )
