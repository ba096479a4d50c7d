"""What a stack came to: its word, its code, and what it keeps for later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.filled import CAUSE, DEPLOY
from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause
from toolkit.spec.report import DeployReport, Verdict
from toolkit.spec.stack import StackReport, StackRow
from toolkit.views import stack as stack_view
from toolkit.workflows.stack import record, rows
from toolkit.workflows.stack.record import Entry, Kept


def row(verdict: Verdict | None, back: Verdict | None = None) -> StackRow:
    return StackRow("web", verdict=verdict, back=back)


@pytest.mark.parametrize(
    ("found", "atomic", "word"),
    [
        ([row("unchanged"), row("unchanged")], False, "unchanged"),
        ([row("unchanged"), row("completed")], False, "deployed"),
        # The first that is not 0, whatever came after it.
        ([row("deployed"), row("unverified"), row("failed"), row(None)], False, "unverified"),
        ([row("deployed"), row("reverted"), row("failed")], False, "reverted"),
        ([row("deployed", "reverted"), row("failed", "reverted")], True, "reverted"),
        ([row("deployed", "reverted"), row("reverted")], True, "reverted"),
        # What could not be taken back is not hidden behind what was.
        ([row("deployed", "reverted"), row("deployed", "unknown"), row("reverted")], True,
         "unknown"),
        # Nor behind one that was left for its sake.
        ([row("deployed", "held"), row("deployed", "failed"), row("reverted")], True, "failed"),
        ([row("deployed", "held"), row("reverted")], True, "held"),
        # Work that failed cannot be taken back; all that serves is as it was.
        ([row("deployed", "reverted"), row("failed")], True, "reverted"),
        ([row("unchanged"), row("failed")], True, "failed"),
        ([row("refused"), row(None)], True, "refused"),
    ],
)  # fmt: skip
def test_a_stack_has_one_word(found: list[StackRow], atomic: bool, word: str) -> None:
    assert rows.verdict(found, atomic=atomic) == word
    assert rows.code(found, atomic=atomic) in ExitCode


def ended(verdict: Verdict, next_command: str | None, *causes: Cause) -> DeployReport:
    return replace(DEPLOY, verdict=verdict, next=next_command, causes=causes)


def test_what_to_do_next_is_about_the_job_that_could_not_be_taken_back() -> None:
    mine = ended("reverted", "toolkit explain 14ddc55e", CAUSE)
    left = row("deployed", "held")
    stuck = replace(row("deployed", "failed"), job="api", back_report=mine)
    bad = replace(row("failed"), report=ended("failed", "toolkit explain page"))
    assert rows.next_command([left, stuck, bad]) == "toolkit explain 14ddc55e"
    assert rows.next_command([left, replace(stuck, back_report=None), bad]) == "toolkit explain api"
    assert rows.next_command([row("deployed", "reverted"), bad]) == "toolkit explain page"
    assert rows.next_command([row("deployed"), row("unchanged")]) is None


def test_why_a_job_could_not_be_taken_back_is_shown_after_why_it_was_to_be() -> None:
    early, late = replace(CAUSE, summary="page crashes"), replace(CAUSE, summary="api crashes")
    stuck = replace(row("deployed", "failed"), job="api", back_report=ended("reverted", None, late))
    page = replace(row("failed"), job="page", report=ended("failed", None, early))
    taken = replace(
        row("deployed", "reverted"), job="db", back_report=ended("deployed", None, CAUSE)
    )
    report = StackReport(
        "deploy", "failed", "api could not be taken back", "dev", "http://x", "default",
        (taken, stuck, page), 4, atomic=True,
    )  # fmt: skip
    said = "\n".join(stack_view.lines(report))
    assert said.index("page crashes") < said.index("api not taken back") < said.index("api crashes")
    assert "db not taken back" not in said


def test_a_state_is_kept_and_read_again() -> None:
    entry = Entry(1.5, {"db": Kept(3, 70, "1.0.0"), "web": Kept(0, 71)})
    items = record.encoded([entry])
    assert record.decoded({"Items": items}) == (entry,)
    assert record.decoded({"Items": {"state0": "{", "state1": items["state0"]}}) == (entry,)
    assert record.decoded(None) == ()


def test_the_state_to_go_back_to_is_the_newest_that_is_not_live() -> None:
    new, old = Entry(2.0, {"db": Kept(1, 20)}), Entry(1.0, {"db": Kept(0, 10)})
    assert record.earlier((new, old), {"db": 20}) == 1
    assert record.earlier((new, old), {"db": 30}) == 0
    assert record.earlier((new, old), {"db": None}) == 0
    assert record.earlier((new,), {"db": 20}) is None
    # The same version number of a job that was purged since is another version.
    assert record.earlier((Entry(2.0, {"db": Kept(1, 20)}),), {"db": 90}) == 0
