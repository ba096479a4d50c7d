"""What a service's tags tell Traefik, as values: the rule and the hash in the names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.render.hcl import NotHclError

HASH_LENGTH = 8


def routing_hash(tags: Sequence[str]) -> str:
    """A short digest of the routing tags, for the router's and the service's name.

    Two versions of a job that disagree on the tags of one router name make Traefik drop the
    router, for old and new alike, for as long as they overlap. With the tags' hash in the name,
    different tags are different routers.
    """
    text = "".join(f"{len(tag)}:{tag}" for tag in tags)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def router_name(job: str, digest: str) -> str:
    """`<job>-<hash>`, in the characters that the key of a Traefik tag may have."""
    return f"{re.sub(r'[^a-zA-Z0-9-]+', '-', job).strip('-').lower()}-{digest}"


def traefik_rule(route: Mapping[str, Any]) -> str:
    """Traefik's matching rule for a route of the template context: its hosts and its path.

    Raises `NotHclError` for a character that would end the rule's own quotes.
    """
    hosts = " || ".join(f"Host({_quote(host)})" for host in route["hosts"])
    path = "" if route["path"] in {"", "/"} else f"PathPrefix({_quote(route['path'])})"
    if hosts and path:
        return f"({hosts}) && {path}" if " || " in hosts else f"{hosts} && {path}"
    return hosts or path or "PathPrefix(`/`)"


def _quote(text: str) -> str:
    if "`" in text or not text.isprintable():
        raise NotHclError(f"{text!r} cannot stand in a routing rule")
    return f"`{text}`"
