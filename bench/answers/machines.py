"""The other way: a release baked into a machine's image, machines launched and put in front.

What can be had on one machine: an image is a tar of a whole root file system, the base machine's
with the release installed; a machine is a chroot of its own made from it, with processes of its
own; the same Traefik balances, told by a file which machines there are. Nothing is charged for
what a cloud adds: the builder's start, the snapshot, a machine's boot, a balancer's patience.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.answers.project import until
from bench.commands import ROOT
from tests.agents.workers import free_ports
from tests.services.base_image import python_as_tar

LIBRARIES = ("starlette", "uvicorn", "anyio", "h11", "click", "idna", "typing_extensions.py")
DRAIN = 5.0
"""Seconds between leaving the balancer and the signal: the shipped job's `shutdown_delay`."""


@dataclass
class Machine:
    """One launched machine."""

    root: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.address}/health", timeout=1) as answer:
            return bool(answer.status == 200)

    def end(self) -> None:
        """As a cloud ends a machine: asked, and made to."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class Yard:
    """Images, machines, and the balancer in front."""

    folder: Path
    edge: str
    _base: Path
    machines: list[Machine] = field(default_factory=list)

    def bake(self, release: str) -> tuple[Path, float]:
        """A machine's image with the release installed; seconds."""
        began = time.monotonic()
        builder = self.folder / f"builder-{release}"
        builder.mkdir()
        subprocess.run(["tar", "-xf", self._base, "-C", builder], check=True)
        shutil.copytree(ROOT / "services/backend/backend", builder / "app/backend")
        (builder / "etc/release").write_text(release)
        image = self.folder / f"image-{release}.tar"
        subprocess.run(["tar", "-cf", image, "-C", builder, "."], check=True)
        shutil.rmtree(builder)
        return image, time.monotonic() - began

    def launch(self, image: Path) -> Machine:
        """A machine made from an image, started and not waited for."""
        port = free_ports(1)[0]
        root = self.folder / f"machine-{port}"
        root.mkdir()
        subprocess.run(["tar", "-xf", image, "-C", root], check=True)
        release = (root / "etc/release").read_text()
        environ = {
            "RELEASE": release,
            "PORT": str(port),
            "PYTHONPATH": "/app",
            "NODE_NAME": root.name,
        }
        process = subprocess.Popen(
            [_chroot(), root, "/usr/local/bin/python3", "-m", "backend"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return Machine(root, port, process)

    def balance(self, machines: list[Machine]) -> None:
        """Tell the balancer which machines there are."""
        servers = [{"url": machine.address} for machine in machines]
        rule = "Host(`backend.localhost`)"
        text = json.dumps({"http": {
            "routers": {"backend": {"rule": rule, "service": "backend"}},
            "services": {"backend": {"loadBalancer": {"servers": servers}}},
        }})  # fmt: skip
        beside = self.folder / ".machines.json"
        beside.write_text(text)
        beside.replace(self.folder / "balancer/machines.yml")

    def replace(self, release: str, count: int = 2) -> dict[str, float]:
        """Bake, launch, wait for health, put in front, drain and end the old; seconds by step."""
        image, baked = self.bake(release)
        began = time.monotonic()
        new = [self.launch(image) for _ in range(count)]
        until("the new machines are healthy", lambda: all(each.is_healthy() for each in new))
        launched = time.monotonic() - began
        old, self.machines = self.machines, new
        self.balance(new)
        time.sleep(DRAIN)
        for machine in old:
            machine.end()
        size = image.stat().st_size
        image.unlink()
        return {"bake": baked, "launch": launched, "image": size / 2**20}


@contextmanager
def yard(folder: Path) -> Iterator[Yard]:
    """An empty yard with its balancer; needs root, for chroot."""
    (folder / "balancer").mkdir(parents=True)
    base = folder / "base.tar"
    _make_base(base)
    port = free_ports(1)[0]
    made = Yard(folder, f"http://127.0.0.1:{port}", base)
    made.balance([])
    with _traefik(folder / "balancer", port):
        try:
            yield made
        finally:
            for machine in made.machines:
                machine.end()


def _make_base(base: Path) -> None:
    """The base machine: the Python that runs this, and the libraries that the backend needs."""
    base.write_bytes(python_as_tar().getvalue())
    beside = base.with_suffix(".d")
    installed = Path(sysconfig.get_path("purelib"))
    for name in LIBRARIES:
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, beside / "app" / name)
        else:
            shutil.copy(source, beside / "app" / name)
    subprocess.run(["tar", "-rf", base, "-C", beside, "app"], check=True)
    shutil.rmtree(beside)


@contextmanager
def _traefik(folder: Path, port: int) -> Iterator[None]:
    # A file is watched by its folder: what is written beside and renamed is seen whole.
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("traefik"),
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
            f"--entryPoints.public.address=127.0.0.1:{port}",
            f"--providers.file.directory={folder}",
            "--providers.file.watch=true",
            "--providers.providersThrottleDuration=500ms",
            "--serversTransport.forwardingTimeouts.idleConnTimeout=3s",
        ],
        env={"PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("the balancer listens", lambda: _listens(port))
        yield
    finally:
        process.terminate()
        process.wait(20)


def _chroot() -> str:
    return shutil.which("chroot", path="/usr/sbin:/sbin:/usr/bin:/bin") or "chroot"


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
