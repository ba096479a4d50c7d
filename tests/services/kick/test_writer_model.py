"""Any story of writes, strangers, faults and restarts, held against a model of what should be."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.services.kick import shaky as faults
from tests.services.kick.desk_of_writer import ZONE, Desk, a, unsound, workload
from tests.services.kick.shaky import Shaky
from toolkit.dns.standing import names_of, standings
from toolkit.errors import (
    AbsentError,
    ApiError,
    ChangedError,
    ForbiddenError,
    RefusedError,
    TakenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.spec.dns import Order, Owner, Record, RemoveRecord, SetRecord, Wish, Written, Zone
from toolkit.spec.identity import Caller

NAMES = ("a.example.com", "b.example.com", "*.example.com")
JOBS = ("shop", "rival")
CLUSTERS = ("blue", "green")
MOST = 3
"""Records that a job may have."""

name_ = st.sampled_from(NAMES)
cluster_ = st.sampled_from([0, 0, 0, 1])
job_ = st.sampled_from(JOBS)
records = st.one_of(
    st.tuples(name_, st.sampled_from(["10.0.0.1", "10.0.0.2"])).map(lambda it: a(*it)),
    st.tuples(name_, st.sampled_from(["x", "y"])).map(lambda it: Record(it[0], "TXT", 60, it[1:])),
    name_.map(lambda name: Record(name, "CNAME", 60, ("other.example.com",))),
)
fault_ = st.sampled_from(
    [faults.busy, faults.away, faults.lost_before, faults.lost_after, faults.dropped_after, None]
)


class Story(RuleBasedStateMachine):
    """Two clusters write to one zone; the model knows who owns what, and nothing of batches."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shaky = Shaky()
        self.desks = [Desk(self.folder / name, self.shaky, name) for name in CLUSTERS]
        for desk in self.desks:
            desk.permit = self._permit
        self.stack = ExitStack()
        self._open()
        self.owned: dict[tuple[str, str], tuple[Owner, Record]] = {}
        self.foreign: dict[tuple[str, str], Record] = {}
        self.brewed = False

    def _open(self) -> None:
        self.writers = [self.stack.enter_context(desk.opened()) for desk in self.desks]

    def _permit(self, caller: Caller, zone: Zone, record: Record, held: int) -> None:
        if held >= MOST:
            raise ForbiddenError(f"{caller} has {held}")

    # --- what happens ---

    @rule(cluster=cluster_, job=job_, record=records)
    def set(self, cluster: int, job: str, record: Record) -> None:
        owner = self.desks[cluster].owner(job)
        self._write(cluster, SetRecord(ZONE, record, owner))

    @rule(cluster=cluster_, job=job_, record=records)
    def set_if_none(self, cluster: int, job: str, record: Record) -> None:
        owner = self.desks[cluster].owner(job)
        self._write(cluster, SetRecord(ZONE, record, owner, absent=True))

    @rule(cluster=cluster_, job=job_, name=name_, type_=st.sampled_from(["A", "TXT", "CNAME", "*"]))
    def remove(self, cluster: int, job: str, name: str, type_: str) -> None:
        self._write(cluster, RemoveRecord(ZONE, name, type_, self.desks[cluster].owner(job)))

    @rule(job=job_, wanted=st.lists(records, min_size=2, max_size=4, unique_by=lambda r: r.name))
    def set_many(self, job: str, wanted: list[Record]) -> None:
        owner = self.desks[0].owner(job)
        # Counts are told in the writer's own order: here nobody is near the most.
        held = sum(mine == owner for mine, _ in self.owned.values())
        if held + len(wanted) > MOST:
            return
        wishes = [SetRecord(ZONE, record, owner) for record in wanted]
        expected = [(self._expect(wish), self._is_behind(0, wish.name)) for wish in wishes]
        answers = self.writers[0].write_many([Order(wish, workload(job)) for wish in wishes])
        for wish, answer, (error, behind) in zip(wishes, answers, expected, strict=True):
            self._hold(wish, answer, error, behind=behind)

    @rule(record=records)
    def plant(self, record: Record) -> None:
        """A stranger makes a record, where the zone lets it."""
        name, type_ = record.key
        types = {kind for at, kind in (*self.owned, *self.foreign) if at == name}
        if type_ in types or "CNAME" in types or (types and type_ == "CNAME"):
            return
        self.shaky.plant(ZONE, record)
        self.foreign[record.key] = record

    @precondition(lambda self: self.foreign)
    @rule(data=st.data())
    def pull(self, data: st.DataObject) -> None:
        """A stranger removes its record."""
        key = data.draw(st.sampled_from(sorted(self.foreign)))
        self.shaky.pull(ZONE, self.foreign.pop(key))

    @rule(kinds=st.lists(fault_, min_size=1, max_size=3))
    def brew(self, kinds: list[faults.Fault | None]) -> None:
        self.shaky.faults = list(kinds)
        self.brewed = True

    @rule(seconds=st.sampled_from([1, 20]))
    def wait(self, seconds: int) -> None:
        for desk in self.desks:
            desk.hands.at += seconds

    @rule(cluster=cluster_)
    def refresh(self, cluster: int) -> None:
        self.writers[cluster].refresh(ZONE)

    @rule()
    def restart(self) -> None:
        self.stack.close()
        self._open()

    # --- what should come of it ---

    def _write(self, cluster: int, wish: Wish) -> None:
        error, behind = self._expect(wish), self._is_behind(cluster, wish.name)
        answer: Written | ToolkitError
        try:
            answer = self.writers[cluster].write(wish, caller=workload(wish.owner.job))
        except ToolkitError as refused:
            answer = refused
        self._hold(wish, answer, error, behind=behind)

    def _expect(self, wish: Wish) -> type[RefusedError] | None:
        """Why it is refused, when the provider does as it should."""
        name = wish.name
        here = {kind: owner for (at, kind), (owner, _) in self.owned.items() if at == name}
        strange = {kind for at, kind in self.foreign if at == name}
        if any(owner != wish.owner for owner in here.values()) or (not here and strange):
            return TakenError
        if isinstance(wish, RemoveRecord):
            if wish.type in strange:
                return TakenError
            return None if wish.type in here or (wish.type == "*" and here) else AbsentError
        type_ = wish.record.type
        types = {*here, *strange}
        alone = type_ == "CNAME" or "CNAME" in types
        if type_ in strange or (alone and types - {type_}):
            return TakenError
        if wish.absent and type_ in here:
            return ChangedError
        held = sum(owner == wish.owner for owner, _ in self.owned.values())
        if held >= MOST and type_ not in here:
            return ForbiddenError
        return None

    def _hold(
        self,
        wish: Wish,
        answer: Written | ToolkitError,
        error: type[RefusedError] | None,
        *,
        behind: bool,
    ) -> None:
        if isinstance(answer, ApiError | UnavailableError):
            # A fault, told as one: nothing was done.
            assert self.brewed
            return
        if isinstance(answer, ToolkitError):
            assert behind or isinstance(answer, error or ()), (wish, answer, error)
            return
        assert behind or error is None, (wish, answer, error)
        if isinstance(wish, SetRecord):
            assert answer.record == wish.record
            self.owned[wish.record.key] = (wish.owner, wish.record)
            return
        for key in [key for key in self.owned if key[0] == wish.name]:
            if wish.type in (key[1], "*"):
                del self.owned[key]

    def _is_behind(self, cluster: int, name: str) -> bool:
        """Whether the writer's look at the name is outdated, and still young enough to count."""
        writer = self.writers[cluster]
        (now,) = standings(self.shaky.at(ZONE, names_of([name])), [name])
        age = self.desks[cluster].hands.at - writer.mirror.seen(ZONE, name)
        return writer.standing(ZONE, name) != now and age <= 10

    @invariant()
    def nothing_is_lost_and_nothing_is_orphaned(self) -> None:
        there = self.shaky.zones.get(ZONE, {})
        ours = {key: r for key, r in there.items() if key not in self.foreign}
        plain = {key: r for key, r in ours.items() if not r.name.startswith("_toolkit.")}
        assert plain == {key: record for key, (_, record) in self.owned.items()}
        assert not unsound(list(ours.values()))
        assert {key: there[key] for key in self.foreign} == self.foreign

    def teardown(self) -> None:
        self.stack.close()
        for desk in self.desks:
            assert not desk.bugs
            entries = desk.entries()
            intents = [entry.seq for entry in entries if entry.what.kind == "intent"]
            outcomes = [e.what.intent for e in entries if e.what.kind == "outcome"]
            assert sorted(outcomes) == intents
        shutil.rmtree(self.folder)


class LongStory(Story):
    """The same, told for long."""


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLongStory = pytest.mark.soak(LongStory.TestCase)
TestLongStory.settings = settings(max_examples=600, stateful_step_count=40, deadline=None)
