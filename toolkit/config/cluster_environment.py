"""The two environments that a cluster file makes: the cluster's own name, and its rehearsal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.config.source import Source
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.cluster import REHEARSAL, ClusterEdge
from toolkit.spec.cluster_access import Access, access_file

if TYPE_CHECKING:
    from toolkit.config.project import EnvironmentFile, Project
    from toolkit.spec.cluster import Cluster

REHEARSED = "toolkit cluster rehearse"
"""Where the addresses of a rehearsal come from."""
REACHED = "toolkit cluster"
"""Where those of a cluster come from that a command has a way into."""


def tables(
    written: Mapping[str, Mapping[str, Any]], clusters: Iterable[str], remote: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Every environment's table: those of toolkit.toml, and two for each cluster.

    A rehearsal has what its cluster's environment has, but for the driver and all `remote` keys.
    """
    found = {name: dict(table) for name, table in written.items()}
    for cluster in clusters:
        own = found.get(cluster, {})
        rehearsal = cluster + REHEARSAL
        inherited = {key: own[key] for key in own if key not in {"driver", "local", *remote}}
        found[cluster] = {"driver": "docker", **own, "cluster": cluster}
        found[rehearsal] = {
            "driver": "raw_exec",
            **_over(inherited, found.get(rehearsal, {})),
            "cluster": cluster,
            "inherits": cluster,
        }
    return found


def check_tables(
    written: Mapping[str, Mapping[str, Any]],
    clusters: Iterable[str],
    remote: Iterable[str],
    source: Source,
) -> list[Mistake]:
    """What toolkit.toml says of clusters' environments and cannot be."""
    mistakes = []
    for cluster in clusters:
        for name in (cluster, cluster + REHEARSAL):
            table, path = written.get(name, {}), ("environments", name)
            if table.get("local"):
                message = f"clusters/{cluster}.toml makes this environment, and it is not local"
                mistakes.append(source.mistake((*path, "local"), message, "give one another name"))
        path = ("environments", cluster + REHEARSAL)
        message = "a rehearsal takes this from its own state"
        table = written.get(cluster + REHEARSAL, {})
        mistakes += [
            source.mistake((*path, key), message, "remove it") for key in remote if key in table
        ]
    return mistakes


def settle(
    project: Project,
    environment: EnvironmentFile,
    mistakes: list[Mistake],
    access: Access | None = None,
) -> tuple[EnvironmentFile, Access | None, ClusterEdge | None]:
    """The environment with what its cluster file says, how it is reached, and what its edge is.

    Mistakes of the cluster file are added to `mistakes`. A rehearsal that does not run has no
    addresses, and neither has a cluster without `access`.
    """
    from toolkit.config.clusterfile import load_cluster

    try:
        cluster = load_cluster(project.tree, environment.cluster or "").cluster
    except ConfigError as error:
        mistakes += error.mistakes
        return environment, None, None
    edge = edge_of(cluster)
    environment = environment._replace(protected=environment.protected or cluster.protected)
    entrances = access.edge if access else {}
    if environment.inherits is None:
        public = entrance(cluster)
        entrances = {
            **({"public": public} if public else {}),
            **entrances,
            **environment.edge,
        }
        environment = environment._replace(edge=entrances)
    elif access is None:
        access = _read_access(project, cluster.name, mistakes)
        entrances = access.edge if access else {}
    if access is None:
        return environment, None, edge
    environment = environment._replace(
        nomad=access.nomad,
        consul=access.consul,
        edge=entrances,
        proxy=access.proxy or None,
        ca_file=access.ca_file or None,
        traefik_user=access.traefik_user or None,
    )
    return environment, access, edge


def edge_of(cluster: Cluster) -> ClusterEdge:
    """What the job of the cluster's edge is told."""
    edge, pool = cluster.edge, cluster.pools[cluster.edge.pool]
    return ClusterEdge(
        balancer=edge.kind,
        trusted=(str(cluster.public_part),),
        pool=pool.name,
        node_pool=pool.node_pool,
        public=edge.traefik_port,
        private=edge.private_port,
        api=edge.ping_port,
    )


def access_origin(environment: EnvironmentFile) -> str:
    """Where addresses came from that a way into the cluster said."""
    return REHEARSED if environment.inherits is not None else REACHED


def entrance(cluster: Cluster) -> str | None:
    """Where requests from the world enter: the first name of the edge that is not a wildcard."""
    name = next((each for each in cluster.edge.names if not each.startswith("*.")), None)
    if name is None:
        return None
    scheme, port = (
        ("https", cluster.edge.https) if cluster.edge.https else ("http", cluster.edge.http)
    )
    usual = port == {"https": 443, "http": 80}[scheme]
    return f"{scheme}://{name}" + ("" if usual else f":{port}")


def nowhere(environment: EnvironmentFile) -> str:
    """What to do about addresses that nothing says, as a hint."""
    if environment.inherits is not None:
        return f"`toolkit cluster rehearse up {environment.cluster}` starts the rehearsal"
    return f'eval "$(toolkit cluster env {environment.cluster})" says it, or nomad = "…" and' \
           f' consul = "…" under [environments.{environment.name}]'  # fmt: skip


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _over(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def _read_access(project: Project, cluster: str, mistakes: list[Mistake]) -> Access | None:
    if project.root is None:
        return None
    path = access_file(cluster)
    try:
        return Access.from_json((project.root / path).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        hint = f"toolkit cluster rehearse down {cluster}, then up again"
        if isinstance(error, PermissionError):
            reason = "it belongs to another user, as a rehearsal does to root"
            hint = "run the same command with sudo"
        mistakes.append(Mistake(path, None, None, f"cannot be read: {reason}", hint))
        return None
