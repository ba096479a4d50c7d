"""What a deploy remembers for the next one, kept beside the job version in its submitted source.

Nomad stores the source of each job version for its web page. A last comment line in it carries
what the job file said at that time, so that a later deploy can tell an edited file from a count
that somebody scaled or a release that somebody chose by hand. It needs no right of its own and
cannot disagree with the version that it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.spec.plan import Memory

_MARK = "# toolkit: "


def remember(source: str, memory: Memory) -> str:
    """`source` with the memory as its last line."""
    body = json.dumps({"release": memory.release, "counts": memory.counts}, sort_keys=True)
    return f"{source.rstrip()}\n\n{_MARK}{body}\n"


def recall(submission: Mapping[str, Any] | None) -> Memory | None:
    """The memory in a submission of Nomad's; None when it has none or an unreadable one."""
    source = str((submission or {}).get("Source") or "")
    last = source.rstrip().rpartition("\n")[2]
    if not last.startswith(_MARK):
        return None
    try:
        data = json.loads(last.removeprefix(_MARK))
        counts = {str(name): int(count) for name, count in data["counts"].items()}
        return Memory(release=data["release"], counts=counts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
