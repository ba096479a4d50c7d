"""The hook server's client: what it asks, and a log that is followed over pauses and lost lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.hook import HookServer
from toolkit.errors import (
    ApiError,
    DeniedError,
    ExitCode,
    NotFoundError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.target import Endpoint, Secret

TOKEN = "5f2c9a1e-1111-4222-8333-444455556666"


def hook(server: Scripted, *, token: str = TOKEN) -> HookServer:
    endpoint = Endpoint("Hook", server.address, "Consul", token=Secret(token) if token else None)
    return HookServer(endpoint, sleep=lambda seconds: None)


def problem(slug: str, status: int, detail: str = "because", **members: Any) -> Reply:
    """A problem document as the server answers it."""
    headers = {"Content-Type": "application/problem+json"}
    said = {"type": f"/problems/{slug}", "title": "T", "status": status, "detail": detail}
    return Reply(json.dumps({**said, **members}).encode(), status, headers)


def lines(*numbers: int) -> Reply:
    """A log of these lines."""
    said = [
        json.dumps({"number": number, "at": 1.0, "text": f"line {number}"}) for number in numbers
    ]
    return Reply("\n".join([*said, ""]).encode())


class Log:
    """A server with one deployment: its states and its logs, in turn."""

    def __init__(self, states: list[str], logs: list[Reply]) -> None:
        self.states, self.logs = states, logs
        self.queries: list[tuple[str, str]] = []

    def __call__(self, asked: Asked) -> Reply:
        if asked.target.partition("?")[0].endswith("/log"):
            self.queries.append((asked.query["after"], asked.query["follow"]))
            return self.logs.pop(0)
        return Reply(json.dumps({"id": 3, "state": self.states.pop(0)}).encode())


def followed(log: Log, **how: Any) -> list[int]:
    with Scripted(log) as server, hook(server) as client:
        return [line["number"] for line in client.log("shop", 3, **how)]


@pytest.mark.parametrize(
    ("slug", "status", "kind", "hint"),
    [
        ("unidentified", 401, DeniedError, "NOMAD_TOKEN"),
        ("forbidden", 403, DeniedError, "hook.toml"),
        ("not-found", 404, NotFoundError, "toolkit repo list"),
        ("bug", 500, ServerError, "toolkit logs hook"),
        ("audit-unavailable", 503, ServerError, "free space"),
    ],
)
def test_a_problem_is_an_error_with_what_to_do(
    slug: str, status: int, kind: type[ApiError], hint: str
) -> None:
    with (
        Scripted(problem(slug, status)) as server,
        hook(server) as client,
        pytest.raises(kind) as caught,
    ):
        client.repo("shop")
    assert caught.value.message.startswith("Hook at http://127.0.0.1:")
    assert hint in (caught.value.hint or "")
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}"


def test_a_deed_whose_reply_is_lost_is_not_asked_for_twice_and_unknown() -> None:
    """The server knows no Idempotency-Key: a second request would be a second deployment."""
    with Scripted(Reply(promised=100)) as server, hook(server) as client:
        with pytest.raises(UnreachableError) as caught:
            client.deploy_again("shop", "redeploy", None)
        assert [asked.method for asked in server.asked] == ["POST"]
        with pytest.raises(UnreachableError):
            client.delete_repo("shop")
        assert [asked.method for asked in server.asked] == ["POST", "DELETE"]
    assert caught.value.code is ExitCode.UNKNOWN
    assert "toolkit repo show" in (caught.value.hint or "")


def test_what_does_the_same_twice_is_asked_for_again() -> None:
    replies = [Reply(promised=100), Reply(b'{"name": "shop"}', 200)]
    with Scripted(lambda asked: replies.pop(0)) as server, hook(server) as client:
        assert client.put_repo("shop", {}).status == 200
        assert not any("Idempotency-Key" in asked.headers for asked in server.asked)


def test_no_name_leads_to_another_path() -> None:
    with Scripted(Reply(b"{}")) as server, hook(server) as client:
        client.repo("../x")
        client.delete_repo("a/b?c")
        client.restore_repo("a/b", None)
        assert [asked.target for asked in server.asked] == [
            "/repos/..%2Fx", "/repos/a%2Fb%3Fc", "/repos/a%2Fb/restore",
        ]  # fmt: skip


def test_a_list_that_is_none_is_no_empty_list() -> None:
    with (
        Scripted(Reply(b'{"repos": 1}')) as server,
        hook(server) as client,
        pytest.raises(ServerError, match="another kind"),
    ):
        client.repos()


def test_a_log_that_is_not_followed_is_read_once() -> None:
    log = Log([], [lines(1, 2)])
    assert followed(log) == [1, 2]
    assert log.queries == [("0", "false")]


def test_a_followed_log_goes_on_from_where_it_was_until_the_deployment_is_final() -> None:
    log = Log(["deploying", "deploying", "deployed"], [lines(1, 2), lines(3), lines(4)])
    assert followed(log, follow=True) == [1, 2, 3, 4]
    assert log.queries == [("0", "true"), ("2", "true"), ("3", "false")]


def test_a_log_that_is_cut_off_is_asked_for_anew() -> None:
    whole = lines(1, 2).body
    cut = Reply(whole + b'{"num', promised=len(whole) + 100)
    log = Log(["deploying", "deployed"], [cut, lines(3)])
    assert followed(log, follow=True) == [1, 2, 3]


def test_one_that_needs_a_token_is_not_waited_for() -> None:
    log = Log(["needs-token"], [lines(1)])
    assert followed(log, follow=True) == [1]


def test_a_server_that_stays_away_ends_the_following() -> None:
    with Scripted(Log(["deploying"], [lines(1)])) as server:
        client = hook(server)
        following = client.log("shop", 3, follow=True)
        assert next(following)["number"] == 1
    with client, pytest.raises(UnreachableError) as caught:
        list(following)
    assert caught.value.code is ExitCode.UNKNOWN
    assert "toolkit repo log shop 3" in (caught.value.hint or "")


@pytest.mark.parametrize("text", [b"<html>\n", b"[1]\n", b"\xff\n"])
def test_what_is_no_log_is_told(text: bytes) -> None:
    with pytest.raises(ServerError, match="not a log"):
        followed(Log([], [Reply(text)]))
