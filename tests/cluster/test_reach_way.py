"""A way into a cluster: through a real ssh and sshd, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster.sshd import Programs, Sshd
from tests.cluster.test_tunnel_process import running
from tests.cluster.test_tunnel_process import site as site
from toolkit.clients.socks import connect
from toolkit.clients.tunnel_command import Keys
from toolkit.cluster.secrets import make_secrets, read_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.config.clusterfile import load_cluster
from toolkit.config.tree import FolderTree
from toolkit.errors import InvalidRequestError, RefusedError, UnreachableError
from toolkit.spec.aws import InstanceView
from toolkit.spec.cluster import Cluster
from toolkit.spec.events import Event
from toolkit.workflows.cluster.reach import (
    Ways,
    edges,
    need_programs,
    programs_environment,
    reach,
    server_doors,
)
from toolkit.workflows.cluster.ssh import choose, door_of

CLUSTER = """\
region = "eu-west-1"
[pools.frontend]
type = "t3.small"
[domain]
public = "shop.example"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
BASTION = """\
[bastion]
allowed = ["198.51.100.0/24"]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me"]
"""


def machine(
    name: str, address: str, *, state: str = "running", public: str = "", **tags: str
) -> InstanceView:
    found = {f"toolkit:{key}": value for key, value in tags.items()}
    return InstanceView(name, state, "t3.small", "eu-west-1a", address, public, tags=found)


MACHINES = (
    machine("i-f1", "10.42.0.32", role="worker", pool="frontend"),
    machine("i-s2", "10.42.32.12", role="server", slot="server-2"),
    machine("i-s1", "10.42.0.11", role="server", slot="server-1"),
    machine("i-c1", "10.42.0.33", role="control", pool="control"),
    machine("i-b1", "10.42.192.5", public="127.0.0.1", role="bastion"),
)


def made(folder: Path, text: str = CLUSTER) -> Cluster:
    (folder / "clusters").mkdir(exist_ok=True)
    (folder / "clusters" / "prod.toml").write_text(text)
    return load_cluster(FolderTree(folder), "prod").cluster


@dataclass
class World:
    """A project, its cluster's secrets, and how sshd is reached."""

    root: Path
    sshd: Sshd
    programs: Programs
    machines: Sequence[InstanceView] = MACHINES
    events: list[Event] = field(default_factory=list)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.root / "store")

    def send(self, instance: str, zone: str, user: str, key: str) -> None:
        self.sent.append((instance, zone, user))
        if said := self.refuses.get(instance):
            raise InvalidRequestError(said, system="AWS")
        self.sshd.let_in(key)

    def ways(self, more: Mapping[str, str] | None = None, *, seconds: float = 30.0) -> Ways:
        environ = {**self.programs.environ, **(more or {})}
        return Ways(
            lambda: self.machines, self.send, environ, user="root", seconds=seconds,
            on_event=self.events.append, sleep=lambda _: None,
        )  # fmt: skip


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Sshd:
    return Sshd.made(tmp_path_factory.mktemp("sshd"))


@pytest.fixture
def world(tmp_path: Path, sshd: Sshd) -> World:
    sshd.forget()
    # Blanks and percent signs are in people's folders.
    root = tmp_path / "50% of it"
    root.mkdir()
    world = World(root, sshd, Programs.made(tmp_path / "bin", sshd))
    make_secrets(world.store, made(root), datetime(2026, 11, 23, tzinfo=UTC))
    return world


def asked(proxy: str, place: tuple[str, int]) -> bytes:
    with connect(urlsplit(proxy), place, 20.0) as open_:
        open_.sendall(b"GET / HTTP/1.0\r\n\r\n")
        said = b""
        while got := open_.recv(4096):
            said += got
    return said


def left(world: World) -> list[str]:
    """Files of the way in, without what is remembered of host keys."""
    own = world.root / ".toolkit" / "cluster" / "prod"
    return sorted(each.name for each in own.iterdir() if each.name != "known_hosts")


