"""The commands that reports and errors name, with what has to be said of where to look."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

TARGETED = (
    "abort", "attach", "bump", "deploy", "dispatch", "dns audit", "dns delete", "dns iam",
    "dns list", "dns plan", "dns set", "dns sync", "doctor", "explain", "history", "hook create",
    "hook destroy", "hook list", "hook push", "hook rm", "hook rollback", "hook show", "logs",
    "pause", "plan", "promote", "repo build", "repo code", "repo create", "repo credential",
    "repo delete", "repo list", "repo log", "repo redeploy", "repo restore", "repo resume",
    "repo rollback", "repo show", "repo url", "report", "restart", "resume", "rollback", "run",
    "scale", "secret delete", "secret list", "secret set", "status", "stop", "unlock", "verify",
    "why-not",
)  # fmt: skip
"""Commands that talk to a cluster, and so have to be told which."""
WHERE = {
    "environment": "--env",
    "namespace": "--namespace",
    "region": "--region",
    "nomad_address": "--nomad-addr",
    "consul_address": "--consul-addr",
}
"""Options that say which, by the names of their flags."""


def place(text: str, flags: Mapping[str, Any]) -> str:
    """`text` with what `flags` say of the cluster added to each command that talks to one.

    An address with a login in it is left out: what is printed ends up in logs.
    """
    options = [
        f" {option} {shlex.quote(value)}"
        for name, option in WHERE.items()
        if isinstance(value := flags.get(name), str) and "@" not in value
    ]
    pattern = rf"\btoolkit (?:{'|'.join(TARGETED)})(?![\w-])"
    return re.sub(pattern, lambda found: found[0] + "".join(options), text)
