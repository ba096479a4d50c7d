"""`toolkit dev up` interrupted, attached, and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster, free_offset
from tests.agents.dev_helpers import STUBBORN, driver, job, nothing_left, owner, read_until, run_job
from toolkit.errors import ExitCode
from toolkit.spec.dev import Machine
from toolkit.workflows import dev

pytestmark = pytest.mark.agents


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "consul"),
        (signal.SIGINT, "nomad"),
        (signal.SIGTERM, "nomad"),
        (signal.SIGHUP, "consul"),
    ],
)
def test_an_interrupt_during_up_leaves_nothing(
    machine: Machine, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    how = {"port_offset": free_offset()}
    with driver(tmp_path, machine, command="up", how=how) as process:
        read_until(
            process.stdout,
            lambda line: line.get("stage") == "start" and line["text"].startswith(moment),
        )
        process.send_signal(number)
        assert read_until(process.stdout, lambda line: "interrupted" in line)
        assert process.wait() == 130
    nothing_left(tmp_path)


def test_attached_agents_end_with_ctrl_c(machine: Machine, tmp_path: Path) -> None:
    how = {"port_offset": free_offset(), "foreground": True}
    with driver(tmp_path, machine, command="up", how=how) as process:
        read_until(process.stdout, lambda line: "attached" in line.get("text", ""))
        assert dev.status(tmp_path).word == "running"
        process.send_signal(signal.SIGINT)
        end = read_until(process.stdout, lambda line: "report" in line)
        assert end["report"]["word"] == "stopped"
        assert process.wait() == 0
    nothing_left(tmp_path)


def test_attached_agents_end_together_and_the_dead_one_is_named(
    machine: Machine, tmp_path: Path
) -> None:
    how = {"port_offset": free_offset(), "foreground": True}
    with driver(tmp_path, machine, command="up", how=how) as process:
        read_until(process.stdout, lambda line: "attached" in line.get("text", ""))
        LocalCluster(tmp_path, machine).kill("consul")
        end = read_until(process.stdout, lambda line: "report" in line)
        assert end["report"]["word"] == "died"
        assert end["report"]["sentence"].startswith("consul ended by itself")
        assert process.wait() == ExitCode.FAILED
    nothing_left(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_can_do_all_of_it(machine: Machine) -> None:
    nobody = pwd.getpwnam("nobody")
    # Outside of pytest's folders, which only their owner may enter.
    with tempfile.TemporaryDirectory(prefix="dev-") as folder:
        home = Path(folder)
        root = home / "project"
        root.mkdir()
        for path in (home, root):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        theirs = {}
        for name in ("nomad_bin", "consul_bin", "traefik_bin"):
            original = getattr(machine, name)
            theirs[name] = home / original.name
            shutil.copyfile(original, theirs[name])
            theirs[name].chmod(0o755)
        machine = replace(machine, **theirs)
        how = {"port_offset": free_offset()}
        with driver(root, machine, command="up", user="nobody", how=how) as process:
            assert read_until(process.stdout, lambda line: "report" in line)
        cluster = LocalCluster(root, machine)
        run_job(cluster, job("theirs", STUBBORN))
        owners = {owner(each.pid) for each in cluster.everything_running()} - {None}
        assert owners == {nobody.pw_uid}
        assert not cluster.state.root
        with driver(root, machine, command="down", user="nobody") as process:
            assert read_until(process.stdout, lambda line: "report" in line)
        nothing_left(root)