def test_requests_go_through_the_first_server_and_nothing_is_left(
    world: World, site: tuple[str, int]
) -> None:
    cluster = made(world.root)
    with reach(cluster, world.root, world.store, proxy=None, ways=world.ways()) as access:
        assert asked(access.proxy, site).endswith(b"hello")
        secrets = read_secrets(world.store, cluster)
        assert Path(access.ca_file).read_text() == secrets["ca/cert"].reveal()
        own = world.root / ".toolkit" / "cluster" / "prod"
        assert [each.stat().st_mode & 0o777 for each in (own, own.parent)] == [0o700, 0o700]
        [key] = own.glob("way-*/key")
        assert key.stat().st_mode & 0o777 == 0o600
    assert (access.nomad, access.consul) == (
        "https://server-1.prod.internal:4646", "https://server-1.prod.internal:8501",
    )  # fmt: skip
    assert access.edge == {
        "public": "http://prod.shop.example", "private": "http://10.42.0.32:8081",
    }  # fmt: skip
    assert access.nomad_token == secrets["ca/bootstrap/nomad"].reveal()
    assert access.consul_token == secrets["ca/bootstrap/operator"].reveal()
    assert world.sent == [("i-s1", "eu-west-1a", "root")]
    assert [event.text.partition(" at ")[0] for event in world.events] == [
        "a tunnel through SSM to i-s1,"
    ]
    assert left(world) == []
    assert (world.root / ".toolkit" / ".gitignore").read_text() == "*\n"


