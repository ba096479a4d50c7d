"""What the commands that roll out canaries share: how many, in which steps, and compared or not."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import usage_error

Canary = Annotated[
    str | None,
    typer.Option(
        "--canary",
        metavar="N[,N]",
        help="So many canaries, or in steps: 1,3.",
    ),
]
Analyse = Annotated[
    bool | None,
    typer.Option(
        "--analyse/--no-analyse",
        show_default=False,
        help="Compare canaries with stable instances before they are promoted.",
    ),
]


def steps(text: str | None) -> tuple[int, ...]:
    """The steps that `1,3` names; none for no text, a usage error for anything else."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and 0 < int(part) <= 10_000 for part in parts):
        raise usage_error(f"--canary {text} names no numbers of canaries", "such as 1, or 1,3")
    found = tuple(int(part) for part in parts)
    if list(found) != sorted(set(found)):
        raise usage_error(
            f"--canary {text}: each step must have more canaries than the one before", "such as 1,3"
        )
    return found
