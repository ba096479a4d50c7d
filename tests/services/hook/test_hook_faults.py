"""What breaks in the middle of a push to the whole server: a client, the server, Nomad, a token.

Whatever it was: the branch moved and there is a record that ends, or it did not and nothing stays.
"""

from __future__ import annotations

import base64
import random
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply
from tests.identity.mint import claims, token
from tests.identity.nomad_server import DOWN, NO_LEADER, UNKNOWN
from tests.repos.branches import heads
from tests.repos.packs import NOTHING, id_of, pack_of, request_of
from tests.services.hook.git_wire import hear, quarantined
from tests.services.hook.hook_process import (
    ADMIN,
    CONFIG,
    PUSHER,
    PUSHER_TOKEN,
    HookProcess,
    git,
    hook_process,
)
from tests.services.hook.obliging import FILES, Held, Obliging, objects_of, project, pushed
from tests.services.running import PATIENCE, until

CUTS = 10


@pytest.fixture(scope="module")
def nomad() -> Obliging:
    return Obliging()


@pytest.fixture(scope="module")
def server(nomad: Obliging, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    config = CONFIG.replace('repos = ["shop", "web"]', 'repos = ["*"]')
    with hook_process(
        tmp_path_factory.mktemp("faults"), nomad=nomad.answer, config=config
    ) as running:
        yield running


_names = count()


@pytest.fixture
def repo(server: HookProcess, nomad: Obliging) -> str:
    """A new one for each test; Nomad is well."""
    nomad.on = lambda _asked: None
    name = f"shop{next(_names)}"
    server.make(name)
    return name


def records(server: HookProcess, repo: str) -> list[dict[str, Any]]:
    found = server.ask("GET", f"/repos/{repo}/deployments").json()["deployments"]
    return [dict(each) for each in found]


def nothing_came_of_it(server: HookProcess, repo: str) -> None:
    """No branch, no record, no intent, no object that is not whole; the audit says of each how."""
    bare = server.data / f"repos/{repo}.git"
    assert heads(bare) == {}
    assert records(server, repo) == []
    until(lambda: not list(server.data.glob("pending/*")), "intents are taken back")
    until(lambda: quarantined(bare) == [], "objects are gone")
    mine = [each for each in server.entries() if each["action"] == "push"]
    kinds = [each["kind"] for each in mine if each["subject"] == repo]
    assert kinds.count("intent") <= kinds.count("outcome")


# The client.


def test_a_push_that_is_cut_off_anywhere_moves_nothing_and_leaves_nothing(
    server: HookProcess, repo: str
) -> None:
    """The bytes of a push that deploys, cut at ten places of which none is its end."""
    objects = objects_of(FILES)
    body = request_of([(NOTHING, id_of(objects[-1]), "refs/heads/main")], pack_of(objects))
    whole = request_head(repo, len(body)) + body
    for number, offset in enumerate(random.Random(8).sample(range(1, len(whole)), CUTS)):
        with server.raw(whole[:offset]) as connection:
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                continue
            connection.shutdown(socket.SHUT_WR)
            assert b"unpack ok" not in hear(connection)
    nothing_came_of_it(server, repo)
    with server.raw(whole) as connection:
        assert b"ok refs/heads/main" in hear(connection)
    assert [each["final"] for each in records(server, repo)] == [True]


def request_head(repo: str, length: int) -> bytes:
    said = base64.b64encode(f"x:{PUSHER_TOKEN}".encode()).decode()
    return (
        f"POST /{repo}.git/git-receive-pack HTTP/1.1\r\nHost: hook\r\nConnection: close\r\n"
        f"Authorization: Basic {said}\r\nContent-Length: {length}\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\n\r\n"
    ).encode()


# The server.


def is_check(asked: Asked) -> bool:
    return asked.path.endswith("/plan")


def is_lock(asked: Asked) -> bool:
    return "/locks/" in asked.path


def killed(server: HookProcess, nomad: Obliging, where: Callable[[Asked], bool], work: Path) -> str:
    """Push, and kill the server when it asks for this; what the pusher saw."""
    held = Held(where)
    nomad.on = held
    with ThreadPoolExecutor(1) as pool:
        push = pool.submit(pushed, work, server)
        try:
            assert held.arrived.wait(PATIENCE)
            server.end(signal.SIGKILL)
            code, said = push.result(PATIENCE)
        finally:
            nomad.on = lambda _asked: None
            held.release.set()
    return "" if code == 0 else said


def test_a_server_that_is_killed_has_a_record_where_the_branch_moved_and_only_there(
    tmp_path: Path,
) -> None:
    """Killed while the check plans; and then between the record and the first registration."""
    nomad = Obliging()
    folder, work = tmp_path / "server", tmp_path / "work"
    folder.mkdir()
    commit = project(work)
    with hook_process(folder, nomad=nomad.answer) as first:
        first.make()
        said = killed(first, nomad, is_check, work)
        assert "hung up" in said or "disconnect" in said, said
    with hook_process(folder, nomad=nomad.answer) as second:
        nothing_came_of_it(second, "shop")
        # The same push again comes further.
        said = killed(second, nomad, is_lock, work)
        assert not said or "hung up" in said or "disconnect" in said, said
    with hook_process(folder, nomad=nomad.answer) as third:
        assert heads(third.data / "repos/shop.git") == {"main": commit}
        [record] = records(third, "shop")
        assert (record["commit"], record["state"]) == (commit, "needs-token")
        assert record["pusher"] == "alice"
        registered = [each for each in nomad.calls if each.path.endswith("/jobs")]
        assert registered == []
        resumed = third.ask("POST", "/repos/shop/deployments/1/resume", PUSHER, json={})
        assert resumed.status_code == 202
        until(lambda: records(third, "shop")[0]["final"], "the record ends")
        assert len(records(third, "shop")) == 1


# Nomad.


def only_who(reply: Reply) -> Callable[[Asked], Reply | None]:
    """Nomad knows who asks, and says this to everything else."""
    return lambda asked: None if asked.path.startswith("/v1/acl/") else reply


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (DOWN, "rpc error: EOF"),
        (NO_LEADER, "No cluster leader"),
        (Reply(b"{", promised=100), "was cut short"),
        (Reply(b"<html>welcome</html>"), "does not answer as Nomad does|not JSON"),
    ],
    ids=["down", "no-leader", "cut", "another"],
)
def test_without_nomad_a_push_is_refused_with_the_reason_before_the_branch_moves(
    server: HookProcess, nomad: Obliging, repo: str, tmp_path: Path, reply: Reply, told: str
) -> None:
    project(tmp_path / "work")
    nomad.on = only_who(reply)
    code, said = pushed(tmp_path / "work", server, name=repo)
    assert code == 1
    assert f"remote: refused: {repo} stays as it is" in said
    assert any(word in said for word in told.split("|")), said
    nothing_came_of_it(server, repo)
    nomad.on = lambda _asked: None
    assert pushed(tmp_path / "work", server, name=repo)[0] == 0


