"""What a stack came to: its word, its code, and what it keeps for later."""

from __future__ import annotations

import pytest

from toolkit.errors import ExitCode
from toolkit.spec.report import Verdict
from toolkit.spec.stack import StackRow
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
