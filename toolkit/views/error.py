"""A failure: message, hint, code."""

from __future__ import annotations

from typing import Any

from toolkit.errors import ConfigError, ExitCode, ToolkitError


def lines(error: ToolkitError) -> list[str]:
    """`error: …`, each mistake on a line of its own, and after a blank line `hint: …`."""
    # Nomad's lists of errors come with tabs and empty lines.
    said = [part.replace("\t", "  ").rstrip() for part in error.message.splitlines()]
    parts = [part for part in said if part] or [type(error).__name__]
    if isinstance(error, ConfigError) and len(error.mistakes) > 1:
        found = [part for mistake in error.mistakes for part in str(mistake).splitlines()]
        result = [f"error: {len(error.mistakes)} mistakes", *("  " + line for line in found)]
    else:
        result = [f"error: {parts[0]}", *("  " + part for part in parts[1:])]
    if error.hint:
        first, *rest = error.hint.splitlines()
        result += ["", f"hint: {first}", *("  " + line for line in rest)]
    return result


def document(error: ToolkitError) -> dict[str, Any]:
    """The error for programs, with a verdict at the top as every report of a rollout has one."""
    mistakes = error.mistakes if isinstance(error, ConfigError) else ()
    return {
        "schema": "toolkit.error/1",
        "verdict": ExitCode(error.code).name.lower(),
        "code": int(error.code),
        "error": {
            "kind": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "code": int(error.code),
            "mistakes": [
                {
                    "where": mistake.where,
                    "key": mistake.key,
                    "line": mistake.line,
                    "message": mistake.message,
                    "hint": mistake.hint,
                }
                for mistake in mistakes
            ],
        },
    }
