"""`toolkit cluster env` and `ssh` as a user runs them: AWS by moto, the machine by a real sshd."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.agents.shop import Said
from tests.cluster.aws.account import REGION, Aws
from tests.cluster.memory_store import MemoryStore
from tests.cluster.sshd import Programs, Sshd
from tests.cluster.test_reach_way import CLUSTER
from tests.cluster.test_tunnel_process import gone
from tests.docs.schemas import check_printed
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.clients.tunnel_record import end_kept, read_kept
from toolkit.cluster.secrets import make_secrets, read_secrets
from toolkit.config.clusterfile import load_cluster
from toolkit.config.tree import FolderTree

LIMIT = 120.0


@dataclass
class Prod:
    """A project, and machines of its cluster in AWS."""

    root: Path
    aws: Aws
    programs: Programs
    secrets: Mapping[str, str]
    servers: list[str]

    @property
    def own(self) -> Path:
        return self.root / ".toolkit" / "cluster" / "prod"

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        paths = os.pathsep.join(path for path in sys.path if path)
        environ = {**self.programs.environ, **self.aws.environ, "PYTHONPATH": paths, **more}
        return subprocess.Popen(
            [sys.executable, "-m", "toolkit", "cluster", *arguments],
            cwd=self.root, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ends(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        with self.start(*arguments, **more) as process:
            out, err = process.communicate(timeout=LIMIT)
        return process.returncode, out, err

    def run(self, *arguments: str, out: io.StringIO | None = None, **more: str) -> Said:
        """In this process, which has the account's credentials as well."""
        out, err = out or io.StringIO(), io.StringIO()
        environ = {**self.programs.environ, **more}
        words = ("cluster", *arguments)
        code = run(World(words, environ, io.StringIO(), out, err, self.root))
        return Said(int(code), out.getvalue(), err.getvalue())


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def prod(aws: Aws, tmp_path: Path) -> Iterator[Prod]:
    sshd = Sshd.made(tmp_path)
    # Whoever comes with a key is let in: moto has nobody to tell.
    config = tmp_path / "sshd_config"
    with config.open("a") as file:
        file.write("AuthorizedKeysCommand /bin/echo %t %k\nAuthorizedKeysCommandUser root\n")
    root = tmp_path / "project"
    (root / "clusters").mkdir(parents=True)
    (root / "toolkit.toml").write_text("")
    (root / "clusters" / "prod.toml").write_text(CLUSTER)
    cluster = load_cluster(FolderTree(root), "prod").cluster
    store = MemoryStore()
    make_secrets(store, cluster, datetime.now(UTC))
    ssm, ec2 = aws.client("ssm"), aws.client("ec2")
    secrets = {name: value.reveal() for name, value in read_secrets(store, cluster).items()}
    for name, value in secrets.items():
        ssm.put_parameter(Name=f"/toolkit/prod/{name}", Value=value, Type="SecureString")
    servers = []
    for number in (1, 2, 3):
        tags = {"cluster": "prod", "role": "server", "slot": f"server-{number}"}
        pairs = [{"Key": f"toolkit:{key}", "Value": value} for key, value in tags.items()]
        made = ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.small",
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )  # fmt: skip
        servers.append(made["Instances"][0]["InstanceId"])
    aws.forget()
    prod = Prod(root, aws, Programs.made(tmp_path / "bin", sshd), secrets, servers)
    yield prod
    end_kept(prod.own)


