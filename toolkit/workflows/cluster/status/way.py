"""The way to the servers: that of the cluster's environment, or a tunnel made for this look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from toolkit.clients.aws.cloud import Cloud
from toolkit.cluster.secrets.store import Store
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.events import OnEvent, ignore
from toolkit.workflows.cluster.files import need_project
from toolkit.workflows.cluster.reach import reach, ways_of

Way = Callable[[Cluster, Store, Cloud], AbstractContextManager[Access]]
"""How the servers are reached while it is open; ToolkitError when they cannot be."""


def way_in(folder: Path, environ: Mapping[str, str], *, on_event: OnEvent = ignore) -> Way:
    """What toolkit.toml says for the cluster's environment, or what `ssh` makes."""

    def way(cluster: Cluster, store: Store, cloud: Cloud) -> AbstractContextManager[Access]:
        project = need_project(folder)
        environment = project.file.environments.get(cluster.name)
        return reach(
            cluster,
            project.root or folder,
            store,
            proxy=None if environment is None else environment.proxy,
            ways=ways_of(cloud, cluster, environ, on_event=on_event),
        )

    return way
