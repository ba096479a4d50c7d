"""A project on a running cluster, deployed to by the real command, and looked at without it.

What a test asserts about Nomad, Consul and Traefik is read here by plain HTTP requests: the
tool's own reading of them is what is being tested.
"""

from __future__ import annotations

import io
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster
from tests.docs.schemas import check_printed
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.config.settings import Flags, load_settings
from toolkit.workflows.session import Session, open_session

DEADLINE = 60.0
_numbers = count(1)
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

APP = '''
"""A service that misbehaves as MODE says: python app.py"""
import os
import socketserver
import sys
import time

BORN = time.monotonic()
RELEASE = os.environ.get("RELEASE", "")
MODE = os.environ.get("MODE", "")
if MODE == "crash":
    sys.stderr.write(f"FATAL no database at {os.environ.get('DB_PASSWORD', 'nowhere')}\\n")
    sys.exit(3)


def well():
    if MODE == "fades":
        return not os.path.exists(os.environ["FLAG"])
    return MODE != "sick"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split(b" ")[1:2]
        while self.rfile.readline().strip():
            pass
        sick = path == [b"/health"] and not well()
        said = {"lies": "0.0.0-old"}.get(MODE, RELEASE)
        head = "" if MODE == "mute" else f"X-Release: {said}\\r\\n"
        body = "database is gone" if sick else f"I am {RELEASE}"
        status = "500 Internal Server Error" if sick else "200 OK"
        self.wfile.write(
            f"HTTP/1.1 {status}\\r\\n{head}Content-Length: {len(body)}\\r\\n"
            f"Connection: close\\r\\n\\r\\n{body}".encode()
        )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server((os.environ["NOMAD_IP_http"], int(os.environ["NOMAD_PORT_http"])), Handler).serve_forever()
'''

JOB = """
name = "NAME"
kind = "service"
count = COUNT
[release]
version = "RELEASE"
header = "X-Release"
[driver.raw_exec]
args = ["-S", "-E", "APP"]
[resources]
cpu = 20
memory = 32
[environment]
MODE = "fine"
[ports.http]
[check]
path = "/health"
interval = "1s"
[rollout]
min_healthy_time = "500ms"
healthy_deadline = "50s"
progress_deadline = "90s"
shutdown_delay = "1s"
kill_timeout = "2s"
timeout = "100s"
restart_delay = "500ms"
"""

ROUTE = """
[route]
hosts = ["NAME.localhost"]
"""

TEMPLATE = '[% extends "_lib/service.nomad.hcl.j2" %]\n'


@dataclass(frozen=True)
class Said:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    @property
    def error(self) -> dict[str, Any]:
        """The error in the JSON document on stdout."""
        error = self.report["error"]
        assert isinstance(error, dict)
        return error

    def link(self, name: str) -> dict[str, str]:
        """One link of the report's chain."""
        links = self.report["verification"]["links"]
        return next(link for link in links if link["name"] == name)

    def stages(self) -> list[str]:
        """The stages that were told, in order."""
        return [event["stage"] for event in self.report["events"]]

    def told(self, stage: str) -> list[str]:
        """What was told at one stage."""
        return [event["text"] for event in self.report["events"] if event["stage"] == stage]


Hook = Callable[[], object]


class Listener(io.StringIO):
    """Standard error that does something the first time it is told something.

    It happens in the command's own thread, between that line and all that follows it.
    """

    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        super().__init__()
        self.hooks = dict(hooks)

    def write(self, text: str) -> int:
        number = super().write(text)
        for word in [word for word in self.hooks if word in text]:
            self.hooks.pop(word)()
        return number


