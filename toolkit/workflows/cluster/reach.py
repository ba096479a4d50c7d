"""A way into a cluster: its CA and tokens from the store, and a proxy that dials from inside.

Where `[environments.NAME]` has a `proxy` (a VPN's, a test's), that is the way. Otherwise `ssh`
makes one: a SOCKS proxy on loopback whose other end is a server, because security groups let only
servers ask all the others. The connection goes through SSM, or through the bastion where there is
one; its key is made for it alone, and EC2 Instance Connect lets it in for a minute.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.machines import Machines
from toolkit.clients.tunnel import Tunnel, held_tunnel, identity
from toolkit.clients.tunnel_command import AWS, PLUGIN, SSH, Door, Jump, Keys, tunnel_command
from toolkit.clients.tunnel_key import make_key
from toolkit.clients.tunnel_record import read_kept
from toolkit.cluster.bootstrap.rights import TRAEFIK_USER
from toolkit.cluster.network import slots
from toolkit.cluster.secrets import needed
from toolkit.cluster.secrets.store import Store
from toolkit.cluster.template.forms import POOL_TAG, ROLE_TAG, SLOT_TAG
from toolkit.config.cluster_environment import entrance
from toolkit.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from toolkit.spec.aws import InstanceView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.events import Event, OnEvent, ignore
from toolkit.spec.target import Secret, Visibility
from toolkit.workflows.cluster.servers import ANSWER, Servers, Sleep, consul_address, nomad_address

CLUSTERS = ".toolkit/cluster"
"""Folder in the project; each cluster has one of its name in it, its owner's alone."""
USER = "ec2-user"
"""Who people are on a machine: of Amazon Linux."""
SECONDS = 60.0
"""Until a tunnel stands, all machines that are tried together."""
_WAY = "way-"
"""Begins the name of the folder of a command that has a way in; its process id follows."""
PROXY_VARIABLE = "TOOLKIT_PROXY"
"""Environment variable that says how a cluster's addresses are reached."""
_OURS = ("NOMAD_", "CONSUL_", "KICK_", "HOOK_", "TOOLKIT_", "VAULT_")
"""Variables that no other program needs to be handed: tokens among them."""
_GET = {
    "ssh": "OpenSSH's client, a package of every system",
    "aws": "the AWS CLI, version 2: docs.aws.amazon.com/cli",
    "session-manager-plugin": "the AWS CLI's plugin for sessions:"
    " docs.aws.amazon.com/systems-manager, Session Manager plugin",
}

SendKey = Callable[[str, str, str, str], None]
"""Instance, zone, user, public key."""


@dataclass(frozen=True)
class Ways:
    """What `reach` is handed to get in: whom to ask, the programs' environment, clocks."""

    machines: Callable[[], Sequence[InstanceView]]
    """All of the cluster's that are not terminated."""
    send_key: SendKey
    """Lets a key in at a machine for a minute."""
    environ: Mapping[str, str] = field(repr=False)
    user: str = USER
    seconds: float = SECONDS
    on_event: OnEvent = ignore
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = time.sleep
    answer: float = ANSWER
    """Seconds that a server has to say that it is there."""
    now: Callable[[], float] = time.time

    def say(self, text: str) -> None:
        """Tell it."""
        self.on_event(Event("start", text, self.now()))


def ways_of(
    cloud: Cloud,
    cluster: Cluster,
    environ: Mapping[str, str],
    *,
    user: str = USER,
    on_event: OnEvent = ignore,
) -> Ways:
    """Through the account's own API; `environ` is the command's."""
    machines = Machines(cloud)
    return Ways(
        lambda: machines.instances(cluster.name),
        machines.send_key,
        environ,
        user=user,
        on_event=on_event,
    )


