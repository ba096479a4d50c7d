"""The boot script, run as a machine's start: what it writes, starts, tells, and never shows."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import pytest

from tests.cluster import machines
from tests.cluster.sandbox import PROGRAMS, Sandbox, archive, canaries, sandbox, watch_programs
from toolkit.cluster.boot import (
    boot_arguments,
    boot_parameters,
    boot_script,
    script_digest,
    user_data,
)
from toolkit.cluster.config import agent_files, first_files, places, secret_files
from toolkit.cluster.secrets import secrets_of
from toolkit.spec.cluster import Download, Machine, Release

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

LEAVES = ("/etc/consul.d/15-first.json", "/etc/nomad.d/15-first.json")


def arguments(own: Sandbox) -> tuple[str, ...]:
    return boot_arguments(own.cluster, own.machine.role, own.machine.pool)


def expected(own: Sandbox) -> dict[str, bytes]:
    """What `toolkit.cluster.config` says that the machine's agents read."""
    role = own.machine.role
    names = secrets_of(own.cluster, role)
    return {
        **agent_files(own.cluster, own.machine),
        **first_files(role),
        **secret_files(role, {name: own.secrets[name] for name in names}),
    }


def late_once(own: Sandbox, agent: str) -> Sandbox:
    """The same machine, whose time is over as soon as the agent was started."""
    patience = b'[ "$SECONDS" -lt "$limit" ]'
    assert own.script.count(patience) == 1
    own.script = own.script.replace(patience, b"[ ! -e /opt/late ]")
    late = f'\n[ "$1 $2" != "start {agent}" ] || touch /opt/late'
    own.program("toolkit-service", f"({PROGRAMS['toolkit-service']}){late}")
    return own


@pytest.fixture(params=["server", "worker", "control"])
def machine(request: pytest.FixtureRequest) -> Machine:
    found = {"server": machines.SERVER, "worker": machines.WORKER, "control": machines.CONTROL}
    return found[request.param]


def test_the_agents_read_byte_for_byte_what_the_configuration_room_says(
    tmp_path: Path, machine: Machine
) -> None:
    own = sandbox(tmp_path / "m", machine)
    assert own.run(*arguments(own)) == 0, own.log
    wanted = expected(own)
    written = {path: own.etc(path).read_bytes() for path in wanted}
    assert written == wanted
    agents = [places.CONSUL, places.NOMAD]
    there = {
        f"/etc/{path.relative_to(own.folder / 'etc')}"
        for folder in agents
        for path in own.etc(folder).rglob("*")
        if path.is_file()
    }
    assert there == set(wanted)
    assert all(own.etc(path).stat().st_mode & 0o077 == 0 for path in wanted)
    # The user of the kick server's image, and nobody else, has a place on the control machine.
    kick = own.opt / "state" / "kick"
    assert kick.exists() == (machine.role == "control")
    assert not kick.exists() or (kick.stat().st_uid, kick.stat().st_mode & 0o777) == (65532, 0o700)
    hook = own.opt / "state" / "hook"
    assert hook.exists() == (machine.role == "control")
    assert not hook.exists() or (hook.stat().st_uid, hook.stat().st_mode & 0o777) == (0, 0o700)


def test_a_start_tells_the_stack_once_and_starts_consul_before_nomad(
    tmp_path: Path, machine: Machine
) -> None:
    own = sandbox(tmp_path / "m", machine)
    assert own.run(*arguments(own)) == 0, own.log
    group = {"server": "Server1", "worker": "PoolFrontend", "control": "PoolControl"}
    assert own.signals == [["success", group[machine.role], f"{machine.name} is in"]]
    kind = "confined" if machine.role == "server" else "open"
    services = [line for line in own.text("services").splitlines() if line.startswith("start")]
    assert services == [
        "start consul confined /opt/toolkit/bin/consul agent -config-dir=/etc/consul.d",
        f"start nomad {kind} /opt/toolkit/bin/nomad agent -config=/etc/nomad.d",
    ]


def test_a_worker_gets_an_engine_and_a_server_none(tmp_path: Path) -> None:
    worker, server = sandbox(tmp_path / "w", machines.WORKER), sandbox(tmp_path / "s")
    look = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start >/opt/lowest"
    assert worker.run(*arguments(worker), then=look) == 0, worker.log
    assert server.run(then=look) == 0, server.log
    # The edge is not root, and listens there.
    assert (worker.text("lowest"), server.text("lowest")) == ("80\n", "1024\n")
    services = worker.text("services").splitlines()
    # What the engine reads is written before it is installed, and no task comes before it runs.
    assert services.index("system docker") < services.index(
        next(line for line in services if line.startswith("start nomad"))
    )
    assert "docker" not in server.text("services")
    daemon = machines.loaded(worker.etc("/etc/docker/daemon.json").read_bytes())
    assert daemon == {"data-root": "/var/lib/docker", "live-restore": True}
    assert not server.etc("/etc/docker/daemon.json").exists()


