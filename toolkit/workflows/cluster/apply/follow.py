"""Follow a stack until CloudFormation is done with it: events said once, servers begun meanwhile.

CloudFormation offers nothing to block on. Two questions are asked each time: how the stack is, then
what happened; in this order, so that nothing of a stack that has ended is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from toolkit.cluster.stack.progress import Progress, Step, advance, is_of_stack
from toolkit.cluster.stack.statuses import Standing, standing
from toolkit.errors import ApiError, NotFoundError, ServerError, UnreachableError
from toolkit.spec.cloudformation import StackEvent, StackView
from toolkit.workflows.cluster.apply.work import Work

FIRST, LONGEST = 0.2, 5.0
"""Seconds between two looks: short at first, when most of the small things are made."""
NAMED = 3
"""Resources of one line: most of a stack is made within seconds."""
LOST = 120.0
"""Seconds that AWS may be out of reach: what we follow goes on without us."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A stack as it was seen last, and what happened to it."""

    stack: StackView
    progress: Progress
    total: int | None = None
    """Resources that the operation is about; None: nobody knows."""
    over: bool = False
    """CloudFormation is done with it; else the deadline passed."""

    @property
    def standing(self) -> Standing:
        """What its status means."""
        return standing(self.stack.status)


class StackEndedError(ApiError):
    """The stack is settled, and not as those who wait for its machines need it."""


class Watch:
    """Looks at one stack again and again, and tells what is new."""

    def __init__(
        self,
        work: Work,
        stack: StackView,
        *,
        total: int | None = None,
        after: str | None = None,
        begun: bool = True,
    ) -> None:
        """`after`: id of the event before the first that is to be told; None: all there are.

        `begun`: the status of `stack` is of the operation that is followed. Otherwise it is of the
        time before, and CloudFormation may go on showing it for a moment.
        """
        self._work = work
        self._before = None if begun else (stack.status, stack.updated)
        self.seen = Followed(stack, Progress(last=after), total)
        self._looked: float | None = None
        self._wait = FIRST
        self._lost: float | None = None
        self._said = ""

    @property
    def moves(self) -> bool:
        """CloudFormation was at it when it was looked at last, or has not begun yet."""
        return self._before is not None or self.seen.standing.moves

    def look(self) -> None:
        """Ask how the stack is and what happened; an AWS that cannot be reached is borne a while.

        NotFoundError when the stack is gone; ApiError when AWS refuses, or is lost for too long.
        """
        work, seen = self._work, self.seen
        self._looked = work.tools.clock()
        try:
            stack = work.stacks.find(seen.stack.id)
            events = work.stacks.events(seen.stack.id, seen.progress.last)
        except (UnreachableError, ServerError) as error:
            self._bear(error)
            return
        self._lost = None
        if stack is None:
            raise NotFoundError(f"the stack {work.name} is gone", system="AWS")
        if (stack.status, stack.updated) != self._before or _ended(events, work.name):
            self._before = None
        progress, steps = advance(seen.progress, events, work.name)
        self.seen = Followed(stack, progress, seen.total)
        self._wait = FIRST if steps else min(self._wait * 2, LONGEST)
        for line in said(steps, seen.total):
            work.say("stack", line)

    def rest(self) -> None:
        """Wait until it is worth another look."""
        self._work.pause(self._wait)

    def tick(self, seconds: float) -> None:
        """Wait as somebody else who waits for the machines does, and look when it is time.

        StackEndedError when there is nothing to wait for any more.
        """
        self._work.pause(seconds)
        looked = self._looked
        if looked is None or self._work.tools.clock() - looked >= self._wait:
            self.look()
        if not self.moves and not self.seen.standing.well:
            raise StackEndedError(f"the stack is {self.seen.standing.word}", system="AWS")

    def bear(self, error: ApiError) -> None:
        """Say what is not there yet, once."""
        if error.message != self._said:
            self._said = error.message
            self._work.say("note", f"{error.message}: we go on trying")

    def _bear(self, error: ApiError) -> None:
        now = self._work.tools.clock()
        if self._lost is None:
            self._lost = now
            self._work.say("note", f"{error.message}: CloudFormation goes on, so do we")
        self._wait = LONGEST
        if now - self._lost >= LOST:
            raise error


def follow(
    watch: Watch,
    left: Callable[[], float],
    *,
    ready: Callable[[Progress], bool] = lambda _: False,
    begin: Callable[[Callable[[float], None]], None] | None = None,
) -> Followed:
    """Look until the stack is settled, or no time is left; how it was then.

    As soon as it is `ready`, `begin` is called with how it has to wait; again while it has no way
    in, and never again when it is done.
    """
    watch.look()
    while watch.moves and left() > 0:
        if begin is not None and ready(watch.seen.progress):
            try:
                begin(watch.tick)
            except StackEndedError:
                break
            except UnreachableError as error:
                # The way in may not be there yet; machines wait for a quarter of an hour.
                watch.bear(error)
            else:
                begin = None
                continue
        watch.rest()
        watch.look()
    return replace(watch.seen, over=not watch.moves)


def _ended(events: Iterable[StackEvent], stack: str) -> bool:
    """Whether an operation of the stack came to an end among these events."""
    return any(
        is_of_stack(each, stack)
        and each.status != "REVIEW_IN_PROGRESS"
        and not standing(each.status).moves
        for each in events
    )


def said(steps: Iterable[Step], total: int | None) -> Iterator[str]:
    """`12 of 87  made Server1, Server2`: a line for what is new of one kind, one for a failure."""
    for verb, group in groupby(steps, key=lambda step: step.verb):
        some = list(group)
        if verb == "failed":
            yield from (f"{each.logical} failed ({each.kind}): {each.reason}" for each in some)
            continue
        names = [each.logical for each in some]
        rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        count = f"{some[-1].done} of {total}" if total else f"{some[-1].done}"
        yield f"{count:<10} {verb} {', '.join(names[:NAMED])}{rest}"
