"""A site under load: the shipped backend, three instances behind the shipped edge, and callers.

Every rollout is a command as a user types it; what failed is counted from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from bench.load import Load, Target, by_release, tell_failed
from tests.agents.shop import Said, header
from tests.edge.front import Front

JOB = """
kind = "service"
count = COUNT
[release]
version = "1.0.0"
header = "X-Release"
[driver.raw_exec]
args = ["-m", "backend"]
[resources]
cpu = 20
memory = 64
[environment]
DB_URL = "demo:"
[ports.http]
[route]
hosts = ["NAME.localhost"]
[check]
path = "/health"
interval = "1s"
timeout = "5s"      # a machine that is busy is not ill
[rollout]
min_healthy_time = "500ms"
healthy_deadline = "60s"
progress_deadline = "90s"
shutdown_delay = "5s"
kill_timeout = "15s"
timeout = "120s"
"""

TEMPLATE = """[% extends "_lib/service.nomad.hcl.j2" %]
[% block group %]
    spread {
      attribute = "${node.unique.id}"
    }
[% endblock %]
"""

RATE = 40.0
"""Requests a second: what is counted is what fails, and others use this machine too."""
AT_ONCE = 5
"""Scenes beside each other: most of a rollout is waiting."""
_releases = count(1)


@dataclass
class Callers:
    """Who asks while something happens: quick ones, and some who wait three seconds."""

    loads: Sequence[Load]

    def __enter__(self) -> Callers:
        for load in self.loads:
            load.__enter__()
        self.wait_for(15)
        return self

    def __exit__(self, *_exc: object) -> None:
        for load in self.loads:
            load.stop()

    def wait_for(self, more: int) -> None:
        """Until that many more of the quick requests have ended."""
        quick = self.loads[0]
        quick.wait_for(len(quick.hits) + more)

    @property
    def requests(self) -> int:
        return sum(len(load.hits) for load in self.loads)

    @property
    def failed(self) -> int:
        return sum(len(load.failed) for load in self.loads)

    @property
    def releases(self) -> set[str]:
        """The releases that answered."""
        return {row.release for load in self.loads for row in by_release(load.hits)}

    def say(self, what: str) -> str:
        """One row: what it cost the callers; shown by `pytest -rP`."""
        seconds = max(load.hits[-1].at for load in self.loads if load.hits)
        words = "; ".join(filter(None, (tell_failed(load.hits) for load in self.loads)))
        row = f"{what}: {self.requests} requests, {self.failed} failed, {seconds:.0f} s"
        print(row + (f" ({words})" if words else ""))
        return row + (f" ({words})" if words else "")

    def lost_none(self, what: str) -> None:
        """Nothing failed, of enough requests to mean it."""
        row = self.say(what)
        assert self.requests > 100, row
        assert self.failed == 0, row

    def lost_some(self, what: str) -> None:
        """Something failed: what protects was taken away, and this would have been seen."""
        assert self.failed > 0, self.say(what)
        self.say(what)


class Site(Front):
    """A project with an edge and services that are asked all the time."""

    def service(self, word: str = "web", *, number: int = 3, **change: str) -> str:
        """A new service of three instances, deployed; `change` replaces keys of its job file."""
        name = self.name(word)
        self.job_file(name, JOB.replace("COUNT", str(number)), change)
        self.must("deploy", name)
        return name

    def job_file(self, name: str, text: str, change: dict[str, str], template: str = "") -> None:
        """Write the two files of a job."""
        for key, value in change.items():
            assert f"\n{key} = " in text, key
            before, _, rest = text.partition(f"\n{key} = ")
            text = f"{before}\n{key} = {value}\n{rest.partition(chr(10))[2]}"
        folder = self.root / "jobs" / name
        folder.mkdir(exist_ok=True)
        (folder / "job.toml").write_text(text.replace("NAME", name))
        (folder / "job.nomad.hcl.j2").write_text(template or TEMPLATE)

    def must(self, *arguments: str, ends: int = 0) -> Said:
        """A command that ends with this exit code."""
        said = self.toolkit(*arguments, "--yes")
        assert said.code == ends, said.out + said.err
        return said

    def through_at(self, address: str, name: str) -> str:
        """The release that another entrance answers with."""
        return header(f"{address}/", f"{name}.localhost")

    def next_release(self) -> str:
        """A release that was never deployed."""
        return f"2.0.{next(_releases)}"

    def callers(
        self, *names: str, address: str = "", rate: float = RATE, slow: bool = True
    ) -> Callers:
        """Callers of these services: kept and fresh connections, GET and POST, quick and slow."""
        hosts = [f"{name}.localhost" for name in names]
        address = address or self.public
        quick = [
            Target(f"{method} {host}", host, method=method)
            for method in ("GET", "POST", "GET")
            for host in hosts
        ]
        waiting = [
            Target(f"{method} of 3 s {host}", host, "/?sleep=3", method)
            for method in ("GET", "POST")
            for host in hosts
        ]
        loads = [Load(address, quick, rate=rate, clients=4, fresh=2)]
        if slow:
            loads.append(Load(address, waiting, rate=3, clients=10, fresh=5))
        return Callers(loads)

    def settled(self, name: str) -> None:
        """Until every instance that should end has ended: only then is a rollout over."""

        def over() -> bool:
            found = self.nomad(f"/v1/job/{name}/allocations") or []
            return all(
                a["ClientStatus"] in {"complete", "failed", "lost"}
                for a in found
                if a["DesiredStatus"] != "run"
            )

        self.until(f"the old instances of {name} have ended", over)


Scene = Callable[[Site, int], Callers]


def play(site: Site, rounds: int, scenes: Sequence[Scene]) -> Mapping[str, Future[Callers]]:
    """Play scenes beside each other, so many rounds of each, and wait for all."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {scene.__name__: pool.submit(scene, site, rounds) for scene in scenes}
