"""What problems of the kick server mean, beyond those that every server of ours has."""

from __future__ import annotations

from toolkit.clients.problems import Problems
from toolkit.errors import ExitCode

PROBLEMS = Problems(
    hints={
        "unidentified": "the token in NOMAD_TOKEN is not known there, or is nobody's",
        "forbidden": "kick.toml of the job kick says who may set what",
        "conflict": "only its owner changes it, or a person whose rule in kick.toml may overrule",
        "ambiguous": "say which one with --type, and with --zone where both zones have the name",
        "precondition-failed": "somebody changed it in between: look again, then decide",
        "audit-unavailable": "free space where the kick server keeps its audit: it refuses every"
        " change until it can record it; `toolkit logs kick` says more",
        "audit-broken": "keep the files of the audit as they are, and find out who may write there",
        "provider-refused": "nothing was changed; the provider's own words are above",
        "outcome-unknown": "`toolkit dns list` shows what is there; the same may be asked again",
        "bug": "`toolkit logs kick` has more of it",
    },
    codes={"outcome-unknown": ExitCode.UNKNOWN, "audit-broken": ExitCode.UNVERIFIED},
)
