"""What Docker's command-line tool, its engine and the registries behind it say, and what it means.

The texts are theirs, matched nowhere else; the first rule that matches decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)

ENGINE = "Docker"
REGISTRY = "the registry"


@dataclass(frozen=True, slots=True)
class Rule:
    """One text, and what it means."""

    pattern: re.Pattern[str]
    kind: type[ApiError]
    hint: str | None = None


def _rule(pattern: str, kind: type[ApiError], hint: str | None = None) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), kind, hint)


ENGINE_RULES = (
    _rule(
        r"permission denied while trying to connect to the docker daemon|dial unix .*permission"
        r" denied",
        DeniedError,
        "its socket is for root and the group docker; DOCKER_HOST names another engine",
    ),
    _rule(
        r"cannot connect to the docker daemon|error during connect|failed to connect to the docker",
        UnreachableError,
        "start it, or say where it is with DOCKER_HOST",
    ),
    _rule(r"no space left on device", ServerError, "docker system df says what takes the room"),
)
"""What keeps the engine from doing anything."""

PUSH_RULES = (
    _rule(
        r"cannot be overwritten because the repository is immutable|tag .* is immutable"
        r"|immutable tag",
        ConflictError,
        "choose another release",
    ),
    _rule(
        r"\bname unknown\b|repository name not known|repository .* does not exist in the registry",
        NotFoundError,
        "make the repository there first",
    ),
    _rule(
        r"\bdenied\b|unauthorized|no basic auth credentials|authentication required"
        r"|authorization token has expired|insufficient_scope|incorrect username or password"
        r"|\b40[13]\b",
        DeniedError,
    ),
    _rule(
        r"x509:|certificate|server gave http response to https client|tls: ",
        TlsError,
        "the engine must trust the registry's certificate: /etc/docker/certs.d",
    ),
    _rule(r"toomanyrequests|too many requests|\b429\b", ServerError, "wait a little, then again"),
    _rule(
        r"no such host|connection refused|i/o timeout|connection reset|\beof\b|broken pipe"
        r"|handshake timeout|network is unreachable|no route to host|closed network connection"
        r"|request canceled|deadline exceeded|\b50[0-9]\b",
        UnreachableError,
        "what is there already is not sent again: push once more",
    ),
)
"""What keeps a registry from taking an image."""

STEP = re.compile(
    r"^Step \d+/\d+ : |^#\d+ \[[^\]]*\d+/\d+\] |^#\d+ exporting to image$|^Successfully built "
)
"""A step of a build begins, or all of them are done: the old way, and BuildKit's."""

LAYER = re.compile(
    r"^[0-9a-f]{6,64}: (Pushed|Layer already exists|Mounted from )|: Retrying in 5 seconds"
)
"""A layer is there, or could not be sent at once."""

NO_IMAGE = re.compile(r"no such image", re.IGNORECASE)

NOISE = re.compile(
    r"^DEPRECATED: The legacy builder|^\s+Install the buildx component|docs\.docker\.com/go/buildx"
    r"|^\s*$|^Sending build context|level=error msg=\"Can't (add|close)|^ ---> |: Preparing$"
    r"|: Waiting$|^The push refers to|^Removing intermediate container"
)
"""Lines that explain no failure."""


def failure(rules: tuple[Rule, ...], said: str) -> Rule | None:
    """The rule for what was said last."""
    return next((rule for rule in rules if rule.pattern.search(said)), None)
