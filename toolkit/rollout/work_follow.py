"""Follow work to its end: state and output from threads, one loop, one judgement.

There is no cap on how long work may take: it ends with the work, with the caller's deadline, or
with an API that stays away.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import placement, read, reasons
from toolkit.rollout.declared import services
from toolkit.rollout.work import Judgement, Seen, Work, current, evaluated, judge, mine, wanted
from toolkit.rollout.work_inbox import Inbox, Item, News, Remark, Silence, watch
from toolkit.rollout.work_output import Outputs
from toolkit.rollout.work_rows import rows
from toolkit.rollout.work_words import how, standing
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.events import OnEvent
from toolkit.spec.observed import AllocationView
from toolkit.spec.work import OnOutput, WorkInstance, WorkVerdict, Written

CAPACITY = 10.0
"""Seconds to wait for room that nobody asked us to wait for."""
LOST_AFTER = 300.0
"""Seconds without an answer after which what becomes of the work is unknown."""
TRIED_AGAIN = 5.0
"""Seconds in which Nomad decides whether to try a failed instance again."""
DRAIN = 30.0
"""Seconds without a piece of what is left of the output after which the rest is given up."""
LOOK_AGAIN = 0.5
"""Seconds between tries to look at an end that could not be confirmed."""

ENDS: dict[str, WorkVerdict] = {
    "completed": "completed",
    "failed": "failed",
    "held": "held",
    "gone": "held",
    "superseded": "superseded",
}


@dataclass(frozen=True, slots=True)
class Following:
    """What to follow, and how patiently; durations in seconds."""

    work: Work
    deadline: float | None = None
    """On the world's clock; None: as long as it takes."""
    wait_capacity: float | None = None
    lost_after: float = LOST_AFTER
    secrets: Collection[str] = ()
    """Values to take out of evidence; the output itself is the user's."""


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """How it ended."""

    verdict: WorkVerdict
    detail: str
    instances: tuple[WorkInstance, ...]
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()


def follow(world: World, following: Following, on_event: OnEvent, on_output: OnOutput) -> WorkEnd:
    """Follow the work, its output on the way, to its end."""
    inbox = Inbox()
    if world.halt is not None:
        world.halt.wakes(inbox.interrupt)
    try:
        watch(world, inbox, following.work.job_id)
        return _Loop(world, following, on_event, on_output, inbox).run()
    finally:
        inbox.closed.set()
        if world.halt is not None:
            world.halt.leaves(inbox.interrupt)


def is_alone(work: Work) -> bool:
    """True when one task writes at a time, so that no line needs to say whose it is."""
    tasks = sum(
        len(group.get("Tasks") or []) * wanted(work.job)[group["Name"]]
        for group in read.groups(work.job)
    )
    return tasks == 1 and not work.everywhere


@dataclass
class _State:
    """What one following has seen so far."""

    seen: Seen = field(default_factory=Seen)
    raw: list[dict[str, Any]] = field(default_factory=list)
    """The allocations as Nomad lists them."""
    told: dict[tuple[str, str], str] = field(default_factory=dict)
    lost: dict[str, ApiError] = field(default_factory=dict)
    lost_since: float = 0.0
    denied: ApiError | None = None
    waits_since: float | None = None
    settles_since: float | None = None
    look_again: float = 0.0
    notes: list[str] = field(default_factory=list)
    said: str = ""