def test_no_process_is_given_a_secret_and_nothing_written_for_others_has_one(
    tmp_path: Path, machine: Machine
) -> None:
    own = sandbox(tmp_path / "m", machine)
    watch_programs(own)
    assert own.run(*arguments(own)) == 0, own.log
    assert own.run("refresh") == 0, own.log
    seen = own.everything() + own.script.decode()
    seen += user_data(own.cluster, machine.role, script_digest(own.script), machine.pool)
    shared = "".join(
        gzip.decompress(base64.b64decode(joined)).decode()
        for joined in joined_parameters(own).values()
    )
    # The net holds: what is looked for would be found where it is said.
    assert "curl -fsSL" in own.text("told") and "PATH=/opt/toolkit/bin" in own.text("told")
    for name, canary in canaries(own).items():
        for form in (canary, base64.b64encode(canary.encode()).decode()[:24], quote(canary, "")):
            assert form not in seen + shared, name


def test_only_the_secrets_of_the_role_are_read(tmp_path: Path, machine: Machine) -> None:
    own = sandbox(tmp_path / "m", machine)
    own.program("toolkit-secret", 'echo "$1" >>/opt/read\n' + PROGRAMS["toolkit-secret"])
    assert own.run(*arguments(own)) == 0, own.log
    read = set(own.text("read").split())
    begun = {"server/state/bootstrapped"} if machine.role == "server" else set()
    assert read == {*secrets_of(own.cluster, machine.role), *begun}


def test_a_second_start_changes_nothing(tmp_path: Path, machine: Machine) -> None:
    own = sandbox(tmp_path / "m", machine)
    call = f"bash /opt/toolkit/boot {' '.join(arguments(own))}"
    assert own.run(*arguments(own), then=f"{call} || status=9; iptables -t mangle -S") == 0, own.log
    first = {path: own.etc(path).stat().st_mtime_ns for path in expected(own)}
    # The agents of the first start went on: neither began again, neither had to read again.
    assert own.text("agents").count("began") == 2
    assert "read its files" not in own.text("agents")
    assert own.log.count("-A FORWARD -d 169.254.169.254/32 -j DROP") == 1
    assert own.run(*arguments(own)) == 0, own.log
    assert {path: own.etc(path).stat().st_mtime_ns for path in expected(own)} == first
    assert len(own.signals) == 3 and {each[0] for each in own.signals} == {"success"}


def test_a_server_that_comes_when_the_cluster_has_begun_is_not_told_to_begin_one(
    tmp_path: Path,
) -> None:
    own = sandbox(tmp_path / "m")
    assert own.run() == 0, own.log
    assert all(own.etc(path).exists() for path in LEAVES)
    own.keep("server/state/bootstrapped", "yes")
    assert own.run() == 0, own.log
    assert not any(own.etc(path).exists() for path in LEAVES)


def test_whether_the_cluster_has_begun_is_never_guessed(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    own.program(
        "toolkit-secret",
        'case $1 in */bootstrapped) echo denied >&2; exit 1 ;; esac\ncat "/opt/store/$1"',
    )
    assert own.run() == 1
    assert own.signals == [["failure", "Server1", "whether the cluster has begun cannot be told"]]
    assert "start" not in own.text("services")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("rm /opt/store/server/gossip/consul", "the secret server/gossip/consul cannot be read"),
        (": >/opt/store/server/token/agent", "the secret server/token/agent is empty"),
        ("rm /opt/machine", "the machine does not know who it is"),
        (
            "echo i-1 eu-west-1a 10.40.9.9 - >/opt/machine",
            "no server of the cluster has the address 10.40.9.9",
        ),
    ],
)
def test_what_is_missing_ends_the_start_with_its_reason_before_anything_is_written(
    tmp_path: Path, spoil: str, reason: str
) -> None:
    own = sandbox(tmp_path / "m")
    own.shell(spoil)
    assert own.run() == 1
    assert own.signals[-1][0] == "failure" and own.signals[-1][2:] == [reason]
    assert f"toolkit: {reason}" in own.log
    assert not own.etc(f"{places.CONSUL}/{places.SECRETS}").exists()
    assert "start" not in own.text("services")


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        ("consul", "not within 780 s: Consul knows a leader"),
        ("nomad", "not within 780 s: Nomad knows a leader"),
    ],
)
def test_an_agent_that_is_not_let_in_is_no_success(tmp_path: Path, away: str, reason: str) -> None:
    own = late_once(sandbox(tmp_path / "m"), away)
    (own.opt / f"{away}-is-away").touch()
    assert own.run() == 1
    assert own.signals == [["failure", "Server1", reason]]


