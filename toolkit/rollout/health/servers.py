"""Is there an agent, a leader, a quorum, and do the servers take jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.rollout.health.facts import Server, Voice
from toolkit.rollout.health.look import Look, unseen
from toolkit.spec.doctor import Check


def answers(name: str, system: str, voice: Look[Voice], origin: str) -> Check:
    """Whether the address answers as the system does."""
    if voice.kind == "late":
        return Check(name, "failed", f"{system} did not answer: {voice.problem}")
    if voice.value is None:
        return Check(name, "failed", voice.problem, advice=voice.hint)
    summary = f"{system} answers at {voice.value.address} ({origin})"
    return Check(name, "passed", summary)


def judge(
    name: str,
    system: str,
    voice: Look[Voice],
    peers: Look[Sequence[str]],
    members: Look[Sequence[Server]],
    autopilot: Look[Mapping[str, Any]],
    *,
    local: bool,
    trouble: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> Check:
    """The servers of one system: a leader, enough of them, none that failed.

    `local`: one server is how it is meant to be. `trouble`: what else was found to fail the check,
    each with its advice.
    """
    if voice.value is None:
        seen_by = f"{system} does not answer, see the check {system.lower()}"
        return Check(name, "could not tell", f"cannot see the servers: {seen_by}")
    if not voice.value.leader:
        said = f": {voice.value.said}" if voice.value.said else ""
        return Check(
            name,
            "failed",
            f"{system}'s servers have no leader{said}",
            _members(members),
            advice="start the servers that are missing, and look at the servers' logs: without a "
            "leader nothing is registered and nothing is placed",
        )
    found, advice = [], []
    for what, then in trouble:
        found.append(what)
        advice.append(then)
    said_too = list(notes)
    gone = [each for each in members.get(()) if each.status == "failed"]
    left = [each for each in members.get(()) if each.status in {"leaving", "left"}]
    if gone:
        found.append("failed: " + ", ".join(each.name for each in gone))
        advice.append("bring the failed servers back, or remove them from the cluster")
    if left:
        said_too.append("left: " + ", ".join(each.name for each in left))
    if autopilot.value is not None and not autopilot.value.get("Healthy"):
        sick = [
            str(each.get("Name"))
            for each in autopilot.value.get("Servers") or ()
            if not each.get("Healthy")
        ]
        found.append("not healthy for autopilot" + (f": {', '.join(sick)}" if sick else ""))
        advice.append("look at the servers' logs: they lag behind, or cannot hear each other")
    number = len(peers.get(()))
    if peers.seen:
        said_too += quorum(number, local=local)
    for what, look in (("the members", members), ("autopilot's health", autopilot)):
        if not look.seen:
            said_too.append(unseen(what, look))
    count = f"{number} in the consensus" if peers.seen else "of an unknown number"
    summary = f"leader {voice.value.leader}, {count}"
    if found:
        return Check(
            name, "failed", f"{'; '.join(found)} ({summary})", _members(members),
            tuple(said_too), advice[0],
        )  # fmt: skip
    if not peers.seen:
        return Check(
            name, "could not tell", f"{summary}: {peers.problem}", notes=tuple(said_too),
            advice=peers.hint,
        )  # fmt: skip
    # A failed server that gossip knows may be hidden from us: the consensus alone does not say.
    if not members.seen and not autopilot.seen and number > 1:
        return Check(
            name, "could not tell", f"{summary}; whether all of them are well is not shown to us",
            notes=tuple(said_too), advice=members.hint,
        )  # fmt: skip
    return Check(name, "passed", summary, _members(members), tuple(said_too))


def quorum(number: int, *, local: bool) -> list[str]:
    """What a number of servers means."""
    if local and number == 1:
        return []
    lost = (number - 1) // 2
    survive = f"the loss of {lost}" if lost else "no loss"
    said = []
    if number < 3:
        count = "one server survives" if number == 1 else f"{number} servers survive"
        said.append(f"{count} {survive}: three survive the loss of one")
    elif number % 2 == 0:
        said.append(f"{number} servers survive {survive}, as {number - 1} do")
    return said


def _members(members: Look[Sequence[Server]]) -> tuple[str, ...]:
    found = members.get(())
    if len(found) < 2:
        return ()
    return tuple(f"{each.name} {each.status} {each.version}" for each in found)
