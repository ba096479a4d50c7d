"""From the open gate to an opinion: asks, looks, and tells the watch, on threads of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from toolkit.rollout.analysis import judge, metrics, tally, words
from toolkit.rollout.analysis.judge import Side
from toolkit.rollout.analysis.sampler import Ask, Sampler, asker
from toolkit.rollout.analysis.tally import Tally
from toolkit.rollout.analysis.targets import Targets, routed
from toolkit.rollout.machine.answers import Opinion
from toolkit.rollout.world import World
from toolkit.spec.analysis import (
    AnalysedStep,
    AnalysisSettings,
    AnalysisWord,
    EdgeComparison,
    SideCount,
)

JOIN = 2.0
"""Seconds in which its thread must end."""

Tell = Callable[[Opinion], None]
T = TypeVar("T")


def later(work: Callable[[], T]) -> Future[T]:
    """What a function returns, worked out on a thread of its own."""
    found: Future[T] = Future()

    def do() -> None:
        try:
            found.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - raised where the value is wanted
            found.set_exception(exc)

    threading.Thread(target=do, daemon=True, name="analysis-reads").start()
    return found


class Analyst:
    """Compares the canaries of one step with the stable instances; `close` it."""

    def __init__(
        self,
        world: World,
        job: Mapping[str, Any],
        settings: AnalysisSettings,
        first: metrics.Reading,
        tell: Tell,
        *,
        request: Ask | None = None,
    ):
        """`first`: Traefik's counts from before there were any canaries."""
        self._world, self._settings, self._tell = world, settings, tell
        self._services, self._first = routed(job), first
        self._request = request or asker(world, settings)
        self._targets = Targets()
        self._routed: Future[metrics.Reading] | None = None
        self._running: _Running | None = None

    def compare(self, targets: Targets, begin: bool = True) -> None:
        """These are there now; `begin` to compare them, or go on with it.

        As soon as a canary is in Consul, Traefik is about to send requests to it.
        """
        before, self._targets = self._targets, targets
        if self._routed is None and (targets.canaries or begin):
            self._routed = later(self._read)
        if self._running is None and begin and self._routed is not None:
            self._running = _Running(self, targets, self._routed)
        elif self._running is not None and targets != before:
            self._running.aim(before, targets)

    def _read(self) -> metrics.Reading:
        if self._first.unseen:
            return self._first
        return metrics.read(_own(self._world), self._services)

    def close(self) -> AnalysedStep | None:
        """Ask nothing more; what was found, None where it never began. Raises its own bugs."""
        return None if self._running is None else self._running.close()


def _own(world: World) -> World:
    """The world with a connection for a thread of its own."""
    return replace(world, consul=world.consul.clone())


