"""Ctrl-C while a stack goes back: what is said is what is so."""

from __future__ import annotations

import pytest

from toolkit.errors import InterruptedRolloutError, RefusedError, ToolkitError
from toolkit.spec.stack import StackJob
from toolkit.workflows.stack.board import Board
from toolkit.workflows.stack.halfway import interrupted_back
from toolkit.workflows.stack.perform import Performed

BOARD = Board((StackJob("page"), StackJob("api"), StackJob("db")), 4)
LEFT = InterruptedRolloutError("interrupted")


@pytest.mark.parametrize(
    ("board", "results", "said"),
    [
        (BOARD, {}, "page, api, db not back yet"),
        (BOARD.begun("page"), {}, "page going on in Nomad without us; api, db not back yet"),
        # Heard to its end: it is not under way here, and goes on there.
        (BOARD.ended("page", well=True).ended("api", well=False), {"page": "well", "api": LEFT},
         "page back; api going on in Nomad without us; db not back yet"),
        (BOARD.ended("page", well=False).begun("api"), {"page": RefusedError("no")},
         "api going on in Nomad without us; page could not go back; db not back yet"),
    ],
)  # fmt: skip
def test_what_goes_on_is_told_from_what_never_began(
    board: Board, results: dict[str, str | ToolkitError], said: str
) -> None:
    error = interrupted_back(Performed(board, results, True), ["page", "api", "db"])
    assert error.message == f"interrupted while the stack went back; {said}"
    assert error.hint == "toolkit rollback --all goes on with what is left"
