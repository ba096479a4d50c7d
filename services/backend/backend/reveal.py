"""Which of the process's environment variables an answer may show.

Every name is shown. A value is shown only when its name is on the list of the service's and
Nomad's plain facts, or named by the operator in ``SHOW_ENV``; and never when the name or the value
looks like a secret, whoever asked. A list of what may be seen cannot forget a secret that nobody
thought of; a list of what may not be seen can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SHOWN = frozenset(
    {
        "RELEASE",
        "GREETING",
        "HOST",
        "PORT",
        "DB_URL",
        "SLOW_START",
        "DRAIN_SECONDS",
        "NODE_NAME",
        "NOMAD_ALLOC_ID",
        "NOMAD_SHORT_ALLOC_ID",
        "NOMAD_ALLOC_INDEX",
        "NOMAD_ALLOC_NAME",
        "NOMAD_JOB_ID",
        "NOMAD_JOB_NAME",
        "NOMAD_GROUP_NAME",
        "NOMAD_TASK_NAME",
        "NOMAD_NAMESPACE",
        "NOMAD_REGION",
        "NOMAD_DC",
        "NOMAD_CPU_LIMIT",
        "NOMAD_MEMORY_LIMIT",
        "NOMAD_IP_http",
        "NOMAD_PORT_http",
        "NOMAD_ADDR_http",
        "NOMAD_HOST_PORT_http",
    }
)
SECRET_NAME = re.compile(
    r"token|secret|pass|pwd|cred|private|cookie|session|auth|jwt|dsn|key", re.IGNORECASE
)
SECRET_VALUE = re.compile(
    r"://[^/?#\s]*@"  # user:password in an address
    r"|[?&;](password|token|secret|key|sig)[^=]*="
    r"|-----BEGIN |^eyJ[\w-]+\.|^(Bearer|Basic)\s",
    re.IGNORECASE,
)


def reveal(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Every variable by name, with its value where that may be seen and None elsewhere."""
    asked = {name.strip() for name in environ.get("SHOW_ENV", "").split(",")}
    return {
        name: value if name in SHOWN | asked and not _is_secret(name, value) else None
        for name, value in sorted(environ.items())
    }


def _is_secret(name: str, value: str) -> bool:
    return bool(SECRET_NAME.search(name) or SECRET_VALUE.search(value))
