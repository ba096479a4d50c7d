"""Where a rollout's seconds went, and what was told on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from toolkit.rollout import sentences
from toolkit.rollout.world import World
from toolkit.spec.events import Event, OnEvent, Stage
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import Plan, Submission
from toolkit.views import drift as drift_view

News = Callable[[], Iterable[str]]
"""What is new since it was asked last."""


@dataclass
class Clock:
    """Marks where the seconds went, and tells events and keeps them for the report."""

    world: World
    on_event: OnEvent
    marks: dict[str, float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    started: float = 0.0
    rolled: list[tuple[Submission, Outcome]] = field(default_factory=list)
    """What was watched: what was asked for, then what we went back to, if anything."""
    aside: News = tuple

    def __post_init__(self) -> None:
        self.started = self.last = self.world.clock()

    def mark(self, name: str) -> None:
        """The stage `name` ends now."""
        now = self.world.clock()
        self.marks[name], self.last = now - self.last, now

    def tell(self, event: Event) -> None:
        """Pass an event on and keep it, if it says something."""
        for text in self.aside():
            self._pass(Event("note", text, event.at))
        self._pass(event)

    def _pass(self, event: Event) -> None:
        if event.text:
            self.events.append(event)
        self.on_event(event)

    @contextmanager
    def heeding(self, news: News) -> Iterator[None]:
        """Tell, meanwhile, what other threads found out before anything else is told."""
        before, self.aside = self.aside, news
        try:
            yield
        finally:
            self.aside = before

    def say(self, stage: Stage, text: str) -> None:
        """Tell one line."""
        self.tell(Event(stage, text, self.world.now()))

    def tell_plan(self, plan: Plan) -> None:
        """The plan in a line, and what there is to warn of."""
        self.say("plan", sentences.plan(plan))
        for note in plan.notes:
            self.say("note", note)
        if drifted := drift_view.sentence(plan):
            self.say("note", drifted)
        for finding in plan.lint:
            if finding.level == "warning" and not finding.allowed:
                self.say("lint", f"{finding.message}: {finding.reason} ({finding.rule})")

    def tell_submission(self, submission: Submission) -> None:
        """The registration in a line."""
        self.say("submit", sentences.submission(submission))

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return self.world.clock() - self.started
