"""What `toolkit dns` prints, as people read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.filled import (
    DNS_AUDIT,
    DNS_CHANGE,
    DNS_IAM,
    DNS_INTENT,
    DNS_LIST,
    DNS_OUTCOME,
    DNS_RECORD,
    DNS_TURN,
)
from toolkit.errors import ExitCode
from toolkit.spec.dns_reports import DnsTurnReport
from toolkit.views.dns import audit, change, iam, records, turn


def test_a_list_has_a_line_for_each_value() -> None:
    text = records.lines(DNS_LIST)
    assert text[1].split()[:5] == ["shop.apps.example.com", "A", "public", "203.0.113.7", "60"]
    assert text[2].split() == ["203.0.113.8"]
    alias = replace(DNS_RECORD, values=(), ttl=None, alias="lb.example.com", state="PENDING")
    line = records.lines(replace(DNS_LIST, records=(alias,)))[1]
    assert "alias lb.example.com" in line
    assert line.endswith("pending")
    assert records.lines(replace(DNS_LIST, records=())) == [
        "no records that this token may see, at http://k"
    ]


def test_a_change_shows_what_was_and_what_is() -> None:
    text = change.lines(replace(DNS_CHANGE, before=None))
    assert text[0] == "record    nothing → 203.0.113.7, 203.0.113.8 (60 s)"
    same = change.lines(replace(DNS_CHANGE, verdict="unchanged"))
    assert not any(line.startswith("record") for line in same)
    gone = change.lines(replace(DNS_CHANGE, verdict="deleted", after=None))
    assert gone[0].endswith("→ nothing")


def test_a_change_that_is_not_answered_everywhere_has_its_own_code() -> None:
    assert DNS_CHANGE.code is ExitCode.OK
    assert replace(DNS_CHANGE, verdict="pending").code is ExitCode.UNKNOWN


@pytest.mark.parametrize(
    ("report", "code", "last"),
    [
        (DNS_TURN, ExitCode.CHANGES, "1 of 1 change failed, 2 records as the jobs ask"),
        (
            replace(DNS_TURN, steps=(replace(DNS_TURN.steps[0], result=""),)),
            ExitCode.CHANGES,
            "1 change, 2 records as the jobs ask",
        ),
        (replace(DNS_TURN, steps=()), ExitCode.OK, "nothing to do, 2 records as the jobs ask"),
        (
            replace(DNS_TURN, action="sync"),
            ExitCode.FAILED,
            "1 of 1 change failed, 2 records as the jobs ask",
        ),
        (
            replace(DNS_TURN, action="sync", steps=(replace(DNS_TURN.steps[0], result="done"),)),
            ExitCode.OK,
            "1 change done, 2 records as the jobs ask",
        ),
    ],
)
def test_a_turn_ends_in_one_sentence_and_its_code(
    report: DnsTurnReport, code: ExitCode, last: str
) -> None:
    assert report.code is code
    assert turn.lines(report)[-1].split(maxsplit=1)[1] == last


def test_a_turn_says_why_a_name_is_kept_and_when_one_goes() -> None:
    text = "\n".join(turn.lines(DNS_TURN))
    assert "refused   a.example.org A of default/shop: lies in no zone" in text
    assert "the job is dead; it goes in 1.5 s" in " ".join(text.split())
    never = replace(DNS_TURN, leaving=(replace(DNS_TURN.leaving[0], seconds=None),))
    assert "it goes never" in " ".join("\n".join(turn.lines(never)).split())


def test_the_audit_joins_an_intent_and_its_outcome() -> None:
    text = audit.lines(DNS_AUDIT)
    assert text[1].endswith("nothing → A 203.0.113.7  done")
    assert "default/shop" in text[1]
    assert "verified  4 entries, one chain" in "\n".join(text)
    assert text[-1] == "head      4:ef"
    part = "\n".join(audit.lines(replace(DNS_AUDIT, anchor="3:ab")))
    assert "verified  1 entry, one chain from the anchor 3 to the last" in part


def test_an_outcome_that_is_not_shown_is_not_made_up() -> None:
    text = audit.lines(replace(DNS_AUDIT, entries=(DNS_INTENT,), verified=None))
    assert text[1].endswith("not in this part")
    assert not any(line.startswith("verified") for line in text)
    failed = {**DNS_OUTCOME, "result": "unknown", "detail": "the reply was lost"}
    assert audit.lines(replace(DNS_AUDIT, entries=(DNS_INTENT, failed)))[1].endswith(
        "unknown: the reply was lost"
    )


def test_a_policy_is_printed_as_it_is_handed_to_aws() -> None:
    assert iam.lines(DNS_IAM) == ["{", '  "Version": "2012-10-17"', "}"]


def test_a_note_of_what_leaves_is_read_as_a_sentence() -> None:
    """What leaves and what stays after all, never the empty one of the two."""
    name = ["apps.example.com (public)", "shop.apps.example.com"]
    intent = {**DNS_INTENT, "action": "dns.leftovers", "before": None}
    for word in ("leaving", "staying"):
        after = {"leaving": [], "staying": [], word: [name]}
        shown = "\n".join(audit.lines(replace(DNS_AUDIT, entries=({**intent, "after": after},))))
        assert f"{word} shop.apps.example.com (public)" in shown
        assert "→" not in shown
