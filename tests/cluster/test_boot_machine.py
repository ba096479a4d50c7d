"""What the boot script does to a machine's disks and network, with the real programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.sandbox import Sandbox, sandbox
from toolkit.cluster.boot import boot_arguments
from toolkit.spec.cluster import Machine

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

MIB = 1024 * 1024
POOL = Machine("i-1", "worker", "eu-west-1b", pool="worker")
"""Of a pool whose machines have disks of their own."""


def with_disks(own: Sandbox) -> Sandbox:
    """Mounts are written down, and remembered, instead of done: a file stands for a disk."""
    own.program("mount", 'echo "mount $*" >>/opt/mounts\necho "${!#}" >>/opt/mounted')
    own.program("mountpoint", 'grep -qxF "$2" /opt/mounted 2>/dev/null')
    return own


def disk(own: Sandbox, name: str, content: bytes = b"", size: int = 8 * MIB) -> Path:
    path = own.opt / name
    with path.open("wb") as file:
        file.truncate(size)
        file.write(content)
    return path


def ext4(path: Path) -> bool:
    found = subprocess.run(["/usr/sbin/blkid", "-p", "-o", "value", "-s", "TYPE", str(path)],
                           capture_output=True, text=True)  # fmt: skip
    return found.stdout.strip() == "ext4"


def test_an_empty_volume_gets_a_file_system_once(tmp_path: Path) -> None:
    own = with_disks(sandbox(tmp_path / "m"))
    volume = disk(own, "volume")
    own.shell("echo /opt/volume >/opt/disks-data")
    assert own.run() == 0, own.log
    assert ext4(volume)
    made = volume.read_bytes()
    assert own.text("mounts").splitlines() == ["mount -o noatime /opt/volume /opt/state"]
    # The next machine of the slot finds what this one left.
    (own.opt / "mounted").unlink()
    assert own.run() == 0, own.log
    assert volume.read_bytes() == made


@pytest.mark.parametrize("at", [0, 4096, MIB - 1])
def test_a_volume_with_anything_on_it_is_left_as_it_is(tmp_path: Path, at: int) -> None:
    own = with_disks(sandbox(tmp_path / "m"))
    volume = disk(own, "volume", b"\0" * at + b"\x01")
    before = volume.read_bytes()
    own.shell("echo /opt/volume >/opt/disks-data")
    assert own.run() == 1
    reason = "/opt/volume has no file system and is not empty: it is left as it is"
    assert own.signals == [["failure", "Server1", reason]]
    assert volume.read_bytes() == before and own.text("mounts") == ""


@pytest.mark.parametrize(
    ("program", "does", "reason"),
    [
        # An error of reading is neither "nothing is there" nor "zeros are there".
        ("blkid", "exit 4", "what is on /opt/volume cannot be told (blkid said 4)"),
        ("blkid", "exit 8", "what is on /opt/volume cannot be told (blkid said 8)"),
        ("cmp", "exit 2", "/opt/volume has no file system and is not empty"),
    ],
)
def test_a_volume_that_cannot_be_read_is_never_formatted(
    tmp_path: Path, program: str, does: str, reason: str
) -> None:
    own = with_disks(sandbox(tmp_path / "m"))
    volume = disk(own, "volume")
    own.program(program, does)
    own.shell("echo /opt/volume >/opt/disks-data")
    assert own.run() == 1
    assert own.signals[0][2].startswith(reason)
    assert volume.read_bytes() == bytes(8 * MIB) and own.text("mounts") == ""


def test_a_volume_that_cannot_be_had_ends_the_start(tmp_path: Path) -> None:
    own = with_disks(sandbox(tmp_path / "m"))
    own.program("toolkit-disk", "exit 1")
    assert own.run() == 1
    assert own.signals == [["failure", "Server1", "the volume of server-1 cannot be had"]]
    assert "start" not in own.text("services")


def test_the_machines_own_disks_hold_containers_and_allocations(tmp_path: Path) -> None:
    own = with_disks(sandbox(tmp_path / "m", POOL))
    disks = [disk(own, "nvme1"), disk(own, "nvme2")]
    own.shell("printf '/opt/nvme1\\n/opt/nvme2\\n' >/opt/disks-ephemeral")
    assert own.run(*boot_arguments(own.cluster, "worker", "worker")) == 0, own.log
    assert own.text("mounts").splitlines() == [
        "mount -o noatime /opt/nvme1 /opt/scratch/0",
        "mount -o noatime /opt/nvme2 /opt/scratch/1",
        "mount --bind /opt/scratch/0/alloc /opt/state/nomad/alloc",
    ]
    daemon = machines.loaded(own.etc("/etc/docker/daemon.json").read_bytes())
    assert daemon["data-root"] == "/opt/scratch/1/docker"
    assert all(ext4(path) for path in disks)


def test_a_pool_that_should_have_disks_and_has_none_uses_its_root(tmp_path: Path) -> None:
    own = with_disks(sandbox(tmp_path / "m", POOL))
    assert own.run(*boot_arguments(own.cluster, "worker", "worker")) == 0, own.log
    assert own.text("mounts") == ""
    daemon = machines.loaded(own.etc("/etc/docker/daemon.json").read_bytes())
    assert daemon["data-root"] == "/var/lib/docker"


@pytest.mark.parametrize("machine", [machines.SERVER, machines.WORKER])
def test_disks_of_machines_that_did_not_ask_are_left_alone(
    tmp_path: Path, machine: Machine
) -> None:
    own = with_disks(sandbox(tmp_path / "m", machine))
    path = disk(own, "nvme1")
    own.shell("echo /opt/nvme1 >/opt/disks-ephemeral")
    own.program("toolkit-disk", 'echo "$*" >>/opt/asked\n[ "$1" != ephemeral ] || echo /opt/nvme1')
    assert own.run(*boot_arguments(own.cluster, machine.role, machine.pool)) == 0, own.log
    assert "ephemeral" not in own.text("asked")
    assert path.read_bytes() == bytes(8 * MIB)


# Tasks and the metadata address, in a network of their own.

NETWORK = """
unshare -n sleep 300 & cloud=$!
unshare -n sleep 300 & task=$!
until [ "$(readlink /proc/$cloud/ns/net)" != "$(readlink /proc/self/ns/net)" ] &&
  [ "$(readlink /proc/$task/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add wan0 type veth peer name eth0 netns $cloud
ip link add tasks0 type veth peer name eth0 netns $task
ip addr add 169.254.1.1/16 dev wan0
ip addr add 172.26.64.1/20 dev tasks0
ip link set wan0 up
ip link set tasks0 up
nsenter -t $cloud -n ip addr add 169.254.169.254/16 dev eth0
nsenter -t $cloud -n ip addr add 169.254.169.253/16 dev eth0
nsenter -t $cloud -n ip link set eth0 up
nsenter -t $cloud -n ip route add 172.26.64.0/20 via 169.254.1.1
nsenter -t $task -n ip addr add 172.26.64.2/20 dev eth0
nsenter -t $task -n ip link set eth0 up
nsenter -t $task -n ip route add default via 172.26.64.1
echo 1 >/proc/sys/net/ipv4/ip_forward
cat >/opt/answer.py <<'E'
import socketserver
class Hello(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"credentials")
socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("0.0.0.0", 80), Hello) as server:
    open("/opt/answers", "w").close()
    server.serve_forever()
