"""What the commands of `toolkit hook` print."""

from __future__ import annotations

from toolkit.spec.hook_reports import HookVerdict
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    maybe,
    moment,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

VERSION = record(
    "A version of a repository's hooks",
    digest=some("SHA-256 over paths, modes and contents of its files"),
    at=moment("When it was pushed"),
    by=text("Who pushed it, as the server verified them"),
    hooks=texts("Hooks that it has, those that run on a server first"),
    files=whole("How many files it has"),
    size=whole("Bytes of all files"),
)

SET = record(
    "The hooks of a repository",
    repo=some("The repository"),
    current=maybe(text("The digest of the version that runs; null: none does")),
    active=texts("Hooks that run on a push, in git's order"),
    off=texts("Hooks of that version that were taken off"),
    versions=many("Oldest first", "hook_version"),
)

PARTS: dict[str, Schema] = {"hook_set": SET, "hook_version": VERSION}

_ADDRESS = text("The hook server's address")
_ENVIRONMENT = some("The environment of toolkit.toml")

LIST = record(
    "`toolkit hook list`: hooks of repositories",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=maybe(text("The one that was asked for; null: all that one may read")),
    why_not=maybe(text("Why no hook can run on this server")),
    hooks=many("By repository; those without hooks are left out", "hook_set"),
)

SHOW = record(
    "`toolkit hook show`: what one version of the hooks holds",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=some("The repository"),
    current=flag("It is the version that runs"),
    version=one("hook_version"),
    entries={
        "description": "Its files, by path",
        "type": "array",
        "items": record(
            "One file",
            path=some("Where it lies in the version"),
            size=whole("Bytes"),
            executable=flag("It may be run"),
            sha256=some("Of its content"),
        ),
    },
)

CHANGE = record(
    "`toolkit hook create`, `push`, `rollback`, `rm` and `destroy`: what became of the hooks",
    verdict=word("unchanged: it was so already", HookVerdict),
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=some("The repository"),
    hooks=maybe(one("hook_set")),
    trash=text("What the server calls destroyed ones in its trash"),
    notes=texts("What else there is to know"),
    next=maybe(text("The next command to type")),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "hook-list": (1, LIST),
    "hook-show": (1, SHOW),
    "hook-change": (1, CHANGE),
}
