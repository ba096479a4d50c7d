"""The deploy lock against answers that no healthy Nomad gives at the wanted moment."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import RefusedError, ServerError, UnreachableError
from toolkit.rollout import lock
from toolkit.rollout.lock_held import AGAIN, BEAT, FRESH, Held
from toolkit.rollout.world import World
from toolkit.spec.lock import Holder
from toolkit.spec.target import Endpoint, Target

OURS = Holder("id-1", "ann@ws", "ws", "deploy", "1.1.0", 100.0)
THEIRS = Holder("id-2", "bob@ci run 7", "runner-3", "rollback", None, 200.0)
HEADERS = {"X-Nomad-Index": "5"}


@dataclass
class Variable:
    """One locked variable as Nomad 1.11.3 answers for it; `says` is said first, once each."""

    items: dict[str, str] = field(default_factory=dict)
    holder: str | None = None
    says: list[Reply] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def reply(self, asked: Asked) -> Reply:
        found = re.search(r"[?&]lock-(\w+)", asked.target)
        what = found[1] if found else asked.method
        self.asked.append(what)
        body: dict[str, Any] = json.loads(asked.body) if asked.body else {}
        if self.says:
            return self.says.pop(0)
        wanted = (body.get("Lock") or {}).get("ID")
        if what == "acquire":
            if self.holder not in {None, wanted}:
                return Reply(b'{"Path":"x","Lock":null,"Items":null}', 409)
            self.holder, self.items = wanted, body["Items"]
            return self.whole()
        if what in {"renew", "release"}:
            if self.holder is None:
                return Reply(b"variable doesn't hold a lock", 409)
            if self.holder != wanted:
                return Reply(b"attempting to modify locked variable", 409)
            self.holder = None if what == "release" else self.holder
        if not self.items:
            return Reply(b"variable not found", 404, HEADERS)
        return self.whole()

    def whole(self) -> Reply:
        held = None if self.holder is None else {"ID": self.holder, "TTL": "10s"}
        body = {"Path": "toolkit/locks/web", "Items": self.items, "Lock": held}
        return Reply(json.dumps(body).encode(), headers=HEADERS)

    def now_of(self, holder: Holder) -> None:
        """Somebody else has it."""
        self.holder, self.items = holder.id, lock.encoded(holder)


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def variable() -> Variable:
    return Variable()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def world(variable: Variable, time: Time) -> Iterator[World]:
    with Scripted(variable.reply) as server:
        nomad = Endpoint("Nomad", server.address, "test")
        consul = Endpoint("Consul", server.address, "test")
        target = Target(environment="test", nomad=nomad, consul=consul)
        clients = Nomad(nomad, sleep=lambda _seconds: None), Consul(consul)
        world = World(target, *clients, clock=time, now=lambda: 240.0)
        with world.nomad, world.consul:
            yield world


@pytest.fixture
def held(world: World, time: Time) -> Held:
    """A lock that is ours, and that nobody renews by itself."""
    assert lock.attempt(world, "web", OURS).state == "held"
    return Held(world, "web", OURS, clock=time)


NOTHING = Reply(b"no", 502)
"""A gateway that says nothing about what is behind it."""


# Taking it.


def test_a_reply_that_is_lost_is_asked_for_again(world: World, variable: Variable) -> None:
    variable.says = [NOTHING, NOTHING]
    assert lock.attempt(world, "web", OURS).state == "held"
    assert variable.asked == ["acquire"] * 3
    assert variable.holder == OURS.id


def test_a_gateway_that_never_lets_through_is_an_error_and_nothing_was_deployed(
    world: World, variable: Variable
) -> None:
    variable.says = [NOTHING] * lock.TRIES
    with pytest.raises(UnreachableError) as failed:
        lock.attempt(world, "web", OURS)
    assert failed.value.message.startswith("the deploy lock of web could not be taken")
    assert int(failed.value.code) == 1
    assert (failed.value.hint or "").startswith("nothing was deployed")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Reply(b"Permission denied", 403), 'no right on the variables "toolkit/locks/*"'),
        (Reply(b"404 page not found", 404), "does not answer as Nomad does"),
        (Reply(b"invalid method", 405), "invalid method"),
        (Reply(b'{"Path":"x","Items":{}}', headers=HEADERS), "this Nomad knows no locks"),
    ],
)
def test_where_no_lock_is_to_be_had_there_is_a_reason(
    world: World, variable: Variable, answer: Reply, why: str
) -> None:
    variable.says = [answer]
    got = lock.attempt(world, "web", OURS)
    assert got.state == "none"
    assert why in got.reason


@pytest.mark.parametrize("answer", [Reply(b"No cluster leader", 500), Reply(b"slow down", 429)])
def test_a_nomad_in_trouble_is_not_taken_for_one_without_locks(
    world: World, variable: Variable, answer: Reply
) -> None:
    variable.says = [answer]
    with pytest.raises(ServerError):
        lock.attempt(world, "web", OURS)


def test_a_lock_of_somebody_that_does_not_say_who(world: World, variable: Variable) -> None:
    variable.holder, variable.items = "x", {"hello": "world"}
    with pytest.raises(RefusedError, match="web is locked by somebody; nothing was changed"):
        lock.take(world, "web", OURS, wait=None, on_wait=lambda _holder: None)


def test_one_that_may_not_read_whose_it_is_cannot_wait(world: World, variable: Variable) -> None:
    variable.now_of(THEIRS)
    variable.says = [Reply(b"{}", 409), Reply(b"Permission denied", 403)]
    with pytest.raises(RefusedError, match="locked by somebody"):
        lock.take(world, "web", OURS, wait=60.0, on_wait=lambda _holder: None)


def test_a_lock_freed_between_two_looks_is_not_slept_through(
    world: World, variable: Variable
) -> None:
    variable.now_of(THEIRS)
    told: list[Holder | None] = []

    def free(holder: Holder | None) -> None:
        told.append(holder)
        variable.holder = None

    assert lock.take(world, "web", OURS, wait=60.0, on_wait=free).state == "held"
    assert told == [THEIRS]
    # One look to know what to block on, and the next try comes before blocking.
    assert variable.asked == ["acquire", "GET", "acquire"]


def test_the_refusal_says_who_with_what_since_when(world: World, variable: Variable) -> None:
    variable.now_of(THEIRS)
    with pytest.raises(RefusedError) as refused:
        lock.take(world, "web", OURS, wait=None, on_wait=lambda _holder: None)
    assert refused.value.message == (
        "web is locked by bob@ci run 7 on runner-3 (toolkit rollback) since 1970-01-01 00:03:20Z, "
        "40 s ago; nothing was changed"
    )
    assert refused.value.hint == (
        "--wait-lock 10m waits for it; toolkit unlock web --reason TEXT breaks it"
    )


@pytest.mark.parametrize("items", [{}, {"id": "x"}, {"id": "x", "since": "yesterday"}])
def test_what_somebody_else_wrote_there_is_nobodys(items: dict[str, str]) -> None:
    assert lock.decoded({"Items": items}) is None


def test_a_holder_is_read_as_it_was_written() -> None:
    for holder in (OURS, THEIRS, replace(OURS, broken_by="x@y", broken_why="z")):
        assert lock.decoded({"Items": lock.encoded(holder)}) == holder


@pytest.mark.parametrize("job", ["web", "web.v2", "a b/ü", "x" * 300])
def test_every_job_has_a_path_that_nomad_takes(job: str) -> None:
    path = lock.path_of(job)
    assert path.startswith("toolkit/locks/")
    assert len(path) <= 128
    assert not set(path) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~/")


# Holding it.


def test_it_is_renewed_on_a_thread_until_it_is_freed(
    world: World, variable: Variable, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.rollout.lock_held.BEAT", 0.001)
    renewed = threading.Event()
    answer = variable.whole()

    def whole() -> Reply:
        if variable.asked.count("renew") >= 3:
            renewed.set()
        return answer

    variable.whole = whole  # type: ignore[method-assign]
    held.start()
    assert renewed.wait(30)
    assert held.close() is None
    assert variable.holder is None
    assert not [thread for thread in threading.enumerate() if thread.name == "lock-renewal"]
    assert held.news() == ()
    assert held.report().state == "held"


def test_one_that_was_broken_says_by_whom_and_registers_nothing_more(
    world: World, variable: Variable, held: Held
) -> None:
    assert lock.break_lock(world, "web", OURS, by="bob@ws", reason="it hangs")
    assert held.renew(world) is None
    said = "the deploy lock of web was broken by bob@ws: it hangs"
    assert held.news() == (f"{said}; what is registered is followed to its end",)
    assert held.news() == ()
    with pytest.raises(RefusedError) as refused:
        held.assure()
    assert refused.value.message == f"{said}; nothing more was registered"
    assert (held.report().state, held.report().reason) == ("lost", said)
    # It is not ours to free.
    variable.now_of(THEIRS)
    assert held.close() is None
    assert variable.holder == THEIRS.id


def test_one_that_somebody_else_has_by_now(world: World, variable: Variable, held: Held) -> None:
    variable.now_of(THEIRS)
    assert held.renew(world) is None
    [said] = held.news()
    assert "is not ours any more: bob@ci run 7 on runner-3 (toolkit rollback)" in said


def test_one_that_ended_by_itself(world: World, variable: Variable, held: Held) -> None:
    variable.holder = None
    assert held.renew(world) is None
    assert held.report().reason == "the deploy lock of web ended before it was renewed"


def test_one_that_cannot_be_renewed_says_so_once_and_is_no_cover(
    world: World, variable: Variable, held: Held, time: Time
) -> None:
    variable.says = [NOTHING] * 5
    time.seconds = BEAT
    assert held.renew(world) == AGAIN
    assert held.news() == ()
    held.assure()
    time.seconds = lock.TTL
    assert held.renew(world) == AGAIN
    [said] = held.news()
    assert said.startswith("the deploy lock of web could not be renewed for 10 s, so that somebody")
    assert held.renew(world) == AGAIN
    assert held.news() == ()
    with pytest.raises(RefusedError, match="could not be renewed for 10 s"):
        held.assure()
    assert held.report().state == "held"
    time.seconds = 2 * lock.TTL
    assert held.report().state == "lost"
    # Nomad answers again, and nobody had it in between.
    variable.says.clear()
    assert held.renew(world) == BEAT
    assert held.news() == ("the deploy lock is renewed: nobody took it meanwhile",)
    held.assure()
    assert held.report().state == "held"


def test_an_old_renewal_is_made_sure_of_before_a_registration(
    world: World, variable: Variable, held: Held, time: Time
) -> None:
    time.seconds = FRESH / 2
    held.assure()
    assert variable.asked == ["acquire"]
    time.seconds = FRESH
    held.assure()
    assert variable.asked == ["acquire", "renew"]
    variable.now_of(THEIRS)
    time.seconds = 3 * lock.TTL
    with pytest.raises(RefusedError, match="bob@ci run 7"):
        held.assure()
    # Said by the error, and not a second time.
    assert held.news() == ()


def test_one_that_cannot_be_freed_ends_by_itself_and_that_is_said(
    variable: Variable, held: Held
) -> None:
    variable.says = [Reply(b"No cluster leader", 500)]
    assert (held.close() or "").startswith(
        "the deploy lock of web could not be released and ends by itself within 21 s"
    )


def test_what_we_freed_ourselves_is_nobodys_deed(world: World, held: Held) -> None:
    assert held.close() is None
    assert held.renew(world) is None
    assert held.news() == ()
    assert held.report().state == "held"


def test_without_a_lock_nothing_is_asked_and_nothing_kept_out(
    world: World, variable: Variable
) -> None:
    held = Held(world, "web", None, why="no right")
    held.start()
    held.assure()
    assert held.close() is None
    assert (held.report().state, held.report().reason) == ("none", "no right")
    assert variable.asked == []
