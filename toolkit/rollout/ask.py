"""Which release answers: an instance asked directly, and the edge asked as a client would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.clients.http import Answer, ask
from toolkit.rollout.edges import Door
from toolkit.rollout.world import World
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import ConsulInstance

TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Served:
    """What one request was answered with."""

    release: str | None
    """None: it did not say."""
    problem: str | None = None
    """Why there is no release, in words."""
    blind: bool = False
    """True when it is not wrong either: the edge sends the client elsewhere."""


def instance(world: World, target: ConsulInstance, served: ServedRelease) -> Served:
    """The release that one instance says it is."""
    answer = ask(target.url, path=served.path, timeout=TIMEOUT, proxy=world.target.consul.proxy)
    return read_release(answer, served)


def door(world: World, place: Door, served: ServedRelease | None) -> Served:
    """The release that one request through the edge is answered by."""
    path = place.path if served is None else below(place.path, served.path)
    answer = ask(
        place.url,
        host=place.host,
        path=path,
        timeout=TIMEOUT,
        verify=trust(world),
        proxy=world.target.nomad.proxy,
    )
    if answer.error:
        return Served(None, answer.error)
    if answer.status in {502, 503, 504} or _is_traefiks_own(answer):
        return Served(None, f"HTTP {answer.status} of the edge itself")
    if served is None:
        return Served(None)
    if answer.status is not None and 300 <= answer.status < 400:
        return Served(None, f"HTTP {answer.status}, a redirect", blind=True)
    return read_release(answer, served)


def _is_traefiks_own(answer: Answer) -> bool:
    """True for what Traefik says itself when no router matches; an application's 404 is its own."""
    return answer.status == 404 and answer.body.strip() == b"404 page not found"


def read_release(answer: Answer, served: ServedRelease) -> Served:
    """The release in an answer; pure."""
    if answer.error:
        return Served(None, answer.error)
    if served.header:
        for name, value in answer.headers.items():
            if name.lower() == served.header.lower():
                return Served(str(value))
        return Served(None, f"HTTP {answer.status} without header {served.header}")
    if answer.status is None or answer.status >= 400:
        return Served(None, f"HTTP {answer.status}")
    if (found := in_json(answer.body, served.json or "")) is not None:
        return Served(found)
    return Served(None, f"no release at {served.json} in the answer")


def in_json(body: bytes, path: str) -> str | None:
    """The text or number at a dotted path of a JSON body; None where there is none."""
    try:
        found: Any = json.loads(body)
        for part in path.split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    known = isinstance(found, str | int | float) and not isinstance(found, bool)
    return str(found) if known else None


def summary(answers: Sequence[Served]) -> str:
    """`1.1.0 ×4`, or what was wrong."""
    counts: dict[str, int] = {}
    for answer in answers:
        word = answer.release or answer.problem or "an answer"
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{word} ×{number}" for word, number in counts.items())


def below(prefix: str, path: str) -> str:
    """`path` under the route's own prefix, unless it lies there already."""
    if prefix in {"", "/"} or path.startswith(prefix):
        return path
    return prefix.rstrip("/") + ("" if path == "/" else path)


def trust(world: World) -> bool | str:
    """What an edge of the environment is trusted by: certificates, or whether it is checked."""
    return world.target.nomad.ca_file or True if world.target.nomad.verify else False
