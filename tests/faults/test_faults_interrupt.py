"""Ctrl-C at each stage of a deploy: 130, what goes on without us, and how to end it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.shell import unaddressed

pytestmark = pytest.mark.agents

REGISTER = r"/v1/jobs(\?|$)"
PROMOTE = "/v1/deployment/promote/"
# A shell without job control starts its children deaf to Ctrl-C, and they stay so.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from toolkit.__main__ import main; sys.exit(main())"
)
BLIND = Rule("status", text="No cluster leader", path="/v1/health/service/")


@dataclass
class Command:
    """A deploy in a process of its own, through two proxies."""

    shop: Shop
    name: str
    nomad: FaultProxy
    consul: FaultProxy
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        there = ("--nomad-addr", self.nomad.address, "--consul-addr", self.consul.address)
        line = ("deploy", self.name, "--release", "1.1.0", *there)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *line],
            cwd=self.shop.root, env=self.shop.environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def hear(self, word: str) -> None:
        """Read what it says until `word` is said."""
        assert self.process is not None and self.process.stderr is not None
        for line in self.process.stderr:
            self.heard.append(line)
            if word in line:
                return
        raise AssertionError(f"{word!r} was never said: {''.join(self.heard)}")

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> str:
        """Press Ctrl-C, or send another signal; what it says to that."""
        assert self.process is not None
        self.process.send_signal(number)
        _, last = self.process.communicate(timeout=30)
        assert self.process.returncode == 130, last
        assert "Traceback" not in last
        return last.partition("error: ")[2]

    def assert_attach_ends_it(self) -> None:
        said = self.shop.toolkit("attach", self.name, "--json")
        assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out
        assert self.shop.serves(self.name) == ["1.1.0"]

    def promoted(self) -> bool:
        groups = self.shop.deployments(self.name)[-1]["TaskGroups"]
        return any(group["Promoted"] for group in groups.values())


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "interrupt")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def services(shop: Shop) -> Iterator[str]:
    """Names of services at 1.0.0, one for each test."""
    return iter(shop.all_deployed([{}] * 6))


@pytest.fixture
def command(shop: Shop, services: Iterator[str]) -> Iterator[Command]:
    cluster = shop.cluster
    with FaultProxy(cluster.nomad_address) as nomad, FaultProxy(cluster.consul_address) as consul:
        command = Command(shop, next(services), nomad, consul)
        yield command
        if command.process is not None and command.process.poll() is None:
            command.process.kill()
            command.process.wait(30)


def test_before_the_submit_nothing_was_changed(shop: Shop, command: Command) -> None:
    command.nomad.add(Rule("silence", path="/plan"))
    command.start()
    command.nomad.wait_for(path="/plan")
    said = command.interrupt()
    assert "interrupted before Nomad confirmed a submit" in said
    assert f"hint: toolkit status {command.name}" in unaddressed(said)
    assert command.nomad.count("POST", REGISTER) == 0
    assert shop.release(command.name) == "1.0.0"
    assert shop.serves(command.name) == ["1.0.0"]


def test_while_the_registration_is_on_its_way_nothing_is_claimed(
    shop: Shop, command: Command
) -> None:
    command.nomad.add(Rule("silence", "POST", REGISTER))
    command.start()
    command.nomad.wait_for("POST", REGISTER)
    said = command.interrupt()
    assert "interrupted before Nomad confirmed a submit" in said
    assert f"toolkit status {command.name} shows what is there" in unaddressed(said)
    assert "nothing was changed" not in said
    assert command.nomad.count("POST", REGISTER) == 1


def test_right_after_the_submit_it_is_still_said_where_it_came_from(
    shop: Shop, command: Command
) -> None:
    tag = "/versions/1.1.0-v1/tag"
    command.nomad.add(Rule("silence", "POST", tag, times=1))
    command.start()
    command.nomad.wait_for("POST", tag)
    said = command.interrupt(signal.SIGTERM)
    assert f"version 1 of {command.name} goes on rolling in Nomad" in said
    assert shop.job(command.name)["VersionTag"]["Name"] == "1.1.0-v1"
    command.assert_attach_ends_it()
    assert '"verdict":"deployed"' in shop.job(command.name)["VersionTag"]["Description"]


def test_during_the_watch_it_goes_on_and_attach_ends_it(shop: Shop, command: Command) -> None:
    command.start()
    command.hear("canary ")
    said = command.interrupt(signal.SIGTERM)
    assert f"version 1 of {command.name} goes on rolling in Nomad" in said
    assert f"hint: toolkit attach {command.name}" in unaddressed(said)
    assert shop.nomad(f"/v1/var/toolkit/locks/{command.name}")["Lock"] is None
    assert shop.release(command.name) == "1.1.0"
    command.assert_attach_ends_it()


def test_at_the_gate_the_canary_waits_and_attach_promotes_it(shop: Shop, command: Command) -> None:
    command.consul.add(Rule("pass", times=1, path="/v1/health/service/"), BLIND)
    command.start()
    command.hear("closed: ")
    said = command.interrupt()
    assert "canaries that become healthy wait for promotion" in said
    assert f"hint: toolkit attach {command.name}" in unaddressed(said)
    assert not command.promoted()
    assert sorted(shop.serves(command.name)) == ["1.0.0", "1.1.0"]
    command.assert_attach_ends_it()
    assert command.promoted()


def test_after_the_promotion_what_was_promoted_stays(shop: Shop, command: Command) -> None:
    command.nomad.add(Rule("pass", "POST", PROMOTE, before=lambda: command.consul.add(BLIND)))
    command.start()
    command.hear("promoted")
    said = command.interrupt()
    assert f"hint: toolkit attach {command.name}" in unaddressed(said)
    assert command.promoted()
    command.assert_attach_ends_it()
