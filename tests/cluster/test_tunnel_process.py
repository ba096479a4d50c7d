"""A tunnel's process: it stands or says why not, and is never left behind."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.cluster.sshd import Programs, Sshd
from toolkit.clients.socks import connect
from toolkit.clients.tunnel import (
    Tunnel,
    end_group,
    free_port,
    held_tunnel,
    identity,
    kept_tunnel,
    last_words,
    runs,
)
from toolkit.clients.tunnel_command import Door, Keys, tunnel_command
from toolkit.clients.tunnel_key import make_key
from toolkit.errors import UnreachableError

ROOT = Path(__file__).parents[2]
DOOR = Door("i-0a", "10.40.0.11", "root", "eu-west-1")
SECONDS = 30.0


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Sshd:
    return Sshd.made(tmp_path_factory.mktemp("sshd"))


@pytest.fixture
def programs(tmp_path: Path, sshd: Sshd) -> Programs:
    sshd.forget()
    return Programs.made(tmp_path / "bin", sshd)


@pytest.fixture
def keys(tmp_path: Path, sshd: Sshd, programs: Programs) -> Keys:
    # Blanks and percent signs are in people's folders.
    folder = tmp_path / "50% of it"
    folder.mkdir()
    keys = Keys(folder / "key", folder / "known_hosts")
    sshd.let_in(make_key(keys.identity))
    return keys


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, int]]:
    """Something on loopback that answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield ("localhost", server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def said_through(tunnel: Tunnel, place: tuple[str, int]) -> bytes:
    with connect(urlsplit(tunnel.proxy), place, 20.0) as made:
        made.sendall(b"GET / HTTP/1.0\r\n\r\n")
        said = b""
        while got := made.recv(4096):
            said += got
    return said


def gone(pid: int) -> bool:
    """Waits until a process that is not our child has ended; its own deadline says when not."""
    end = time.monotonic() + 20
    while identity(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def held(
    keys: Keys, programs: Programs, log: Path, seconds: float = SECONDS
) -> AbstractContextManager[Tunnel]:
    return held_tunnel(
        lambda port: tunnel_command(DOOR, keys, port),
        environ=programs.environ,
        log=log,
        seconds=seconds,
    )


def test_requests_go_through_and_the_end_leaves_nothing(
    keys: Keys, programs: Programs, tmp_path: Path, site: tuple[str, int]
) -> None:
    with held(keys, programs, tmp_path / "log") as tunnel:
        assert said_through(tunnel, site).endswith(b"hello")
        assert identity(tunnel.pid)
    assert not runs(tunnel.group)
    [call] = programs.calls()
    assert call == [
        "ssm", "start-session", "--region", "eu-west-1", "--target", "i-0a",
        "--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=22",
    ]  # fmt: skip


def test_a_program_below_ssh_that_hears_no_signal_ends_with_it(
    keys: Keys, programs: Programs, sshd: Sshd, tmp_path: Path
) -> None:
    """AWS's own may linger; here a process beside the connection is deaf."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    beside = shlex.join([sys.executable, "-c", deaf])
    aws = programs.folder / "aws"
    (programs.folder / "aws-first").write_text(aws.read_text())
    (programs.folder / "aws-first").chmod(0o755)
    aws.write_text(f'#!/bin/sh\n{beside} >/dev/null 2>&1 </dev/null &\nexec aws-first "$@"\n')
    with held(keys, programs, tmp_path / "log") as tunnel:
        assert runs(tunnel.group)
    assert not runs(tunnel.group)


def test_the_key_is_its_owners_alone_and_never_the_same(tmp_path: Path) -> None:
    first = make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert first.startswith("ssh-ed25519 ")
    assert make_key(tmp_path / "key") != first
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_key_that_is_not_let_in_is_said_with_sshs_words(
    keys: Keys, programs: Programs, sshd: Sshd, tmp_path: Path
) -> None:
    sshd.forget()
    with pytest.raises(UnreachableError) as caught, held(keys, programs, tmp_path / "log"):
        pytest.fail("it stands")
    assert "Permission denied (publickey)" in caught.value.message
    assert "--user" in str(caught.value.hint)


def test_another_machine_in_the_place_of_the_first_is_not_believed(
    keys: Keys, programs: Programs, sshd: Sshd, tmp_path: Path
) -> None:
    with held(keys, programs, tmp_path / "log"):
        pass
    sshd.new_host_key()
    with pytest.raises(UnreachableError) as caught, held(keys, programs, tmp_path / "log"):
        pytest.fail("it stands")
    assert "is it the machine that you mean" in str(caught.value.hint)


def test_what_the_way_says_is_in_the_error(keys: Keys, programs: Programs, tmp_path: Path) -> None:
    said = "An error occurred (TargetNotConnected) when calling StartSession: i-0a is not connected"
    programs.put("aws", does=said)
    with pytest.raises(UnreachableError) as caught, held(keys, programs, tmp_path / "log"):
        pytest.fail("it stands")
    assert said in caught.value.message
    assert "SSM agent" in str(caught.value.hint)


def test_an_ssh_that_never_answers_ends_at_the_deadline(
    keys: Keys, programs: Programs, tmp_path: Path
) -> None:
    programs.put("aws", does="mute")
    with (
        pytest.raises(UnreachableError, match=r"no tunnel within 1 s: ssh says nothing"),
        held(keys, programs, tmp_path / "log", seconds=1.0),
    ):
        pytest.fail("it stands")
    assert not running(keys)


def test_a_port_that_somebody_took_is_left_to_them(
    keys: Keys, programs: Programs, tmp_path: Path, site: tuple[str, int]
) -> None:
    tried: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def command(port: int) -> tuple[str, ...]:
            tried.append(port if tried else taken.getsockname()[1])
            return tunnel_command(DOOR, keys, tried[-1])

        with held_tunnel(
            command, environ=programs.environ, log=tmp_path / "log", seconds=SECONDS
        ) as tunnel:
            assert tunnel.port == tried[1]
            assert said_through(tunnel, site).endswith(b"hello")


def test_ports_that_are_all_taken_are_said(keys: Keys, programs: Programs, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with (
            pytest.raises(UnreachableError, match="Address already in use"),
            held_tunnel(
                lambda _: tunnel_command(DOOR, keys, number),
                environ=programs.environ,
                log=tmp_path / "log",
                seconds=SECONDS,
            ),
        ):
            pytest.fail("it stands")


def test_one_that_ends_in_the_middle_is_said_to_have_ended(
    keys: Keys, programs: Programs, tmp_path: Path
) -> None:
    with (
        pytest.raises(UnreachableError, match="the tunnel ended"),
        held(keys, programs, tmp_path / "log") as tunnel,
    ):
        os.kill(tunnel.pid, signal.SIGKILL)
        assert gone(tunnel.pid)
        raise UnreachableError("nothing answers", system="Nomad")


def test_what_is_unreachable_behind_a_tunnel_that_stands_stays_what_it_is(
    keys: Keys, programs: Programs, tmp_path: Path
) -> None:
    with (
        pytest.raises(UnreachableError, match="nothing answers"),
        held(keys, programs, tmp_path / "log"),
    ):
        raise UnreachableError("nothing answers", system="Nomad")


HOLDER = """
import sys
from pathlib import Path
from tests.cluster.test_tunnel_process import DOOR, Keys, Programs, held
folder, bin = Path(sys.argv[1]), Path(sys.argv[2])
with held(Keys(folder / "key", folder / "known_hosts"), Programs(bin), folder / "log") as tunnel:
    print(tunnel.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_whoever_holds_it(
    keys: Keys, programs: Programs, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(keys.identity.parent),
         str(programs.folder)],
        cwd=ROOT, env=programs.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert identity(pid)
        holder.send_signal(number)
        holder.wait(20)
    assert gone(pid)
    assert not running(keys)


def test_one_that_is_kept_outlives_its_maker_and_is_ended_by_its_group(
    keys: Keys, programs: Programs, tmp_path: Path, site: tuple[str, int]
) -> None:
    recorded: list[Tunnel] = []
    wanted = free_port()
    tunnel = kept(keys, programs, tmp_path / "log", recorded.append, port=wanted)
    try:
        assert recorded == [tunnel] and tunnel.port == wanted
        assert said_through(tunnel, site).endswith(b"hello")
    finally:
        end_group(tunnel.group)
    assert gone(tunnel.pid)
    assert not running(keys)


def test_one_that_cannot_be_recorded_does_not_stay(
    keys: Keys, programs: Programs, tmp_path: Path
) -> None:
    def fail(_: Tunnel) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        kept(keys, programs, tmp_path / "log", fail)
    assert not running(keys)


def kept(
    keys: Keys,
    programs: Programs,
    log: Path,
    record: Callable[[Tunnel], None],
    port: int | None = None,
) -> Tunnel:
    return kept_tunnel(
        lambda port: tunnel_command(DOOR, keys, port),
        environ=programs.environ,
        log=log,
        seconds=SECONDS,
        port=port,
        record=record,
    )


def running(keys: Keys) -> list[str]:
    """Command lines of processes that have to do with these keys: ssh's, and what it runs."""
    asked = ["ps", "-eo", "stat=,args="]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout
    return [
        line
        for line in said.splitlines()
        if str(keys.identity).replace("%", "%%") in line and not line.startswith("Z")
    ]


def test_words_are_the_last_ones_and_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\n\n  two \n")
    assert last_words(tmp_path / "log") == "one; two"
    (tmp_path / "log").write_text("x" * 1000 + "end")
    assert last_words(tmp_path / "log") == "…" + "x" * 397 + "end"
    assert last_words(tmp_path / "none") == ""
