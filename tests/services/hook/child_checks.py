"""A check as a child does it, and what it had to import for that."""

from __future__ import annotations

import sys

from hook.children.errand import Errand, Message
from hook.gate.checking import check

from toolkit.errors import ToolkitError


def modules(errand: Errand) -> Message:
    """The modules that a check had to import by itself."""
    before = frozenset(sys.modules)
    try:
        value = dict(check(errand))
    except ToolkitError as exc:
        value = {"refused": exc.message}
    return {**value, "imported": sorted(frozenset(sys.modules) - before)}
