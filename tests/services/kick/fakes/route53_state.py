"""What the fake Route 53 knows, and the operations of its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from threading import Lock

from tests.services.kick.fakes import route53_wire as wire
from tests.services.kick.fakes.route53_plan import Kind, Plan
from tests.services.kick.fakes.route53_rules import (
    HostedZone,
    RRSet,
    canonical,
    do_batch,
    sort_key,
)

LARGEST_PAGE = 300

Answer = tuple[int, bytes]


class Gone(Exception):  # noqa: N818
    """The connection ends here; `abruptly` with a reset."""

    def __init__(self, *, abruptly: bool = False) -> None:
        super().__init__()
        self.abruptly = abruptly


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came."""

    operation: str
    zone: str
    key: str
    """Access key."""
    outcome: str
    """`done`, the code of an error, or a fault."""
    changes: int = 0
    comment: str = ""
    most: int = 0


@dataclass(slots=True)
class Pending:
    """A change on its way to all servers."""

    until: float
    polls: int


@dataclass
class Route53State:
    """All that the fake knows; its methods are the operations of the API."""

    pending_polls: int = 0
    """GetChange says PENDING so many times before INSYNC."""
    propagation: float = 0.0
    """And for so many seconds of `clock`."""
    largest_page: int = LARGEST_PAGE
    listed_reasons: bool = False
    """Say the reasons of a refusal as the documentation does, not as AWS was seen to."""
    keys: frozenset[str] | None = None
    """Access keys that are known; None: all are."""
    clock: Callable[[], float] = time.monotonic
    plan: Plan = field(default_factory=Plan)
    zones: dict[str, HostedZone] = field(default_factory=dict)
    changes: dict[str, Pending] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    _busy: dict[str, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _requests: int = 0

    def add_zone(self, id_: str, name: str, *, private: bool = False) -> HostedZone:
        """A new zone, with the records that Route 53 puts into each."""
        zone = HostedZone(id_, canonical(name), private)
        soa = "ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
        self._put(zone, RRSet(zone.name, "NS", 172800, ("ns-1.awsdns-01.org.",)))
        self._put(zone, RRSet(zone.name, "SOA", 900, (soa,)))
        with self._lock:
            self.zones[id_], self._busy[id_] = zone, Lock()
        return zone

    def put(self, id_: str, found: RRSet) -> None:
        """Put a set into a zone behind everybody's back."""
        with self._lock:
            self._put(self.zones[id_], found)

    def sets(self, id_: str) -> list[RRSet]:
        """What is in a zone."""
        with self._lock:
            return self.zones[id_].listed()

    def settle(self) -> None:
        """Every change is in sync now."""
        with self._lock:
            for pending in self.changes.values():
                pending.polls, pending.until = 0, float("-inf")

    def change(self, id_: str, body: bytes, key: str) -> Answer:
        """ChangeResourceRecordSets."""
        fault = self.plan.take("change")
        call = Call("change", id_, key, "")
        early = self._before(fault, call)
        if early is not None:
            return early
        zone = self.zones.get(id_)
        if zone is None:
            return self._no_zone(call)
        try:
            steps, comment = wire.read_batch(body)
        except wire.MalformedError as exc:
            return self._said(call, 400, exc.code, str(exc))
        call = Call("change", id_, key, "", len(steps), comment)
        busy = self._busy[id_]
        if not busy.acquire(blocking=False):
            return self._prior(call)
        try:
            if fault == "held-before":
                self.plan.hold()
            with self._lock:
                after, wrong = do_batch(zone, steps, self.zones)
                if not wrong:
                    zone.sets = after
                    change = f"C{len(self.changes):013d}"
                    until = self.clock() + self.propagation
                    self.changes[change] = Pending(until, self.pending_polls)
            if fault == "held-after":
                self.plan.hold()
        finally:
            busy.release()
        if wrong:
            self._note(call, "InvalidChangeBatch")
            return 400, wire.refused(wrong, self._request(), listed=self.listed_reasons)
        self._after(fault, call)
        if fault == "error-after":
            return self._said(call, 500, "InternalFailure", "We encountered an internal error")
        self._note(call, fault or "done")
        answer = wire.changed(change, self._state(change))
        return 200, answer[: len(answer) // 2] if fault == "garbled" else answer

    def list(self, id_: str, query: Mapping[str, str], key: str) -> Answer:
        """ListResourceRecordSets."""
        most = min(int(query.get("maxitems", self.largest_page)), self.largest_page)
        call = Call("list", id_, key, "", most=most)
        fault = self.plan.take("list")
        early = self._before(fault, call)
        if early is not None:
            return early
        zone = self.zones.get(id_)
        if zone is None:
            return self._no_zone(call)
        if "type" in query and "name" not in query:
            return self._said(call, 400, "InvalidInput", "The input is not valid")
        start = sort_key(
            canonical(query.get("name", ".")) if "name" in query else "",
            query.get("type", ""),
            query.get("identifier", ""),
        )
        if "name" not in query:
            start = ("", "", "")
        rest = [each for each in self.sets(id_) if sort_key(each.name, *each.key[1:]) >= start]
        self._after(fault, call)
        self._note(call, fault or "done")
        return 200, wire.listing(rest[:most], rest[most] if len(rest) > most else None, most)

    def get(self, change: str, key: str) -> Answer:
        """GetChange."""
        call = Call("get", "", key, "")
        fault = self.plan.take("get")
        early = self._before(fault, call)
        if early is not None:
            return early
        if change not in self.changes:
            message = f"Could not find resource with ID: {change}"
            return self._said(call, 404, "NoSuchChange", message)
        self._note(call, "done")
        return 200, wire.change_state(change, self._state(change, poll=True))

    def _state(self, change: str, *, poll: bool = False) -> str:
        with self._lock:
            pending = self.changes[change]
            waiting = pending.polls > 0 or self.clock() < pending.until
            if poll and pending.polls:
                pending.polls -= 1
            return "PENDING" if waiting else "INSYNC"

    def _before(self, fault: Kind | None, call: Call) -> Answer | None:
        """What a call meets before anything is done."""
        if self.keys is not None and call.key not in self.keys:
            fault = "unknown-key"
        match fault:
            case "throttle":
                return self._said(call, 400, "Throttling", "Rate exceeded")  # DOC
            case "prior":
                return self._prior(call)
            case "denied":
                action = {
                    "change": "route53:ChangeResourceRecordSets",
                    "list": "route53:ListResourceRecordSets",
                    "get": "route53:GetChange",
                }[call.operation]
                # SEEN
                message = (
                    "User: arn:aws:sts::123456789012:assumed-role/kick/kick is not authorized to "
                    f"perform: {action} on resource: arn:aws:route53:::hostedzone/{call.zone} "
                    f"because no identity-based policy allows the {action} action"
                )
                return self._said(call, 403, "AccessDenied", message)
            case "expired":
                # SEEN
                message = "The security token included in the request is expired"
                return self._said(call, 403, "ExpiredToken", message)
            case "unknown-key":
                # SEEN
                message = "The security token included in the request is invalid."
                return self._said(call, 403, "InvalidClientTokenId", message)
            case "error-before":
                return self._said(call, 500, "InternalFailure", "We encountered an internal error")
            case "lost-before":
                self._note(call, fault)
                raise Gone
            case _:
                return None

    def _after(self, fault: Kind | None, call: Call) -> None:
        if fault in {"lost-after", "reset-after"}:
            self._note(call, str(fault))
            raise Gone(abruptly=fault == "reset-after")

    def _prior(self, call: Call) -> Answer:
        # DOC
        message = "The request was rejected because Route 53 was still processing a prior request."
        return self._said(call, 400, "PriorRequestNotComplete", message)

    def _no_zone(self, call: Call) -> Answer:
        # SEEN
        message = f"No hosted zone found with ID: {call.zone}"
        return self._said(call, 404, "NoSuchHostedZone", message)

    def _said(self, call: Call, status: int, code: str, message: str) -> Answer:
        self._note(call, code)
        return status, wire.problem(code, message, self._request())

    def _note(self, call: Call, outcome: str) -> None:
        with self._lock:
            said = asdict(call) | {"outcome": outcome}
            self.calls.append(Call(**said))

    def _request(self) -> str:
        with self._lock:
            self._requests += 1
            return f"00000000-0000-0000-0000-{self._requests:012d}"

    @staticmethod
    def _put(zone: HostedZone, found: RRSet) -> None:
        zone.sets[found.key] = found
