"""A row of the catalog of commands."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command."""

    name: str
    """As typed: `deploy`, or `dev up` inside a group."""
    target: str
    """`module:function`, imported when the command is called; empty for a group of commands."""
    summary: str
    group: str
    examples: tuple[str, ...] = ()
    """Command lines, each with an optional `  # remark`."""
