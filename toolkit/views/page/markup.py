"""HTML and SVG as text that nothing put into it can break out of; pure.

Whatever is not `Markup` is escaped, wherever it goes: there is no way to forget it.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from toolkit.views.text import neutral, neutral_block

SVG_VOID = {"rect", "line", "path", "circle", "use"}
VOID = {"meta", "br", "hr", "wbr", *SVG_VOID}


class Markup(str):
    """Text that is HTML already; only this module makes it."""

    __slots__ = ()


Child = str | Markup | Iterable["Child"] | None
"""None is nothing; text is escaped."""


def inner(*children: Child) -> Markup:
    """Children one after the other."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(neutral_block(_whole(child)), quote=True))
        else:
            parts.append(inner(*child))
    return Markup("".join(parts))


def el(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """One element; `class_` and `for_` are written without the underscore, other `_` as `-`.

    An attribute that is None or False is left out; True stands alone.
    """
    written = "".join(
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID and not children:
        return Markup(f"<{name}{written}/>" if name in SVG_VOID else f"<{name}{written}>")
    return Markup(f"<{name}{written}>{inner(*children)}</{name}>")


def _attribute(key: str, value: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    text = number(value) if isinstance(value, int | float) else neutral(_whole(value))
    return f' {name}="{escape(text, quote=True)}"'


def number(value: float) -> str:
    """A coordinate, short: three digits behind the point, none where they say nothing."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def percent(value: float) -> str:
    """A share of the width, 0 to 1, as SVG writes it."""
    return number(round(value * 100, 3)) + "%"


def raw(text: str) -> Markup:
    """Text of our own files, such as the style sheet; never of a report."""
    return Markup(text)


def _whole(text: str) -> str:
    """Half characters, which no encoding of a page can hold, as their escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
