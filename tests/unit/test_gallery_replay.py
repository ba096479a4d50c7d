"""The gallery again, from answers that real agents gave: the same word and the same cause.

Everything here is judged by the pure stages; the agents are a server that answers what they
answered (`python -m tests.agents.gallery.record` records it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.agents.gallery.case import fill
from tests.agents.gallery.play import cases, judge_cause
from tests.faults.scripted import Scripted
from tests.unit.replaying import FOLDER, FOR_EVER, RECORDED, Recording, Stage
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout import placement, read
from toolkit.rollout.verdict import judge
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.outcome import Outcome
from toolkit.spec.target import Endpoint, Target
from toolkit.views.cause import document


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with Scripted(stage.reply) as server:
        nomad = Endpoint("Nomad", server.address, "test")
        consul = Endpoint("Consul", server.address, "test")
        target = Target("dev", nomad, consul)
        with Nomad(nomad) as first, Consul(consul) as second:
            stage.world = World(target, first, second)
            yield stage


def rolled(name: str) -> bool:
    """True when something was registered, so that there is something to follow."""
    said = json.loads((FOLDER / f"{name}.json").read_text())["said"]
    return said["version"] is not None and said["verdict"] != "unchanged"


ROLLED = tuple(name for name in RECORDED if rolled(name))


def assert_cause(recording: Recording, causes: tuple[Cause, ...]) -> None:
    """The first cause is the case's, and nothing else."""
    case = recording.case
    if case.kind is None:
        assert causes == ()
        return
    found = read.allocations(recording.body(f"{recording.path}/allocations") or [])
    words = {**recording.words, "NAME": case.name}
    there = [{"ID": a.id, "NodeName": a.node, "TaskGroup": a.group} for a in found]
    assert causes
    judge_cause(case, document(causes[0]), lambda text: fill(text, words), there)


def test_there_is_a_recording_of_every_case_that_can_be_recorded() -> None:
    able = {case.name for case in cases() if not case.needs and not case.xfail and case.code != 1}
    assert able == set(RECORDED), "python -m tests.agents.gallery.record NAME…"


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_holds_nothing_of_the_machine(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()
    assert not re.search(r"/(root|home|tmp|work|Users)/", text)
    assert "correct horse" not in text


@pytest.mark.parametrize("name", ROLLED)
def test_the_recorded_answers_give_the_same_word_and_cause(stage: Stage, name: str) -> None:
    recording = Recording.of(name)
    play = stage.replay(recording)
    end = play.run()
    play.proof = stage.proof(recording, end)
    judged = play.judged()
    assert judged.verdict == recording.case.verdict, (end, judged, play.proof)
    assert_cause(recording, play.causes(end, judged.verdict))


@pytest.mark.parametrize("name", ROLLED)
def test_answers_that_stop_coming_never_give_another_word(stage: Stage, name: str) -> None:
    """Cut off after each answer in turn: the word is the right one, or `unknown`."""
    recording = Recording.of(name)
    proof = None
    moments = {call["at"] for call in recording.calls if call["at"] >= recording.begun}
    for at in sorted(moments, reverse=True):
        recording.silent_after = at
        play = stage.replay(recording, deadline=at + 60.0)
        play.explains = False
        end = play.run()
        proof = proof or stage.proof(replace(recording, silent_after=FOR_EVER), end)
        play.proof = proof
        assert play.judged().verdict in {recording.case.verdict, "unknown"}, (at, end)


@pytest.mark.parametrize("name", [name for name in RECORDED if name not in ROLLED])
def test_what_was_never_registered_gives_the_same_word_and_cause(stage: Stage, name: str) -> None:
    recording = Recording.of(name)
    stage.recording = recording
    if recording.case.verdict == "unchanged":
        version = recording.said["version"]
        outcome = Outcome("successful", "nothing changed", version)
        judged = judge(outcome, stage.look(recording, version), unchanged=True)
        assert judged.verdict == "unchanged"
        return
    job, planned = recording.body("/v1/jobs/parse"), recording.body(f"{recording.path}/plan")
    assert recording.case.verdict == "unplaced"
    assert_cause(recording, placement.explained(stage.world, planned["FailedTGAllocs"], job))
