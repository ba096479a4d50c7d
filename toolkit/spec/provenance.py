"""Where a job version came from, and which one was last verified to serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a deploy before it registers anything."""

    commit: str | None = None
    """Git commit of the project; None outside of a repository."""
    dirty: bool | None = None
    """Whether the work tree differed from it; None where that is not known."""
    digest: str = ""
    """SHA-256 over the template's files, the variables and the job file's values."""
    actor: str = ""
    """`user@host`, or what the CI job says of itself."""
    tool: str = ""
    """Version of toolkit."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a version's tag says about it."""

    tag: str
    """`<release>-v<version>`."""
    release: str | None
    version: int
    """Nomad's job version."""
    commit: str | None = None
    """Git commit of the project; None outside of a repository."""
    dirty: bool | None = None
    """Whether the work tree differed from it; None where that is not known."""
    digest: str = ""
    """SHA-256 over the template's files, the variables and the job file's values."""
    actor: str = ""
    """`user@host`, or what the CI job says of itself."""
    tool: str = ""
    """Version of toolkit."""
    verdict: str | None = None
    """None while it rolls."""
    at: float = 0.0
    """Seconds since the epoch of the deploy."""
    copy_of: int | None = None
    """The version that Nomad made this one of by itself, as when it takes a failed one back."""


@dataclass(frozen=True, slots=True)
class LastVerified:
    """The release that was last verified to serve, as its Nomad variable says."""

    job: str
    release: str | None
    version: int
    at: float
    """Seconds since the epoch of the verification."""
    tag: str | None = None
    actor: str = ""
    index: int = 0
    """JobModifyIndex of that version: a job that was purged and made again counts its versions
    from 0, and never has that index again."""
