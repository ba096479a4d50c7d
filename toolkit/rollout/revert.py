"""Nomad's words on a revert; pure."""

from __future__ import annotations

import re

# Nomad's words: nomad/structs/deployment.go.
_ROLLING_BACK = re.compile(r"rolling back to job version (\d+)")


def target_version(description: str) -> int | None:
    """The job version that Nomad says it goes back to; None when it does not."""
    match = _ROLLING_BACK.search(description)
    return int(match.group(1)) if match else None
