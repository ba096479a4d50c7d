"""The filters that templates have besides Jinja's own.

`hcl`        the value as an HCL literal or inside a string; what every `[[ value ]]` does anyway
`raw`        the text is HCL already: the one way to write it unescaped
`key`        the text as an attribute's name in a block; refused unless it is an identifier
`duration`   seconds as Nomad writes them: `5s`, `500ms`
`routing_hash`, `router_name`, `traefik_rule`   see `routing`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.render.hcl import Hcl, NotHclError
from toolkit.render.marks import is_marked, mark_value
from toolkit.render.routing import router_name, routing_hash, traefik_rule

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def hcl(value: Any) -> Hcl:
    """The value marked for writing; HCL stays what it is."""
    return value if isinstance(value, Hcl) else mark_value(value)


def raw(text: str) -> Hcl:
    """The text marked as HCL: whoever writes this answers for what is in it."""
    if isinstance(text, Hcl):
        return text
    if not isinstance(text, str) or is_marked(text):
        raise NotHclError("raw takes text, and not text that a macro made")
    return Hcl(text)


def key(name: str) -> Hcl:
    """The text as an attribute's name."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise NotHclError(f"{name!r} cannot be the name of an attribute")
    return Hcl(name)


def duration(seconds: float) -> str:
    """Seconds as a duration of Nomad's: `90s`, `500ms`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise NotHclError(f"{seconds!r} is not a number of seconds")
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{whole}s"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "hcl": hcl,
    "raw": raw,
    "key": key,
    "duration": duration,
    "routing_hash": routing_hash,
    "router_name": router_name,
    "traefik_rule": traefik_rule,
}