def test_a_stack_that_takes_no_signal_does_not_keep_a_machine_from_starting(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    own.program("toolkit-signal", "exit 255")
    assert own.run() == 0
    assert "the stack took no signal" in own.log


# What is fetched.


def with_consul(own: Sandbox, download: Download) -> None:
    binaries = dict(own.cluster.binaries)
    binaries["consul"] = Release("1.22.7", MappingProxyType({machines.ARCH: download}))
    own.cluster = replace(own.cluster, binaries=MappingProxyType(binaries))
    own.script = boot_script(own.cluster, own.machine.role)


EVIL = "#!/bin/bash\ntouch /opt/evil\n"


@pytest.mark.parametrize("content", [archive("consul", EVIL), archive("consul")[:-1], b""])
def test_another_content_than_the_sum_says_is_neither_unpacked_nor_run(
    tmp_path: Path, content: bytes
) -> None:
    own = sandbox(tmp_path / "m")
    (own.opt / "releases" / "consul.zip").write_bytes(content)
    assert own.run() == 1
    assert own.signals[0][2].endswith("does not have the sum that the cluster file says")
    assert list((own.opt / "toolkit" / "lib").iterdir()) == []
    assert not (own.opt / "evil").exists()
    assert not (own.opt / "toolkit" / "bin" / "consul").exists()
    # The next start fetches again, and goes on when it is right.
    (own.opt / "releases" / "consul.zip").write_bytes(archive("consul"))
    assert own.run() == 0, own.log


def test_a_sum_that_was_checked_is_not_fetched_again(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    assert own.run() == 0, own.log
    (own.opt / "releases" / "consul.zip").unlink()
    assert own.run() == 0, own.log


def test_what_an_interrupted_fetch_left_is_not_taken_for_checked(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    left = own.opt / "toolkit" / "lib" / ".new-abc" / "out"
    left.mkdir(parents=True)
    (left / "consul").write_text(EVIL)
    assert own.run() == 0, own.log
    assert not left.exists() and not (own.opt / "evil").exists()


def test_an_archive_without_the_program_is_said(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    content = archive("consol")
    (own.opt / "releases" / "other.zip").write_bytes(content)
    address = "file:///opt/releases/other.zip"
    with_consul(own, Download(address, script_digest(content)))
    assert own.run() == 1
    assert own.signals[0][2] == f"there is no program consul in {address}"


def test_an_address_that_does_not_answer_is_said(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    (own.opt / "releases" / "nomad.zip").unlink()
    # Without curl's own pauses between attempts.
    own.script = own.script.replace(b"--retry 8", b"--retry 0")
    assert own.run() == 1
    assert own.signals[0][2] == "nomad cannot be fetched from file:///opt/releases/nomad.zip"


# What changes later.


def test_a_renewed_certificate_is_read_by_its_agent_alone(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    call = "bash /opt/toolkit/boot refresh"
    renewed = own.secrets["server/tls/consul"].reveal()
    (own.opt / "renewed").write_text(renewed)
    then = f"{call} || status=8; cat /opt/renewed >/opt/store/server/tls/nomad; {call} || status=9"
    assert own.run(then=then) == 0, own.log
    reloads = [line for line in own.text("services").splitlines() if line.startswith("reload")]
    assert reloads == ["reload nomad"]
    assert "nomad read its files again" in own.text("agents")
    assert own.etc("/etc/nomad.d/tls/agent.pem").read_text() == renewed
    # A refresh is no start: the stack hears nothing of it.
    assert len(own.signals) == 1


def test_an_agent_that_cannot_read_now_is_asked_again_and_keeps_no_other_from_it(
    tmp_path: Path,
) -> None:
    own = sandbox(tmp_path / "m")
    call = "bash /opt/toolkit/boot refresh"
    for agent in ("consul", "nomad"):
        (own.opt / agent).write_text(own.secrets["worker/tls/nomad"].reveal())
    broken = '[ "$1 $2" != "reload consul" ] || [ -e /opt/mended ] || exit 1\n'
    own.program("toolkit-service", broken + PROGRAMS["toolkit-service"])
    renew = (
        "cat /opt/consul >/opt/store/server/tls/consul; cat /opt/nomad >/opt/store/server/tls/nomad"
    )
    then = f"{renew}; {call} && status=8; cat /opt/agents >/opt/once; touch /opt/mended; {call}"
    assert own.run(then=then) == 0, own.log
    assert "what was renewed is not read yet by consul" in own.log
    assert own.text("once").count("nomad read its files again") == 1
    assert own.text("agents").count("consul read its files again") == 1
    assert own.text("agents").count("nomad read its files again") == 1
    assert len(own.signals) == 1


def test_a_refresh_that_fails_leaves_the_files_and_the_stack_alone(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    assert own.run() == 0, own.log
    (own.opt / "store" / "server" / "tls" / "nomad").unlink()
    assert own.run("refresh") == 1
    assert (
        own.etc("/etc/nomad.d/tls/agent.pem").read_bytes()
        == expected(own)["/etc/nomad.d/tls/agent.pem"]
    )
    assert len(own.signals) == 1


def test_the_alarms_hear_of_leaders_and_of_the_certificate_that_ends_first(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    watch = "bash /opt/toolkit/boot watch"
    then = f"{watch}; touch /opt/nomad-is-away; {watch}"
    assert own.run(then=then) == 0, own.log
    told = own.text("metrics").splitlines()
    assert told[0] == "HasLeader 1" and told[2] == "HasLeader 0"
    assert told[1].split()[0] == "CertificateDays" and 363 <= int(told[1].split()[1]) <= 365


# The stub.


def joined_parameters(own: Sandbox) -> dict[str, str]:
    """Each part's value, its pieces in order."""
    found: dict[str, str] = {}
    for each in boot_parameters(own.cluster):
        part = each.name.rpartition("/")[0]
        found[part] = found.get(part, "") + each.value
    return found


AWS = """
while [ $# -gt 0 ]; do
  [ "$1" != --name ] || name=$2
  shift
done
echo "$name" >>/opt/asked
cat "/opt/parameters$name"
"""


def stubbed(own: Sandbox, seconds: int = 0) -> str:
    """Shell lines that begin the machine with its user data, and AWS as a folder."""
    for each in boot_parameters(own.cluster):
        path = own.opt / "parameters" / each.name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.value + "\n")
    own.program("aws", AWS)
    digest = script_digest(own.script)
    text = user_data(own.cluster, own.machine.role, digest, own.machine.pool)
    assert "-lt 300 ]" in text
    (own.opt / "stub").write_text(text.replace("-lt 300 ]", f"-lt {seconds} ]"))
    return "PATH=/opt/toolkit/bin:$PATH /bin/bash /opt/stub"


def test_user_data_becomes_the_very_script(tmp_path: Path, machine: Machine) -> None:
    own = sandbox(tmp_path / "m", machine)
    assert own.shell(stubbed(own)) == 0, own.log
    assert (own.opt / "toolkit" / "boot").read_bytes() == own.script
    assert own.signals[0][0] == "success"
    asked = own.text("asked").split()
    folder = "server" if machine.role == "server" else "worker"
    assert all(name.split("/")[4] in {"base", folder} for name in asked)


def test_user_data_asks_again_while_the_role_cannot_be_used_yet(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    lines = stubbed(own, seconds=60)
    own.program("sleep", "exec /usr/bin/sleep 0")
    own.program("aws", f"echo >>/opt/tries\n[ $(wc -l </opt/tries) -gt 4 ] || exit 255\n{AWS}")
    assert own.shell(lines) == 0, own.log
    assert (own.opt / "toolkit" / "boot").read_bytes() == own.script


@pytest.mark.parametrize("which", ["base", "server"])
def test_user_data_runs_nothing_that_is_not_the_digests(tmp_path: Path, which: str) -> None:
    own = sandbox(tmp_path / "m")
    lines = stubbed(own)
    evil = base64.b64encode(gzip.compress(b"touch /opt/evil\n")).decode()
    path = next((own.opt / "parameters" / "toolkit" / "prod" / "boot" / which).rglob("1"))
    path.write_text(evil + "\n")
    assert own.shell(lines) != 0
    assert not (own.opt / "evil").exists() and own.text("services") == ""


def test_user_data_runs_nothing_when_a_part_cannot_be_read(tmp_path: Path) -> None:
    own = sandbox(tmp_path / "m")
    lines = stubbed(own)
    next((own.opt / "parameters" / "toolkit" / "prod" / "boot" / "server").rglob("1")).unlink()
    assert own.shell(lines) != 0
    assert own.text("services") == "" and not (own.opt / "toolkit" / "boot").exists()
