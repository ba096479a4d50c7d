"""What CloudFormation says in prose and we have to understand, each beside the words it says."""

from __future__ import annotations

import re

_NOTHING = re.compile(r"didn't contain changes|No updates are to be performed")
"""Why a change set without changes is FAILED: one wording for a template, one for a macro."""
_CANCELLED = re.compile(r"^Resource (?:creation|update|deletion) cancelled")
"""Of a resource that nothing is wrong with: another one failed."""


def says_nothing_changes(reason: str) -> bool:
    """Whether a change set failed because there is nothing to change."""
    return _NOTHING.search(reason) is not None


def says_cancelled(reason: str) -> bool:
    """Whether a resource failed only because another one did."""
    return _CANCELLED.search(reason) is not None
