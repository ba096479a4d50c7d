"""What a deploy remembers for the next one, kept beside the job version in its submitted source.

Nomad stores the source of each job version for its web page. A last comment line in it carries
what the job file said at that time, so that a later deploy can tell an edited file from a count
that somebody scaled or a release that somebody chose by hand. It needs no right of its own. Nomad
shows the source again with versions that others register without one; the memory's own version
number tells which one we registered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.spec.plan import Memory

_MARK = "# toolkit: "


def remember(source: str, memory: Memory) -> str:
    """`source` with the memory as its last line."""
    body = {
        "release": memory.release,
        "counts": memory.counts,
        "deployed": memory.deployed,
        "version": memory.version,
    }
    return f"{source.rstrip()}\n\n{_MARK}{json.dumps(body, sort_keys=True)}\n"


def recall(submission: Mapping[str, Any] | None, live_release: str | None) -> Memory | None:
    """The memory in a submission of Nomad's; None when it has none or an unreadable one.

    A version registered without a source shows the source of an earlier one: a memory of another
    release than the live one is not this version's.
    """
    found = written(submission)
    return found if found is not None and found.deployed == live_release else None


def written(submission: Mapping[str, Any] | None) -> Memory | None:
    """The memory in a submission, whichever version it was written for."""
    source = str((submission or {}).get("Source") or "")
    last = source.rstrip().rpartition("\n")[2]
    if not last.startswith(_MARK):
        return None
    try:
        data = json.loads(last.removeprefix(_MARK))
        counts = {str(name): int(count) for name, count in data["counts"].items()}
        version = data.get("version")
        return Memory(
            data["release"],
            counts,
            data["deployed"],
            None if version is None else int(version),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def without(source: str) -> str:
    """The source as it was, without a memory."""
    head, _, last = source.rstrip().rpartition("\n")
    return head.rstrip() + "\n" if last.startswith(_MARK) else source
