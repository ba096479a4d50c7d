"""The keys of the JSON documents of `toolkit hook`, pinned with all others."""

from __future__ import annotations

from typing import Any

from toolkit.spec.bundle import HookEntry, HookSet, HookVersion
from toolkit.spec.hook_reports import HookChangeReport, HookListReport, HookShowReport
from toolkit.views import hooks

ADDRESS = "http://127.0.0.1:8655"
VERSION = HookVersion("a" * 64, 1_764_000_000.0, "ann", ("pre-receive", "update"), 3, 1200)
SET = HookSet("shop", VERSION.digest, frozenset({"update"}), (VERSION,))
ENTRY = HookEntry("pre-receive", 1000, True, "b" * 64)

VERSION_KEYS = "digest at by hooks[] files size"
SET_KEYS = f"repo current active[] off[] versions[]({VERSION_KEYS})"

HOOKS: list[tuple[str, dict[str, Any], str]] = [
    (
        "toolkit.hook-list/1",
        hooks.document(HookListReport("dev", ADDRESS, (SET,), "shop", "the server is not root")),
        f"schema environment address repo why_not hooks[]({SET_KEYS})",
    ),
    (
        "toolkit.hook-show/1",
        hooks.document(HookShowReport("dev", ADDRESS, "shop", VERSION, True, (ENTRY,))),
        f"schema environment address repo current version({VERSION_KEYS}) "
        "entries[](path size executable sha256)",
    ),
    (
        "toolkit.hook-change/1",
        hooks.document(
            HookChangeReport(
                "pushed", "shop: version aaaaaaaaaaaa with pre-receive", "dev", ADDRESS, "shop",
                SET, "", ("a note",), "toolkit hook rollback shop",
            )
        ),
        "schema verdict code sentence environment address repo "
        f"hooks({SET_KEYS}) trash notes[] next",
    ),
]  # fmt: skip
