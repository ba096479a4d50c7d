"""Who waits for whom in a stack; pure, and without a network, so that `validate` says it too."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from toolkit.config.near import suggest
from toolkit.config.plain import scan_job
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.depends import Need
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.stack import StackJob

Nature = Literal["serves", "works", "launched"]
"""What becomes of a job: it runs on, it ends, or it is registered and launched later."""

_LAUNCHED = re.compile(r"^\s*(periodic|parameterized)\s*\{", re.MULTILINE)


def nature(rendered: RenderedJob) -> Nature:
    """What kind of end a rendered job has."""
    kind = scan_job(rendered.hcl).kind or rendered.spec.kind
    if kind not in {"batch", "sysbatch"}:
        return "serves"
    return "launched" if _LAUNCHED.search(rendered.hcl) else "works"


def arrange(
    stack: Sequence[str], jobs: Mapping[str, RenderedJob], edge: Mapping[str, Collection[str]]
) -> tuple[StackJob, ...]:
    """The jobs of a stack, each after those that it waits for; ties in the order of `stack`.

    `edge`: by job others that it waits for although nobody wrote it down, unless they wait for it.
    ConfigError with every need that cannot be, and every circle.
    """
    wrong = mistakes(stack, jobs)
    if wrong:
        raise ConfigError(wrong)
    needs = {name: _needs(name, jobs) for name in stack}
    for name in stack:
        for other in edge.get(name, ()):
            if other not in {need.job for need in needs[name]} and not _waits(other, name, needs):
                needs[name] = (*needs[name], Need(other, "verified"))
    return tuple(StackJob(name, needs[name]) for name in _sorted(stack, needs))


def mistakes(stack: Sequence[str], jobs: Mapping[str, RenderedJob]) -> list[Mistake]:
    """What is wrong with the needs of `jobs`, of which those in `stack` are deployed together."""
    found = [
        mistake
        for name, rendered in jobs.items()
        for need in _written(rendered)
        if (mistake := _wrong(name, need, stack, jobs)) is not None
    ]
    for circle in circles({name: _written(rendered) for name, rendered in jobs.items()}):
        said = " -> ".join((*circle, circle[0]))
        message = f"the jobs wait for each other: {said}"
        found.append(_at(jobs[circle[0]], message, "take one of these needs away"))
    return found


def circles(needs: Mapping[str, Sequence[Need]]) -> list[tuple[str, ...]]:
    """Jobs that wait for themselves by way of others; each circle once, its first job first."""
    found: dict[frozenset[str], tuple[str, ...]] = {}
    over: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = path[path.index(name) :]
            found.setdefault(frozenset(circle), circle)
            return
        if name in over:
            return
        for need in needs.get(name, ()):
            walk(need.job, (*path, name))
        over.add(name)

    for name in needs:
        walk(name, ())
    # A job that waits for itself is said where its file is read.
    return [circle for circle in found.values() if len(circle) > 1]


def _written(rendered: RenderedJob) -> tuple[Need, ...]:
    return tuple(Need.read(text) for text in rendered.spec.depends)


def _needs(name: str, jobs: Mapping[str, RenderedJob]) -> tuple[Need, ...]:
    """The needs of a job with the gates that fit."""
    found = []
    for need in _written(jobs[name]):
        fits = "done" if nature(jobs[need.job]) == "works" else "verified"
        found.append(Need(need.job, need.gate or fits))  # type: ignore[arg-type]
    return tuple(found)


def _wrong(
    name: str, need: Need, stack: Sequence[str], jobs: Mapping[str, RenderedJob]
) -> Mistake | None:
    if name in stack and need.job not in stack:
        hint = suggest(need.job, stack) or ""
        hint = hint if hint.startswith("did") else f'add "{need.job}" to [stack] jobs'
        return _at(jobs[name], f'job "{need.job}" is not in the stack of toolkit.toml', hint)
    if need.gate is None or need.job not in jobs:
        return None
    end = nature(jobs[need.job])
    if need.gate == "done" and end == "serves":
        message = f'"{need}": {need.job} runs on and is never done'
        return _at(jobs[name], message, f'say "{need.job}:verified"')
    if need.gate == "done" and end == "launched":
        message = f'"{need}": a deploy of {need.job} runs nothing, it is launched later'
        return _at(jobs[name], message, f'say "{need.job}"')
    if need.gate == "verified" and end == "works":
        message = f'"{need}": {need.job} ends, and nothing of it could be verified to serve'
        return _at(jobs[name], message, f'say "{need.job}:done"')
    return None


def _at(rendered: RenderedJob, message: str, hint: str) -> Mistake:
    origin = rendered.spec.depends_origin
    if origin is None:
        return Mistake(rendered.spec.source, "depends", None, message, hint)
    return Mistake(origin.source, origin.key or "depends", origin.line, message, hint)


def _waits(job: str, other: str, needs: Mapping[str, Sequence[Need]]) -> bool:
    """True when `job` waits for `other`, by way of others too."""
    todo, seen = [job], set()
    while todo:
        name = todo.pop()
        if name == other:
            return True
        if name not in seen:
            seen.add(name)
            todo += [need.job for need in needs.get(name, ())]
    return False


def _sorted(stack: Sequence[str], needs: Mapping[str, Sequence[Need]]) -> tuple[str, ...]:
    order: list[str] = []
    while len(order) < len(stack):
        order.append(
            next(
                name
                for name in stack
                if name not in order and all(need.job in order for need in needs[name])
            )
        )
    return tuple(order)
