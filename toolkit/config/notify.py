"""`[notify]` of toolkit.toml: checked with the file, and resolved with the environment.

It is taken from a project's folder alone: whoever can push a tree must not run programs, or learn
tokens, where it is deployed from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from toolkit.config.durations import parse_duration
from toolkit.config.near import suggest
from toolkit.config.source import Source
from toolkit.errors import Mistake
from toolkit.spec.notify import Notify
from toolkit.spec.target import Secret

SECONDS = 10.0
SILENT = {"unchanged", "submitted"}
"""Verdicts that nobody is told of unless they are asked for: nothing ended."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OURS = (
    "NOMAD_TOKEN", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "TOOLKIT_TRAEFIK_PASSWORD",
    "TOOLKIT_REGISTRY_PASSWORD",
)  # fmt: skip
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check(
    table: Mapping[str, Any],
    named: Collection[str],
    environments: Collection[str],
    source: Source,
) -> list[Mistake]:
    """What is wrong with the values of `[notify]`, each of which has the right kind.

    `named` are all keys that the file has there, those of a wrong kind too; `environments` are
    those of the file.
    """
    mistakes = []

    def wrong(key: str, message: str, hint: str | None = None) -> None:
        mistakes.append(source.mistake(("notify", *([key] if key else [])), message, hint))

    ways = [key for key in ("command", "webhook", "webhook_env") if key in named]
    if not ways:
        wrong(
            "", "says neither a command nor a webhook", 'command = ["…"], or webhook = "https://…"'
        )
    if "webhook" in ways and "webhook_env" in ways:
        wrong("webhook_env", "there is a webhook already", "remove one of them")
    if table.get("command") == []:
        wrong("command", "must not be empty", 'the program and its arguments: ["./tell"]')
    for key in ("webhook_env", "token_env"):
        if key in table and not _VARIABLE.fullmatch(table[key]):
            wrong(key, "must be the name of an environment variable, never the value")
    if "webhook" in table and (why := _bad_address(table["webhook"])):
        wrong("webhook", why)
    if "token_env" in table:
        if not {"webhook", "webhook_env"} & set(ways):
            wrong("token_env", "is sent to a webhook, and there is none")
        elif "webhook" in table and _is_open(table["webhook"]):
            wrong("token_env", "must not be sent without TLS", "say a webhook with https://")
    words = _verdicts()
    for word in table.get("on", ()):
        if word not in words:
            wrong("on", f'"{word}" is no verdict', suggest(word, words))
    for name in table.get("environments", ()):
        if name not in environments:
            wrong("environments", f'there is no environment "{name}"', suggest(name, environments))
    return mistakes


def resolve(
    table: Mapping[str, Any], folder: Path | None, environment: str, environ: Mapping[str, str]
) -> Notify | None:
    """Who is told of rollouts in an environment; None without `[notify]`, or where it is not meant.

    Always None for a tree that is no folder.
    """
    if not table or folder is None or environment not in table.get("environments", [environment]):
        return None
    missing = [
        table[key]
        for key in ("webhook_env", "token_env")
        if key in table and not environ.get(table[key])
    ]
    address = table.get("webhook") or environ.get(table.get("webhook_env", ""))
    token = environ.get(table.get("token_env", ""))
    if address and "webhook" not in table and (_bad_address(address) or _is_open(address, token)):
        # What is in a variable is not shown, not even in a mistake.
        address, missing = None, [*missing, f"{table['webhook_env']} as an address with https://"]
    on = table.get("on", [word for word in _verdicts() if word not in SILENT])
    return Notify(
        on=tuple(on),
        timeout=parse_duration(table["timeout"]) if "timeout" in table else SECONDS,
        folder=folder,
        command=tuple(table.get("command", ())),
        environment={key: value for key, value in environ.items() if key not in _OURS},
        webhook=Secret(address) if address else None,
        token=Secret(token) if token else None,
        missing=tuple(missing),
    )


def _verdicts() -> tuple[str, ...]:
    # Imported where somebody is notified: every other command would pay for it.
    from toolkit.spec.report import Verdict

    return get_args(Verdict)


def _bad_address(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        bad = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:
        bad = True
    if bad or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        return "must be an address with http:// or https://"
    return "must not hold a user or a password" if "@" in parts.netloc else None


def _is_open(address: str, token: object = True) -> bool:
    """True where a token would go over a network that others can read."""
    parts = urlsplit(address)
    return bool(token) and parts.scheme != "https" and parts.hostname not in _LOOPBACK