E
nsenter -t $cloud -n /usr/bin/python3 -SE /opt/answer.py &
until [ -e /opt/answers ]; do sleep 0.02; done
cat >/opt/reach <<'E'
read -r -N 11 said <"/dev/tcp/$1/80" && [ "$said" = credentials ]
E
reach() {
  local verdict=no who=$1 address=$2
  shift 2
  ! "$@" timeout 5 bash /opt/reach "$address" || verdict=yes
  echo "$who $address $verdict"
}
everybody() {
  reach root 169.254.169.254 &
  local asked=$!
  reach task 169.254.169.253 nsenter -t $task -n & asked="$asked $!"
  reach task 169.254.169.254 nsenter -t $task -n & asked="$asked $!"
  reach user 169.254.169.253 setpriv --reuid 65534 --clear-groups & asked="$asked $!"
  reach user 169.254.169.254 setpriv --reuid 65534 --clear-groups & asked="$asked $!"
  wait $asked
}
everybody >/opt/before
"""


@pytest.mark.parametrize(("machine", "user"), [(machines.WORKER, "no"), (machines.CONTROL, "yes")])
def test_tasks_do_not_reach_the_machines_credentials(
    tmp_path: Path, machine: Machine, user: str
) -> None:
    own = sandbox(tmp_path / "m", machine)
    (own.opt / "toolkit" / "boot").write_bytes(own.script)
    arguments = " ".join(boot_arguments(own.cluster, machine.role, machine.pool))
    lines = f"{NETWORK}\nbash /opt/toolkit/boot {arguments} || exit 9\neverybody >/opt/after"
    assert own.shell(lines) == 0, own.log
    everybody = ["root 169.254.169.254", "task 169.254.169.253", "task 169.254.169.254",
                 "user 169.254.169.253", "user 169.254.169.254"]  # fmt: skip
    # Without the rules everybody does: the network of this test would show it.
    assert sorted(own.text("before").splitlines()) == [f"{who} yes" for who in everybody], own.log
    verdicts = ("yes", "yes", "no", "yes", user)
    assert sorted(own.text("after").splitlines()) == [
        f"{who} {verdict}" for who, verdict in zip(everybody, verdicts, strict=True)
    ]


def test_the_rules_stand_before_those_that_others_add(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m", machines.WORKER)
    (own.opt / "toolkit" / "boot").write_bytes(own.script)
    arguments = " ".join(boot_arguments(own.cluster, "worker", "frontend"))
    boot = f"bash /opt/toolkit/boot {arguments} || exit 9"
    others = "iptables -t mangle -I FORWARD 1 -j ACCEPT; iptables -I FORWARD 1 -j ACCEPT"
    lines = (
        f"{boot}\niptables -t mangle -D FORWARD 1\n{others}\n{boot}\niptables -t mangle -S FORWARD"
    )
    assert own.shell(lines) == 0, own.log
    rules = [line for line in own.log.splitlines() if line.startswith("-A FORWARD")]
    assert rules == ["-A FORWARD -d 169.254.169.254/32 -j DROP", "-A FORWARD -j ACCEPT"]


HELPER = "ec2-instance-connect"
"""As who sshd asks the metadata address for keys that were let in for a minute."""
CLOSED = "-A OUTPUT -d 169.254.169.254/32 -m owner ! --uid-owner 0 -j DROP"
OPEN = "-A OUTPUT -d 169.254.169.254/32 -m owner --uid-owner 990 -j ACCEPT"


@pytest.mark.parametrize(
    ("machine", "expected"), [(machines.SERVER, [OPEN, CLOSED]), (machines.WORKER, [CLOSED])]
)
def test_people_are_let_in_at_servers_where_no_task_could_take_the_helpers_place(
    tmp_path: Path, machine: Machine, expected: list[str]
) -> None:
    own = sandbox(tmp_path / "m", machine)
    (own.opt / "toolkit" / "boot").write_bytes(own.script)
    arguments = " ".join(boot_arguments(own.cluster, machine.role, machine.pool))
    boot = f"bash /opt/toolkit/boot {arguments} || exit 9"
    user = f"echo '{HELPER}:x:990:990::/:/sbin/nologin' >>/etc/passwd"
    assert own.shell(f"{user}\n{boot}\n{boot}\niptables -t mangle -S OUTPUT") == 0, own.log
    assert [line for line in own.log.splitlines() if line.startswith("-A OUTPUT")] == expected
