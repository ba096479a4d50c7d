"""A machine for boot scripts: own `/etc`, `/opt`, network and mounts; what it does is written down.

Nothing of the host changes: all is in namespaces that end with the run. The agents are a small
program that answers what the script asks, fetched, checked and unpacked as the real ones are.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.cluster import machines
from toolkit.cluster.boot import boot_script
from toolkit.cluster.secrets import make_secrets, read_secrets, secrets_of
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.spec.cluster import Cluster, Download, Machine, Release
from toolkit.spec.target import Secret

NOW = datetime.now(UTC)
ADDRESS = machines.SERVER.address
WATCHED = (
    "awk", "base64", "blkid", "cat", "chmod", "cmp", "curl", "date", "grep", "gunzip", "head",
    "iptables", "ln", "mkdir", "mktemp", "mv", "openssl", "rm", "sed", "sha256sum", "sleep",
    "tar", "tr", "unzip",
)  # fmt: skip
"""Every program of the system that the script calls: each tells its arguments and environment."""

AGENT = f"""#!{sys.executable} -SE
import http.server, json, os, signal, ssl, sys
name = os.path.basename(os.path.realpath(sys.argv[0]))
port = 8500 if name == "consul" else 4646
raft = 8300 if name == "consul" else 4647
def note(text):
    with open("/opt/agents", "a") as log:
        log.write(f"{{name}} {{text}}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass
    def do_GET(self):
        away = os.path.exists(f"/opt/{{name}}-is-away")
        said = {{
            "/v1/status/leader": "" if away else f"10.40.32.12:{{raft}}",
            "/v1/status/peers": [f"10.40.32.12:{{raft}}"] + [f"{ADDRESS}:{{raft}}"] * (not away),
            "/v1/agent/health?type=client": {{"client": {{"ok": not away}}}},
        }}[self.path]
        body = json.dumps(said, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
note("began " + " ".join(sys.argv[1:]))
signal.signal(signal.SIGHUP, lambda *_: note("read its files again"))
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if name == "nomad":
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain("/etc/nomad.d/tls/agent.pem")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""

PROGRAMS: Mapping[str, str] = MappingProxyType(
    {
        "toolkit-machine": "cat /opt/machine",
        "toolkit-secret": '[ -e "/opt/store/$1" ] || exit 3\ncat "/opt/store/$1"',
        "toolkit-signal": 'printf "%s|" "$@" >>/opt/signals; echo >>/opt/signals',
        "toolkit-disk": '[ ! -e "/opt/disks-$1" ] || cat "/opt/disks-$1"',
        "toolkit-package": 'echo "package $*" >>/opt/services',
        "toolkit-metric": 'echo "$*" >>/opt/metrics',
        "toolkit-service": """echo "$*" >>/opt/services
case $1 in
  start)
    name=$2
    shift 3
    if [ ! -e "/opt/$name.pid" ] || ! kill -0 "$(cat "/opt/$name.pid")" 2>/dev/null; then
      setsid "$@" >>"/opt/$name.log" 2>&1 </dev/null &
      echo $! >"/opt/$name.pid"
    fi
    ;;
  reload)
    grep -c 'read its' /opt/agents >/opt/reloads || true
    kill -HUP "$(cat "/opt/$2.pid")"
    while [ "$(grep -c 'read its' /opt/agents)" = "$(cat /opt/reloads)" ]; do sleep 0.05; done
    ;;
esac""",
    }
)
"""What a machine brings that is not in AWS."""


@dataclass
class Sandbox:
    """One machine; `run` may be called again, as a machine may start again."""

    folder: Path
    cluster: Cluster
    machine: Machine
    secrets: Mapping[str, Secret]
    script: bytes
    log: str = ""
    status: int = 0

    @property
    def opt(self) -> Path:
        """What is `/opt` inside."""
        return self.folder / "opt"

    def etc(self, path: str) -> Path:
        """A file that was written below `/etc`."""
        return self.folder / "etc" / path.removeprefix("/etc/")

    def text(self, name: str) -> str:
        """What was written down under a name below `/opt`."""
        path = self.opt / name
        return path.read_text() if path.exists() else ""

    @property
    def signals(self) -> list[list[str]]:
        """What the stack was told."""
        return [line.rstrip("|").split("|") for line in self.text("signals").splitlines()]

    def keep(self, name: str, value: str) -> None:
        """Put a value into the machine's store."""
        path = self.opt / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)

    def program(self, name: str, text: str) -> None:
        """Put a program where the script looks first."""
        path = self.opt / "toolkit" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def run(self, *arguments: str, then: str = "") -> int:
        """Run the script as the machine's start; its status. `then`: shell lines that follow."""
        (self.opt / "toolkit" / "boot").write_bytes(self.script)
        call = f"/bin/bash /opt/toolkit/boot {' '.join(arguments)}"
        return self.shell(f"status=0; {call} || status=$?\n{then}\nexit $status")

    def shell(self, lines: str) -> int:
        """Run shell lines on the machine; what they say is in `log`."""
        setup = f"""
ip link set lo up
mount -t overlay overlay -o lowerdir=/etc,upperdir={self.folder}/etc,workdir={self.folder}/work /etc
mount --bind {self.opt} /opt
{lines}"""
        process = subprocess.Popen(
            ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "--mount-proc",
             "--propagation", "private", "/bin/bash", "-c", setup],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            self.log, _ = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        self.status = process.returncode
        return self.status

    def everything(self) -> str:
        """All that processes were given and said: arguments, environments, logs; no files."""
        return "\n".join([self.log, *(self.text(name) for name in ("told", "services", "signals"))])


def archive(name: str, text: str = AGENT) -> bytes:
    """A release of an agent as its makers pack it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        file.writestr(entry, text)
        file.writestr(zipfile.ZipInfo("LICENSE.txt"), "do as you like")
    return packed.getvalue()


def with_downloads(cluster: Cluster, folder: Path) -> Cluster:
    """The cluster, with archives below a machine's `/opt` in the place of releases."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, release in cluster.binaries.items():
        content = archive(name)
        (folder / f"{name}.zip").write_bytes(content)
        download = Download(f"file:///opt/releases/{name}.zip", hashlib.sha256(content).hexdigest())
        found[name] = Release(release.version, MappingProxyType({machines.ARCH: download}))
    return replace(cluster, binaries=MappingProxyType(found))


def sandbox(folder: Path, machine: Machine = machines.SERVER, **changes: object) -> Sandbox:
    """A machine that was never started; skips by name where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("root: a machine of its own needs namespaces and mounts")
    for name in ("etc", "work", "opt"):
        (folder / name).mkdir(parents=True)
    cluster = with_downloads(machines.cluster(**changes), folder / "opt" / "releases")
    store = FolderStore(folder / "store")
    make_secrets(store, cluster, NOW)
    own = Sandbox(folder, cluster, machine, read_secrets(store, cluster), b"")
    own.script = boot_script(cluster, machine.role)
    address = machine.address or "10.40.32.77"
    (own.opt / "machine").write_text(f"{machine.name} {machine.zone} {address} -\n")
    for name in secrets_of(cluster, machine.role):
        own.keep(name, own.secrets[name].reveal())
    for name, text in PROGRAMS.items():
        own.program(name, text)
    return own


def watch_programs(own: Sandbox, names: Iterable[str] = WATCHED) -> None:
    """Let every program of the system write down what it is given before it does it."""
    for name in names:
        real = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if real is not None:
            own.program(
                name,
                f'printf "%s " {name} "$@" >>/opt/told; echo >>/opt/told\n'
                f'/usr/bin/env >>/opt/told\nexec {real} "$@"',
            )


def canaries(own: Sandbox) -> dict[str, str]:
    """Pieces of every secret that must be seen nowhere, by the secret's name."""
    found = {}
    for name, secret in own.secrets.items():
        if name.endswith("/ca") or name == "ca/cert":
            # A certificate is for everybody's eyes.
            continue
        text = secret.reveal()
        lines = [line for line in text.splitlines() if "-----" not in line]
        found[name] = (
            lines[-1] if "PRIVATE" not in text else text.split("PRIVATE KEY-----")[1][1:41]
        )
    return found
