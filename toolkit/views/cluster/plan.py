"""What `up` would do: changes, findings, what is billed, and what that comes to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from toolkit.spec.cluster_apply import ClusterPlanReport
from toolkit.spec.units import Bill, Charge
from toolkit.views.cluster import applied
from toolkit.views.text import hung, told

HEAD = ["billed a month", "units", "for"]
PRICED = ["billed a month", "units", "costs", "for"]


def lines(report: ClusterPlanReport) -> list[str]:
    """Where, what happens to the stack, what is found, what is billed, then the word."""
    stack = report.stack or "no stack yet"
    result = [f"{report.name} · {report.region} · account {report.account} · {stack}"]
    result += applied.change_lines(report.changes)
    result += applied.finding_lines(report.preflight.findings)
    result += _bill(report.bill)
    for note in report.notes:
        result += told("note", note)
    result += told(report.word, report.sentence)
    if report.next:
        result += told("next", "\n".join(report.next))
    return result


def _bill(bill: Bill) -> list[str]:
    if bill.as_of is None:
        rows = [[each.unit.key, _units(each), each.unit.what] for each in bill.charges]
        result = [line for row in hung([HEAD, *rows]) for line in row]
    else:
        priced = [
            [each.unit.key, _units(each), _money(each.least, each.most), each.unit.what]
            for each in bill.charges
        ]
        result = [line for row in hung([PRICED, *priced]) for line in row]
        result += told("costs", f"{_sum(bill)}; prices as of {bill.as_of}, {bill.source}")
    return [*result, *told("and", f"by use: {', '.join(bill.by_use)}")]


def _sum(bill: Bill) -> str:
    if bill.least is None:
        return "nothing of it has a price in the file"
    said = f"{_money(bill.least, bill.most)} {bill.currency} a month"
    if any(each.unit.more and each.price for each in bill.charges):
        said += " or more"
    if bill.unpriced:
        verb = "has" if len(bill.unpriced) == 1 else "have"
        said += f", without {', '.join(bill.unpriced)}, which {verb} no price"
    return said


def _units(charge: Charge) -> str:
    unit = charge.unit
    amount = str(unit.least) if unit.least == unit.most else f"{unit.least} to {unit.most}"
    return f"{amount} or more" if unit.more else amount


def _money(least: Decimal | None, most: Decimal | None) -> str:
    if least is None or most is None:
        return "no price"
    return f"{least:.2f}" if least == most else f"{least:.2f} to {most:.2f}"


def document(report: ClusterPlanReport) -> dict[str, Any]:
    """The report for programs."""
    seen, bill = report.preflight, report.bill
    return {
        "schema": "toolkit.cluster-plan/1",
        "name": report.name,
        "region": report.region,
        "account": report.account,
        "stack": report.stack,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "changes": applied.changes(report.changes),
        "findings": applied.findings(seen.findings),
        "checked": list(seen.checked),
        "unasked": list(seen.unasked),
        "bill": {
            "as_of": bill.as_of.isoformat() if bill.as_of else None,
            "source": bill.source or None,
            "currency": bill.currency or None,
            "least": _number(bill.least),
            "most": _number(bill.most),
            "units": [
                {
                    "key": each.unit.key,
                    "what": each.unit.what,
                    "least": each.unit.least,
                    "most": each.unit.most,
                    "more": each.unit.more,
                    "price": _number(each.price),
                }
                for each in bill.charges
            ],
            "by_use": list(bill.by_use),
        },
        "earlier": applied.earlier(report.earlier),
        "notes": list(report.notes),
        "next": list(report.next),
    }


def _number(value: Decimal | None) -> str | None:
    """As text: no price loses digits on its way."""
    return None if value is None else str(value)
