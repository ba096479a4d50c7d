"""Turns of the reconciler on a real writer, audit and zone: what fails first, then what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.dns.discovering import (
    CONFIG,
    NAME,
    PRIVATE,
    SITE,
    declared,
    instance,
    job,
    kick_config,
    owner,
    reasons,
    record,
    steps,
    view,
)
from tests.services.kick.reconciling import Bench
from toolkit.clients.dns.provider import BatchRefusedError
from toolkit.errors import AuditError, DeniedError, ToolkitError, UnavailableError, UnreachableError
from toolkit.spec.discovery import View
from toolkit.spec.dns import Change

GRACE, HOLD = CONFIG.reconcile.grace, CONFIG.reconcile.hold
KICK = job("kick")
SHOP = job("shop", declared())
ONE = view([KICK, SHOP], [instance(1)])
TWO = view([KICK, SHOP], [instance(1), instance(2)])
GONE = view([KICK])
DOWN = UnreachableError("Nomad does not answer", system="Nomad")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with made.stack:
        made.open()
        yield made


# --- what cannot be read ---


@pytest.mark.parametrize(
    "trouble",
    [
        DOWN,
        UnavailableError("Nomad's jobs have not been read yet"),
        DeniedError("Consul's token may not read every service", system="Consul"),
    ],
)
def test_of_a_cluster_that_cannot_be_read_nothing_is_concluded(
    bench: Bench, trouble: ToolkitError
) -> None:
    bench.turn(ONE)
    bench.turn(GONE)
    for _ in range(3):
        with pytest.raises(ToolkitError, match=trouble.message):
            bench.turn(trouble, later=GRACE)
    with pytest.raises(ToolkitError, match=trouble.message):
        bench.reconciler.preview()
    assert bench.values() == {NAME: ("10.0.0.1",)}


@pytest.mark.parametrize("answer", [None, DOWN, DeniedError("no right", system="Nomad")])
def test_a_job_that_is_only_not_listed_keeps_its_names(
    bench: Bench, answer: ToolkitError | None
) -> None:
    """A token that lost a namespace is told of less, without a word."""
    bench.turn(ONE)
    bench.cluster.over["default", "shop"] = answer
    bench.turn(GONE)
    report = bench.turn(later=GRACE)
    assert report.turn.steps == ()
    assert (NAME, "unread") in reasons(report.turn)
    assert bench.cluster.asked == [("default", "shop")]
    assert bench.values() == {NAME: ("10.0.0.1",)}
    bench.cluster.over["default", "shop"] = 0.0
    assert steps(bench.turn(later=1.0).turn) == [(NAME, None)]


def test_a_job_that_came_back_and_went_again_unseen_has_its_grace_again(bench: Bench) -> None:
    bench.turn(ONE)
    bench.turn(GONE)
    bench.again()
    bench.pass_(GRACE)
    bench.cluster.over["default", "shop"] = bench.now - 10.0
    assert bench.turn().turn.steps == ()
    assert steps(bench.turn(later=GRACE - 10.0).turn) == [(NAME, None)]


def test_what_ended_later_than_it_was_noted_goes_a_grace_after_its_end(bench: Bench) -> None:
    """A job is stopped at once, its instances are a while later: not two graces for all of them."""
    bench.turn(ONE)
    bench.turn(GONE)
    bench.cluster.over["default", "shop"] = ended = bench.now + 5.0
    turn = bench.turn(later=GRACE).turn
    assert [(each.name, each.due) for each in turn.leftovers] == [(NAME, ended + GRACE)]
    assert (turn.steps, turn.kept) == ((), ())
    assert bench.metric("kick_reconcile_leaving") == 1
    assert steps(bench.turn(later=5.0).turn) == [(NAME, None)]


def test_without_the_provider_nothing_is_planned_on_old_news(bench: Bench) -> None:
    bench.turn(ONE)
    bench.provider.away = UnreachableError("Route 53 does not answer", system="Route 53")
    with pytest.raises(UnreachableError):
        bench.turn(TWO, later=60.0)
    bench.provider.away = None
    assert steps(bench.turn().turn) == [(NAME, ("10.0.0.1", "10.0.0.2"))]


# --- what is refused ---


def test_one_bad_record_does_not_stop_the_others(bench: Bench) -> None:
    def refuse(changes: Sequence[Change]) -> ToolkitError | None:
        if any(change.record.name == NAME for change in changes):
            return BatchRefusedError("the batch was refused", system="local", reasons=["bad"])
        return None

    bench.provider.refuse = refuse
    names = NAME, *(f"{number}.shop.apps.internal" for number in range(5))
    report = bench.turn(view([KICK, job("shop", declared("shop", *names))], [instance(1)]))
    assert list(report.failed) == [0]
    assert set(bench.values()) == set(names) - {NAME}
    failed = [line for line in bench.log() if line.get("name") == NAME]
    assert [line["result"] for line in failed] == ["failed"]
    assert bench.metric("kick_reconcile_turns_total", result="failed") == 1
    bench.provider.refuse = lambda _: None
    assert list(bench.turn().failed) == []
    assert set(bench.values()) == set(names)


def test_when_the_audit_cannot_be_written_nothing_leaves(bench: Bench) -> None:
    bench.turn(ONE)
    bench.audit.close()
    with pytest.raises(AuditError):
        bench.turn(GONE)
    assert bench.turn(TWO).failed
    assert bench.values() == {NAME: ("10.0.0.1",)}


def test_somebody_elses_name_is_left_alone_and_reported(bench: Bench) -> None:
    bench.request(PRIVATE, record(NAME, "10.9.9.9"), "rival")
    report = bench.turn(view([KICK, SHOP, job("rival")], [instance(1)]))
    assert (report.turn.steps, reasons(report.turn)) == ((), [(NAME, "taken")])
    assert bench.metric("kick_reconcile_refused") == 1
    assert bench.values() == {NAME: ("10.9.9.9",)}


def test_two_clusters_that_share_a_zone_leave_each_other_alone(tmp_path: Path) -> None:
    """Each has a job of the same namespace and name, and asks for the same name."""
    green = kick_config().__class__(**{
        **{field: getattr(CONFIG, field) for field in CONFIG.__dataclass_fields__},
        "cluster": "green",
    })  # fmt: skip
    first, second = Bench(tmp_path), Bench(tmp_path / "other", config=green)
    with first.stack, second.stack:
        first.open()
        second.open()
        second.provider.provider = first.provider.provider
        second.writer.refresh(PRIVATE)
        first.turn(ONE)
        other = view([KICK, SHOP], [instance(9)])
        assert reasons(second.turn(other, later=60.0).turn) == [(NAME, "taken")]
        for _ in range(3):
            second.turn(GONE, later=GRACE)
        assert first.values() == {NAME: ("10.0.0.1",)}
        first.turn(GONE)
        first.turn(later=GRACE)
        assert first.values() == {}
        second.turn(other, later=60.0)
        assert second.there()[NAME].owner == owner(cluster="green")


# --- what follows ---


def test_a_plan_changes_nothing(bench: Bench) -> None:
    bench.cluster.now_is = TWO
    before = bench.audit.head
    for _ in range(2):
        report = bench.reconciler.preview()
        assert (report.done, steps(report.turn)) == (False, [(NAME, ("10.0.0.1", "10.0.0.2"))])
    assert bench.audit.head == before
    assert bench.provider.batches == []


def test_a_plan_does_not_move_the_holds(bench: Bench) -> None:
    sick = view([KICK, SHOP], [instance(1), instance(2)], failing=(2,))
    bench.turn(TWO)
    bench.turn(sick, later=HOLD - 1.0)
    bench.pass_(1.0)
    assert steps(bench.reconciler.preview().turn) == [(NAME, ("10.0.0.1",))]
    assert bench.turn(TWO).turn.steps == ()


def test_names_follow_and_the_audit_says_whose_doing_it_was(bench: Bench) -> None:
    assert bench.turn(ONE).done
    bench.turn(TWO)
    bench.turn(view([KICK, SHOP], [instance(2)]))
    assert bench.values() == {NAME: ("10.0.0.2",)}
    assert bench.turn().turn.steps == ()
    assert bench.actions() == [("dns.set", "default/shop", "discovery")] * 3
    assert bench.metric("kick_reconcile_turns_total", result="done") == 4
    assert bench.metric("kick_reconcile_changes_total") == 3
    assert bench.metric("kick_reconcile_wanted") == 1
    assert bench.metric("kick_reconcile_last_turn_timestamp_seconds") == bench.now


def test_the_last_instance_stays_listed(bench: Bench) -> None:
    bench.turn(ONE)
    for seen in (view([KICK, SHOP], [instance(1)], failing=(1,)), view([KICK, SHOP])):
        report = bench.turn(seen, later=10 * HOLD)
        assert reasons(report.turn) == [(NAME, "no-instance")]
    assert bench.metric("kick_reconcile_refused") == 0
    assert bench.values() == {NAME: ("10.0.0.1",)}


def test_after_a_restart_a_sick_instance_has_its_hold_and_no_more(bench: Bench) -> None:
    sick = view([KICK, SHOP], [instance(1), instance(2)], failing=(2,))
    bench.turn(TWO)
    bench.again()
    assert bench.turn(sick).turn.steps == ()
    assert bench.turn(later=HOLD - 1.0).turn.steps == ()
    assert steps(bench.turn(later=1.0).turn) == [(NAME, ("10.0.0.1",))]


# --- what is left over ---


def test_the_grace_is_neither_shorter_nor_longer_for_restarts(bench: Bench) -> None:
    bench.turn(ONE)
    for _ in range(4):
        assert bench.turn(GONE).turn.steps == ()
        bench.again()
        bench.pass_(GRACE / 4)
    assert steps(bench.turn().turn) == [(NAME, None)]
    assert bench.there() == {}
    # The job asked for nothing: who reads the audit must not think so.
    notes = [via for action, _, via in bench.actions() if action == "dns.leftovers"]
    assert notes == ["discovery"]


def test_a_job_that_comes_back_in_time_keeps_its_name(bench: Bench) -> None:
    bench.turn(ONE)
    bench.turn(GONE)
    bench.turn(ONE, later=GRACE - 1.0)
    bench.again()
    bench.turn(GONE, later=1.0)
    assert bench.turn(later=GRACE - 1.0).turn.steps == ()
    assert bench.values() == {NAME: ("10.0.0.1",)}
    assert steps(bench.turn(later=1.0).turn) == [(NAME, None)]


def test_what_a_dead_job_set_by_request_goes_too(bench: Bench) -> None:
    bench.request(PRIVATE, record("a.shop.apps.internal", "10.0.0.7"), "shop")
    bench.turn(view([KICK, job("shop", alive=False)]))
    bench.turn(later=GRACE)
    assert bench.there() == {}


def test_what_a_living_job_set_by_request_stays(bench: Bench) -> None:
    bench.request(PRIVATE, record("a.shop.apps.internal", "10.0.0.7"), "shop")
    for _ in range(3):
        bench.turn(ONE, later=GRACE)
        bench.again()
    assert set(bench.values()) == {NAME, "a.shop.apps.internal"}


def test_a_name_that_is_no_longer_asked_for_goes_and_a_restart_does_not_forget_it(
    bench: Bench,
) -> None:
    bench.turn(ONE)
    bench.again()
    renamed = view([KICK, job("shop", declared("shop", "b.shop.apps.internal"))], [instance(1)])
    bench.turn(renamed)
    assert set(bench.values()) == {NAME, "b.shop.apps.internal"}
    bench.turn(later=GRACE)
    assert set(bench.values()) == {"b.shop.apps.internal"}


def test_a_name_that_was_asked_for_and_then_set_by_request_stays(bench: Bench) -> None:
    bench.turn(ONE)
    quiet = view([KICK, job("shop")], [instance(1)])
    bench.turn(quiet)
    bench.request(PRIVATE, record(NAME, "10.0.0.7"), "shop")
    for _ in range(3):
        bench.turn(quiet, later=GRACE)
    assert bench.values() == {NAME: ("10.0.0.7",)}


def test_upsert_only_deletes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, config=kick_config(policy="upsert-only"))
    with bench.stack:
        bench.open()
        bench.turn(ONE)
        for _ in range(3):
            report = bench.turn(GONE, later=10 * GRACE)
        assert report.turn.steps == ()
        assert bench.values() == {NAME: ("10.0.0.1",)}


def test_a_thousand_changes_are_few_batches(tmp_path: Path) -> None:
    bench = Bench(tmp_path, config=kick_config(most=1000))
    with bench.stack:
        bench.open()
        names = [f"{number}.shop.apps.internal" for number in range(500)]
        report = bench.turn(view([KICK, job("shop", declared("shop", *names))], [instance(1)]))
        assert len(report.turn.steps) == 500
        assert report.failed == {}
        assert len(bench.provider.batches) <= 5
        assert len(bench.there()) == 500


# --- the thread ---


def test_the_thread_takes_a_turn_when_there_is_news_and_ends(tmp_path: Path) -> None:
    config = kick_config(interval=0.0, settle=0.0)
    bench = Bench(tmp_path, config=config)
    with bench.stack:
        bench.open()
        bench.cluster.now_is = DOWN
        bench.reconciler.start()
        assert bench.cluster.seen.wait(30)
        bench.cluster.now_is = ONE
        bench.cluster.seen.clear()
        bench.cluster.told()
        assert bench.cluster.seen.wait(30)
        # It ends after the turn that has begun.
        assert bench.reconciler.stop()
        assert bench.values() == {NAME: ("10.0.0.1",)}
    blind = [line for line in bench.log() if line.get("result") == "blind"]
    assert len(blind) == 1
    assert "does not answer" in blind[0]["detail"]


def test_the_edge_that_a_request_may_point_to_is_the_last_turns(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.stack:
        bench.open()
        assert bench.reconciler.edge(PRIVATE) is None
        one = instance(1, "traefik")
        checks = {f"_nomad-task-{one.allocation}-group-app-api-http": {"node-1": True}}
        bench.turn(View({KICK.key: KICK}, (one,), checks))
        assert bench.reconciler.edge(PRIVATE) == ("10.0.0.1",)
        assert SITE not in bench.values()
