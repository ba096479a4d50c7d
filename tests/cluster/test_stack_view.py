"""`plan` and `up` as people read them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.unit.filled_apply import CLUSTER_PLAN, CLUSTER_UP
from toolkit.spec.cluster_apply import ChangeRow, FailureRow
from toolkit.spec.units import Charge, Unit
from toolkit.views.cluster import plan, up


def text(lines: list[str]) -> str:
    """Words alone: where a line is folded does not matter here."""
    return " ".join(" ".join(lines).split())


def test_a_plan_says_what_why_and_what_that_does() -> None:
    said = text(plan.lines(CLUSTER_PLAN))
    assert "prod · eu-west-1 · account 123456789012 · CREATE_COMPLETE" in said
    assert "replace Data1 (EC2::Volume): Size changes" in said
    assert "warning server-1 loses its data volume" in said
    assert "stops clusters/prod.toml:2: zones: there is no such zone (take another)" in said
    assert said.endswith("next toolkit cluster up prod")


def test_a_plan_is_no_wider_than_a_screen() -> None:
    made = tuple(ChangeRow("make", f"R{n}", f"EC2::Kind{n}") for n in range(40))
    report = replace(CLUSTER_PLAN, changes=made, sentence="word " * 60)
    lines = plan.lines(report)
    assert max(len(line) for line in lines) <= 80
    assert "make 40 resources: 1 EC2::Kind0" in text(lines)


def test_money_is_said_only_with_its_date_and_what_has_none_is_not_nothing() -> None:
    bill = CLUSTER_PLAN.bill
    unpriced = Charge(Unit("alb-hour", "the balancer", 730, 730), None)
    priced = text(
        plan.lines(replace(CLUSTER_PLAN, bill=replace(bill, charges=(*bill.charges, unpriced))))
    )
    assert "36.50 USD a month, without alb-hour, which has no price;" in priced
    assert "prices as of 2026-01-31" in priced
    assert "no price the balancer" in priced
    free = replace(bill, as_of=None, charges=(Charge(Unit("nat-hour", "NAT", 1, 2)),))
    said = text(plan.lines(replace(CLUSTER_PLAN, bill=free)))
    assert "costs" not in said
    assert "nat-hour 1 to 2 NAT" in said


def test_what_aws_may_bill_more_of_makes_no_sum_that_ends() -> None:
    grows = Charge(Unit("address-hour", "the balancer", 730, 730, more=True), Decimal("0.01"))
    bill = replace(CLUSTER_PLAN.bill, charges=(*CLUSTER_PLAN.bill.charges, grows))
    assert "43.80 USD a month or more;" in text(plan.lines(replace(CLUSTER_PLAN, bill=bill)))
    without = replace(bill, charges=(*CLUSTER_PLAN.bill.charges, replace(grows, price=None)))
    said = text(plan.lines(replace(CLUSTER_PLAN, bill=without)))
    assert "36.50 USD a month, without address-hour, which has no price;" in said


def test_without_any_price_there_is_no_sum() -> None:
    none = tuple(replace(each, price=None) for each in CLUSTER_PLAN.bill.charges)
    bill = replace(CLUSTER_PLAN.bill, charges=none)
    said = text(plan.lines(replace(CLUSTER_PLAN, bill=bill)))
    assert "a month;" not in said and "USD" not in said
    assert "costs nothing of it has a price in the file; prices as of 2026-01-31" in said


def test_a_free_thing_costs_nothing_and_says_so() -> None:
    bill = replace(CLUSTER_PLAN.bill, charges=(Charge(Unit("x", "y", 1, 1), Decimal(0)),))
    assert "0.00 USD a month" in text(plan.lines(replace(CLUSTER_PLAN, bill=bill)))


def test_up_says_the_first_cause_before_all_else() -> None:
    lines = up.lines(CLUSTER_UP)
    assert lines[1].startswith("cause     Server1 (AutoScaling::AutoScalingGroup): why")
    said = text(lines)
    assert "equip traefik deployed: it runs" in said
    assert "failed Server1 failed first next toolkit cluster up prod" in said


def test_what_follows_from_a_failure_does_not_bury_it() -> None:
    rows = tuple(FailureRow(f"R{n}", "EC2::X", "CREATE_FAILED", "why") for n in range(30))
    lines = up.lines(replace(CLUSTER_UP, failures=rows))
    assert len([line for line in lines if "EC2::X" in line]) == 5


def test_findings_are_shown_where_they_are_the_verdict() -> None:
    assert "no such zone" not in text(up.lines(CLUSTER_UP))
    assert "no such zone" in text(up.lines(replace(CLUSTER_UP, word="refused")))
