"""Every status of a stack has a word, a code, something that `up` does, and a command to type."""

from __future__ import annotations

import botocore.session
import pytest

from toolkit.cli.catalog import BY_NAME
from toolkit.cluster.stack.statuses import STANDINGS, standing
from toolkit.errors import ExitCode


def known() -> list[str]:
    """What CloudFormation says, as botocore has it."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    return list(model.shape_for("StackStatus").enum)


def test_the_table_is_botocores_own_list() -> None:
    assert sorted(STANDINGS) == sorted(known())


@pytest.mark.parametrize("status", known())
def test_a_status_says_what_to_type(status: str) -> None:
    found = standing(status)
    assert found.word
    assert found.sentence
    for command in found.next_for("prod"):
        assert "NAME" not in command
        words = command.split()
        if words[0] == "toolkit":
            assert " ".join(words[1:3]) in BY_NAME
            assert words[3] == "prod"
        else:
            assert words[:2] == ["aws", "cloudformation"]


@pytest.mark.parametrize("status", known())
def test_only_what_is_over_and_whole_is_called_well(status: str) -> None:
    found = standing(status)
    moves = status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    assert found.moves == moves
    assert found.well == (
        status.endswith("_COMPLETE") and status not in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}
    )
    if not found.well:
        assert found.code is not ExitCode.OK
    if "FAILED" in status:
        assert found.code is ExitCode.FAILED
    if status.endswith("ROLLBACK_COMPLETE") and found.well:
        assert found.code is ExitCode.REVERTED


def test_nothing_is_changed_in_a_stack_that_is_not_whole() -> None:
    assert {status for status, each in STANDINGS.items() if each.way == "change"} == {
        status for status, each in STANDINGS.items() if each.well
    }


def test_only_what_holds_nothing_is_made_anew() -> None:
    anew = {status for status, each in STANDINGS.items() if each.way == "remake"}
    assert anew == {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"}


@pytest.mark.parametrize("status", ["UPDATE_PAUSED", "SOMETHING_IN_PROGRESS", ""])
def test_a_status_that_nobody_knows_is_left_alone(status: str) -> None:
    found = standing(status)
    assert found.way == "refuse"
    assert not found.well
    assert found.code is not ExitCode.OK


def test_no_stack_is_to_be_made() -> None:
    assert standing(None).way == "make"
    assert standing("DELETE_COMPLETE").way == "make"