def test_no_secret_is_in_an_argument_or_in_what_programs_see(world: World) -> None:
    cluster = made(world.root)
    more = {
        "NOMAD_TOKEN": "11111111-2222-3333-4444-555555555555", "TOOLKIT_PROXY": "socks5h://x:1",
        "HTTPS_PROXY": "socks5h://x:1", "AWS_PROFILE": "shop", "TOOLKIT_TRAEFIK_PASSWORD": "s",
    }  # fmt: skip
    with reach(cluster, world.root, world.store, proxy=None, ways=world.ways(more)):
        shown = subprocess.run(
            ["ps", "-eo", "args="], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    secrets = [each.reveal() for each in read_secrets(world.store, cluster).values()]
    assert not [each for each in secrets if each in shown]
    [seen] = world.programs.environments
    assert seen["AWS_PROFILE"] == "shop"
    assert not {"NOMAD_TOKEN", "TOOLKIT_PROXY", "HTTPS_PROXY", "TOOLKIT_TRAEFIK_PASSWORD"} & {*seen}
    assert not [each for each in secrets if each in str(seen)]


def test_somebody_elses_proxy_is_left_to_the_programs() -> None:
    environ = {"HTTPS_PROXY": "http://office:3128", "TOOLKIT_PROXY": "socks5h://x:1", "PATH": "p"}
    assert programs_environment(environ) == {"HTTPS_PROXY": "http://office:3128", "PATH": "p"}


def test_a_proxy_of_ones_own_needs_no_program(world: World) -> None:
    ways = world.ways({"PATH": ""})
    proxy = "socks5h://127.0.0.1:9"
    with reach(made(world.root), world.root, world.store, proxy=proxy, ways=ways) as access:
        assert access.proxy == "socks5h://127.0.0.1:9"
    assert (world.sent, world.programs.calls(), left(world)) == ([], [], [])


def test_the_next_server_is_tried_when_one_lets_nobody_in(
    world: World, site: tuple[str, int]
) -> None:
    world.refuses = {"i-s1": "ec2-instance-connect:SendSSHPublicKey: i-s1 is in no valid state"}
    with reach(made(world.root), world.root, world.store, proxy=None, ways=world.ways()) as access:
        assert asked(access.proxy, site).endswith(b"hello")
    assert [each[0] for each in world.sent] == ["i-s1", "i-s2"]
    assert world.programs.calls()[-1][5] == "i-s2"


def test_of_every_server_is_said_why_not(world: World) -> None:
    world.refuses = {"i-s1": "not this one"}
    world.programs.put("aws", does="An error occurred (TargetNotConnected): i-s2 is not connected")
    with (
        pytest.raises(UnreachableError) as caught,
        reach(made(world.root), world.root, world.store, proxy=None, ways=world.ways()),
    ):
        pytest.fail("it is open")
    assert caught.value.message.startswith("no way into prod: i-s1: not this one; i-s2: no tunnel:")
    assert "TargetNotConnected" in caught.value.message
    assert "SSM agent" in str(caught.value.hint)
    assert left(world) == []


def test_a_mute_server_has_its_part_of_the_time_there_is(world: World) -> None:
    world.programs.put("aws", does="mute")
    with (
        pytest.raises(UnreachableError, match="i-s1: no tunnel within 1 s") as caught,
        reach(made(world.root), world.root, world.store, proxy=None, ways=world.ways(seconds=2.0)),
    ):
        pytest.fail("it is open")
    assert caught.value.message.startswith("no way into prod: ")
    assert not running(Keys(world.root / ".toolkit", world.root))


def test_without_servers_there_is_nobody_to_go_through(world: World) -> None:
    world.machines = [machine("i-s1", "", state="pending", role="server", slot="server-1")]
    with (
        pytest.raises(UnreachableError, match="no server of prod runs in eu-west-1") as caught,
        reach(made(world.root), world.root, world.store, proxy=None, ways=world.ways()),
    ):
        pytest.fail("it is open")
    assert "toolkit cluster status prod" in str(caught.value.hint)


def test_a_cluster_that_was_never_made_has_no_secrets(world: World) -> None:
    empty = FolderStore(world.root / "none")
    with (
        pytest.raises(RefusedError, match="ca/cert is not there"),
        reach(made(world.root), world.root, empty, proxy=None, ways=world.ways()),
    ):
        pytest.fail("it is open")
    assert (world.sent, left(world)) == ([], [])


@pytest.mark.parametrize("name", ["aws", "session-manager-plugin"])
def test_a_program_that_is_missing_is_named_with_where_it_is_had(world: World, name: str) -> None:
    (world.programs.folder / name).unlink()
    only = world.root / "only"
    only.mkdir()
    (only / "ssh").symlink_to(str(shutil.which("ssh")))
    path = f"{world.programs.folder}:{only}"
    with (
        pytest.raises(RefusedError, match=f"a way into prod needs {name} on PATH") as caught,
        reach(
            made(world.root), world.root, world.store, proxy=None, ways=world.ways({"PATH": path})
        ),
    ):
        pytest.fail("it is open")
    assert "docs.aws.amazon.com" in str(caught.value.hint)
    assert "[environments.prod]" in str(caught.value.hint)


def test_all_that_are_missing_are_named_at_once_and_a_bastion_needs_less() -> None:
    with pytest.raises(RefusedError, match="ssh and aws and session-manager-plugin"):
        need_programs("prod", {}, bastion=False)
    with pytest.raises(RefusedError, match="needs ssh on PATH"):
        need_programs("prod", {"PATH": ""}, bastion=True)


def test_through_the_bastion_a_machine_is_reached_with_a_key_of_its_own(
    world: World, tmp_path: Path, site: tuple[str, int]
) -> None:
    cluster = made(world.root, CLUSTER + BASTION)
    # The inner ssh leads to the bastion; here it is the machine's own sshd at once.
    ssh = str(shutil.which("ssh"))
    world.programs.put("ssh", becomes=world.sshd.command, real=ssh)
    with reach(cluster, world.root, world.store, proxy=None, ways=world.ways()) as access:
        assert asked(access.proxy, site).endswith(b"hello")
    outer, inner = world.programs.calls("ssh")
    assert outer[-1] == "root@10.42.0.11"
    assert inner[-3:] == ["-W", "10.42.0.11:22", "root@127.0.0.1"]
    own = world.root / ".toolkit" / "cluster" / "prod"
    assert f'UserKnownHostsFile="{str(own / "known_hosts").replace("%", "%%")}"' in inner
    assert world.programs.calls() == []


def test_a_tunnel_ends_with_an_error_of_its_block_too(world: World) -> None:
    with (
        pytest.raises(RefusedError, match="no"),
        reach(made(world.root), world.root, world.store, proxy=None, ways=world.ways()),
    ):
        raise RefusedError("no")
    assert left(world) == []
    assert not running(Keys(world.root / ".toolkit", world.root))


def test_what_a_killed_command_left_is_removed_and_a_running_ones_is_not(world: World) -> None:
    own = world.root / ".toolkit" / "cluster" / "prod"
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    names = [f"way-{ended.pid}-a", f"way-{os.getpid()}-b", "way-mine"]
    for each in names:
        (own / each).mkdir(parents=True)
        (own / each / "key").write_text("x")
    proxy = "socks5h://127.0.0.1:9"
    with reach(made(world.root), world.root, world.store, proxy=proxy, ways=world.ways()):
        pass
    assert left(world) == sorted(names[1:])


def test_edges_are_what_the_file_and_the_machines_say(tmp_path: Path) -> None:
    cluster = made(tmp_path)
    assert edges(cluster, ()) == {"public": "http://prod.shop.example"}
    older = datetime(2026, 1, 1, tzinfo=UTC)
    machines = [
        InstanceView("i-1", "running", "t", "z", "10.0.0.1", launched=older.replace(year=2027),
                     tags={"toolkit:pool": "frontend"}),
        InstanceView("i-2", "running", "t", "z", "10.0.0.2", launched=older,
                     tags={"toolkit:pool": "frontend"}),
    ]  # fmt: skip
    assert edges(cluster, machines)["private"] == "http://10.0.0.2:8081"


def test_servers_are_tried_in_the_order_of_their_slots(tmp_path: Path) -> None:
    doors = server_doors(made(tmp_path), MACHINES, "me")
    assert [(door.instance, door.user, door.jump) for door in doors] == [
        ("i-s1", "me", None), ("i-s2", "me", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("server-2", "i-s2"), ("control", "i-c1"), ("frontend", "i-f1"), ("i-f1", "i-f1"),
        ("bastion", "i-b1"),
    ],
)  # fmt: skip
def test_a_machine_goes_by_slot_pool_or_id(tmp_path: Path, wanted: str, found: str) -> None:
    cluster = made(tmp_path, CLUSTER + BASTION)
    assert choose(cluster, MACHINES, wanted).id == found


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("server-3", "no machine of server-3 runs in prod", "toolkit cluster status prod"),
        ("server2", 'prod has no machine "server2"', "server-2"),
        ("i-0123", 'prod has no machine "i-0123"', "known: control, frontend, server-1"),
        ("bastion", 'prod has no machine "bastion"', "control"),
    ],
)
def test_a_machine_that_is_not_there_is_said(
    tmp_path: Path, wanted: str, message: str, hint: str
) -> None:
    machines = [each for each in MACHINES if each.id != "i-b1"]
    with pytest.raises(RefusedError) as caught:
        choose(made(tmp_path), machines, wanted)
    assert caught.value.message == message
    assert hint in str(caught.value.hint)


def test_only_servers_are_entered_through_the_bastion(tmp_path: Path) -> None:
    cluster = made(tmp_path, CLUSTER + BASTION)

    def jump(name: str, *, ssm: bool = False) -> bool:
        chosen = choose(cluster, MACHINES, name)
        return door_of(cluster, MACHINES, chosen, "me", ssm=ssm).jump is not None

    assert [jump(each) for each in ("server-1", "frontend", "control")] == [True, False, False]
    assert not jump("server-1", ssm=True)
