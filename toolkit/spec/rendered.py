"""The result of rendering: HCL, and which template line made which HCL line."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.spec.jobspec import JobSpec


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a template or of a plain job file."""

    path: str
    line: int
    """1-based."""
    caller: SourceLine | None = None
    """The line that called the macro which this line is part of."""


@dataclass(frozen=True, slots=True)
class RenderedJob:
    """HCL ready for Nomad's parser."""

    spec: JobSpec
    hcl: str
    lines: tuple[SourceLine | None, ...]
    """`lines[n - 1]` made line n of `hcl`; None where nothing did."""
    sources: dict[str, str]
    """Template path -> its text, so that a message can show the line."""
    variables: str = ""
    """Text of a Nomad variable file for a plain job's `variable` blocks."""

    def origin(self, line: int) -> SourceLine | None:
        """The template line that made HCL line `line` (1-based)."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else None
