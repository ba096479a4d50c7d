"""One state machine for the verdict of a rollout: pure, without I/O, without a clock of its own.

    Watched, Answers -> decide -> Decision    wait, ask, look at the gate, promote, fail, explain,
                                              follow the revert, or end
    Watched, Answers -> verdict_of -> Judged  the word for what is known now

`toolkit.rollout.watch` keeps the answers up to date and performs what is decided. A deployment
belongs to a rollout because of its JobModifyIndex, a revert because of its job version, an
evaluation because of its chain; none because it is the newest. A good word is said only after
Nomad confirmed that the version is still what is registered, and after the chain was proven.
"""

from __future__ import annotations

from toolkit.rollout.machine import evaluations, instances
from toolkit.rollout.machine.answers import (
    Answers,
    Deeds,
    GateAnswer,
    Opinion,
    Proof,
    Registered,
    Watched,
)
from toolkit.rollout.machine.decide import decide
from toolkit.rollout.machine.decisions import (
    Analyse,
    Ask,
    Decision,
    End,
    Explain,
    Fail,
    Follow,
    Look,
    Promote,
    Wait,
)
from toolkit.rollout.machine.word import verdict_of

__all__ = [
    "Analyse", "Answers", "Ask", "Decision", "Deeds", "End", "Explain", "Fail", "Follow",
    "GateAnswer", "Look", "Opinion", "Promote", "Proof", "Registered", "Wait", "Watched",
    "decide", "evaluations", "instances", "verdict_of",
]  # fmt: skip
