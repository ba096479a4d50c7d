"""What problems of the hook server mean, beyond those that every server of ours has."""

from __future__ import annotations

from toolkit.clients.problems import Problems
from toolkit.errors import ExitCode

PROBLEMS = Problems(
    hints={
        "unidentified": "the token in NOMAD_TOKEN is not known there, or is nobody's",
        "forbidden": "hook.toml of the job hook says who may do what",
        "not-found": "`toolkit repo list` shows what is there",
        "conflict": "look again, then decide: `toolkit repo show NAME`",
        "audit-unavailable": "free space where the hook server keeps its data: it refuses every"
        " change until it can record it; `toolkit logs hook` says more",
        "audit-broken": "keep the files of the audit as they are, and find out who may write there",
        "bug": "`toolkit logs hook` has more of it",
    },
    codes={"outcome-unknown": ExitCode.UNKNOWN, "audit-broken": ExitCode.UNVERIFIED},
)
