"""`toolkit cluster env`: a way into a cluster that stays for a shell, and its variables.

Tokens go from the store into the variables and nowhere else: on disk are the CA's certificate,
the tunnel's key and the record of its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.tunnel import Tunnel, kept_tunnel
from toolkit.clients.tunnel_command import Keys
from toolkit.clients.tunnel_record import end_kept, keep, read_kept
from toolkit.cluster.secrets.store import Store
from toolkit.cluster.template.key import alias
from toolkit.config import reached
from toolkit.config.clusterfile_names import wrong_name
from toolkit.errors import RefusedError
from toolkit.spec.cluster import REHEARSAL, Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.cluster_env import EnvReport
from toolkit.spec.events import OnEvent, ignore
from toolkit.workflows.cluster.files import account_of, need_project, open_cluster
from toolkit.workflows.cluster.reach import (
    CLUSTERS,
    SECONDS,
    USER,
    Way,
    Ways,
    access_to,
    first_way,
    private_folder,
    programs_environment,
    ways_of,
    write_authority,
)
from toolkit.workflows.cluster.rehearse.talk import places_of, read_access

DIRECT = (
    "localhost", "127.0.0.1", "::1", "169.254.169.254", ".amazonaws.com", ".amazonaws.com.cn",
    ".api.aws", ".awsapps.com",
)  # fmt: skip
"""What Nomad's and Consul's programs, and all others of the shell, ask without the proxy."""
CONTRADICT = (
    "NOMAD_CAPATH", "NOMAD_CLIENT_CERT", "NOMAD_CLIENT_KEY", "NOMAD_SKIP_VERIFY",
    "NOMAD_TLS_SERVER_NAME", "CONSUL_CAPATH", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY",
    "CONSUL_HTTP_SSL_VERIFY", "CONSUL_HTTP_TOKEN_FILE", "CONSUL_TLS_SERVER_NAME",
)  # fmt: skip
"""Of another cluster, where they are set: some even win over what is exported."""
EXPORTED = (
    reached.NAME, "NOMAD_ADDR", "NOMAD_CACERT", "NOMAD_TOKEN", "CONSUL_HTTP_ADDR",
    "CONSUL_HTTP_SSL", "CONSUL_CACERT", "CONSUL_HTTP_TOKEN", reached.PROXY, reached.PRIVATE,
    "TOOLKIT_TRAEFIK_PASSWORD",
)  # fmt: skip
"""Beside the proxy of all programs."""
HTTPS = "HTTPS_PROXY"
_PAUSE = 0.1


def open_cloud(cluster: Cluster) -> Cloud:
    """AWS in the cluster's region, for its account only."""
    return Cloud(cluster.region, account=cluster.account)


def open_store(cloud: Cloud, cluster: Cluster) -> Store:
    """The cluster's secrets in AWS."""
    return ParameterStore(cloud, cluster.name, alias(cluster))


@dataclass(frozen=True)
class Tools:
    """What `env` is handed; the last three are seams for tests."""

    environ: Mapping[str, str] = field(repr=False)
    """The shell's."""
    user: str = USER
    """At the machine that the tunnel goes in at."""
    on_event: OnEvent = ignore
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    cloud: Callable[[Cluster], Cloud] = open_cloud
    store: Callable[[Cloud, Cluster], Store] = open_store
    ways: Callable[..., Ways] = ways_of


def env(folder: Path, name: str, tools: Tools) -> EnvReport:
    """Open a way into the environment of that name, or take the one that stands.

    `name` of a cluster, or `NAME-rehearsal`. RefusedError, UnreachableError and other ApiErrors
    as `reach`; what was started then ends.
    """
    if name.endswith(REHEARSAL):
        return _rehearsal(folder, name.removesuffix(REHEARSAL), tools)
    file = open_cluster(folder, name)
    cluster = file.cluster
    project = need_project(folder)
    own = private_folder(project.root or folder, name)
    environment = project.file.environments.get(name)
    proxy = None if environment is None else environment.proxy
    cloud = tools.cloud(cluster)
    with account_of(file), contextlib.closing(cloud), _alone(own, name, tools.clock, tools.sleep):
        store = tools.store(cloud, cluster)
        ways = tools.ways(cloud, cluster, tools.environ, user=tools.user, on_event=tools.on_event)
        ca = write_authority(own, store)
        machines = ways.machines()

        def through(proxy: str, sentence: str, tunnel: str = "") -> tuple[EnvReport, bool]:
            access, answers = access_to(cluster, store, ca, proxy, ways, machines)
            report = replace(_report(cluster, name, access, tools, sentence), tunnel=tunnel)
            unheard = () if answers else (f"no server of {name} answers through it",)
            return replace(report, notes=(*unheard, *report.notes)), answers

        if proxy:
            return through(proxy, f"the environment's own proxy {proxy} leads into {name}")[0]
        before = None
        stays = f"stands until `toolkit cluster env {name} --stop`"
        if (kept := read_kept(own)) is not None:
            before = kept.port
        if kept is not None and kept.stands:
            report, answers = through(
                kept.proxy, f"the tunnel to {kept.instance} {stays}", kept.instance
            )
            if answers:
                return report
            end_kept(own)
        instance = ""

        def enter(way: Way, seconds: float) -> Tunnel:
            nonlocal instance
            instance = way.door.instance

            def record(tunnel: Tunnel) -> None:
                keep(own, tunnel, instance)

            return kept_tunnel(
                way.command,
                environ=programs_environment(ways.environ),
                log=own / "ssh.log",
                seconds=seconds,
                # Other shells know the port.
                port=before,
                clock=ways.clock,
                record=record,
            )

        keys = Keys(own / "key", own / "known_hosts")
        tunnel = first_way(cluster, machines, keys, ways, enter)
        return through(tunnel.proxy, f"a tunnel to {instance} {stays}", instance)[0]


