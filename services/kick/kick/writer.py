"""The one writer of DNS: what waits is decided, written into the audit, sent, and answered.

A thread takes everything that waits at once. One sync makes all intents durable, one batch carries
all changes of a zone; a change that the provider refuses is split off and does not stop the others.
Policy is none of its business but for counts: two writes at once must not both be the last one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from typing import TypeVar

from kick.idempotency import Answers, Asked, Keys, asked_by, fingerprint
from kick.mirror import Mirror
from kick.writer_queue import Queue
from kick.writer_recall import DNS, Open, find_out, recall, remember
from kick.writer_send import Sender
from kick.writer_state import States
from kick.writer_turn import Bundle, Permit, Turn, outcome
from toolkit.clients.dns.provider import Provider, ReplyLostError
from toolkit.dns.standing import Standing
from toolkit.errors import ApiError, ToolkitError, UnavailableError
from toolkit.serving.audit import Audit
from toolkit.spec.audit import Draft, Json, Result, actor_of
from toolkit.spec.dns import ChangeState, Order, Owner, Via, Wish, Written, Zone
from toolkit.spec.identity import Caller

T = TypeVar("T")
FIND_OUT_AGAIN = 2.0
"""Seconds between two looks at what became of a batch without a reply."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """What one outage may cost."""

    waiting: int = 1000
    """Orders in the queue; more are told to come back."""
    together: int = 250
    """Orders of one turn."""
    remember: float = 24 * 3600.0
    """Seconds that an Idempotency-Key is remembered."""
    keys: int = 10_000
    """Idempotency keys that are remembered, the newest."""
    patience: float = 60.0
    """Seconds that a caller waits for its turn and the provider."""
    tries: int = 6
    """Of a batch while the provider is busy."""
    fresh: float = 10.0
    """Seconds that what was read of a name is good enough to refuse something."""


class Writer:
    """Writes to the zones of one kick server; for several threads."""

    def __init__(
        self,
        *,
        zones: Sequence[Zone],
        providers: Mapping[str, Provider],
        audit: Audit,
        permit: Permit,
        clock: Callable[[], float],
        now: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
        limits: WriterLimits | None = None,
        bug: Callable[[BaseException], None] | None = None,
    ):
        """`providers` by `Zone.provider`; `random`: from 0 to 1, spreads retries.

        `bug` is told of what should never be raised.
        """
        self.mirror = Mirror(clock)
        self._zones = tuple(zones)
        self._providers = providers
        self._audit = audit
        self._clock = clock
        self._limits = limits = limits or WriterLimits()
        self._bug = bug
        self._keys = Keys(now, remember=limits.remember, most=limits.keys)
        self._states = States(providers, clock)
        self._sender = Sender(
            providers,
            read=self.mirror.put,
            tries=limits.tries,
            sleep=sleep,
            random=random,
        )
        self._turn = Turn(
            mirror=self.mirror,
            sender=self._sender,
            audit=audit,
            permit=permit,
            clock=clock,
            fresh=limits.fresh,
            states=self._states,
            left_open=self._leave_open,
        )
        telling = audit.recent(limits.remember, limits.keys)
        recalled = recall(telling, self._zones, self._keys)
        self._states.recalled(recalled.pending)
        self._open: Sequence[Open] = recalled.open
        self._looked = 0.0
        self._queue = Queue(limits.waiting, limits.together)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load the zones, find out what became of open intents, and begin to write.

        Blocking. Raises the provider's ApiError: call again later, until then writes are refused.
        """
        if self._thread is not None:
            return
        for zone in self._zones:
            if not self.mirror.has(zone):
                self.refresh(zone)
        self._find_out()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()
        self._queue.open()

    @property
    def ready(self) -> bool:
        """Whether `start` has succeeded and `close` has not been called."""
        return self._queue.opened and not self._queue.closed

    @property
    def waiting(self) -> int:
        """Orders in the queue."""
        return self._queue.waiting

    @property
    def sent(self) -> int:
        """Batches sent so far, refused ones among them."""
        return self._sender.sent

    def write(
        self, wish: Wish, *, caller: Caller, key: str | None = None, request: str = ""
    ) -> Written:
        """Grant a wish, or raise why not.

        TakenError, AbsentError, ChangedError, ForbiddenError and KeyReusedError: nothing was
        done. UnavailableError, AuditError, BusyError and UnreachableError: nothing was done, try
        later. ReplyLostError: it cannot be told yet whether it was done.
        """
        bundle = Bundle((Order(wish, caller, key, request),))
        answers, first = bundle.answers, True
        if key:
            asked = asked_by(actor_of(caller), key)
            known = self._keys.ask(asked, fingerprint(wish), bundle.answers)
            if isinstance(known, Written):
                return replace(known, replayed=True)
            if known is None:
                answers.add_done_callback(lambda done: self._answered(asked, wish, done))
            else:
                answers, first = known, False
        if first:
            self._queue.put([bundle])
        (answer,) = self._wait(answers)
        if isinstance(answer, ToolkitError):
            raise answer
        return answer if first else replace(answer, replayed=True)

    def write_many(self, orders: Sequence[Order]) -> tuple[Written | ToolkitError, ...]:
        """Grant many, in as few batches as can be; each answered by itself, in order.

        Orders for one name, of one zone, are done together or not at all. Keys are not heeded.
        """
        by_name: dict[tuple[Zone, str], list[int]] = {}
        for number, order in enumerate(orders):
            by_name.setdefault((order.wish.zone, order.wish.name), []).append(number)
        answers: dict[int, Written | ToolkitError] = {}
        groups = list(by_name.values())
        # Of its own kind there is one at a time: it waits, so that the queue is not its measure.
        for start in range(0, len(groups), self._limits.together):
            part = groups[start : start + self._limits.together]
            bundles = [Bundle(tuple(orders[number] for number in group)) for group in part]
            try:
                self._queue.put(bundles, bounded=False)
            except ToolkitError as error:
                answers |= {number: error for group in part for number in group}
                continue
            for group, bundle in zip(part, bundles, strict=True):
                try:
                    answers |= dict(zip(group, self._wait(bundle.answers), strict=True))
                except ToolkitError as error:
                    answers |= dict.fromkeys(group, error)
        return tuple(answers[number] for number in range(len(orders)))

    def perform(
        self,
        action: str,
        caller: Caller,
        before: Json,
        after: Json,
        effect: Callable[[], T],
        *,
        subject: str = "",
        request: str = "",
        via: Via = "request",
    ) -> T:
        """Do something that is not DNS, with the audit around it; the effect runs in this thread.

        Raises AuditError before the effect, or whatever the effect raises.
        """
        draft = Draft(
            "intent",
            action,
            actor_of(caller),
            subject,
            via=via,
            request=request,
            before=before,
            after=after,
        )
        result: Result = "failed"
        detail = "it broke off"
        with self._queue.working():
            (intent,) = self._audit.intend([draft])
            try:
                answer = effect()
                result, detail = "done", ""
            except ToolkitError as error:
                detail = error.message
                raise
            finally:
                self._audit.conclude([outcome(intent, result, detail)])
        return answer

    def refresh(self, zone: Zone) -> None:
        """Read a zone anew into the mirror; blocking, raises the provider's ApiError."""
        began = self._clock()
        self.mirror.begin_listing(zone)
        try:
            records = list(self._providers[zone.provider].records(zone))
        except BaseException:
            self.mirror.drop_listing(zone)
            raise
        self.mirror.end_listing(zone, records, began)

    def standing(self, zone: Zone, name: str) -> Standing:
        """What was last seen at a name; UnavailableError while the zone was never read."""
        return self.mirror.at(zone, name)

    def standings(self, zone: Zone) -> tuple[Standing, ...]:
        """Every name of a zone that has anything, sorted; UnavailableError like `standing`."""
        return self.mirror.standings(zone)

    def held(self, owner: Owner) -> int:
        """How many records an owner has, in all zones."""
        return self.mirror.held(owner)

    def state(self, zone: Zone, name: str, *, ask: bool = True) -> ChangeState:
        """How far the last change of a name has got; with `ask` the provider may be asked."""
        return self._states.of(zone, name, ask=ask)

    def close(self, patience: float = 30.0) -> bool:
        """Refuse new writes, finish what was accepted; False when it did not end in time."""
        ended = self._queue.close(patience)
        if self._thread is not None:
            self._thread.join(patience)
            ended = ended and not self._thread.is_alive()
        return ended

    # --- of callers' threads ---

    def _wait(self, answers: Future[Answers]) -> Answers:
        try:
            return answers.result(self._limits.patience)
        except CancelledError as error:
            raise UnavailableError("it did not get its turn", after=2) from error
        except TimeoutError as error:
            if answers.cancel():
                raise UnavailableError("it did not get its turn in time", after=5) from error
            raise ReplyLostError(
                "it is still being done: read later what became of it", system="Kick"
            ) from error

    def _answered(self, asked: Asked, wish: Wish, answers: Future[Answers]) -> None:
        """Let a key answer as it was answered, or be free again."""
        answer = None if answers.cancelled() or answers.exception() else answers.result()[0]
        if isinstance(answer, Written):
            self._keys.answered(asked, fingerprint(wish), answer)
        else:
            self._keys.forget(asked)

    # --- of the writer's thread ---

    def _run(self) -> None:
        again: list[Bundle] = []
        while True:
            patience = FIND_OUT_AGAIN if self._open else None
            bundles = again + self._queue.take(wait=not again, patience=patience)
            if not bundles and self._queue.closed:
                return
            try:
                self._find_out_before(bundles)
                again = self._turn.take(bundles)
                self._find_out_again()
            except Exception as error:  # noqa: BLE001  a bug must not end all writing
                again = []
                self._give_up(bundles, error)

    def _give_up(self, bundles: Sequence[Bundle], error: Exception) -> None:
        for bundle in bundles:
            self.mirror.doubt(bundle.zone, bundle.name)
            if not bundle.answers.done():
                bundle.answers.set_exception(error)
        if self._bug is not None:
            self._bug(error)

    def _leave_open(self, opened: Sequence[Open]) -> None:
        self._open = (*self._open, *opened)
        self._looked = self._clock()

    def _find_out_before(self, bundles: Sequence[Bundle]) -> None:
        """Tell what became of an intent before its name is changed anew: then nobody could."""
        names = {(each.zone, each.intent.what.subject) for each in self._open}
        if any((bundle.zone, bundle.name) in names for bundle in bundles):
            with contextlib.suppress(ApiError):
                self._find_out()

    def _find_out_again(self) -> None:
        if self._open and self._clock() - self._looked >= FIND_OUT_AGAIN:
            self._looked = self._clock()
            with contextlib.suppress(ApiError):
                self._find_out()

    def _find_out(self) -> None:
        """Tell what became of open intents, those of the last run at first."""
        if self._open:
            find_out(self._open, self._sender.look, self._found_out)

    def _found_out(self, opened: Open, result: Result, detail: str) -> None:
        self._open = tuple(each for each in self._open if each is not opened)
        self._audit.conclude([outcome(opened.intent, result, detail)])
        what = opened.intent.what
        if result == "done" and what.key and what.action in DNS and opened.zone is not None:
            remember(self._keys, opened.zone, opened.intent, "")