class _Loop:
    """The loop and what it touches; lives for one call of `follow`."""

    def __init__(
        self,
        world: World,
        following: Following,
        on_event: OnEvent,
        on_output: OnOutput,
        inbox: Inbox,
    ) -> None:
        self.world, self.following, self.on_event = world, following, on_event
        self.on_output, self.inbox = on_output, inbox
        self.work = following.work
        self.state = _State()
        self.outputs = Outputs(world, inbox, alone=is_alone(self.work))

    def run(self) -> WorkEnd:
        due = self.world.clock()
        while True:
            item = self.inbox.take(due - self.world.clock())
            self._handle(item)
            # Output alone decides nothing, and a task that never stops writing delays nothing.
            if isinstance(item, Written | Remark) and self.world.clock() < due:
                continue
            if (end := self._decide()) is not None:
                return end
            due = self._due()

    def _due(self) -> float:
        """When to decide again although nothing came, on the world's clock."""
        now, state = self.world.clock(), self.state
        deadline = self.following.deadline
        times = [now + 5.0, *([deadline] if deadline is not None else [])]
        times += [state.lost_since + self.following.lost_after] if state.lost else []
        if state.look_again > now:
            return min(*times, state.look_again)
        if state.waits_since is not None:
            times.append(state.waits_since + self._capacity)
        if state.settles_since is not None:
            times.append(state.settles_since + TRIED_AGAIN)
        return min(times)

    @property
    def _capacity(self) -> float:
        given = self.following.wait_capacity
        return CAPACITY if given is None else given

    # What came.

    def _handle(self, item: Item | None) -> None:
        state = self.state
        match item:
            case News("job", value):
                state.seen = replace(state.seen, job=value, gone=value is None)
            case News("allocations", value):
                self._take_allocations(value or [])
            case News("evaluations", value):
                views = read.evaluations(value or [])
                state.seen = replace(state.seen, evaluations=views)
            case Silence(what, error, final):
                self._take_silence(what, error, final=final)
            case Remark(text):
                self._note(text)
            case Written():
                if not self.outputs.ended(item):
                    self.on_output(item)

    def _take_allocations(self, raw: list[dict[str, Any]]) -> None:
        state = self.state
        views = read.allocations(raw)
        state.raw = raw
        state.seen = replace(state.seen, allocations=views)
        ours = {view.id for view in mine(self.work, views)}
        for row in rows(raw, ours):
            self._tell(row)
        self.outputs.look(item for item in raw if item["ID"] in ours)

    def _take_silence(self, what: str, error: ApiError | None, *, final: bool) -> None:
        state = self.state
        if error is None:
            if state.lost.pop(what, None) and not state.lost:
                self.world.say(self.on_event, "hold", "Nomad answers again")
            return
        if not state.lost:
            state.lost_since = self.world.clock()
            text = f"Nomad is lost: {error.message}; the work goes on without us"
            self.world.say(self.on_event, "hold", text)
        state.lost[what] = error
        if final:
            state.denied = error

    def _tell(self, row: WorkInstance) -> None:
        key, word = (row.allocation, row.task), how(row)
        if self.state.told.get(key) == word or not word:
            return
        self.state.told[key] = word
        who = f"{row.allocation[:8]} {row.node}"
        who += "" if is_alone(self.work) else f" {row.task}"
        stage = "fail" if row.state in {"failed", "lost"} else "place"
        self.world.say(self.on_event, stage, f"{who}  {word}")  # type: ignore[arg-type]

    def _note(self, text: str) -> None:
        if text not in self.state.notes:
            self.state.notes.append(text)
            self.world.say(self.on_event, "note", text)

    # What it means.

    def _decide(self) -> WorkEnd | None:
        now, state = self.world.clock(), self.state
        if state.denied is not None:
            return self._end("unknown", f"Nomad tells us nothing more: {state.denied.message}")
        if state.lost:
            return self._lost(now)
        judged = judge(self.work, state.seen)
        if judged.word != "waits":
            state.waits_since = None
        if judged.word != "settles":
            state.settles_since = None
        if judged.word == "waits" and state.waits_since is None:
            state.waits_since = now
            self._say_waits()
        if judged.word == "settles" and state.settles_since is None:
            state.settles_since = now
        if self._is_time(judged, now) and self._confirmed(judged):
            return self._ended(judged)
        if self.following.deadline is not None and now >= self.following.deadline:
            return self._end("unknown", f"it was not done in time: {standing(self._rows())}")
        return None

    def _is_time(self, judged: Judgement, now: float) -> bool:
        """True when the word is an end, or was waited out."""
        state = self.state
        if now < state.look_again or judged.word == "runs":
            return False
        if judged.word == "waits":
            return now - (state.waits_since or now) >= self._capacity
        if judged.word == "settles":
            return now - (state.settles_since or now) >= TRIED_AGAIN
        return True

    def _ended(self, judged: Judgement) -> WorkEnd:
        match judged.word:
            case "waits":
                return self._unplaced()
            case "settles":
                return self._failed("the work failed")
            case "failed":
                return self._failed(judged.detail)
        return self._end(ENDS[judged.word], judged.detail)

    def _lost(self, now: float) -> WorkEnd | None:
        deadline = self.following.deadline
        late = now - self.state.lost_since >= self.following.lost_after
        if late or (deadline is not None and now >= deadline):
            error = next(iter(self.state.lost.values()))
            detail = (
                f"Nomad does not answer: {error.message}; when last seen, {standing(self._rows())}"
            )
            return self._end("unknown", detail)
        return None

    def _confirmed(self, judged: Judgement) -> bool:
        """True when answers read now, in one order, say the same; each came alone before.

        An allocation that is read after its job was seen to be over is over itself, and one that
        was read before its job was seen to be the one we know is no other job's.
        """
        nomad, job_id, state = self.world.nomad, self.work.job_id, self.state
        state.look_again = self.world.clock() + LOOK_AGAIN
        try:
            if judged.word != "completed":
                state.seen = replace(state.seen, job=nomad.job(job_id))
                views = read.evaluations(nomad.evaluations(job_id))
                state.seen = replace(state.seen, evaluations=views)
                self._take_allocations(nomad.allocations(job_id).value or [])
            else:
                state.seen = replace(state.seen, job=nomad.job(job_id))
        except ApiError:
            return False
        state.seen = replace(state.seen, gone=state.seen.job is None)
        return judge(self.work, state.seen).word == judged.word

    # The end.

    def _failed(self, detail: str) -> WorkEnd:
        bad = [a for a in self._now() if a.client_status in {"failed", "lost"}]
        bad = bad or [a for a in self._now() if any(task.failed for task in a.tasks)]
        job = self.work.job
        found = reasons.causes(
            self.world, bad, (), self.following.secrets, services(job)
        ) if bad else self._placement()  # fmt: skip
        return self._end("failed", found[0].summary if found else detail, found)

    def _unplaced(self) -> WorkEnd:
        found = self._placement()
        detail = found[0].summary if found else "Nomad has no room for it"
        return self._end("unplaced", detail, found)

    def _placement(self) -> tuple[Cause, ...]:
        evaluations = evaluated(self.work, self.state.seen.evaluations or ())
        failed = [e.failed for e in evaluations if e.failed]
        return placement.causes(failed[-1], self.work.job) if failed else ()

    def _say_waits(self) -> None:
        found = self._placement()
        why = found[0].summary if found else "Nomad has no room for it"
        if why != self.state.said:
            self.state.said = why
            self.world.say(self.on_event, "hold", f"waits for room: {why}")

    def _end(self, verdict: WorkVerdict, detail: str, causes: tuple[Cause, ...] = ()) -> WorkEnd:
        self._drain(everything=verdict not in {"unknown", "unplaced"})
        return WorkEnd(verdict, detail, self._rows(), causes, tuple(self.state.notes))

    def _drain(self, *, everything: bool) -> None:
        """Pass on what is left of the output; all of it where nothing more will run."""
        if self.state.lost or self.state.denied is not None:
            return
        if everything:
            self.outputs.close_up()
        until = self.world.clock() + DRAIN
        while self.outputs.finishing and (left := until - self.world.clock()) > 0:
            item = self.inbox.take(min(left, 1.0))
            if isinstance(item, Written | Remark):
                self._handle(item)
                until = self.world.clock() + DRAIN
        if self.outputs.finishing:
            self._note("the end of the output could not be read in time")

    def _now(self) -> tuple[AllocationView, ...]:
        return current(mine(self.work, self.state.seen.allocations or ()))

    def _rows(self) -> tuple[WorkInstance, ...]:
        ours = {a.id for a in mine(self.work, self.state.seen.allocations or ())}
        return rows(self.state.raw, ours)
