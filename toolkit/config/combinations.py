"""What is right key by key but cannot be meant together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from toolkit.config.durations import format_duration, parse_duration
from toolkit.config.layers import Layer, Leaf, leaf, table
from toolkit.config.near import suggest
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.jobspec import JobKind, RolloutSettings

BATCH = {"batch", "sysbatch"}
"""Kinds of jobs that end."""
_ORDER = ("min_healthy_time", "healthy_deadline", "progress_deadline")


def check_rollout(job: Layer) -> Iterator[Mistake]:
    """The three clocks of a deployment must be in order; a progress deadline of 0 is none."""
    defaults = RolloutSettings()
    for shorter, longer in pairwise(_ORDER):
        low, high = leaf(job, "rollout", shorter), leaf(job, "rollout", longer)
        small = parse_duration(low.value if low else getattr(defaults, shorter))
        large = parse_duration(high.value if high else getattr(defaults, longer))
        place = low or high
        if place is None or small < large or (longer == "progress_deadline" and large == 0):
            continue
        if low:
            message = f"must be shorter than {longer} ({format_duration(large)})"
        else:
            message = f"must be longer than {shorter} ({format_duration(small)})"
        yield place.mistake(message, _from_elsewhere(high if low else None, place))
    yield from _check_kill_timeout(job)


def _check_kill_timeout(job: Layer) -> Iterator[Mistake]:
    """Nomad refuses a service whose kill timeout is longer than its progress deadline."""
    kind = leaf(job, "kind")
    if kind and kind.value != "service":
        return
    defaults = RolloutSettings()
    given, limit = leaf(job, "rollout", "kill_timeout"), leaf(job, "rollout", "progress_deadline")
    kill = parse_duration(given.value if given else defaults.kill_timeout)
    progress = parse_duration(limit.value if limit else defaults.progress_deadline)
    place = limit or given
    if place is None or progress == 0 or kill <= progress:
        return
    if limit:
        message = f"must not be shorter than kill_timeout ({format_duration(kill)})"
    else:
        message = f"must not be longer than progress_deadline ({format_duration(progress)})"
    yield place.mistake(message, _from_elsewhere(given if limit else None, place))


def _from_elsewhere(other: Leaf | None, place: Leaf) -> str | None:
    if other is None or other.source.where == place.source.where:
        return None
    origin = other.origin()
    where = origin.source if origin.line is None else f"{origin.source}:{origin.line}"
    return f"the other one is in {where}"


def check_kind(job: Layer, kind: JobKind, file: Source) -> Iterator[Mistake]:
    """What only some kinds of jobs can have."""
    count = leaf(job, "count")
    if kind in {"system", "sysbatch"} and count:
        yield count.mistake(f"a {kind} job has no count", "it runs once on every node that fits")
    if kind in BATCH and table(job, "route") is not None:
        message, hint = f"a {kind} job has no route", 'say kind = "service", or remove it'
        yield table_mistake(job, ("route",), file, message, hint)
    for name in ("schedule", "dispatch"):
        # A file that does not say its kind leaves it to the template.
        if leaf(job, "kind") and kind not in BATCH and table(job, name) is not None:
            message, hint = f"a {kind} job has no {name}", 'say kind = "batch", or remove it'
            yield table_mistake(job, (name,), file, message, hint)
    if table(job, "schedule") is not None and leaf(job, "schedule", "cron") is None:
        yield table_mistake(job, ("schedule",), file, "has no cron", 'such as cron = "0 3 * * *"')
    yield from _check_dispatch(job)


def _check_dispatch(job: Layer) -> Iterator[Mistake]:
    payload, place = leaf(job, "dispatch", "payload"), leaf(job, "dispatch", "file")
    if place and payload and payload.value == "forbidden":
        yield place.mistake("has no effect: payload is forbidden", "keep one of the two")
    if place and (place.value.startswith("/") or ".." in place.value.split("/")):
        yield place.mistake("must be inside the task's local/", 'such as "payload"')
    required, optional = (
        leaf(job, "dispatch", "meta_required"),
        leaf(job, "dispatch", "meta_optional"),
    )
    twice = [
        key for key in (required.value if required else ()) if optional and key in optional.value
    ]
    if twice and optional:
        yield optional.mistake(
            f"{', '.join(twice)} is in meta_required already", "keep one of the two"
        )


def check_ports(job: Layer, kind: JobKind, file: Source) -> Iterator[Mistake]:
    """Routes and checks need a port that exists; canaries need ports that Nomad chooses."""
    ports = table(job, "ports") or {}
    for name in ("route", "check"):
        if table(job, name) is None or (name == "route" and kind in BATCH):
            continue
        given = leaf(job, name, "port")
        label = given.value if given else "http"
        if label in ports:
            continue
        hint = suggest(label, ports) or f"add [ports.{label}]"
        if given:
            yield given.mistake(f'there is no port "{label}"', hint)
        else:
            message = f'needs port "{label}", which is not there'
            yield table_mistake(job, (name,), file, message, hint)
    taken: dict[int, str] = {}
    for label in ports:
        static = leaf(job, "ports", label, "static")
        if static is None:
            continue
        if static.value in taken:
            yield static.mistake(f"port {static.value} is port {taken[static.value]} already")
        taken[static.value] = label
        canaries = leaf(job, "rollout", "canaries")
        steps = leaf(job, "canary", "steps")
        wanted = canaries.value if canaries else "all" if kind == "service" else 0
        wanted = steps.value[-1] if steps else wanted
        if wanted and kind not in BATCH:
            yield static.mistake(
                "a canary cannot start while the old instance holds a static port",
                "say [rollout] canaries = 0, or let Nomad choose the port",
            )


def check_rest(job: Layer, file: Source, driver: Leaf | None) -> Iterator[Mistake]:
    """Header or JSON, memory and its maximum, and settings of the driver that is chosen."""
    header, json = leaf(job, "release", "header"), leaf(job, "release", "json")
    if header and json:
        yield json.mistake("cannot be asked beside release.header", "keep one of the two")
    memory, most = leaf(job, "resources", "memory"), leaf(job, "resources", "memory_max")
    if most and most.value < (memory.value if memory else 128):
        yield most.mistake("must not be less than memory")
    drivers = [name for name, value in (table(job, "driver") or {}).items() if name != "name"]
    if driver and drivers and driver.value not in drivers:
        message = f'driver "{driver.value}" has no settings here'
        hint = f"chosen in {driver.source.where}; add [driver.{driver.value}]"
        near = suggest(driver.value, drivers)
        yield table_mistake(
            job, ("driver",), file, message, near if near and near.startswith("did") else hint
        )


def table_mistake(
    job: Layer, path: tuple[str, ...], file: Source, message: str, hint: str | None
) -> Mistake:
    """A mistake in a whole table, at the place of its first value where it has one."""
    found, depth = table(job, *path), 1
    while found:
        first = next(iter(found.values()))
        if isinstance(first, Leaf):
            return first.source.mistake(first.path[: len(first.path) - depth], message, hint)
        found, depth = first, depth + 1
    return file.mistake(path, message, hint)