def stop(folder: Path, name: str, tools: Tools) -> EnvReport:
    """End the tunnel of the environment, forget its key and CA, and unset what leads there."""
    cluster = name.removesuffix(REHEARSAL)
    project = need_project(folder)
    if why := wrong_name(cluster):
        raise RefusedError(f'the name "{cluster[:80]}" {why}')
    sentence = f"nothing stood for {name}"
    if cluster == name and end_way(project.root or folder, name, tools.clock, tools.sleep):
        sentence = f"the tunnel into {name} has ended"
    return EnvReport(cluster, name, "stopped", sentence, unset=_exported(name, tools.environ))


def end_way(
    root: Path, name: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> bool:
    """End the tunnel that stands for a cluster's shells, and forget its key and CA; if one stood.

    RefusedError while another command opens or ends it.
    """
    if not (root.resolve() / CLUSTERS / name).is_dir():
        return False
    own = private_folder(root, name)
    with _alone(own, name, clock, sleep):
        stood = end_kept(own)
        for each in ("key", "key-ssh", "ca.pem", "ssh.log"):
            (own / each).unlink(missing_ok=True)
    return stood


def exports(name: str, access: Access, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables that lead into an environment, for `toolkit`, `nomad` and `consul` alike.

    `environ`: the shell's. A proxy for HTTPS that is there already stays: others need it.
    """
    found = {
        reached.NAME: name,
        "NOMAD_ADDR": access.nomad,
        "NOMAD_CACERT": access.ca_file,
        "NOMAD_TOKEN": access.nomad_token,
        "CONSUL_HTTP_ADDR": access.consul,
        "CONSUL_HTTP_SSL": "true",
        "CONSUL_CACERT": access.ca_file,
        "CONSUL_HTTP_TOKEN": access.consul_token,
        reached.PROXY: access.proxy,
        reached.PRIVATE: access.edge.get("private", ""),
        "TOOLKIT_TRAEFIK_PASSWORD": access.traefik_password,
    }
    if not _own_proxy(environ):
        found[HTTPS] = access.proxy
        found["NO_PROXY"] = _direct(environ)
    return {key: value for key, value in found.items() if value}


def _own_proxy(environ: Mapping[str, str]) -> str:
    """The user's own proxy for HTTPS; empty where there is none, or one that we exported."""
    said = environ.get(HTTPS) or environ.get(HTTPS.lower()) or ""
    return "" if said == environ.get(reached.PROXY) else said


def _direct(environ: Mapping[str, str]) -> str:
    before = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    said = [each.strip() for each in before.split(",") if each.strip()]
    return ",".join(dict.fromkeys((*said, *DIRECT)))


def _exported(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What `exports` has put into the shell for this environment."""
    if environ.get(reached.NAME) != name:
        return ()
    proxied = () if _own_proxy(environ) else (HTTPS,)
    # One that has more in it was the shell's own before.
    direct = ("NO_PROXY",) if environ.get("NO_PROXY") == ",".join(DIRECT) else ()
    return tuple(each for each in (*EXPORTED, *proxied, *direct) if each in environ)


def _rehearsal(folder: Path, cluster: str, tools: Tools) -> EnvReport:
    own = open_cluster(folder, cluster).cluster
    access = read_access(places_of(need_project(folder), cluster))
    if access is None:
        raise RefusedError(
            f"the rehearsal of {cluster} does not run, or belongs to another user",
            hint=f"sudo toolkit cluster rehearse up {cluster}",
        )
    return _report(own, own.rehearsal, access, tools, "the rehearsal's own relay leads into it")


def _report(cluster: Cluster, name: str, access: Access, tools: Tools, sentence: str) -> EnvReport:
    notes = []
    if other := _own_proxy(tools.environ):
        notes.append(
            f"{HTTPS} is {other} and stays: nomad and consul need {HTTPS}={access.proxy} before"
            " them, toolkit does not"
        )
    unset = tuple(each for each in CONTRADICT if each in tools.environ)
    return EnvReport(
        cluster.name,
        name,
        "open",
        sentence,
        exports(name, access, tools.environ),
        unset,
        access.proxy,
        notes=tuple(notes),
    )


@contextlib.contextmanager
def _alone(
    folder: Path, name: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[None]:
    """No other command opens or ends the way at the same time; RefusedError after a while."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = clock() + SECONDS
    try:
        while not _locked(handle):
            if clock() >= end:
                raise RefusedError(
                    f"another command opens or ends the way into {name} right now",
                    hint="wait until it has ended, then again",
                )
            # A lock with a deadline offers nothing to block on.
            sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