def test_a_way_is_opened_printed_kept_and_ended(prod: Prod) -> None:
    ran = prod.run("env", "prod", "--json", "--user", "root")
    assert ran.code == 0, ran.err
    check_printed(ran.out)
    said = json.loads(ran.out)
    assert said["variables"]["NOMAD_TOKEN"] == prod.secrets["ca/bootstrap/nomad"]
    assert said["tunnel"] == prod.servers[0]
    # Nobody is behind it in this test, and that is said.
    assert said["notes"] == ["no server of prod answers through it"]
    kept = read_kept(prod.own)
    assert kept is not None
    assert kept.stands
    assert said["proxy"] == kept.proxy
    with socket.create_connection(("127.0.0.1", kept.port), 20) as made:
        made.sendall(b"\5\1\0")
        assert made.recv(2) == b"\5\0"
    asked = [call.operation for call in prod.aws.calls()]
    assert asked.count("SendSSHPublicKey") == asked.count("DescribeInstances") == 1
    assert REGION in prod.programs.calls()[0]
    seen = ran.err + str(prod.programs.notes)
    assert not [each for each in prod.secrets.values() if each in seen]

    ran = prod.run("env", "prod", "--stop", out=Terminal(), **said["variables"])
    assert ran.code == 0, ran.err
    [line] = ran.out.splitlines()
    assert line.startswith("unset ")
    assert set(line.split()[1:]) == set(said["variables"])
    assert not kept.stands


def test_credentials_of_another_account_are_refused_with_the_line_that_says_so(prod: Prod) -> None:
    (prod.root / "clusters" / "prod.toml").write_text('account = "999999999999"\n' + CLUSTER)
    for command in (("env", "prod"), ("ssh", "prod", "server-1")):
        prod.aws.forget()
        ran = prod.run(*command)
        assert ran.code == 1
        said = " ".join(ran.err.split())
        assert "clusters/prod.toml:1: account: is 999999999999, and the AWS credentials" in said
        assert prod.aws.operations() == ["GetCallerIdentity"]


def test_a_name_that_leads_elsewhere_is_refused_before_a_folder_is_touched(prod: Prod) -> None:
    for name in ("../../elsewhere", "..", "Prod"):
        ran = prod.run("env", name, "--stop")
        assert ran.code == 1
        assert f'the name "{name}"' in ran.err
    assert not (prod.root / ".toolkit").exists()


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_tokens_are_not_printed_on_a_terminal_unasked(prod: Prod, more: tuple[str, ...]) -> None:
    ran = prod.run("env", "prod", *more, out=Terminal())
    assert ran.code == 2
    said = ran.out + ran.err
    assert "tokens would be printed on the terminal" in said
    assert "toolkit cluster env prod" in said
    assert prod.aws.calls() == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_nothing_stays(prod: Prod, number: signal.Signals) -> None:
    prod.programs.put("aws", does="mute")
    with prod.start("env", "prod", "--user", "root") as process:
        end = time.monotonic() + LIMIT
        while not prod.programs.calls():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(number)
        out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode in {130, -signal.SIGKILL}
    assert out == ""
    assert read_kept(prod.own) is None
    [noted] = prod.programs.notes
    # The program of the way ends with its group.
    assert gone(int(noted["pid"]))


def test_a_shell_is_the_program_itself(prod: Prod) -> None:
    prod.programs.put("aws", code=7)
    code, out, err = prod.ends("ssh", "prod", "server-2", NOMAD_TOKEN="not-for-you")
    assert (code, out) == (7, "")
    assert err == f"server-2 is {prod.servers[1]} in eu-west-1a, through SSM\n"
    assert prod.programs.calls() == [
        ["ssm", "start-session", "--region", REGION, "--target", prod.servers[1]]
    ]
    [seen] = prod.programs.environments
    assert "NOMAD_TOKEN" not in seen
    assert "AWS_ACCESS_KEY_ID" in seen


def test_a_command_is_handed_over_and_a_wrong_machine_is_said(prod: Prod) -> None:
    code, _, err = prod.ends("ssh", "prod", "server-1", "--", "uptime", "-p")
    assert code == 0, err
    assert json.loads(prod.programs.calls()[0][-1]) == {"command": ["uptime -p"]}
    ran = prod.run("ssh", "prod", "frontend")
    assert ran.code == 1
    assert "no machine of frontend runs in prod" in ran.err