@contextlib.contextmanager
def reach(
    cluster: Cluster, root: Path, store: Store, *, proxy: str | None, ways: Ways
) -> Iterator[Access]:
    """How a cluster is reached, while the block lasts; nothing of it is left afterwards.

    The tunnel that `cluster env` keeps is used while it stands.
    `root`: the project's folder; `proxy`: of its environment. RefusedError where secrets or
    programs are missing, UnreachableError with ssh's own words where there is no way in.
    """
    own = private_folder(root, cluster.name)
    sweep(own)
    with (
        tempfile.TemporaryDirectory(prefix=f"{_WAY}{os.getpid()}-", dir=own) as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        ca = write_authority(folder, store)
        machines = ways.machines()
        kept = None if proxy else read_kept(own)
        if kept is not None and kept.stands:
            access, answers = access_to(cluster, store, ca, kept.proxy, ways, machines)
            if answers:
                yield access
                return
        if not proxy:
            opened = stack.enter_context(_tunnel(cluster, machines, folder, own, ways))
            proxy = opened.proxy
        yield access_to(cluster, store, ca, proxy, ways, machines)[0]


@contextlib.contextmanager
def _tunnel(
    cluster: Cluster, machines: Sequence[InstanceView], folder: Path, own: Path, ways: Ways
) -> Iterator[Tunnel]:
    """A tunnel to the first server that lets us in."""
    with contextlib.ExitStack() as stack:

        def enter(way: Way, seconds: float) -> Tunnel:
            opened = held_tunnel(
                way.command,
                environ=programs_environment(ways.environ),
                log=folder / "ssh.log",
                seconds=seconds,
                clock=ways.clock,
            )
            return stack.enter_context(opened)

        yield first_way(cluster, machines, Keys(folder / "key", own / "known_hosts"), ways, enter)


@dataclass(frozen=True, slots=True)
class Way:
    """One server, and how a tunnel to it begins."""

    door: Door
    keys: Keys

    def command(self, port: int) -> tuple[str, ...]:
        """The command line for a port on loopback."""
        return tunnel_command(self.door, self.keys, port)


def first_way(
    cluster: Cluster,
    machines: Sequence[InstanceView],
    keys: Keys,
    ways: Ways,
    enter: Callable[[Way, float], Tunnel],
) -> Tunnel:
    """Try the servers in turn; `enter` opens a tunnel within so many seconds.

    RefusedError where a program is missing or nobody is there, UnreachableError with what was said
    of each.
    """
    doors = server_doors(cluster, machines, ways.user)
    need_programs(cluster.name, ways.environ, bastion=bool(doors and doors[0].jump))
    if not doors:
        raise UnreachableError(
            f"no server of {cluster.name} runs in {cluster.region}",
            system="AWS",
            hint=f"toolkit cluster status {cluster.name} says how it stands",
        )
    end, said, hint = ways.clock() + ways.seconds, [], None
    for at, door in enumerate(doors):
        left = end - ways.clock()
        if left <= 0:
            break
        way = Way(door, keys)
        try:
            let_in(door, machines, keys, ways)
            # What one has not got in its part of the time, another may get at once.
            opened = enter(way, left / (len(doors) - at))
        except (UnreachableError, InvalidRequestError, NotFoundError, ConflictError) as error:
            said.append(f"{door.instance}: {error.message}")
            hint = hint or error.hint
            continue
        through = "the bastion" if door.jump else "SSM"
        ways.say(f"a tunnel through {through} to {door.instance}, at {opened.proxy}")
        return opened
    raise UnreachableError(
        f"no way into {cluster.name}: {'; '.join(said)}", system="SSH", hint=hint
    )


def let_in(door: Door, machines: Sequence[InstanceView], keys: Keys, ways: Ways) -> None:
    """Make a key and let it in at the machine, for a minute."""
    zone = next(each.zone for each in machines if each.id == door.instance)
    ways.send_key(door.instance, zone, door.user, make_key(keys.identity))


def server_doors(cluster: Cluster, machines: Sequence[InstanceView], user: str) -> tuple[Door, ...]:
    """The running servers, in the order of their slots."""
    found = [each for each in machines if each.state == "running" and each.tags.get(SLOT_TAG)]
    found.sort(key=lambda each: each.tags[SLOT_TAG])
    jump = bastion_jump(cluster, machines, user)
    return tuple(Door(each.id, each.address, user, cluster.region, jump) for each in found)


def bastion_jump(cluster: Cluster, machines: Sequence[InstanceView], user: str) -> Jump | None:
    """The bastion, where the file says one and it runs; without it there is SSM."""
    if cluster.bastion is None:
        return None
    for each in machines:
        if each.tags.get(ROLE_TAG) == "bastion" and each.state == "running":
            return Jump(each.id, user, each.public_address) if each.public_address else None
    return None


def need_programs(name: str, environ: Mapping[str, str], *, bastion: bool) -> None:
    """RefusedError that names the programs that are not on PATH, and where they are had.

    `bastion`: the way is through that; otherwise it is through SSM.
    """
    needs = (SSH,) if bastion else (SSH, AWS, PLUGIN)
    missing = [each for each in needs if not shutil.which(each, path=environ.get("PATH", ""))]
    if missing:
        raise RefusedError(
            f"a way into {name} needs {' and '.join(missing)} on PATH",
            hint="; ".join(f"{each}: {_GET[each]}" for each in missing)
            + f"; or say a proxy of your own under [environments.{name}]",
        )


def programs_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What ssh and AWS's programs see: all but what is of a cluster, and a proxy that leads there.

    The proxy may be that of a tunnel that has ended, and is the way for nothing but the cluster.
    """
    ours = environ.get(PROXY_VARIABLE)
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_OURS) and not (name.upper() == "HTTPS_PROXY" and value == ours)
    }


def private_folder(root: Path, name: str) -> Path:
    """The folder of a cluster in the project, readable by its owner only; made where it is not."""
    folder = root.resolve() / CLUSTERS / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.parent.chmod(0o700)
        folder.chmod(0o700)
        ignore_file = folder.parent.parent / ".gitignore"
        if not ignore_file.exists():
            ignore_file.write_text("*\n")
    except OSError as exc:
        raise RefusedError(
            f"{exc.filename or folder} cannot be made: {exc.strerror or exc}",
            hint="check that the project's folder is yours and that the disk has room",
        ) from exc
    return folder


def sweep(folder: Path) -> None:
    """Remove what commands left that were killed: their keys, of no use to anybody any more."""
    for left in folder.glob(f"{_WAY}*"):
        pid = left.name.removeprefix(_WAY).partition("-")[0]
        if pid.isdigit() and not identity(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def write_authority(folder: Path, store: Store) -> Path:
    """The certificate that all others are signed with, as a file."""
    path = folder / "ca.pem"
    part = folder / f".ca.pem.{os.getpid()}.part"
    text = secret_of(store, needed.AUTHORITY).reveal()
    try:
        part.write_text(text)
        part.replace(path)
    except OSError as exc:
        raise RefusedError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc
    return path


def access_to(
    cluster: Cluster,
    store: Store,
    ca: Path,
    proxy: str,
    ways: Ways,
    machines: Sequence[InstanceView],
) -> tuple[Access, bool]:
    """Addresses and tokens of the operator, at the first server that answers through the proxy.

    Where none does, at the first one, and False: a cluster that begins is asked again.
    """
    management = {
        name: secret_of(store, name) for name in (needed.CONSUL_MANAGEMENT, needed.NOMAD_MANAGEMENT)
    }
    first = slots(cluster)[0].host
    access = Access(
        nomad=nomad_address(first),
        consul=consul_address(first),
        proxy=proxy,
        ca_file=str(ca),
        nomad_token=management[needed.NOMAD_MANAGEMENT].reveal(),
        consul_token=secret_of(store, needed.OPERATOR).reveal(),
        traefik_user=TRAEFIK_USER,
        traefik_password=secret_of(store, needed.TRAEFIK_API).reveal(),
        edge=edges(cluster, machines),
    )
    with Servers(cluster, access, management, sleep=ways.sleep, answer=ways.answer) as asked:
        host = asked.answering()
    if not host:
        return access, False
    return replace(access, nomad=nomad_address(host), consul=consul_address(host)), True


def edges(cluster: Cluster, machines: Sequence[InstanceView]) -> Mapping[Visibility, str]:
    """Where requests enter: the balancer by its name, Traefik's inner entrance on one machine."""
    found: dict[Visibility, str] = {}
    if (public := entrance(cluster)) is not None:
        found["public"] = public
    for each in sorted(machines, key=lambda each: (str(each.launched), each.id)):
        if each.tags.get(POOL_TAG) == cluster.edge.pool and each.state == "running":
            found["private"] = f"http://{each.address}:{cluster.edge.private_port}"
            break
    return found


def secret_of(store: Store, name: str) -> Secret:
    """A secret; RefusedError where the cluster has none."""
    value = store.get(name)
    if value is None:
        raise RefusedError(
            f"the secret {name} is not there: this cluster was never brought up",
            hint="toolkit cluster up makes secrets before machines",
        )
    return value
