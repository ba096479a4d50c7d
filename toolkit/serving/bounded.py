"""Text of others, cut and freed of what a terminal or a log would obey."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 300
"""Characters of a name, a value or a reason that reach a log, a label or an answer."""


def bounded(text: str, longest: int = LONGEST) -> str:
    """`text` with at most `longest` characters, control characters written out."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def printable(value: Any, secret: str = "") -> Any:
    """A document whose texts have no control characters but line ends, nor the secret; uncut."""
    match value:
        case str():
            text = value.replace(secret, "***") if secret else value
            return "\n".join(bounded(line, len(line)) for line in text.split("\n"))
        case dict():
            return {printable(key, secret): printable(each, secret) for key, each in value.items()}
        case list():
            return [printable(each, secret) for each in value]
    return value


def unsecret(text: str) -> str:
    """`text` without what looks like a token: people paste them where they do not belong."""
    return _TOKEN.sub(lambda found: f"{found[0][:8]}…", text)


_TOKEN = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|eyJ[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){0,2}",
)
"""The secret of an ACL token, or a signed token, the first of its parts at least."""
