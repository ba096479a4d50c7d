"""One turn of the writer: orders that waited are decided, recorded, sent and answered together.

What can only be told after this turn, such as a second order for a name that changes in it, is
handed back for the next one. Nothing is refused on an old look: the name is read again first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from kick.idempotency import Answers, fingerprint
from kick.mirror import Mirror
from kick.writer_recall import Open
from kick.writer_send import Again, Done, Fate, NotDone, Sender, Unknown
from kick.writer_state import States
from toolkit.dns.decide import Decision, decide
from toolkit.dns.standing import Standing, changes_between
from toolkit.errors import AuditError, ForbiddenError, ToolkitError, UnavailableError
from toolkit.serving.audit import Audit
from toolkit.spec.audit import Draft, Entry, Result, actor_of
from toolkit.spec.dns import Change, Order, Owner, Record, SetRecord, Submitted, Written, Zone
from toolkit.spec.identity import Caller

Permit = Callable[[Caller, Zone, Record, int], None]
"""Raises ForbiddenError; the number is of records that the owner has besides this one."""

MOST_TIMES = 3
"""That one order is thought out; then whoever else writes there all the time has won."""
LONGEST_DETAIL = 500


@dataclass(slots=True)
class Bundle:
    """Orders for one name, done together or not at all."""

    orders: tuple[Order, ...]
    answers: Future[Answers] = field(default_factory=Future)
    times: int = 0

    @property
    def zone(self) -> Zone:
        """The zone of all of them."""
        return self.orders[0].wish.zone

    @property
    def name(self) -> str:
        """The name of all of them."""
        return self.orders[0].wish.name

    def refuse(self, error: ToolkitError) -> None:
        """Answer all of them with an error."""
        self.answers.set_result((error,) * len(self.orders))


@dataclass(frozen=True, slots=True)
class Planned:
    """What one name is to become, and why."""

    bundle: Bundle
    decisions: tuple[Decision, ...]
    before: Standing
    after: Standing
    changes: tuple[Change, ...]


class Turn:
    """Takes turns, in one thread."""

    def __init__(
        self,
        *,
        mirror: Mirror,
        sender: Sender,
        audit: Audit,
        permit: Permit,
        clock: Callable[[], float],
        fresh: float,
        states: States,
        left_open: Callable[[Sequence[Open]], None],
    ):
        """`fresh`: seconds that a look counts. `left_open` is told of what cannot be told."""
        self._mirror = mirror
        self._sender = sender
        self._audit = audit
        self._permit = permit
        self._clock = clock
        self._fresh = fresh
        self._states = states
        self._left_open = left_open

    def take(self, bundles: Sequence[Bundle]) -> list[Bundle]:
        """Answer what can be answered; returns what has to be thought out again, in order."""
        again: list[Bundle] = []
        unsure: list[Bundle] = []
        planned = self._decide(bundles, again, unsure)
        again = self._read(unsure) + again
        entries = self._record(planned)
        if entries:
            again = self._send(planned, entries) + again
        return again

    # --- deciding ---

    def _decide(
        self, bundles: Iterable[Bundle], again: list[Bundle], unsure: list[Bundle]
    ) -> list[Planned]:
        planned: list[Planned] = []
        busy: set[tuple[Zone, str]] = set()
        growing: Counter[Owner] = Counter()
        acting: set[Owner] = set()
        for bundle in bundles:
            place = (bundle.zone, bundle.name)
            if place in busy:
                again.append(bundle)
                continue
            if self._mirror.doubts(*place):
                unsure.append(bundle)
                busy.add(place)
                continue
            try:
                plan = self._plan(bundle, growing)
            except ForbiddenError as error:
                # What counts for or against it is not done yet, and may never be.
                if bundle.orders[0].wish.owner in acting:
                    again.append(bundle)
                else:
                    bundle.refuse(error)
                continue
            except ToolkitError as error:
                if self._is_fresh(bundle):
                    bundle.refuse(error)
                else:
                    unsure.append(bundle)
                    busy.add(place)
                continue
            # A name is claimed on a fresh look: no batch fails for other types that stand there.
            if plan.changes and (plan.before.claim is not None or self._is_fresh(bundle)):
                planned.append(plan)
                busy.add(place)
                acting.add(bundle.orders[0].wish.owner)
                growing[bundle.orders[0].wish.owner] += sum(d.created for d in plan.decisions)
            elif not plan.changes and self._is_fresh(bundle):
                self._answer_unchanged(plan)
            else:
                unsure.append(bundle)
                busy.add(place)
        return planned

    def _plan(self, bundle: Bundle, growing: Counter[Owner]) -> Planned:
        before = there = self._mirror.at(bundle.zone, bundle.name)
        decisions: list[Decision] = []
        for order in bundle.orders:
            decision = decide(order.wish, there)
            if isinstance(order.wish, SetRecord) and decision.changes_anything:
                self._check_count(order, there, growing)
            decisions.append(decision)
            there = decision.after
        return Planned(bundle, tuple(decisions), before, there, changes_between(before, there))

    def _check_count(self, order: Order, there: Standing, growing: Counter[Owner]) -> None:
        wish = order.wish
        assert isinstance(wish, SetRecord)  # noqa: S101  by the caller
        held = self._mirror.held(wish.owner) + growing[wish.owner]
        if there.owner == wish.owner and any(r.type == wish.record.type for r in there.owned):
            held -= 1
        self._permit(order.caller, wish.zone, wish.record, held)

    def _is_fresh(self, bundle: Bundle) -> bool:
        return self._clock() - self._mirror.seen(bundle.zone, bundle.name) <= self._fresh

    def _answer_unchanged(self, plan: Planned) -> None:
        place = (plan.bundle.zone, plan.bundle.name)
        submitted = Submitted("", self._states.of(*place, ask=False))
        plan.bundle.answers.set_result(
            tuple(written(plan, number, submitted, 0) for number in range(len(plan.decisions)))
        )

    def _read(self, bundles: Sequence[Bundle]) -> list[Bundle]:
        """Look at names anew, so that the next turn knows; refuses them when it cannot."""
        read: list[Bundle] = []
        for zone in dict.fromkeys(bundle.zone for bundle in bundles):
            of_zone = [bundle for bundle in bundles if bundle.zone == zone]
            try:
                self._sender.look(zone, [bundle.name for bundle in of_zone])
            except ToolkitError as error:
                for bundle in of_zone:
                    bundle.refuse(error)
            else:
                read += of_zone
        return read

    # --- recording and sending ---

    def _record(self, planned: Sequence[Planned]) -> tuple[Entry, ...]:
        """Have all intents on disk; without, nothing is done."""
        drafts = [
            _intent(plan, number) for plan in planned for number in range(len(plan.decisions))
        ]
        if not drafts:
            return ()
        try:
            return self._audit.intend(drafts)
        except AuditError as error:
            for plan in planned:
                plan.bundle.refuse(error)
            return ()

    def _send(self, planned: Sequence[Planned], entries: tuple[Entry, ...]) -> list[Bundle]:
        rest = iter(entries)
        intents = {id(plan): [next(rest) for _ in plan.decisions] for plan in planned}
        again: list[Bundle] = []
        for zone in dict.fromkeys(plan.bundle.zone for plan in planned):
            of_zone = [plan for plan in planned if plan.bundle.zone == zone]
            for plan, fate in zip(of_zone, self._sender.send(zone, of_zone), strict=True):
                if self._conclude(plan, fate, intents[id(plan)]):
                    again.append(plan.bundle)
        return again

    def _conclude(self, plan: Planned, fate: Fate, intents: Sequence[Entry]) -> bool:
        """Write down what became of a plan, and answer; True when it has to be thought anew."""
        bundle = plan.bundle
        match fate:
            case Done(submitted, found):
                plan = replace(plan, after=found or plan.after)
                self._mirror.put(bundle.zone, [plan.after])
                self._states.sent(bundle.zone, bundle.name, submitted)
                self._outcomes(intents, "done", submitted=submitted)
                bundle.answers.set_result(
                    tuple(
                        written(plan, number, submitted, intent.seq)
                        for number, intent in enumerate(intents)
                    )
                )
            case Again(why):
                self._outcomes(intents, "not done", why)
                bundle.times += 1
                if bundle.times < MOST_TIMES:
                    return True
                bundle.refuse(
                    UnavailableError(
                        f"{bundle.name} in {bundle.zone} could not be changed: {why}, every time",
                        after=2,
                    )
                )
            case NotDone(error):
                self._outcomes(intents, "not done", error.message)
                bundle.refuse(error)
            case Unknown(error):
                self._mirror.doubt(bundle.zone, bundle.name)
                self._left_open([Open(bundle.zone, intent) for intent in intents])
                bundle.refuse(error)
        return False

    def _outcomes(
        self,
        intents: Sequence[Entry],
        result: Result,
        detail: str = "",
        *,
        submitted: Submitted | None = None,
    ) -> None:
        self._audit.conclude([outcome(each, result, detail, submitted) for each in intents])


def outcome(
    intent: Entry, result: Result, detail: str = "", submitted: Submitted | None = None
) -> Draft:
    """What became of an intent, as an entry."""
    what = intent.what
    after = None if submitted is None else {"change": submitted.id, "state": submitted.state}
    return Draft(
        "outcome",
        what.action,
        what.actor,
        what.subject,
        what.zone,
        what.via,
        what.request,
        what.key,
        intent=intent.seq,
        result=result,
        detail=detail[:LONGEST_DETAIL],
        after=after,
    )


def written(plan: Planned, number: int, submitted: Submitted, seq: int) -> Written:
    """The answer to one order of a plan that is done."""
    decision = plan.decisions[number]
    return Written(
        plan.bundle.zone,
        plan.bundle.name,
        "+".join(decision.types),
        decision.record,
        decision.owner,
        changed=seq != 0 and decision.changes_anything,
        created=decision.created,
        change=submitted.id,
        state=submitted.state,
        etag=plan.after.etag,
        seq=seq,
    )


def _intent(plan: Planned, number: int) -> Draft:
    order, decision = plan.bundle.orders[number], plan.decisions[number]
    wish = order.wish
    return Draft(
        "intent",
        "dns.set" if isinstance(wish, SetRecord) else "dns.remove",
        actor_of(order.caller),
        wish.name,
        str(wish.zone),
        order.via,
        order.request,
        order.key or "",
        fingerprint(wish),
        # Of the whole name, as it is all or nothing: so it can be told afterwards what was done.
        before=plan.before.document(),
        after=plan.after.document()
        | {"type": "+".join(decision.types), "created": decision.created},
    )