@dataclass
class Shop:
    """A project folder whose environment is the cluster's."""

    cluster: LocalCluster
    root: Path
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "jobs").mkdir()
        (self.root / ".toolkit").symlink_to(self.cluster.root / ".toolkit")
        self.environment()
        self.app = self.root / "app.py"
        self.app.write_text(APP)

    def environment(self, more: str = "") -> None:
        """Write toolkit.toml with `more` in its only environment."""
        (self.root / "toolkit.toml").write_text(
            'default_environment = "dev"\n'
            f'[environments.dev]\nlocal = true\ndriver = "raw_exec"\n{more}\n'
        )

    # What is deployed.

    def name(self, word: str = "shop") -> str:
        """A job name that no other test has; it is purged at the end."""
        name = f"{word}-{next(_numbers)}"
        self.made.append(name)
        return name

    def write(
        self,
        name: str = "",
        *,
        count: int = 1,
        release: str = "1.0.0",
        route: bool = False,
        change: Mapping[str, str] | None = None,
        more: str = "",
        template: str = TEMPLATE,
    ) -> str:
        """The two files of a job; `change` replaces text of job.toml."""
        name = name or self.name()
        text = JOB + (ROUTE if route else "") + more
        for old, new in (change or {}).items():
            assert old in text, old
            text = text.replace(old, new)
        text = text.replace("NAME", name).replace("COUNT", str(count))
        text = text.replace("RELEASE", release).replace("APP", str(self.app))
        folder = self.root / "jobs" / name
        folder.mkdir(exist_ok=True)
        (folder / "job.toml").write_text(text)
        (folder / "job.nomad.hcl.j2").write_text(template)
        return name

    def plain(self, name: str, hcl: str, job_toml: str = "") -> str:
        """A plain job file of the user's own."""
        folder = self.root / "jobs" / name
        folder.mkdir(exist_ok=True)
        (folder / "job.nomad.hcl").write_text(hcl)
        if job_toml:
            (folder / "job.toml").write_text(job_toml)
        return name

    def secret(self, name: str, key: str, value: str) -> None:
        """Set a secret of a job, which has no other."""
        path = f"nomad/jobs/{name}"
        self.nomad(f"/v1/var/{path}", {"Path": path, "Items": {key: value}})

    def deployed(self, **how: Any) -> str:
        """A new job that is deployed."""
        name = self.write(**how)
        said = self.deploy(name)
        assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
        return name

    def registered(self, **how: Any) -> str:
        """A new job that is registered, whatever becomes of it."""
        name = self.write(**how)
        said = self.deploy(name, "--detach")
        assert (said.code, said.report["verdict"]) == (0, "submitted"), said.out + said.err
        return name

    def all_deployed(self, hows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Several new jobs, deployed at the same time: most of a rollout is waiting."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda how: self.deployed(**how), hows))

    @staticmethod
    def at_once(works: Mapping[str, Callable[[], Said]]) -> dict[str, Said]:
        """Several commands at the same time, each in a thread."""
        with ThreadPoolExecutor(len(works)) as pool:
            started = {name: pool.submit(work) for name, work in works.items()}
            return {name: future.result() for name, future in started.items()}

    # The command.

    def toolkit(
        self,
        *arguments: str,
        on: Mapping[str, Hook] | None = None,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Said:
        """Run the command line as a process would, without a terminal."""
        out, err = io.StringIO(), Listener(on or {})
        world = World(
            arguments, self.environ() if environ is None else environ, io.StringIO(), out, err,
            folder or self.root,
        )  # fmt: skip
        code = run(world)
        assert not err.hooks, f"never said: {list(err.hooks)}\n{err.getvalue()}"
        if "--json" in arguments:
            check_printed(out.getvalue())
        return Said(int(code), out.getvalue(), err.getvalue())

    def deploy(self, name: str, *arguments: str, on: Mapping[str, Hook] | None = None) -> Said:
        """`toolkit deploy NAME … --json`."""
        return self.toolkit("deploy", name, *arguments, "--json", on=on)

    def environ(self) -> dict[str, str]:
        """What the command sees of an environment."""
        # The cache of compiled templates is one for all tests of a run.
        return {"PATH": os.defpath, "HOME": str(self.root.parent), "NO_COLOR": "1"}

    def command(self, *arguments: str) -> list[str]:
        """The same command line for a process of its own."""
        return [sys.executable, "-m", "toolkit", *arguments]

    def session(self, **flags: Any) -> Session:
        """A session as the command opens it, for tests of single stages."""
        return open_session(load_settings(Flags(**flags), self.environ(), self.root))

    # What is really there.

    def nomad(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Nomad's answer, decoded; None for 404."""
        return ask(self.cluster.nomad_address + path, body, method)

    def consul(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Consul's answer, decoded; None for 404."""
        return ask(self.cluster.consul_address + path, body, method)

    def job(self, name: str) -> dict[str, Any]:
        """The job as registered."""
        raw = self.nomad(f"/v1/job/{name}")
        assert isinstance(raw, dict), f"{name} is not registered"
        return raw

    def release(self, name: str) -> str:
        """The registered release."""
        return str(self.job(name)["Meta"]["release"])

    def running(self, name: str) -> list[dict[str, Any]]:
        """Allocations that run and should, oldest first."""
        found = self.nomad(f"/v1/job/{name}/allocations") or []
        live = [a for a in found if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"]
        return sorted(live, key=lambda a: int(a["CreateIndex"]))

    def deployments(self, name: str) -> list[dict[str, Any]]:
        """All deployments of a job, oldest first."""
        found = self.nomad(f"/v1/job/{name}/deployments") or []
        return sorted(found, key=lambda d: int(d["CreateIndex"]))

    def passing(self, name: str) -> dict[str, str]:
        """Passing Consul instances: service id -> `host:port`."""
        found = self.consul(f"/v1/health/service/{name}?passing")
        return {
            e["Service"]["ID"]: f"{e['Service']['Address']}:{e['Service']['Port']}" for e in found
        }

    def serves(self, name: str) -> list[str]:
        """The release that each passing instance of a service says it is, asked directly."""
        return sorted(header(f"http://{place}/") for place in self.passing(name).values())

    def instance_of(self, name: str) -> set[str]:
        """Ids of the allocations that are registered in Consul under that name."""
        found = self.consul(f"/v1/catalog/service/{name}")
        return {e["ServiceID"].removeprefix("_nomad-task-")[:36] for e in found}

    def until(self, what: str, holds: Callable[[], bool], seconds: float = DEADLINE) -> None:
        """Wait for something that only the agents do."""
        self.cluster.until(what, holds, seconds)

    def until_running(self, name: str, number: int) -> None:
        """Until exactly that many instances run."""
        self.until(f"{number} of {name} run", lambda: len(self.running(name)) == number)

    def close(self) -> None:
        """Purge every job that was made."""
        for name in self.made:
            self.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
            self.nomad(f"/v1/var/nomad/jobs/{name}", method="DELETE")


def ask(url: str, body: Any = None, method: str | None = None) -> Any:
    """One request; None for 404."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method or ("PUT" if data else "GET"))
    try:
        with _NO_PROXY.open(request, timeout=10) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise AssertionError(f"{url}: {error.code} {error.read()!r}") from error
    return json.loads(text) if text.strip() else None


def page(url: str, host: str) -> str:
    """The page of a site."""
    with _NO_PROXY.open(urllib.request.Request(url, headers={"Host": host}), timeout=10) as answer:
        text: bytes = answer.read()
    return text.decode()


def header(url: str, host: str | None = None) -> str:
    """The release that one request is answered with; else the status."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with _NO_PROXY.open(request, timeout=10) as answer:
            return str(answer.headers.get("X-Release") or f"HTTP {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code}"
