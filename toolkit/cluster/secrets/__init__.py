"""A cluster's secrets: which there are, how they are made, and where they are kept.

`ca/*` is the operator's alone; `server/*` and `worker/*` are read by the machines of that role and
by nobody else. Everything is made and kept before the first machine starts.
"""

from __future__ import annotations

from toolkit.cluster.secrets.making import Made, make_secrets, read_secrets
from toolkit.cluster.secrets.needed import Needed, needed_secrets, secrets_of
from toolkit.cluster.secrets.renewal import issue_certificates, next_authority_step
from toolkit.cluster.secrets.store import Store

__all__ = [
    "Made",
    "Needed",
    "Store",
    "issue_certificates",
    "make_secrets",
    "needed_secrets",
    "next_authority_step",
    "read_secrets",
    "secrets_of",
]
