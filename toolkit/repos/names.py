"""Names of repositories, and text of others on its way to a person's screen."""

from __future__ import annotations

import re

from toolkit.errors import RefusedError

LONGEST = 63
"""Characters of a name: one label of a host name."""

RESERVED = frozenset({"healthz", "metrics", "openapi", "repos"})
"""Words that the server's own addresses begin with."""

_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{LONGEST - 1}}}")

_SHOWN = 200
"""Characters of a name or a path in a message."""


def is_name(text: str) -> bool:
    """True for what may name a repository; nothing else ever reaches a path."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def check_name(text: str) -> str:
    """The name itself; RefusedError for what cannot name a repository."""
    if text in RESERVED:
        raise RefusedError(
            f"{text} cannot name a repository: the server's own addresses begin with it",
            hint="choose another name",
        )
    if not is_name(text):
        raise RefusedError(
            f"{show(text) or 'an empty name'} cannot name a repository",
            hint=f"it has 1 to {LONGEST} of a-z, 0-9 and -, and begins with a letter or a digit",
        )
    return text


def show(text: str | bytes, longest: int = _SHOWN) -> str:
    """`text`, cut and without anything that a terminal would obey."""
    if isinstance(text, bytes):
        # Four bytes a character at most; what is cut away need not be decoded.
        text = text[: 4 * longest + 4].decode(errors="backslashreplace")
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
