"""A way back that Ctrl-C ended: what is back, what goes on in Nomad, what is as it was; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from toolkit.errors import InterruptedRolloutError
from toolkit.workflows.stack.journey import named_some
from toolkit.workflows.stack.perform import Performed

T = TypeVar("T")


def interrupted_back(done: Performed[T], todo: Sequence[str]) -> InterruptedRolloutError:
    """How far the way back of `todo` came.

    A turn that was heard to its end after Ctrl-C is among the results and not under way any more;
    Nomad goes on with it all the same.
    """
    board = done.board
    left = {job for job, each in done.results.items() if isinstance(each, InterruptedRolloutError)}
    going = left | board.running
    failed = board.bad - left
    told = board.good | going | failed
    parts = [
        f"{named_some(names)} {words}"
        for names, words in (
            ([name for name in todo if name in board.good], "back"),
            ([name for name in todo if name in going], "going on in Nomad without us"),
            ([name for name in todo if name in failed], "could not go back"),
            ([name for name in todo if name not in told], "not back yet"),
        )
        if names
    ]
    return InterruptedRolloutError(
        "interrupted while the stack went back; " + "; ".join(parts),
        hint="toolkit rollback --all goes on with what is left",
    )
