"""`toolkit cluster init`: a cluster file with sane defaults and what can be found out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType

from toolkit.config.clusterfile import parse_cluster
from toolkit.config.clusterfile_machines import CONTROL_ROOT, CONTROL_TYPE, IMAGES, release_address
from toolkit.config.clusterfile_names import cluster_path, wrong_name
from toolkit.config.clusterfile_network import LETTERS, RANGE, usual_zones, wrong_region
from toolkit.config.clusterfile_text import write_cluster
from toolkit.config.project import Project
from toolkit.errors import ApiError, ConfigError, Mistake, RefusedError
from toolkit.spec.cluster import (
    CONTROL,
    SERVERS,
    Arch,
    Binary,
    Cluster,
    Download,
    Edge,
    Pool,
    Release,
    Servers,
)
from toolkit.spec.cluster_reports import ClusterInitReport
from toolkit.workflows.cluster.files import need_project
from toolkit.workflows.init import undo, write

VERSIONS: Mapping[Binary, str] = MappingProxyType({"nomad": "1.11.3", "consul": "1.22.7"})
"""What toolkit is tested with."""
POOLS = (
    Pool("frontend", "t3.small", min=2, max=3, node_class="frontend"),
    Pool("worker", "t3.large", min=2, max=4, node_class="worker"),
)
RELEASES = "https://releases.hashicorp.com"

_LINE = re.compile(r"([0-9a-f]{64})[ \t]+\*?(\S+)", re.ASCII)

AskZones = Callable[[str], tuple[str, ...]]
"""A region's zones; ApiError when AWS does not say."""
AskList = Callable[[str], str]
"""The text at an address; ApiError when there is none."""


def init(
    folder: Path,
    name: str,
    region: str,
    *,
    ask_zones: AskZones | None = None,
    ask_list: AskList | None = None,
    releases: str = RELEASES,
) -> ClusterInitReport:
    """Write clusters/NAME.toml into the project around `folder`; nothing is ever overwritten.

    Without `ask_zones` or `ask_list` nobody is asked, and the report says so. ConfigError for a
    name or a region that cannot be, RefusedError for what is in the way.
    """
    project = need_project(folder)
    _check(project, name, region)
    zones, zones_remark = _zones(region, ask_zones)
    cluster = usual_cluster(name, region, zones)
    downloads, missing_remark = _sums(cluster, ask_list, releases)
    cluster = usual_cluster(name, region, zones, downloads)
    path = cluster_path(name)
    text = write_cluster(cluster)
    parse_cluster(text.encode(), name, path)  # what is written can be read
    _write((project.root or folder) / path, text)
    missing = tuple(
        f"binaries.{binary}.{arch}.sha256"
        for binary, release in cluster.binaries.items()
        for arch, download in release.downloads.items()
        if not download.sha256
    )
    return ClusterInitReport(
        name=name,
        path=path,
        region=region,
        zones=zones,
        zones_remark=zones_remark,
        missing=missing,
        missing_remark=missing_remark if missing else "",
        next=(f"toolkit cluster rehearse up {name}", f"toolkit cluster plan {name}"),
    )


def usual_cluster(
    name: str,
    region: str,
    zones: tuple[str, ...],
    sums: Mapping[tuple[Binary, Arch], str] | None = None,
) -> Cluster:
    """The cluster that a new file describes; `sums` as far as they are known."""
    servers = Servers()
    control = Pool(
        CONTROL, CONTROL_TYPE, node_class=CONTROL, node_pool=CONTROL, root_volume=CONTROL_ROOT
    )
    arches = sorted({servers.arch, control.arch, *(pool.arch for pool in POOLS)})
    binaries = {
        binary: Release(version, MappingProxyType({
            arch: Download(
                release_address(binary, version, arch), (sums or {}).get((binary, arch), "")
            )
            for arch in arches
        }))
        for binary, version in VERSIONS.items()
    }  # fmt: skip
    return Cluster(
        name=name,
        region=region,
        zones=zones,
        network=IPv4Network(RANGE),
        private_domain=f"{name}.internal",
        servers=servers,
        pools=MappingProxyType({pool.name: pool for pool in POOLS}),
        control=control,
        edge=Edge(),
        images=MappingProxyType({arch: IMAGES[arch] for arch in arches}),
        binaries=MappingProxyType(binaries),
    )


def parse_sums(text: str) -> dict[str, str]:
    """File name -> sha256, of a list as `sha256sum` writes it; other lines are passed over."""
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {match[2]: match[1] for match in found if match}


def _check(project: Project, name: str, region: str) -> None:
    mistakes = []
    if why := wrong_name(name):
        mistakes.append(Mistake("NAME", None, None, f'"{name[:80]}" {why}'))
    if wrong := wrong_region(region):
        mistakes.append(Mistake("--region", None, None, *wrong))
    if mistakes:
        raise ConfigError(mistakes)
    environment = project.file.environments.get(name)
    if environment is not None and environment.local:
        raise RefusedError(
            f'toolkit.toml has an environment "{name}" already, a local one; nothing was written',
            hint="give the cluster another name",
        )


def _zones(region: str, ask: AskZones | None) -> tuple[tuple[str, ...], str]:
    if ask is None:
        return usual_zones(region), "AWS was not asked"
    try:
        offered = ask(region)
    except ApiError as error:
        return usual_zones(region), error.message
    known = tuple(zone for zone in offered if zone[len(region) :] in tuple(LETTERS))
    if len(known) < SERVERS:
        raise RefusedError(
            f"{region} offers this account {len(known)} availability zones; the three servers"
            " need one each, and nothing was written",
            hint="choose another region",
        )
    return known[:SERVERS], ""


def _sums(
    cluster: Cluster, ask: AskList | None, releases: str
) -> tuple[dict[tuple[Binary, Arch], str], str]:
    if ask is None:
        return {}, "the lists of the releases were not read"
    sums: dict[tuple[Binary, Arch], str] = {}
    remarks: list[str] = []
    for binary, release in cluster.binaries.items():
        url = f"{releases}/{binary}/{release.version}/{binary}_{release.version}_SHA256SUMS"
        try:
            listed = parse_sums(ask(url))
        except ApiError as error:
            # Who does not answer for one does not answer for the other within seconds either.
            return sums, error.message
        for arch, download in release.downloads.items():
            file = download.address.rpartition("/")[2]
            if file in listed:
                sums[binary, arch] = listed[file]
            else:
                remarks.append(f"{url} does not list {file}")
    return sums, "; ".join(remarks)


def _write(path: Path, text: str) -> None:
    made: list[Path] = []
    try:
        write(path, text.encode(), made)
    except FileExistsError as exc:
        raise RefusedError(
            f"{exc.filename or path} is there already; nothing was written",
            hint="choose another name, or change the file",
        ) from exc
    except OSError as exc:
        undo(made)
        raise RefusedError(
            f"{path} could not be written, and nothing was kept: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc
