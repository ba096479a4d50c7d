"""What each status of a stack means: a word, an exit code, what `up` does about it, what to type.

CloudFormation has 23 of them. A test holds this table to the list that botocore carries, so that a
status nobody thought of cannot pass for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from toolkit.errors import ExitCode

Way = Literal["make", "remake", "change", "retry", "follow", "resume", "refuse"]
"""What `up` does about a stack that it finds so:

`make`: there is none; `remake`: what is there holds nothing, it is deleted first; `change`: by a
change set; `retry`: by a change set that goes on where it failed; `follow`: CloudFormation is at
it; `resume`: its way back has to be finished first; `refuse`: that is for `down`, or for a person.
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One status, in our words."""

    word: str
    """Two or three words for a line of `status`."""
    code: ExitCode
    """Of an `up` that ends here: 0 it took, 3 failed, 5 still going on, 8 as it was before."""
    way: Way
    sentence: str
    """What that means for the cluster."""
    next: tuple[str, ...]
    """Commands to type, best first; `NAME` stands for the cluster."""
    well: bool = False
    """The stack is whole, whatever an `up` that ends so has come to."""

    @property
    def moves(self) -> bool:
        """CloudFormation works on it right now."""
        return self.code is ExitCode.UNKNOWN

    @property
    def anew(self) -> bool:
        """There is nothing to go on with: everything is made from nothing."""
        return self.way in {"make", "remake"}

    def next_for(self, name: str) -> tuple[str, ...]:
        """The commands for the cluster of that name."""
        return tuple(each.replace("NAME", name) for each in self.next)


UP, DOWN, STATUS = (f"toolkit cluster {verb} NAME" for verb in ("up", "down", "status"))
CONSOLE = "aws cloudformation describe-stack-events --stack-name NAME"

OK, FAILED, UNKNOWN, REVERTED = (
    ExitCode.OK,
    ExitCode.FAILED,
    ExitCode.UNKNOWN,
    ExitCode.REVERTED,
)

STANDINGS: MappingProxyType[str, Standing] = MappingProxyType(
    {
        "CREATE_IN_PROGRESS": Standing(
            "being made", UNKNOWN, "follow", "CloudFormation makes it", (UP, STATUS)
        ),
        "CREATE_COMPLETE": Standing(
            "made", OK, "change", "everything of it was made", (STATUS,), well=True
        ),
        "CREATE_FAILED": Standing(
            "half made", FAILED, "retry",
            "making it failed; what was made is kept, so that the cause can be seen", (UP, DOWN),
        ),
        "ROLLBACK_IN_PROGRESS": Standing(
            "being taken back", UNKNOWN, "follow",
            "making it failed, and what was made is being deleted", (UP, STATUS),
        ),
        "ROLLBACK_FAILED": Standing(
            "not taken back", FAILED, "refuse",
            "making it failed, and so did deleting what was made: it can only be deleted", (DOWN,),
        ),
        "ROLLBACK_COMPLETE": Standing(
            "taken back", FAILED, "remake",
            "making it failed, and all that was made is deleted", (UP,),
        ),
        "DELETE_IN_PROGRESS": Standing(
            "being deleted", UNKNOWN, "refuse", "CloudFormation deletes it", (DOWN, STATUS)
        ),
        "DELETE_FAILED": Standing(
            "half deleted", FAILED, "refuse",
            "something could not be deleted: it can only be deleted", (DOWN, STATUS),
        ),
        "DELETE_COMPLETE": Standing(
            "deleted", FAILED, "make", "nothing of it is left in CloudFormation", (UP,)
        ),
        "UPDATE_IN_PROGRESS": Standing(
            "being changed", UNKNOWN, "follow", "CloudFormation changes it", (UP, STATUS)
        ),
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Standing(
            "tidied up", UNKNOWN, "follow",
            "all is changed, and what was replaced is being deleted", (UP, STATUS),
        ),
        "UPDATE_COMPLETE": Standing(
            "changed", OK, "change", "everything of it was changed", (STATUS,), well=True
        ),
        "UPDATE_FAILED": Standing(
            "half changed", FAILED, "retry",
            "changing it failed, and what was changed stays changed", (UP, STATUS),
        ),
        "UPDATE_ROLLBACK_IN_PROGRESS": Standing(
            "being put back", UNKNOWN, "follow",
            "changing it failed, and it is being put back as it was", (UP, STATUS),
        ),
        "UPDATE_ROLLBACK_FAILED": Standing(
            "not put back", FAILED, "resume",
            "changing it failed, and so did putting it back: it takes no change until that is done",
            (UP, CONSOLE),
        ),
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Standing(
            "being put back", UNKNOWN, "follow",
            "it is as it was, and what was made for the change is being deleted", (UP, STATUS),
        ),
        "UPDATE_ROLLBACK_COMPLETE": Standing(
            "as before", REVERTED, "change",
            "changing it failed, and it is as it was before", (STATUS, UP), well=True,
        ),
        "REVIEW_IN_PROGRESS": Standing(
            "empty", FAILED, "remake",
            "a change set was made for it and never executed: nothing was made", (UP,),
        ),
        "IMPORT_IN_PROGRESS": Standing(
            "taking in", UNKNOWN, "follow",
            "somebody lets it take in what exists already", (UP, STATUS),
        ),
        "IMPORT_COMPLETE": Standing(
            "taken in", OK, "change", "it took in what existed already", (STATUS,), well=True
        ),
        "IMPORT_ROLLBACK_IN_PROGRESS": Standing(
            "being put back", UNKNOWN, "follow",
            "taking in what exists failed, and it is being put back", (UP, STATUS),
        ),
        "IMPORT_ROLLBACK_FAILED": Standing(
            "not put back", FAILED, "refuse",
            "taking in what exists failed, and so did putting it back: whoever began that has to"
            " end it", (CONSOLE, STATUS),
        ),
        "IMPORT_ROLLBACK_COMPLETE": Standing(
            "as before", REVERTED, "change",
            "taking in what exists failed, and it is as it was before", (STATUS, UP), well=True,
        ),
    }
)  # fmt: skip


def standing(status: str | None) -> Standing:
    """What a stack in this status is to us; None: there is no stack.

    A status that is not in the table is nobody's success: nothing is done to the stack.
    """
    if status is None:
        return Standing("none", FAILED, "make", "there is no stack", (UP,))
    known = STANDINGS.get(status)
    if known is not None:
        return known
    return Standing(
        status,
        UNKNOWN if status.endswith("_IN_PROGRESS") else FAILED,
        "refuse",
        "CloudFormation says a status that this version of toolkit does not know",
        (CONSOLE, STATUS),
    )
