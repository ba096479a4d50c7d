"""What CloudFormation carries of a boot script: parameters, and the stub that joins them."""

from __future__ import annotations

import base64
import gzip
import re
import shlex
from dataclasses import dataclass

from toolkit.cluster.boot.script import role_part, script_digest, shared_part
from toolkit.cluster.config import places
from toolkit.cluster.secrets.needed import folder_of
from toolkit.spec.cluster import Cluster, Role

LONGEST = 4096
"""Characters of a standard parameter's value."""
_PATIENCE = 300
"""Seconds in which a machine's role and network may become usable."""
_DIGITS = 16
"""Of a part's digest in its name; what is run is compared with all 64 of the whole."""


@dataclass(frozen=True, slots=True)
class BootParameter:
    """One String parameter of SSM, with a part of a boot script."""

    logical: str
    """Its name within the template; the same when only its content changes."""
    name: str
    """Follows from the content: machines that still have the old name find the old content."""
    value: str


def boot_parameters(cluster: Cluster) -> tuple[BootParameter, ...]:
    """Every parameter that the machines' stubs read: what all roles share, then each role's."""
    found: list[BootParameter] = []
    for part, content in _parts(cluster).items():
        names = _names(cluster, part, content)
        pieces = _pieces(content)
        found += (
            BootParameter(f"Boot{part.title()}{number}", name, piece)
            for number, (name, piece) in enumerate(zip(names, pieces, strict=True), 1)
        )
    return tuple(found)


def group_id(name: str) -> str:
    """Logical id of the autoscaling group of a server slot or a pool: `Server1`, `PoolWorker`.

    Machines signal it, so the template must name them so.
    """
    if slot := re.fullmatch(r"server-(\d)", name):
        return f"Server{slot[1]}"
    return "Pool" + "".join(word.title() for word in re.split(r"[^0-9a-zA-Z]+", name))


def boot_arguments(cluster: Cluster, role: Role, pool: str = "") -> tuple[str, ...]:
    """What the script is told of a machine: nothing of a server, of others what their pool says."""
    if role == "server":
        return ()
    own = next(each for each in cluster.all_pools if each.name == pool)
    disks = "1" if own.ephemeral else "0"
    return (own.name, own.node_class or own.name, own.node_pool, disks, group_id(own.name))


def user_data(cluster: Cluster, role: Role, digest: str, pool: str = "") -> str:
    """The stub that a machine begins with: fetch the script, compare its digest, become it.

    `digest` is that of `boot_script`; `pool` is needed unless it is a server. Plain text, for
    Base64 by whoever hands it to AWS.
    """
    arguments = " ".join(shlex.quote(each) for each in boot_arguments(cluster, role, pool))
    parts = _parts(cluster)
    needed = ("base", folder_of(role))
    gets = "; ".join(f"get {' '.join(_short(each, parts[each]))}" for each in needed)
    return f"""#!/bin/bash
set -euo pipefail
umask 077
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=20
mkdir -p {places.HOME}
cd {places.HOME}
get() {{
for part in "$@"; do
aws ssm get-parameter --region {cluster.region} --name "{_root(cluster)}/$part" \
--query Parameter.Value --output text
done | base64 -di | gunzip
}}
whole() {{
{{ {gets}; }} >boot.new
sha256sum -c --status - <<<"{digest}  boot.new"
}}
until whole; do
[ "$SECONDS" -lt {_PATIENCE} ]
sleep 5
done
mv boot.new boot
exec /bin/bash {places.SCRIPT} {arguments}
"""


def _parts(cluster: Cluster) -> dict[str, bytes]:
    return {
        "base": shared_part(),
        "server": role_part(cluster, "server"),
        "worker": role_part(cluster, "worker"),
    }


def _pieces(content: bytes) -> list[str]:
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return [packed[at : at + LONGEST] for at in range(0, len(packed), LONGEST)]


def _names(cluster: Cluster, part: str, content: bytes) -> list[str]:
    return [f"{_root(cluster)}/{short}" for short in _short(part, content)]


def _short(part: str, content: bytes) -> list[str]:
    digest = script_digest(content)[:_DIGITS]
    return [f"{part}/{digest}/{number}" for number, _ in enumerate(_pieces(content), 1)]


def _root(cluster: Cluster) -> str:
    return f"/toolkit/{cluster.name}/boot"
