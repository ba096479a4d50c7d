"""Changing commands ask before they touch a protected environment."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.errors import NeedsAnswerError, RefusedError
from toolkit.spec.target import Target

Confirm = Callable[[str], bool]
"""Asks a person one question; NeedsAnswerError when there is nobody to ask."""


def unanswered(question: str) -> bool:
    """A `Confirm` for callers without anybody to ask."""
    raise NeedsAnswerError(f"{question}: nobody answered", hint="--yes answers")


def ask(target: Target, confirm: Confirm, deed: str, *, always: bool = False) -> None:
    """Return when `deed` may be done; RefusedError when the answer is no.

    `always` asks in an environment that is not protected too.
    """
    if not (target.protected or always):
        return
    kind = "protected environment" if target.protected else "environment"
    if not confirm(f"{deed} in {kind} {target.environment} ({target.nomad.address})?"):
        raise RefusedError("not confirmed; nothing was changed")
