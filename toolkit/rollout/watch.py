"""Follow a registered job until Nomad is done with it, and gate the promotion on the way.

One loop over one feed. It never asks Nomad "what is the newest deployment": ours is the one whose
JobSpecModifyIndex is our registration's, and a revert's is the one of the next job version.
"""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ApiError, DeniedError, ServerError, UnreachableError
from toolkit.rollout import direct, gate, placement, progress, reasons, revert, secrets, table
from toolkit.rollout.declared import services
from toolkit.rollout.feed import Feed, Update, reread
from toolkit.rollout.hopeless import hopeless, suspects
from toolkit.rollout.state import State, Watched
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.events import Event, OnEvent
from toolkit.spec.observed import AllocationView, DeploymentView, GroupDeployment
from toolkit.spec.outcome import End, Outcome

GATE_STEP = 0.02
"""Seconds between two looks of a closed gate at Traefik, which cannot be blocked on."""
BLIND_STEP = 0.5
"""Seconds between two looks of a gate that cannot see."""
BY_HAND = "Deployment marked as failed"
"""How Nomad describes a deployment that a person, or another tool, failed."""
FAIL_STEP = 1.0
"""Seconds before Nomad is asked again to fail a deployment, when it did not answer."""
NO_DEPLOYMENT = 1.0
"""Seconds without a deployment after which its evaluation is asked why."""
CAPACITY_GRACE = 10.0
"""Seconds to wait for capacity that the plan saw and the scheduler did not."""


def watch(world: World, watched: Watched, on_event: OnEvent) -> Outcome:
    """Follow our registration to its end, a revert of it included."""
    names = [service.name for service in services(watched.job)]
    with Feed(world, str(watched.job["ID"]), names) as feed:
        state = State()
        return _Watch(world, watched, on_event, feed, state).run()


