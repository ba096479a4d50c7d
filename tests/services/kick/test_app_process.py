"""The server as a process: what it is told, its start, its end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest
from dnslib import DNSRecord
from kick.settings import from_environment

from tests.faults.scripted import Reply
from tests.services.kick.process import (
    ALICE,
    ALICE_TOKEN,
    SHOP,
    SHOP_TOKEN,
    KickProcess,
    kick_process,
)
from tests.services.kick.rig import CONFIG
from tests.services.running import PATIENCE, environment, is_refused, until
from toolkit.errors import ConfigError

RECORD = {"hostname": "p.apps.example.com", "ip_address": "203.0.113.7"}


def run_to_end(**variables: str) -> subprocess.CompletedProcess[str]:
    """A server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "kick"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """Variables of a server that would start."""
    file = tmp_path / "kick.toml"
    file.write_text(CONFIG)
    return {"KICK_CONFIG": str(file), "KICK_DATA": str(tmp_path / "data")}


# --- what it is told ---------------------------------------------------------------------------


def test_every_mistake_is_said_at_once_and_nothing_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "kick.toml"
    file.write_text('cluster = ""\n[[zone]]\nname = "x y"\n')
    ended = run_to_end(
        KICK_CONFIG=str(file), NOMAD_PORT_http="http", HOST="nowhere", DRAIN_SECONDS="soon",
        NOMAD_ADDR="ftp://x", NOMAD_TOKEN_FILE="/nowhere", CONSUL_CACERT="/none.pem",
    )  # fmt: skip
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert all(line.startswith("FATAL ") for line in lines)
    for what in (
        "kick.toml:1: cluster:", "kick.toml:3:", "KICK_DATA: is not set", "NOMAD_PORT_http: must",
        "HOST: must be an IP address", "DRAIN_SECONDS: must", "NOMAD_ADDR: ", "NOMAD_TOKEN_FILE: ",
        "/none.pem for Consul does not exist",
    ):  # fmt: skip
        assert [line for line in lines if what in line], (what, lines)
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KICK_CONFIG": ""}, "KICK_CONFIG: is not set (set it to the file kick.toml)"),
        ({"KICK_CONFIG": "/nowhere/kick.toml"}, "cannot be read: No such file or directory"),
        ({"KICK_CONFIG": "/dev"}, "cannot be read: Is a directory"),
        ({"KICK_DATA": "/dev/null/x"}, "KICK_DATA: /dev/null/x cannot be used: Not a directory"),
        ({"NOMAD_PORT_dns": "65536"}, "NOMAD_PORT_dns: must be a port number"),
        ({"NOMAD_SKIP_VERIFY": "perhaps"}, "NOMAD_SKIP_VERIFY"),
    ],
)
def test_a_wrong_variable_is_one_mistake(
    told: dict[str, str], variables: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        from_environment({**told, **variables})
    assert len(caught.value.mistakes) == 1
    assert said in str(caught.value)


def test_arguments_are_refused(told: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "kick", "--token=x"],
        env=environment(**told), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "FATAL kick takes no arguments: it reads its environment\n"


def test_a_wrong_configuration_costs_no_import_of_the_server(told: dict[str, str]) -> None:
    code = (
        "import sys; from kick.__main__ import main; code = main();"
        "sys.exit(code if not {'starlette', 'uvicorn', 'boto3', 'jsonschema'} & set(sys.modules)"
        " else 99)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(**{**told, "KICK_DATA": ""}), timeout=PATIENCE
    )
    assert ended.returncode == 1


def test_a_taken_port_is_said_without_a_traceback(told: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_to_end(**told, NOMAD_PORT_http=port)
    assert ended.returncode == 1
    assert ended.stderr == f"FATAL cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_an_audit_that_was_tampered_with_ends_it_and_names_the_line(
    told: dict[str, str], tmp_path: Path
) -> None:
    with kick_process(tmp_path) as kick:
        assert kick.ask("POST", "/records", json=RECORD).status_code == 201
        assert kick.end() == 0
    file = next((tmp_path / "data" / "audit").glob("audit-*.jsonl"))
    file.write_text(file.read_text().replace("203.0.113.7", "203.0.113.8", 1))
    with kick_process(tmp_path, ready=False) as kick:
        assert kick.process.wait(PATIENCE) == 1
        kick.close_readers()
        assert "line 1 of audit-000000000001.jsonl" in kick.errors[-1]
        assert "Traceback" not in "".join(kick.errors)


# --- start -------------------------------------------------------------------------------------


def test_a_second_one_waits_for_the_first_and_then_takes_over(tmp_path: Path) -> None:
    with kick_process(tmp_path) as first, kick_process(tmp_path, ready=False) as second:
        until(
            lambda: second.ask("GET", "/healthz", {}).json().get("waits_for"),
            "it says that it waits",
        )
        assert second.ask("GET", "/healthz", {}).status_code == 503
        assert second.ask("POST", "/records", json=RECORD).status_code == 503
        assert first.ask("POST", "/records", json=RECORD).status_code == 201
        assert first.end() == 0
        second.hear("ready")
        assert second.ask("GET", "/healthz", {}).json() == {"status": "ready"}
        assert second.ask("GET", "/record/p.apps.example.com").json()["values"] == ["203.0.113.7"]


def test_a_second_one_that_waited_in_vain_says_who_has_it(tmp_path: Path) -> None:
    with (
        kick_process(tmp_path, NOMAD_ALLOC_ID="5b2c90aa") as first,
        kick_process(tmp_path, ready=False, KICK_PATIENCE="0.2", NOMAD_PORT_dns="0") as second,
    ):
        assert second.process.wait(PATIENCE) == 1
        second.close_readers()
        assert "5b2c90aa" in second.errors[-1]
        assert first.ask("GET", "/healthz", {}).status_code == 200


def test_a_signal_while_it_waits_ends_it(tmp_path: Path) -> None:
    with kick_process(tmp_path), kick_process(tmp_path, ready=False) as second:
        assert second.end() == 0


def test_without_nomad_at_the_start_it_is_ready_and_believes_nobody(tmp_path: Path) -> None:
    with kick_process(tmp_path, reply=Reply(b"no leader", 500)) as kick:
        assert kick.ask("GET", "/healthz", {}).json() == {"status": "ready"}
        for who in (ALICE, SHOP):
            answer = kick.ask("POST", "/records", who, json=RECORD)
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
            assert answer.headers["Retry-After"]


# --- end ---------------------------------------------------------------------------------------


def test_a_change_in_flight_is_made_and_answered_after_the_signal(tmp_path: Path) -> None:
    with kick_process(tmp_path) as kick:
        body = json.dumps(RECORD).encode()
        head = (
            f"POST /records HTTP/1.1\r\nHost: kick\r\nX-Nomad-Token: {ALICE_TOKEN}\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        connection = kick.raw(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100"), "its handler has begun"
        kick.process.send_signal(SIGTERM)
        kick.hear("stops", signal="SIGTERM")
        until(lambda: is_refused(kick.host, kick.port), "it stops listening")
        connection.sendall(body)
        with connection.makefile("rb") as file:
            assert file.readline().startswith(b"HTTP/1.1 201")
        connection.close()
        assert kick.process.wait(PATIENCE) == 0
        kick.hear("stopped", code=0)
    with kick_process(tmp_path) as kick:
        assert kick.ask("GET", "/record/p.apps.example.com").status_code == 200


def test_while_it_drains_new_changes_are_refused_and_a_second_signal_ends_it(
    tmp_path: Path,
) -> None:
    with kick_process(tmp_path, DRAIN_SECONDS="3600") as kick:
        kick.process.send_signal(SIGTERM)
        kick.hear("stops")
        assert kick.ask("GET", "/healthz", {}).json() == {"status": "draining"}
        refused = kick.ask("POST", "/records", json=RECORD)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
        assert kick.ask("GET", "/records").status_code == 200
        assert kick.end() == 0


def test_its_zones_are_served_on_loopback_and_only_there(tmp_path: Path) -> None:
    with kick_process(tmp_path, ready=False, NOMAD_PORT_dns="0", HOST="0.0.0.0") as kick:
        where = kick.hear("dns")
        assert where["public"].startswith("127.0.0.1:")
        assert "private" not in where
        kick.hear("ready")
        assert kick.ask("POST", "/records", json=RECORD).status_code == 201
        host, _, port = where["public"].partition(":")
        question = DNSRecord.question("p.apps.example.com")
        answer = DNSRecord.parse(question.send(host, int(port), timeout=PATIENCE))
        assert [str(record.rdata) for record in answer.rr] == ["203.0.113.7"]
        assert kick.end() == 0


def test_an_idle_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with kick_process(tmp_path) as kick:
        idle = kick.raw()
        assert kick.end(SIGINT) == 0
        idle.close()


# --- what it says ------------------------------------------------------------------------------


def test_no_token_is_in_anything_that_it_says(process: KickProcess) -> None:
    mistyped = ALICE_TOKEN.replace("a11c", "a11d")
    process.ask("POST", "/records", SHOP, json={"hostname": SHOP_TOKEN, "ip_address": "1"})
    process.ask("POST", "/records", json={"hostname": f"x.{ALICE_TOKEN}", "ip_address": "1"})
    process.ask("GET", f"/record/{ALICE_TOKEN}")
    process.ask("GET", f"/{SHOP_TOKEN}?token={SHOP_TOKEN}")
    process.ask("GET", "/records", {"Authorization": f"Bearer {SHOP_TOKEN}x"})
    process.ask("GET", "/records", {"X-Nomad-Token": mistyped})
    process.ask("GET", "/nothing", {"Cookie": "t=secret-cookie"})
    last = process.ask("GET", "/nothing").headers["X-Request-Id"]
    process.hear("request", request=last)
    text = json.dumps(process.said) + process.ask("GET", "/metrics", {}).text
    for secret in ("secret-cookie", mistyped, ALICE_TOKEN, SHOP_TOKEN, SHOP_TOKEN[:40]):
        assert secret not in text
    audit = process.data / "data" / "audit"
    assert SHOP_TOKEN not in "".join(path.read_text() for path in audit.glob("*.jsonl"))
    command = Path(f"/proc/{process.process.pid}/cmdline").read_bytes()
    assert command.split(b"\0")[1:] == [b"-m", b"kick", b""]


def test_a_workload_and_a_person_are_believed_by_the_real_verifier(process: KickProcess) -> None:
    body = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}
    assert (
        process.ask("POST", "/records", SHOP, json=body).json()["owner"].startswith("default/shop")
    )
    assert process.ask("GET", "/record/shop.apps.example.com").status_code == 200


def test_its_memory_with_tokens_in_it_never_becomes_a_file(process: KickProcess) -> None:
    assert process.core_limits() == ["0", "0"]


def test_it_stays_within_its_memory(process: KickProcess) -> None:
    line = next(
        line
        for line in process.ask("GET", "/metrics", {}).text.splitlines()
        if line.startswith("process_resident_memory_bytes ")
    )
    assert float(line.split()[1]) < 120 * 2**20
