"""The environment of a build: the user's own, without what would let it act in the user's name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|(?:^|_)(?:KEY|PWD_FILE|AUTH)$|API_?KEY|ACCESS_?KEY"
    r"|^(?:NOMAD|CONSUL|VAULT|TOOLKIT|AWS|AZURE|GOOGLE|GCP|CLOUDSDK|DIGITALOCEAN|HCLOUD)_",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
"""Kept with the login that may be in them: without it a build reaches nothing."""


def scrubbed(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """What a build may see: nothing that is named like a secret or holds a login; and `more`."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _PROXIES or not (_NAMES.search(name) or _LOGIN.search(value))
    }
    return {**kept, **more}