class _Watch:
    """The loop and what it touches; lives for one call of `watch`."""

    def __init__(self, world: World, watched: Watched, on_event: OnEvent, feed: Feed, state: State):
        self.world, self.watched, self.on_event = world, watched, on_event
        self.feed, self.state = feed, state
        self.started = world.clock()

    def run(self) -> Outcome:
        while True:
            outcome = self._step()
            if outcome is not None:
                return outcome

    # One turn: take what came, say what changed, decide.

    def _step(self) -> Outcome | None:
        now = self.world.clock()
        if now >= self.watched.deadline:
            return self._out_of_time()
        update = self.feed.next(self._patience(now))
        while update is not None:
            self.state.take(update)
            self._tell_lost(update)
            update = self.feed.next(0)
        if error := self.state.denied.get("Nomad"):
            return self._end("lost", f"Nomad tells us nothing more: {error.message}", self._ours())
        if not {"allocations", "deployments"} <= self.state.complete:
            return None
        self._tell()
        deployment = self._ours()
        if deployment is None and self.state.last is not None:
            return self._gone(self.state.last)
        if deployment is None:
            return self._without_deployment()
        self.state.last = deployment
        return self._with_deployment(deployment)

    def _patience(self, now: float) -> float:
        left = self.watched.deadline - now
        waits = [left, 5.0]
        if self.state.gate_again:
            waits.append(self.state.gate_again - now)
        if self.state.fail_again > now:
            waits.append(self.state.fail_again - now)
        if self.state.capacity_until is not None:
            waits.append(self.state.capacity_until - now)
        if now < (ask_at := self.started + NO_DEPLOYMENT):
            waits.append(ask_at - now)
        return max(min(waits), 0.0)

    def _ours(self) -> DeploymentView | None:
        for deployment in self.state.deployments:
            if deployment.job_modify_index == self.watched.modify_index:
                return deployment
        return None

    def _with_deployment(self, deployment: DeploymentView) -> Outcome | None:
        match deployment.status:
            case "successful":
                self._note_healthy()
                return self._end("successful", deployment.description, deployment)
            case "cancelled":
                if "stopped" in deployment.description:
                    return self._end("stopped", deployment.description, deployment)
                return self._end("superseded", deployment.description, deployment)
            case "failed":
                return self._failed(deployment)
            case "paused":
                return self._end("held", "the deployment is paused", deployment)
        # Without Consul nothing can be judged: what happens is then left to Nomad's own deadlines.
        judging = self.watched.fail_fast and "Consul" not in self.state.lost
        judging = judging and self.world.clock() >= self.state.fail_again
        if judging and (bad := self._hopeless(deployment)):
            return self._fail_now(deployment, bad)
        if (ended := self._short_of_capacity(deployment)) is not None:
            return ended
        # After our promotion the deployment's own view may be a moment behind.
        waiting = self.state.promoted_at is None
        if waiting and gate.is_due(deployment, self.state.allocations):
            self._note_healthy()
            return self._gate(deployment)
        self.state.gate_again = 0.0
        return None

    # The gate.

    def _gate(self, deployment: DeploymentView) -> Outcome | None:
        state = self.state
        answer = gate.check(
            self.world,
            self.watched.job,
            deployment,
            state.allocations,
            self.watched.served,
            edge_seen=self.watched.edge_seen,
        )
        waits = not answer.open and answer.reason.startswith("traefik")
        state.wait_for_edge(self.world.clock(), waits=waits)
        if not answer.open:
            if answer.reason != state.gate_said:
                state.gate_said = answer.reason
                stage = "hold" if answer.blind else "gate"
                self.world.say(self.on_event, stage, f"closed: {answer.reason}")  # type: ignore[arg-type]
            step = BLIND_STEP if answer.blind else GATE_STEP
            state.gate_again = self.world.clock() + step
            return None
        rows = answer.verification.instances
        for text in progress.chains(rows):
            self.on_event(Event("canary", text, self.world.now(), rows))
        state.gate_again = 0.0
        if not self.watched.promote:
            state.gated = answer.verification
            text = f"{answer.reason} · promotion is left to you"
            self.world.say(self.on_event, "gate", text)
            return self._end("held", "the canaries are ready and wait for promotion", deployment)
        try:
            self.world.nomad.promote(deployment.id)
        except DeniedError as exc:
            why = f"the canaries are ready, and the token may not promote them: {exc.message}"
            state.gated = answer.verification
            return self._end("held", why, deployment)
        except ApiError as exc:
            # Nomad judges again by itself: a canary may have become unhealthy in this moment.
            if exc.message != state.gate_said:
                state.gate_said = exc.message
                self.world.say(self.on_event, "gate", f"{answer.reason} · {exc.message}")
            state.gate_again = self.world.clock() + BLIND_STEP
            return None
        state.promoted_at, state.gated = self.world.clock(), answer.verification
        self.world.say(self.on_event, "gate", f"{answer.reason} · promoted")
        return None

    # Failing, and the revert that follows.

    def _hopeless(self, deployment: DeploymentView) -> list[AllocationView]:
        mine = tuple(a for a in self.state.allocations if a.job_version == deployment.job_version)
        return hopeless(mine, deployment.job_version)

    def _fail_now(self, deployment: DeploymentView, bad: list[AllocationView]) -> Outcome | None:
        self._find_causes(bad)
        try:
            self.world.nomad.fail(deployment.id)
        except (ServerError, UnreachableError) as exc:
            if not self.state.fail_again:
                self.world.say(self.on_event, "fail", f"cannot fail the deployment: {exc.message}")
            self.state.fail_again = self.world.clock() + FAIL_STEP
            return None
        except ApiError as exc:
            # Terminal meanwhile: the next view of the deployment says what became of it.
            self.world.say(self.on_event, "fail", f"cannot fail the deployment: {exc.message}")
            self.watched = replace(self.watched, fail_fast=False)
            return None
        self.state.failed_early = True
        self.world.say(
            self.on_event, "fail", f"{self.state.causes[0].summary} · deployment failed now"
        )
        seen = self._over()
        return self._out_of_time() if seen is None else self._failed(seen)

    def _over(self) -> DeploymentView | None:
        """Our deployment as it ended, which says what Nomad goes back to; None: not in time."""
        while (seen := self._ours()) is None or not seen.terminal:
            if self.world.clock() >= self.watched.deadline or "Nomad" in self.state.denied:
                return None
            if (update := self.feed.next(1.0)) is not None:
                self.state.take(update)
        return seen

    def _failed(self, deployment: DeploymentView) -> Outcome:
        if not self.state.causes and deployment.description.startswith(BY_HAND):
            self.state.causes = (reasons.by_hand(deployment),)
        elif not self.state.causes:
            # Nomad's word on a deployment may come before the last events of its allocations.
            now = reread(self.world, str(self.watched.job["ID"]))
            self.state.allocations = now or self.state.allocations
            self._find_causes(suspects(self.state.allocations, deployment.job_version))
        if not self.state.failed_early:
            self.world.say(self.on_event, "fail", deployment.description)
        ended = revert.follow(
            self.world, self.feed, self.state, self.watched, deployment, self.on_event
        )
        return self._finish(ended.end, ended.detail, deployment, version=ended.version)

    def _find_causes(self, bad: list[AllocationView]) -> None:
        # Read only now: a rollout that goes well never needs them.
        hidden = {*self.watched.secrets, *secrets.stored(self.world, str(self.watched.job["ID"]))}
        self.state.causes = reasons.causes(
            self.world,
            bad,
            self.state.evidence(),
            hidden,
            services(self.watched.job),
        )

    # No deployment, no capacity, no time.

    def _short_of_capacity(self, deployment: DeploymentView) -> Outcome | None:
        if not any(_lacks_instances(group) for group in deployment.groups):
            self.state.capacity_until = None
            return None
        if self.world.clock() - self.started < NO_DEPLOYMENT:
            return None
        return self._capacity(deployment)

    def _capacity(self, deployment: DeploymentView | None) -> Outcome | None:
        state, now = self.state, self.world.clock()
        if not state.asked_evaluation or (state.capacity_until and now >= state.capacity_until):
            state.asked_evaluation = True
            causes = self._placement_causes()
            if not causes:
                state.capacity_until = None
                return None
            state.causes = causes
            if state.capacity_until is None:
                given = self.watched.wait_capacity
                wait = CAPACITY_GRACE if given is None else given
                state.capacity_until = now + wait
                text = f"waiting up to {wait:g} s for capacity: {causes[0].summary}"
                self.world.say(self.on_event, "place", text)
        if state.capacity_until is not None and now >= state.capacity_until:
            if deployment is not None:
                return self._give_up(deployment)
            return self._end("unplaced", state.causes[0].summary, None)
        return None

    def _give_up(self, deployment: DeploymentView) -> Outcome:
        """Fail the deployment that found no room, so that the old version is registered again."""
        causes = self.state.causes
        try:
            self.world.nomad.fail(deployment.id)
        except ApiError as exc:
            self.world.say(self.on_event, "fail", exc.message)
            return self._end("unplaced", causes[0].summary, deployment)
        self.state.failed_early = True
        self.world.say(self.on_event, "fail", f"{causes[0].summary} · deployment failed now")
        if (seen := self._over()) is None:
            return self._end("unplaced", causes[0].summary, deployment)
        outcome = self._failed(seen)
        return self._finish("unplaced", causes[0].summary, seen, version=outcome.version)

    def _placement_causes(self) -> tuple[Cause, ...]:
        if self.watched.evaluation is None:
            return ()
        try:
            evaluation = self.world.nomad.evaluation(self.watched.evaluation).value
        except ApiError:
            return ()
        return placement.causes(evaluation.get("FailedTGAllocs"), self.watched.job)

    def _without_deployment(self) -> Outcome | None:
        """Batch jobs, system jobs of old servers, `max_parallel = 0`: judged by allocations."""
        state, watched = self.state, self.watched
        newer = [d for d in state.deployments if d.job_modify_index > watched.modify_index]
        if newer or any(a.job_version > watched.version for a in state.allocations):
            return self._end("superseded", "a newer version was registered", None)
        if self.world.clock() - self.started < NO_DEPLOYMENT:
            return None
        mine = tuple(a for a in state.allocations if a.job_version == watched.version)
        if watched.fail_fast and (bad := hopeless(mine, watched.version)):
            self._find_causes(bad)
            return self._end("failed", state.causes[0].summary, None)
        match direct.judge(watched.job, mine, state.allocations):
            case "none wanted":
                return self._end("successful", "no instance is wanted", None)
            case "runs":
                self._note_healthy()
                return self._end("successful", "every instance runs", None)
            case "completed":
                return self._end("completed", "the work is done", None)
            case "failed":
                self._find_causes([a for a in mine if a.client_status in {"failed", "lost"}])
                return self._end("failed", "the work failed", None)
            case "stopped":
                return self._end("stopped", "somebody stopped the job", None)
            case "short":
                return self._capacity(None)
        return None

    def _gone(self, last: DeploymentView) -> Outcome:
        """Our deployment was there and is not any more: somebody purged the job."""
        return self._end("stopped", "somebody purged the job while it rolled", last)

    def _out_of_time(self) -> Outcome:
        if error := self.state.lost.get("Nomad"):
            return self._end("lost", f"Nomad does not answer: {error.message}", self._ours())
        deployment = self._ours()
        said = self.state.gate_said
        detail = f"the gate stayed closed: {said}" if said and self.state.gate_again else ""
        if not detail and (error := self.state.lost.get("Consul")):
            detail = f"Consul does not answer: {error.message}"
        mine = [a for a in self.state.allocations if a.job_version == self.watched.version]
        well = sum(a.healthy is True for a in mine)
        if not detail and deployment and well < len(mine):
            detail = f"{well} of {len(mine)} instances were healthy at the deadline"
            if not self.state.causes:
                self._find_causes([a for a in mine if a.healthy is not True])
        if not detail:
            detail = deployment.description if deployment else "no allocation was decided"
        return self._end("undecided", detail, deployment)

    # What is told, and how it ends.

    def _tell(self) -> None:
        lines = progress.transitions(
            self.state.told,
            self.state.allocations,
            self.watched.version,
            since=self.watched.modify_index,
        )
        rows = table.rows(self.watched, self.state) if lines else ()
        for stage, text in lines:
            self.on_event(Event(stage, text, self.world.now(), rows))

    def _tell_lost(self, update: Update) -> None:
        if update.kind == "lost" and update.error is not None:
            self.world.say(
                self.on_event, "hold", f"{update.source} is lost: {update.error.message}"
            )
        elif update.kind == "back":
            self.world.say(self.on_event, "hold", f"{update.source} answers again")

    def _note_healthy(self) -> None:
        if self.state.healthy_at is None:
            self.state.healthy_at = self.world.clock()

    def _end(self, end: End, detail: str, deployment: DeploymentView | None) -> Outcome:
        return self._finish(end, detail, deployment, version=self.watched.version)

    def _finish(
        self, end: End, detail: str, deployment: DeploymentView | None, *, version: int
    ) -> Outcome:
        state = self.state
        return Outcome(
            end=end,
            detail=detail,
            version=version,
            deployment=deployment,
            allocations=state.allocations,
            causes=state.causes,
            gated=state.gated,
            healthy_at=state.healthy_at,
            promoted_at=state.promoted_at,
            ended_at=self.world.clock(),
            edge_wait=state.edge_wait,
            failed_early=state.failed_early,
        )


def _lacks_instances(group: GroupDeployment) -> bool:
    """True when nothing that the group waits for now has been placed at all."""
    awaiting = group.desired_canaries and not group.promoted
    wanted = group.desired_canaries if awaiting else min(group.desired_total, 1)
    return group.placed < wanted
