"""How a rehearsal's servers are asked: through the operator's relay, with its tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.clients.patience import Patience
from toolkit.cluster.config import places as on_machine
from toolkit.cluster.gate import gate
from toolkit.cluster.gathering import look_at_consul, look_at_nomad
from toolkit.cluster.network import slots
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.secrets import needed
from toolkit.config.clusterfile import ClusterFile
from toolkit.config.project import Project
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.raft import GateVerdict
from toolkit.spec.target import Endpoint, Secret
from toolkit.workflows.cluster.files import need_project, open_cluster

ANSWER = 5.0
"""Seconds for one answer: whoever takes longer is not well."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A cluster file, and where its rehearsal is."""

    file: ClusterFile
    places: Places

    @property
    def cluster(self) -> Cluster:
        """As the file says."""
        return self.file.cluster


def open_rehearsal(folder: Path, name: str) -> Rehearsal:
    """The rehearsal of the cluster of that name; ConfigError with every mistake of its file."""
    file = open_cluster(folder, name)
    return Rehearsal(file, places_of(need_project(folder), name))


def places_of(project: Project, name: str) -> Places:
    """Where the rehearsal of a cluster keeps what."""
    if project.root is None:
        raise RefusedError("a rehearsal needs a project in a folder of this machine")
    return Places(project.root.resolve(), name)


class Servers:
    """Clients for all servers together, and for each alone; close it when done."""

    def __init__(
        self, places: Places, cluster: Cluster, secrets: Mapping[str, Secret], proxy: str
    ) -> None:
        self._ca = str(places.authority)
        self._proxy = proxy
        self._open = ExitStack()
        tokens = (secrets[needed.CONSUL_MANAGEMENT], secrets[needed.NOMAD_MANAGEMENT])
        self.consul = self._consul(plan.consul_name(cluster), tokens[0])
        self.nomad = self._nomad(plan.NOMAD_NAME, tokens[1])
        self._consuls = {each.name: self._consul(each.host, tokens[0]) for each in slots(cluster)}
        self._nomads = {each.name: self._nomad(each.host, tokens[1]) for each in slots(cluster)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def judge(self) -> GateVerdict:
        """Whether all of them decide together, by what each says of itself."""
        return gate([look_at_consul(self._consuls), look_at_nomad(self._nomads)])

    def leader_address(self) -> str:
        """Nomad's leader, without its port."""
        return self.nomad.leader().rpartition(":")[0]

    def _consul(self, host: str, token: Secret) -> Consul:
        address = f"https://{host}:{on_machine.CONSUL_HTTPS}"
        client = Consul(self._endpoint("Consul", address, token), patience=Patience(ANSWER))
        self._open.callback(client.close)
        return client

    def _nomad(self, host: str, token: Secret) -> Nomad:
        address = f"https://{host}:{on_machine.NOMAD_HTTP}"
        client = Nomad(self._endpoint("Nomad", address, token))
        self._open.callback(client.close)
        return client

    def _endpoint(self, system: str, address: str, token: Secret) -> Endpoint:
        return Endpoint(
            "Consul" if system == "Consul" else "Nomad",
            address,
            "toolkit cluster rehearse",
            token=token,
            ca_file=self._ca,
            proxy=self._proxy,
        )


def read_access(places: Places) -> Access | None:
    """How it is reached; None when nobody wrote that, or not whole."""
    try:
        return Access.from_json(places.access.read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_health(places: Places) -> dict[str, bool]:
    """What the balancer found last, by machine."""
    try:
        said = json.loads(places.health.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {str(name): bool(well) for name, well in said.items()}