class _Running:
    """What begins with the open gate."""

    def __init__(self, analyst: Analyst, targets: Targets, routed: Future[metrics.Reading]):
        self._world, self._routed = _own(analyst._world), routed
        self._settings, self._tell = analyst._settings, analyst._tell
        self._services, self._first = analyst._services, analyst._first
        self._alone = not targets.stable
        self._targets = targets
        self._tally = Tally(("canary",) if self._alone else ("canary", "stable"))
        self._sampler = Sampler(
            self._settings, analyst._request, self._tally,
            clock=self._world.clock, now=self._world.now,
        )  # fmt: skip
        self._began = self._world.now()
        self._looks = 0
        self._edge = EdgeComparison(unseen="not read")
        self._over = threading.Event()
        self._broken: BaseException | None = None
        self._found: AnalysedStep | None = None
        self._thread = threading.Thread(target=self._guarded, daemon=True, name="analysis")
        self._thread.start()

    def aim(self, before: Targets, targets: Targets) -> None:
        """Instances came or went: a deployment lives."""
        if self._found is not None:
            return
        if self._alone:
            # What began without stable instances is judged without them.
            targets = replace(targets, stable=())
        self._targets = targets
        self._sampler.aim(targets)
        known = {t.allocation for t in (*before.canaries, *before.stable)}
        for allocation in known & targets.told_to_stop:
            self._tally.forgive(allocation, self._world.now())

    def close(self) -> AnalysedStep:
        """Stop all threads; what was found so far."""
        self._over.set()
        self._sampler.stop()
        self._tally.wake()
        # One that waits for a Traefik which keeps silent is not waited for.
        self._thread.join(JOIN)
        if (bug := self._broken or self._sampler.broken) is not None:
            raise bug
        return self._found or self._step("stopped", "it was not over")

    def _step(self, word: AnalysisWord, reason: str) -> AnalysedStep:
        samples = self._tally.samples()
        canary, stable = self._sides()
        notes = [words.ALONE] if self._alone else []
        notes += [note] if (note := words.helpless(stable)) else []
        return AnalysedStep(
            canaries=len(self._targets.canaries),
            word=word,
            reason=reason,
            began=self._began,
            ended=self._world.now(),
            canary=self._count(canary),
            stable=self._count(stable),
            edge=self._edge,
            looks=self._looks,
            seconds=tally.seconds(samples),
            failures=tally.failures(samples),
            notes=tuple(notes),
        )

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as exc:  # noqa: BLE001 - raised again by `close`, in the main thread
            self._broken = exc
        finally:
            self._sampler.stop()
        bug = self._broken or self._sampler.broken
        if bug is not None and self._found is None:
            # Canaries that nobody could compare are not promoted.
            why = f"the analysis itself failed: {type(bug).__name__}"
            self._end("inconclusive", why)

    def _run(self) -> None:
        settings, clock = self._settings, self._world.clock
        routed = self._routed.result()
        begun = clock()
        self._tell(Opinion("undecided", words.begins(settings, self._targets)))
        self._sampler.aim(self._targets)
        self._sampler.start()
        while not self._over.is_set() and self._sampler.broken is None:
            each = settings.samples * 2**self._looks
            elapsed = clock() - begun
            until = settings.hold if elapsed < settings.hold else settings.deadline
            wanted = each if elapsed < settings.hold else settings.samples
            self._tally.wait(wanted, max(until - elapsed, 0.0))
            if self._over.is_set() or self._sampler.broken is not None:
                return
            elapsed = clock() - begun
            canary, stable = self._sides()
            enough = judge.is_enough(settings, canary, stable)
            if elapsed >= settings.deadline and not enough:
                why = words.too_few(settings, canary, stable, elapsed)
                self._end("inconclusive", why)
                return
            last = enough and elapsed >= settings.hold
            if last or judge.is_enough(settings, canary, stable, self._looks):
                self._edge = self._compare(routed)
                if self._look(canary, stable, elapsed, last=last):
                    return

    def _look(self, canary: Side, stable: Side, elapsed: float, *, last: bool) -> bool:
        """Judge once; True when that was all."""
        settings = self._settings
        self._looks += 1
        if last and (unreached := words.unreached(canary, stable)):
            self._end("inconclusive", unreached)
            return True
        spend = judge.chance(settings, None if last else self._looks)
        why = judge.worse(settings, canary, stable, self._edge, spend)
        stands = words.stands(settings, canary, stable, self._edge, elapsed)
        if why is not None:
            self._end("failed", why)
        elif last:
            blind = words.unseen(self._edge)
            said = f"no worse: {stands}" + (f" · {blind}" if blind else "")
            self._end("passed", said)
        else:
            self._tell(Opinion("undecided", stands))
        return last or why is not None

    def _end(self, word: AnalysisWord, reason: str) -> None:
        self._sampler.stop()
        self._found = self._step(word, reason)
        if word == "passed":
            self._tell(Opinion("good", reason))
            return
        kind = "inconclusive" if word == "inconclusive" else "analysis"
        found = self._found
        cause = words.cause(kind, reason, self._targets.canaries, found.failures, found.ended)
        self._tell(Opinion("bad", reason, (cause,)))

    def _compare(self, routed: metrics.Reading) -> EdgeComparison:
        if not self._services:
            return EdgeComparison(unseen="the job has no route")
        if why := self._first.unseen or routed.unseen:
            return EdgeComparison(unseen=why)
        last = metrics.read(self._world, self._services)
        return metrics.compare(self._settings, self._first, routed, last)

    def _sides(self) -> tuple[Side, Side]:
        samples, targets = self._tally.samples(), self._targets
        return (
            tally.side(samples, "canary", len(targets.canaries)),
            tally.side(samples, "stable", len(targets.stable)),
        )

    def _count(self, side: Side) -> SideCount:
        latency = side.at(self._settings.percentile)
        return SideCount(side.instances, side.requests, side.failed, latency)
