"""What a verifier accepts, remembers and asks for; all times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how often, how much."""

    leeway: float = 30.0
    """By how much the clocks of Nomad's servers and ours may differ."""
    lifetime: float = 86_400.0
    """Longest life of a workload's token, from `iat` to `exp`."""
    keys_fresh: float = 300.0
    """Signing keys are read again after this long: a key that Nomad removed is refused by then."""
    keys_stale: float = 86_400.0
    """While Nomad cannot be asked, they are believed for this long after they were read."""
    keys_pause: float = 5.0
    """Between two readings for the sake of unknown keys: forged ones cost one call in this time."""
    alive: float = 5.0
    """What Nomad said of an allocation is believed for this long."""
    alive_stale: float = 300.0
    """While Nomad cannot be asked, that it lived is believed for this long."""
    person: float = 10.0
    """What Nomad said of an ACL token is believed for this long, and never longer."""
    refused: float = 2.0
    """A token that Nomad does not know is refused without a call for this long."""
    pause: float = 1.0
    """Nomad, when it did not answer, is left alone for this long."""
    failures: int = 10
    """Unknown ACL tokens from one source at once; then one more a second."""
    failures_in_all: int = 50
    """The same from everywhere; then five more a second."""
    remembered: int = 4_096
    """Entries of each cache."""
