"""Hands the canaries of a watch, and the instances beside them, to whoever compares them."""

from __future__ import annotations

from toolkit.rollout import consul_side
from toolkit.rollout.analysis import targets
from toolkit.rollout.declared import services
from toolkit.rollout.machine import Watched
from toolkit.rollout.outside import Outside
from toolkit.rollout.state import State
from toolkit.rollout.world import World


def begin(world: World, watched: Watched, state: State, outside: Outside) -> None:
    """Let the canaries be compared from now on."""
    if outside.compare is None:
        raise AssertionError("an analysis is wanted, and there is nobody to make it")
    # The gate has just seen them there: what the feed told may be a moment older.
    names = [service.name for service in services(watched.job)]
    state.consul.update(consul_side.look(world, names).instances)
    state.gate = None
    aim(world, watched, state, outside)


def aim(world: World, watched: Watched, state: State, outside: Outside) -> None:
    """Tell which instances there are now; nothing where nobody compares them."""
    if outside.compare is None:
        return
    ours = state.answers(watched, world.clock()).ours(watched)
    if ours is not None and not ours.terminal:
        found = targets.choose(watched.job, ours, state.allocations or (), state.consul)
        outside.compare(found, state.did.analysing)


def what_follows(watched: Watched, state: State) -> str | None:
    """What follows an open gate, where it is not the promotion."""
    if watched.analyse and not state.did.analysing:
        return "canaries are compared before they are promoted"
    if watched.more_steps:
        return "more canaries follow"
    return None if watched.promote else "promotion is left to you"
