"""Who is told of the end of a rollout, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.spec.target import Secret


@dataclass(frozen=True, slots=True)
class Notify:
    """`[notify]` of toolkit.toml, with what it takes from environment variables."""

    on: tuple[str, ...]
    """Verdicts that are told."""
    timeout: float
    """Seconds that one of the two may take."""
    folder: Path
    """Of the project: where the command runs."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the command; without the tokens that toolkit itself was given."""
    webhook: Secret | None = None
    """The whole address: who knows it may often post to it."""
    token: Secret | None = None
    missing: tuple[str, ...] = ()
    """Environment variables that it names and that are not set."""
