"""Recorded cases of the gallery, replayed: what agents answered, judged by the pure stages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.agents.gallery.case import Case
from tests.agents.gallery.play import cases
from tests.agents.gallery.recorder import what_is_asked, whole
from tests.faults.scripted import Asked, Reply
from tests.unit.machinery import Play
from toolkit.rollout import ailing, launcher, read, reasons, verify
from toolkit.rollout.declared import services
from toolkit.rollout.direct import is_launched_later
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import Decision, Explain, Fail, Proof, Registered, Watched
from toolkit.rollout.machine import End as Ended
from toolkit.rollout.watch import BY_HAND
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.observed import ConsulInstance

FOLDER = Path(__file__).parents[1] / "agents" / "gallery" / "recorded"
RECORDED = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
BY_NAME = {case.name: case for case in cases()}
FOR_EVER = 100_000.0
AT_ONCE = 0.5
"""Seconds in which a list that is read again was answered."""


@dataclass
class Recording:
    """What the agents answered in one case."""

    case: Case
    said: Mapping[str, Any]
    words: Mapping[str, Any]
    calls: list[dict[str, Any]]
    now: float = FOR_EVER
    """The moment that is replayed."""
    silent_after: float = FOR_EVER
    """The agents say nothing new from then on."""

    @classmethod
    def of(cls, name: str) -> Recording:
        """The recording of a case."""
        raw = json.loads((FOLDER / f"{name}.json").read_text())
        calls = whole(raw["nomad"]) + whole(raw["consul"])
        return cls(BY_NAME[name], raw["said"], raw["words"], calls)

    @property
    def begun(self) -> float:
        """When our version was first seen as registered."""
        jobs = [c for c in self.calls if c["path"] == self.path and isinstance(c["body"], dict)]
        return min(float(c["at"]) for c in jobs if c["body"]["Version"] == self.said["version"])

    @property
    def path(self) -> str:
        """Of the job in Nomad."""
        return f"/v1/job/{self.case.name}"

    def latest(self, path: str) -> dict[str, Any] | None:
        """The answer that held at the moment; the first one where nobody had asked yet."""
        found = [call for call in self.calls if call["path"] == path]
        past = [c for c in found if c["at"] <= min(self.now, self.silent_after)]
        return past[-1] if past else next(iter(found), None)

    def body(self, path: str) -> Any:
        """The body of `latest`; None where nothing was there."""
        call = self.latest(path)
        return call["body"] if call and call.get("status", 200) == 200 else None

    def reply(self, asked: Asked) -> Reply:
        """The server's answer."""
        call = self.latest(what_is_asked(asked.target))
        if call is None and asked.target.startswith("/v1/"):
            return Reply(b"not recorded", 404)
        if call is None:
            # An instance that gave no answer, or was not asked.
            return Reply(promised=100)
        body = call["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"X-Nomad-Index": str(call["index"]), "X-Consul-Index": str(call["index"])}
        return Reply(text.encode(), call.get("status", 200), headers)

    def registered(self, version: int) -> Mapping[str, Any]:
        """The job in one version, as it was registered."""
        found = [call["body"] for call in self.calls if call["path"] == self.path]
        for call in self.calls:
            if call["path"] == f"{self.path}/versions" and call.get("status", 200) == 200:
                found += call["body"]["Versions"]
        jobs = [job for job in found if isinstance(job, dict) and job["Version"] == version]
        job: Mapping[str, Any] = jobs[0]
        return job

    def updates(self, port: int) -> list[tuple[float, Update]]:
        """What the feed of a watch tells, each with its time."""
        readers = {
            f"{self.path}/allocations": ("allocations", read.allocations),
            f"{self.path}/deployments": ("deployments", read.deployments),
            f"{self.path}/evaluations": ("evaluations", read.evaluations),
        }
        found = []
        heard: dict[tuple[str, str], str] = {}
        listed: tuple[str, tuple[ConsulInstance, ...]] = ("", ())
        for call in sorted(self.calls, key=lambda call: float(call["at"])):
            if call.get("status", 200) != 200:
                continue
            if call["path"] in readers:
                kind, reader = readers[call["path"]]
                update = Update(kind, reader(call["body"]), source="Nomad")  # type: ignore[arg-type]
                found.append((float(call["at"]), update))
                continue
            if call["path"].startswith("/v1/health/service/"):
                name = call["path"].rpartition("/")[2]
                # What is asked of an instance is asked of the server of the replay.
                instances = tuple(
                    replace(instance, address="127.0.0.1", port=port)
                    for instance in read.consul_instances(name, call["body"])
                )
                listed = name, instances
            elif call["path"].startswith("/v1/agent/checks?"):
                heard |= {(c["ServiceID"], c["Name"]): c.get("Output", "") for c in checks_of(call)}
            else:
                continue
            told = ailing.filled(listed[1], heard)
            found.append((float(call["at"]), Update("consul", told, source=listed[0])))
        return found


def checks_of(call: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an agent said of its checks."""
    return list((call.get("body") or {}).values())


@dataclass
class Replay(Play):
    """Decisions on recorded answers; causes are looked for where they were."""

    recording: Recording = field(kw_only=True)
    world: World = field(kw_only=True)
    explains: bool = field(default=True, kw_only=True)

    def _do(self, decision: Decision) -> None:
        self.recording.now = self.now
        before = self.state.causes
        if isinstance(decision, Explain):
            self._reread()
        super()._do(decision)
        if not isinstance(decision, Fail | Explain) or before or decision.causes:
            return
        if self.explains:
            self.state.causes = self._causes(decision)

    def causes(self, end: Ended, word: str) -> tuple[Cause, ...]:
        """Why it ended so."""
        if word == "unverified" and self.proof is not None:
            return reasons.of_chain(self.world, self.proof.verification, self.watched.job)
        known = end.causes or self.state.causes
        return known if known or not end.suspects else self._causes(end)

    def _causes(self, decision: Fail | Explain | Ended) -> tuple[Cause, ...]:
        ours = decision.deployment
        if ours is not None and ours.description.startswith(BY_HAND):
            return (reasons.by_hand(ours),)
        ids = {allocation.id for allocation in decision.suspects}
        suspects = tuple(a for a in self.state.allocations or () if a.id in ids)
        evidence = self.state.evidence()
        return reasons.causes(self.world, suspects, evidence, (), services(self.watched.job))

    def _reread(self) -> None:
        """Nomad's word on a deployment may come before the last events of its allocations."""
        due = [pair for pair in self.updates if pair[0] <= self.now + AT_ONCE]
        for pair in (pair for pair in due if pair[1].kind == "allocations"):
            self.updates.remove(pair)
            self.now = max(self.now, pair[0])
            self.state.take(pair[1], self.now)
        self.recording.now = self.now


class Stage:
    """The one server of all replays, and what it replays now."""

    recording: Recording
    world: World

    def reply(self, asked: Asked) -> Reply:
        """What the agents answered."""
        return self.recording.reply(asked)

    def replay(self, recording: Recording, *, deadline: float = FOR_EVER) -> Replay:
        """Decisions on a recording, ready to run."""
        self.recording = recording
        version, options = recording.said["version"], recording.case.options
        job = recording.registered(version)
        given = dict(pairwise(options)).get("--wait-capacity", "")
        watched = Watched(
            job=job,
            version=version,
            modify_index=int(job["JobModifyIndex"]),
            evaluation=recording.said["evaluation"],
            served=None,
            deadline=deadline,
            promote="--no-promote" not in options,
            fail_fast="--no-fail-fast" not in options,
            wait_capacity=float(given.removesuffix("s")) if given else None,
        )
        port = int(self.world.target.consul.address.rpartition(":")[2])
        updates = [pair for pair in recording.updates(port) if pair[0] <= recording.silent_after]
        play = Replay(
            watched, [pair for pair in updates if pair[1].kind != "evaluations"],
            told=updates, recording=recording, world=self.world,
            registered=lambda _: self._registered(recording),
        )  # fmt: skip
        play.now = play.state.begun = recording.begun
        return play

    @staticmethod
    def _registered(recording: Recording) -> Registered:
        raw = recording.body(recording.path)
        return "gone" if raw is None else read.live_job(raw)

    def proof(self, recording: Recording, end: Ended) -> Proof | None:
        """The chain as it was at the end: of what should serve then."""
        recording.now = FOR_EVER
        found = read.allocations(recording.body(f"{recording.path}/allocations") or [])
        version = end.version
        if end.end in {"failed", "unplaced"} and version == recording.said["version"]:
            older = [a.job_version for a in found if a.should_run and a.job_version < version]
            if not older:
                return None
            version = max(older)
        return Proof(version, self.look(recording, version))

    def look(self, recording: Recording, version: int) -> Verification:
        """The chain of one version, at the end of the recording."""
        recording.now = FOR_EVER
        self.recording = recording
        job = recording.registered(version)
        if is_launched_later(job):
            return launcher.verification(job, version)
        found = read.allocations(recording.body(f"{recording.path}/allocations") or [])
        wanted = None
        if job["Type"] in {"system", "sysbatch"}:
            wanted = verify.system_count(self.world, job, found)
        asked = verify.expect(job, found, {version}, served=None, wanted=wanted)
        return verify.look(self.world, asked)[0]
