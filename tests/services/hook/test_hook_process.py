"""The process: what it refuses to start with, who gets in, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from hook.settings import from_environment

from tests.identity.nomad_server import DOWN
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    CONFIG,
    PUSHER_TOKEN,
    READER,
    SHOP_TOKEN,
    HookProcess,
    git,
    holder,
    hook_process,
    nomad_state,
)
from tests.services.hook.rig import make_rig
from tests.services.running import environment, run_to_end
from toolkit.errors import AuditError, ConfigError
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.target import Secret

UNKNOWN_TOKEN, ANONYMOUS_TOKEN, NO_ACLS_TOKEN, AWAY_TOKEN = (
    f"00000000-0000-4000-8000-00000000{last}" for last in ("dead", "a0a0", "ac15", "da1a")
)


@pytest.fixture(scope="module")
def hook_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    """A server whose Nomad says odd things of some tokens."""
    state = nomad_state()
    said = holder(ANONYMOUS_TOKEN, "x", "admins")
    state.tokens[ANONYMOUS_TOKEN] = said | {"AccessorID": "anonymous"}
    state.tokens[NO_ACLS_TOKEN] = said | {"AccessorID": "acls-disabled"}
    state.tokens[AWAY_TOKEN] = DOWN
    with hook_process(tmp_path_factory.mktemp("hook"), state=state) as running:
        yield running


def basic(secret: str) -> tuple[str, str]:
    return ("x", secret)


# --- its start ---------------------------------------------------------------------------------


def test_every_mistake_ends_it_at_once_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / "hook.toml"
    file.write_text(CONFIG.replace("hook.example", "${NOWHERE}").replace('["push"]', '["pull"]'))
    ended = run_to_end(
        "hook", HOOK_CONFIG=str(file), HOOK_DATA="here", PORT="70000", DRAIN_SECONDS="-1",
        NOMAD_TOKEN_FILE="/nonexistent", HOST="example.com",
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == [
        "FATAL hook.toml", "FATAL HOOK_DATA", "FATAL HOST", "FATAL PORT", "FATAL DRAIN_SECONDS",
        "FATAL NOMAD_TOKEN_FILE",
    ]  # fmt: skip


def test_a_variable_that_is_not_set_is_named_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "hook.toml"
    file.write_text(CONFIG.replace("hook.example", "${NOWHERE}") + '[target.edge]\npublic = "${X}"')
    with pytest.raises(ConfigError) as caught:
        from_environment({"HOOK_CONFIG": str(file), "HOOK_DATA": str(tmp_path / "data")})
    assert [str(each) for each in caught.value.mistakes] == [
        "hook.toml: target.edge.public: names X, which is not set",
        "hook.toml: url: names NOWHERE, which is not set",
    ]


def test_what_it_cannot_do_without_is_asked_for() -> None:
    with pytest.raises(ConfigError) as caught:
        from_environment({})
    assert [each.where for each in caught.value.mistakes] == ["HOOK_CONFIG", "HOOK_DATA"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes a right away from root")
def test_a_root_that_may_not_change_users_does_not_begin(tmp_path: Path) -> None:
    """Every push would be refused: whoever deploys it is to see that, and not the first pusher."""
    file = tmp_path / "hook.toml"
    file.write_text(CONFIG)
    words = [
        "setpriv",
        "--bounding-set=-setuid",
        "--inh-caps=-setuid",
        sys.executable,
        "-m",
        "hook",
    ]
    ended = subprocess.run(
        words,
        env=environment(
            HOOK_CONFIG=str(file),
            HOOK_DATA=str(tmp_path / "data"),
            NOMAD_ADDR="http://127.0.0.1:9",
            NOMAD_TOKEN="x",
            HOOK_NOMAD="http://127.0.0.1:9",
            PORT="0",
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    [said] = ended.stderr.splitlines()
    assert said.startswith("FATAL ") and "root without CAP_SETUID, so" in said


def test_what_the_file_leaves_open_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "hook.toml"
    file.write_text(CONFIG.replace("hook.example:8655", "${NAME}:${NOMAD_PORT_http}"))
    (tmp_path / "token").write_text("ours\n")
    said = {
        "HOOK_CONFIG": str(file), "HOOK_DATA": str(tmp_path / "data"), "NAME": "127.0.0.1",
        "NOMAD_PORT_http": "18655", "NOMAD_IP_http": "127.0.0.2", "NOMAD_ADDR": "unix:/api.sock",
        "NOMAD_TOKEN_FILE": str(tmp_path / "token"), "NOMAD_TOKEN": "older",
        "CONSUL_HTTP_ADDR": "127.0.0.1:9500", "CONSUL_HTTP_TOKEN": "consul",
        "TOOLKIT_TRAEFIK_PASSWORD": "traefik", "HOOK_REGISTRY_PASSWORD": "registry",
    }  # fmt: skip
    found = from_environment(said)
    assert (found.address, found.config.url) == (("127.0.0.2", 18655), "http://127.0.0.1:18655")
    target = found.config.target
    # Only Consul's token is the server's: a push goes to Nomad with its own.
    assert (target.nomad.address, target.nomad.token) == ("unix:/api.sock", None)
    assert (target.consul.address, str(target.consul.token)) == ("http://127.0.0.1:9500", "***")
    assert target.traefik is not None
    assert (target.traefik.username, target.traefik.token) == ("toolkit", Secret("traefik"))
    assert found.nomad_now().token == Secret("ours")
    (tmp_path / "token").write_text("newer")
    assert found.nomad_now().token == Secret("newer")
    for secret in ("ours", "older", "consul", "registry"):
        assert f"'{secret}'" not in repr(found)


def test_the_edge_of_local_agents_is_where_their_state_says(tmp_path: Path) -> None:
    file = tmp_path / "hook.toml"
    file.write_text(CONFIG.replace("[target]\n", '[target]\nstate = "${HOOK_STATE}"\n'))
    said = {"HOOK_CONFIG": str(file), "HOOK_DATA": str(tmp_path / "data")}
    with pytest.raises(ConfigError, match="cannot be read"):
        from_environment({**said, "HOOK_STATE": str(tmp_path / "missing")})
    state = tmp_path / "agents.json"
    state.write_text(AgentState(AgentPorts.at(1000), (), "").to_json())
    found = from_environment({**said, "HOOK_STATE": str(state)})
    assert found.config.target.edge == {
        "public": "http://127.0.0.1:9080", "private": "http://127.0.0.1:9081",
    }  # fmt: skip


# --- who ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [ADMIN_TOKEN, PUSHER_TOKEN, SHOP_TOKEN])
def test_a_token_is_taken_in_each_of_three_ways(hook_server: HookProcess, secret: str) -> None:
    for headers in ({"X-Nomad-Token": secret}, {"Authorization": f"Bearer {secret}"}):
        assert hook_server.ask("GET", "/repos", headers).status_code == 200
    assert hook_server.ask("GET", "/repos", {}, auth=basic(secret)).status_code == 200


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "missing"),
        ("anonymous", "malformed"),
        (UNKNOWN_TOKEN, "unknown-token"),
        (
            SHOP_TOKEN[:-9],
            "malformed",
        ),  # a length that base64 never has; by 8, one in 16 is well formed
        (ANONYMOUS_TOKEN, "anonymous"),
        (NO_ACLS_TOKEN, "acls-disabled"),
    ],
)
def test_a_password_that_is_nobodys_is_refused(
    hook_server: HookProcess, secret: str, reason: str
) -> None:
    answer = hook_server.ask("GET", "/repos", {}, auth=basic(secret))
    assert (answer.status_code, answer.json()["reason"]) == (401, reason)
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="hook"')


def test_while_nomad_is_away_nobody_new_gets_in(hook_server: HookProcess) -> None:
    assert hook_server.ask("GET", "/healthz", {}).json() == {"status": "ready"}
    answer = hook_server.ask("GET", "/repos", {}, auth=basic(AWAY_TOKEN))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


def test_git_asks_its_helper_for_a_password_and_gets_in(
    hook_server: HookProcess, tmp_path: Path
) -> None:
    hook_server.make("first")
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho username=x\necho password={ADMIN_TOKEN}\n")
    helper.chmod(0o700)
    remote = f"{hook_server.url}/first.git"
    done = git("-c", f"credential.helper={helper}", "ls-remote", remote)
    assert (done.returncode, done.stdout) == (0, "")
    refused = git("ls-remote", remote, check=False)
    assert refused.returncode != 0


def test_no_token_is_ever_said(hook_server: HookProcess) -> None:
    for path in (f"/repos/{PUSHER_TOKEN}", f"/{SHOP_TOKEN}.git/info/refs", f"/x?y={ADMIN_TOKEN}"):
        hook_server.ask("GET", path)
    hook_server.ask("GET", "/repos/last-one")
    hook_server.hear("request", path="/repos/last-one")
    said = str(hook_server.said)
    for secret in (ADMIN_TOKEN, PUSHER_TOKEN, SHOP_TOKEN):
        assert secret not in said


def test_its_memory_never_becomes_a_file(hook_server: HookProcess) -> None:
    """Nor does that of anything that it starts: the hard limit is none, too."""
    assert hook_server.core_limits() == ["0", "0"]


def test_metrics_count_by_action_and_never_by_name(hook_server: HookProcess) -> None:
    hook_server.ask("GET", "/repos/a-name-of-nobodys")
    text = hook_server.ask("GET", "/metrics", {}).text
    assert 'hook_requests_total{action="repos.show",status="404"}' in text
    assert "a-name-of-nobodys" not in text
    assert "hook_open 1.0" in text


# --- its end -----------------------------------------------------------------------------------


def test_a_kill_and_a_signal_leave_what_the_next_one_finds_whole(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    with hook_process(tmp_path, NOMAD_ALLOC_ID="first") as first:
        first.make()
        assert_guessing_is_slowed_down(first)
        first.end(signal.SIGKILL)
    with hook_process(tmp_path, NOMAD_ALLOC_ID="second") as second:
        assert [each["name"] for each in second.ask("GET", "/repos").json()["repos"]] == ["shop"]
        with (
            pytest.raises(AuditError, match=r"audit is held by second \(process \d+"),
            make_rig(portal, second.data),
        ):
            pass
        assert second.ask("GET", "/healthz").json() == {"status": "ready"}
        assert second.end() == 0
        second.hear("stopped", code=0)
        second.close_readers()
        assert second.errors == []


def assert_guessing_is_slowed_down(server: HookProcess) -> None:
    """But not for whom the server knows."""
    assert server.ask("GET", "/repos", READER).status_code == 200
    guesses = [
        server.ask("GET", "/repos", {}, auth=basic(f"{number:08x}{UNKNOWN_TOKEN[8:]}"))
        for number in range(60)
    ]
    statuses = [each.status_code for each in guesses]
    assert statuses[:10] == [401] * 10
    assert 429 in statuses
    assert guesses[statuses.index(429)].headers["Retry-After"] == "1"
    assert server.ask("GET", "/repos", READER).status_code == 200