def test_who_nomad_cannot_be_asked_about_is_told_so(
    server: HookProcess, nomad: Obliging, repo: str, tmp_path: Path
) -> None:
    project(tmp_path / "work")
    nomad.on = lambda _asked: NO_LEADER
    code, said = pushed(tmp_path / "work", server, name=repo)
    assert code != 0
    assert "503" in said or "Nomad" in said
    nomad.on = lambda _asked: None
    nothing_came_of_it(server, repo)
    # For a moment it believes that there is none, and says so to whoever is not known yet.
    stranger = {"X-Nomad-Token": "00000000-0000-4000-8000-00005742a2e2"}
    until(lambda: server.ask("GET", "/repos", stranger).status_code == 401, "Nomad is asked again")


# Tokens.


def test_a_wrong_or_expired_token_costs_one_call_at_most(
    server: HookProcess, nomad: Obliging, repo: str, tmp_path: Path
) -> None:
    """For all that git asks with it; and none of it is tried again later."""
    project(tmp_path / "work")
    wrong = "00000000-0000-4000-8000-0000deadbeef"
    expired = token(said=claims(aud="hook.dev", nomad_job_id="shop", iat=1, nbf=1, exp=2))
    for secret, most in ((wrong, 1), (expired, 0)):
        before = len(nomad.calls)
        code, said = pushed(tmp_path / "work", server, name=repo, secret=secret)
        assert code == 128
        assert "Authentication failed" in said
        calls = nomad.calls[before:]
        assert len([each for each in calls if "/jwks" not in each.path]) <= most
        # Not in its words: git itself shows the URL that it was given, without the password.
        assert secret not in said
    nothing_came_of_it(server, repo)
    assert wrong not in str(server.said) and expired not in str(server.said)


def test_a_token_that_is_revoked_in_mid_deploy_waits_for_another_one(
    server: HookProcess, nomad: Obliging, repo: str, tmp_path: Path
) -> None:
    """Between the check and the first change: few calls more, none without a token, no failure."""
    commit = project(tmp_path / "work")
    held = Held(is_lock)
    nomad.on = held
    with ThreadPoolExecutor(1) as pool:
        push = pool.submit(pushed, tmp_path / "work", server, name=repo)
        assert held.arrived.wait(PATIENCE)
        del nomad.state.tokens[PUSHER_TOKEN]
        before = len(nomad.calls)
        nomad.on = lambda asked: UNKNOWN if PUSHER_TOKEN in asked.headers.values() else None
        held.release.set()
        code, said = push.result(PATIENCE)
    assert code == 0, said
    assert "remote: needs-token" in said or "needs-token" in said, said
    assert [each["state"] for each in records(server, repo)] == ["needs-token"]
    assert heads(server.data / f"repos/{repo}.git") == {"main": commit}
    later = nomad.calls[before:]
    assert len(later) < 10, [(each.method, each.path) for each in later]
    assert not [each for each in later if "X-Nomad-Token" not in each.headers]
    # Somebody else goes on with it; the one who lost the right does not.
    path = f"/repos/{repo}/deployments/1/resume"
    nomad.on = lambda _asked: None
    assert server.ask("POST", path, ADMIN, json={}).status_code == 202
    until(lambda: records(server, repo)[0]["final"], "the record ends")
    assert records(server, repo)[0]["resumed_by"] == "ada"
    assert nomad.of(ADMIN["X-Nomad-Token"], "/plan")
    assert git("ls-remote", server.remote(repo, ADMIN["X-Nomad-Token"])).stdout.split()[0] == commit
