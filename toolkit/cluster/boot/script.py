"""The boot script of a role: what all machines do, then what this role is told. Pure."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from functools import cache
from importlib import resources

from toolkit.cluster.config import (
    control_files,
    first_files,
    marked_files,
    places,
    secret_files,
)
from toolkit.cluster.config.floors import too_old
from toolkit.cluster.config.nomad import REGISTRIES
from toolkit.cluster.network import slots
from toolkit.cluster.secrets.needed import folder_of, secrets_of
from toolkit.errors import RefusedError
from toolkit.spec.cluster import BINARIES, Binary, Cluster, Role
from toolkit.spec.target import Secret

AWS_PROGRAMS = (
    "disk",
    "machine",
    "metric",
    "package",
    "secret",
    "service",
    "signal",
)
"""Each as `toolkit-NAME`: all that differs between a machine in AWS and one that is rehearsed."""

PACKAGES: Mapping[Role, tuple[str, ...]] = {
    "server": ("iptables", "unzip", "openssl"),
    "worker": ("iptables", "unzip", "openssl", "docker", "docker-credential-ecr-login"),
}
"""Programs of the system's own packages."""
_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}
_END = "END-OF-FILE"


def script_digest(script: bytes) -> str:
    """SHA-256 as hex: what a machine checks before it runs the script."""
    return hashlib.sha256(script).hexdigest()


def boot_script(cluster: Cluster, role: Role) -> bytes:
    """The whole script, for `bash /opt/toolkit/boot ARGUMENTS`; no secret is in it.

    The control machine's is the workers'. RefusedError where a program has no address or sum for a
    processor that the role has, or is too old.
    """
    return shared_part() + role_part(cluster, role)


@cache
def shared_part() -> bytes:
    """What every machine of every cluster runs."""
    links = " ".join(AWS_PROGRAMS)
    lines = [
        _lean("base.sh"),
        "place_programs() {",
        f"cat >{places.PROGRAMS}/toolkit-aws <<'{_END}'",
        _lean("aws.sh"),
        _END,
        f"chmod 755 {places.PROGRAMS}/toolkit-aws",
        "local each",
        f"for each in {links}; do",
        f'[ -e "{places.PROGRAMS}/toolkit-$each" ] ||',
        f'ln -s toolkit-aws "{places.PROGRAMS}/toolkit-$each"',
        "done",
        "}",
    ]
    return "\n".join(lines).encode() + b"\n"


def role_part(cluster: Cluster, role: Role) -> bytes:
    """What machines of one role are told, and the call that begins."""
    role = folder_of(role)
    names = secrets_of(cluster, role)
    marks = {name: Secret(f"@{name.partition('/')[2]}@") for name in names}
    told = f"cluster={shlex.quote(cluster.name)}\nregion={shlex.quote(cluster.region)}\n"
    # A Docker engine reads it once: what is not said here, jobs may.
    daemon = b'{"data-root":"@docker@","live-restore":true}'
    registries = b'{"credHelpers":{"@registry@":"ecr-login"}}'
    docker = {"/etc/docker/daemon.json": daemon, REGISTRIES: registries}
    lines = [
        f"role={role}",
        f"secrets=({' '.join(names)})",
        f"packages=({' '.join(PACKAGES[role])})",
    ]
    if role == "server":
        lines += [f"slot[{slot.address}]={slot.name}" for slot in slots(cluster)]
    lines += [
        "downloads() {",
        *_downloads(cluster, role),
        "}",
        *_writing("write_cluster", {f"{places.HOME}/cluster": told.encode()}),
        *_writing("write_agents", marked_files(cluster, role)),
        *_writing("write_secrets", secret_files(role, marks)),
    ]
    if role == "server":
        lines += _writing("write_first", first_files(role))
    else:
        lines += _writing("write_docker", docker)
        lines += _writing("write_control", control_files())
    lines.append('main "$@"')
    return "\n".join(lines).encode() + b"\n"


def _writing(function: str, files: Mapping[str, bytes]) -> list[str]:
    """A function that puts files where they belong."""
    lines = [f"{function}() {{"]
    for path, text in files.items():
        lines += [f"put {path} <<'{_END}'", text.decode().rstrip("\n"), _END]
    return [*lines, "}"]


def _downloads(cluster: Cluster, role: Role) -> list[str]:
    """What is fetched, by the machine's processor."""
    if old := too_old(cluster):
        raise RefusedError(old[0], hint=f"name a newer version in clusters/{cluster.name}.toml")
    needed: tuple[Binary, ...] = ("consul", "nomad") if role == "server" else BINARIES
    # The plugins are only in files whose jobs have networks of their own.
    wanted = [name for name in needed if name in cluster.binaries]
    pools = {pool.arch for pool in cluster.all_pools}
    lines = ["case $(uname -m) in"]
    for arch in sorted({cluster.servers.arch} if role == "server" else pools):
        lines.append(f"{_MACHINE[arch]})")
        for name in wanted:
            found = cluster.binaries[name].downloads.get(arch)
            if found is None or not re.fullmatch(r"[0-9a-f]{64}", found.sha256):
                raise RefusedError(
                    f"cluster {cluster.name}: {name} for {arch} has no address with a sha256",
                    hint="machines run nothing whose sum nobody said",
                )
            address, packed = shlex.quote(found.address), found.packed or "program"
            lines.append(f"install {name} {address} {found.sha256} {packed}")
        lines.append(";;")
    return [*lines, '*) fail "the cluster file has no programs for $(uname -m)" ;;', "esac"]


def _lean(name: str) -> str:
    """A script without comments and indentation: it has to fit into parameters of 4 KB."""
    text = resources.files(__package__).joinpath(name).read_text()
    first, *others = text.splitlines()
    kept = (line.strip() for line in others)
    return "\n".join([first, *(line for line in kept if line and not line.startswith("#"))])
