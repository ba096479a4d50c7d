"""A guarded cluster whose tasks have tokens of every kind, and a verifier that is one of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.guarded import Guarded
from tests.agents.plain import plain
from toolkit.clients.nomad import Nomad
from toolkit.errors import IdentityError
from toolkit.identity.verify import Verifier
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint, Secret

READER = 'namespace "*" { policy = "read" }'
KICK = 'identity {\n  name = "kick"\n  aud  = ["kick"]\n  ttl  = "1h"\n  file = true\n}\n'
MANY = (
    KICK
    + """
identity {
  name = "hook"
  aud  = ["hook"]
  ttl  = "1h"
  file = true
}
identity {
  name = "both"
  aud  = ["kick", "hook"]
  ttl  = "1h"
  file = true
}
identity {
  name = "endless"
  aud  = ["kick"]
  file = true
}
identity {
  name = "week"
  aud  = ["kick"]
  ttl  = "168h"
  file = true
}
identity {
  file = true
}
"""
)
OWN = "identity {\n  file = true\n}\n"
DEFAULT = "nomad_token"
"""File of the token that Nomad makes for every task."""


@dataclass
class Rig:
    """A guarded cluster whose verifier is one of its tasks, as the kick server is."""

    shop: Guarded
    seconds: float = 0.0
    """By how much our clocks are ahead of the machine's."""
    allocations: dict[str, str] = field(default_factory=dict)
    """By job."""

    def __post_init__(self) -> None:
        self.verifier = self.fresh()

    @property
    def cluster(self) -> LocalCluster:
        return self.shop.cluster

    @property
    def socket(self) -> str:
        """Nomad's address inside the server's task."""
        return f"unix:{self.place('kick-server')}/api.sock"

    def connect(self) -> Nomad:
        """As the verifier does."""
        own = self.token("kick-server", DEFAULT)
        return Nomad(Endpoint("Nomad", self.socket, "kick.toml", token=Secret(own)))

    def now(self) -> float:
        return time.time() + self.seconds

    def clock(self) -> float:
        return time.monotonic() + self.seconds

    def run(
        self, name: str, namespace: str = "default", task: str = KICK, kind: str = "service"
    ) -> None:
        """Register a job whose task has these identities."""
        hcl = plain(name, kind=kind, task=task, more=f'namespace = "{namespace}"')
        with self.cluster.nomad() as nomad:
            job = nomad.parse(hcl)
        self.shop.nomad("/v1/jobs", {"Job": job})

    def settle(self, name: str, namespace: str = "default") -> str:
        """The allocation of a job, once its task runs."""
        found: list[dict[str, Any]] = []

        def runs() -> bool:
            path = f"/v1/job/{name.replace('/', '%2F')}/allocations?namespace={namespace}"
            found[:] = [
                stub for stub in self.shop.nomad(path) or () if stub["ClientStatus"] == "running"
            ]
            return bool(found)

        self.shop.until(f"{name} runs", runs)
        self.allocations[f"{namespace}/{name}"] = found[0]["ID"]
        return str(found[0]["ID"])

    def place(self, job: str, namespace: str = "default") -> Path:
        """The secrets of a job's task."""
        folder = self.cluster.layout.kept_alloc / self.allocations[f"{namespace}/{job}"]
        return folder / "app" / "secrets"

    def token(self, job: str, file: str = "nomad_kick.jwt", namespace: str = "default") -> str:
        """A token as the task reads it."""
        return (self.place(job, namespace) / file).read_text()

    def ask(self, token: str, verifier: Verifier | None = None) -> str:
        """The workload that is let in, or the reason for which none is."""
        try:
            found = (verifier or self.verifier).verify(f"Bearer {token}")
        except IdentityError as error:
            assert token not in error.message + (error.hint or "")
            return error.reason
        return str(found)

    def fresh(self, audience: str = "kick", **how: Any) -> Verifier:
        """A verifier that remembers nothing."""
        return Verifier(self.connect, audience, now=self.now, clock=self.clock, **how)


@contextmanager
def identity_rig(machine: Machine) -> Iterator[Rig]:
    """Agents, jobs with identities, a dispatched child, and the verifier's own job."""
    # A task's socket has to have a short path: below a test's own folder there would be none.
    with tempfile.TemporaryDirectory(prefix="kick-") as folder:
        root = Path(folder).resolve()
        with local_cluster(root, acl=True, data=True, machine=machine) as cluster:
            shop = Guarded(cluster, root / "p")
            shop.nomad("/v1/namespace/other", {"Name": "other"})
            own = {"Namespace": "default", "JobID": "kick-server"}
            reader = {"Name": "kick", "Rules": READER, "JobACL": own}
            shop.nomad("/v1/acl/policy/kick", reader, "POST")
            made = Rig(shop)
            made.run("kick-server", task=OWN)
            for name in ("web", "web-admin", "leaving"):
                made.run(name)
            made.run("web", "other")
            made.run("many", task=MANY)
            parameterized = plain("work", kind="batch", task=KICK, more="parameterized {}")
            with cluster.nomad() as nomad:
                shop.nomad("/v1/jobs", {"Job": nomad.parse(parameterized)})
            child = shop.nomad("/v1/job/work/dispatch", {})["DispatchedJobID"]
            for name in ("kick-server", "web", "web-admin", "leaving", "many", child):
                made.settle(name)
            made.settle("web", "other")
            made.allocations["default/child"] = made.allocations[f"default/{child}"]
            yield made
            made.verifier.close()
            shop.close()
