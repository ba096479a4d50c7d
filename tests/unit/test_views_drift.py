"""What others did, in words; how long ago."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import DiffLine, Drift, DriftState, Plan, ScaledCount, VersionMark
from toolkit.spec.rendered import RenderedJob
from toolkit.views.drift import lines, sentence
from toolkit.views.when import ago

NOW = 1_000_000.0
OURS = VersionMark(7, "1.0.0", NOW - 2 * 86400)
LIVE = VersionMark(8, "1.0.0", NOW - 3 * 3600)
PLAN = Plan(
    rendered=RenderedJob(JobSpec("web", "service", "f", "t"), "", (), {}),
    job={"ID": "web"},
    made_at=NOW,
)


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (-5, "just now"), (0.9, "just now"), (1, "1 s ago"), (59.9, "59 s ago"), (60, "1 min ago"),
        (3599, "59 min ago"), (3600, "1 h ago"), (86399, "23 h ago"), (86400, "1 d ago"),
        (40 * 86400, "40 d ago"),
    ],
)  # fmt: skip
def test_how_long_ago(past: float, words: str) -> None:
    assert ago(NOW - past, NOW) == words


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        (
            Drift("changed", LIVE, OURS),
            "since our deploy of 1.0.0 (version 7, 2 d ago) others changed it: version 8, 3 h ago",
        ),
        (
            Drift("changed", LIVE, VersionMark(7, None), detail="version 6 may be ours too"),
            "since our deploy of version 7 others changed it: version 8, 3 h ago; "
            "version 6 may be ours too",
        ),
        (
            Drift("reverted", LIVE, OURS),
            "version 8, 3 h ago, is our deploy of 1.0.0 (version 7, 2 d ago) again: "
            "Nomad or somebody put it back",
        ),
        (
            Drift("reverted", replace(LIVE, at=OURS.at), OURS),
            "version 8 is our deploy of 1.0.0 (version 7, 2 d ago) again: "
            "Nomad or somebody put it back",
        ),
        (
            Drift("unseen", LIVE, VersionMark(3, "0.9.0"), detail="version 3 is no longer kept"),
            "cannot tell what others changed since our deploy of 0.9.0 (version 3): "
            "version 3 is no longer kept",
        ),
        (
            Drift("unseen", LIVE, detail="denied"),
            "cannot tell what others changed since our deploy: denied",
        ),
        (Drift("none", OURS, OURS), None),
        (Drift("never", LIVE), None),
        (None, None),
    ],
)
def test_the_drift_in_a_sentence(drift: Drift | None, words: str | None) -> None:
    assert sentence(replace(PLAN, drift=drift)) == words


@pytest.mark.parametrize("state", ["none", "never"])
def test_what_nobody_did_is_not_told(state: DriftState) -> None:
    assert lines(replace(PLAN, drift=Drift(state, LIVE, OURS))) == []


def test_each_change_and_each_scaling_has_a_line() -> None:
    made = replace(
        PLAN,
        drift=Drift(
            "changed", LIVE, OURS,
            (
                DiffLine("Priority", "Edited", "50", "60"),
                DiffLine("Meta[a]", "Added", "", "b"),
                DiffLine("Meta[c]", "Deleted", "d", ""),
            ),
        ),
        scaled=(
            ScaledCount("web", 4, 2, True, 2, "nomad job scale", NOW - 60),
            ScaledCount("db", 3, 3, False, None, None, NOW - 60, "by hand"),
            ScaledCount("untold", 3, 2, True),
        ),
    )  # fmt: skip
    assert lines(made) == [
        "drift     since our deploy of 1.0.0 (version 7, 2 d ago) others changed it: "
        "version 8, 3 h ago",
        "          ~ Priority: 50 → 60",
        "          + Meta[a] = b",
        "          - Meta[c] = d",
        "scaled    group web 2 → 4 by nomad job scale, 1 min ago; the job file says 2",
        "scaled    group db 3, 1 min ago: by hand",
    ]
