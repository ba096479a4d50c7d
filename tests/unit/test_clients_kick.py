"""The kick server's client: its problems in our words, its pages, its keys, its lost replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.kick import Kick
from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    ExitCode,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.target import Endpoint, Secret

TOKEN = "5f2c9a1e-1111-4222-8333-444455556666"


def kick(server: Scripted, *, token: str = TOKEN, **more: Any) -> Kick:
    secret = Secret(token) if token else None
    endpoint = Endpoint("Kick", server.address, "Consul", token=secret, **more)
    return Kick(endpoint, sleep=lambda seconds: None)


def problem(slug: str, status: int, detail: str = "because", **members: Any) -> Reply:
    """A problem document as the server answers it."""
    retry = members.pop("retry", None)
    headers = {"Content-Type": "application/problem+json"}
    if retry is not None:
        headers["Retry-After"] = retry
    said = {"type": f"/problems/{slug}", "title": "T", "status": status, "detail": detail}
    return Reply(json.dumps({**said, **members}).encode(), status, headers)


def refused(script: Reply | Callable[[Asked], Reply], **more: Any) -> ApiError:
    with (
        Scripted(script) as server,
        kick(server, **more) as client,
        pytest.raises(ApiError) as caught,
    ):
        client.set_record({"hostname": "a.example.com"})
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


@pytest.mark.parametrize(
    ("slug", "status", "kind", "hint"),
    [
        ("unidentified", 401, DeniedError, "NOMAD_TOKEN"),
        ("forbidden", 403, DeniedError, "kick.toml"),
        ("not-found", 404, NotFoundError, ""),
        ("conflict", 409, ConflictError, "only its owner changes it"),
        ("ambiguous", 409, ConflictError, "--type"),
        ("precondition-failed", 412, ConflictError, "look again"),
        ("too-large", 413, InvalidRequestError, ""),
        ("unsupported-media-type", 415, InvalidRequestError, ""),
        ("invalid", 422, InvalidRequestError, ""),
        ("key-reused", 422, InvalidRequestError, ""),
        ("bug", 500, ServerError, "toolkit logs kick"),
        ("provider-refused", 502, ServerError, "nothing was changed"),
        ("audit-unavailable", 503, ServerError, "free space"),
        ("something-newer", 400, ServerError, ""),
    ],
)
def test_a_problem_is_an_error_with_its_detail_and_what_to_do(
    slug: str, status: int, kind: type[ApiError], hint: str
) -> None:
    error = refused(problem(slug, status, "shop.example.com is not yours"))
    assert type(error) is kind
    assert error.message.endswith(": shop.example.com is not yours")
    assert error.message.startswith("Kick at http://127.0.0.1:")
    assert hint in (error.hint or "")
    assert (error.status, error.code) == (status, ExitCode.REFUSED)


def test_the_servers_own_hint_is_better_than_ours() -> None:
    error = refused(problem("forbidden", 403, hint='names = ["a.example.com"] would'))
    assert error.hint == 'names = ["a.example.com"] would'


def test_who_came_without_a_token_is_told_how_to_get_one() -> None:
    error = refused(problem("unidentified", 401, hint="send Authorization"), token="")
    assert "set NOMAD_TOKEN" in (error.hint or "")
    assert "toolkit dev up --acl" in (error.hint or "")


def test_every_wrong_field_is_told() -> None:
    fields = [{"field": "ttl", "detail": "must be 0 or more"}, {"field": "a", "detail": "is odd"}]
    error = refused(problem("invalid", 422, errors=fields))
    assert error.message.endswith(": ttl must be 0 or more; a is odd")


def test_what_to_do_about_the_only_wrong_field_is_told() -> None:
    fields = [{"field": "zone", "detail": "must be given", "hint": "say public or private"}]
    error = refused(problem("invalid", 422, errors=fields))
    assert error.hint == "say public or private"


def test_an_unknown_outcome_is_no_refusal() -> None:
    error = refused(problem("outcome-unknown", 502))
    assert error.code is ExitCode.UNKNOWN
    assert "toolkit dns list" in (error.hint or "")


def test_an_audit_that_somebody_changed_is_unverified() -> None:
    error = refused(problem("audit-broken", 500, "the audit does not hold at line 3"))
    assert error.code is ExitCode.UNVERIFIED
    assert "keep the files" in (error.hint or "")


@pytest.mark.parametrize(("slug", "status"), [("unavailable", 503), ("too-many", 429)])
def test_a_busy_server_is_asked_again_with_the_same_key(slug: str, status: int) -> None:
    replies = [problem(slug, status, retry="1"), Reply(b'{"changed": true}', 201)]
    with Scripted(lambda asked: replies.pop(0)) as server, kick(server) as client:
        assert client.set_record({"hostname": "a"}).body == {"changed": True}
        first, second = (asked.headers["Idempotency-Key"] for asked in server.asked)
    assert first == second
    error = refused(problem(slug, status, retry="7"))
    assert "asked again in 7 s" in (error.hint or "")


def test_every_write_has_a_key_of_its_own_and_no_read_has_one() -> None:
    with Scripted(Reply(b"{}")) as server, kick(server) as client:
        client.set_record({})
        client.delete_record("*.a.example.com", kind="A")
        client.sync()
        client.record("a.example.com")
        client.plan()
        keys = [asked.headers.get("Idempotency-Key") for asked in server.asked]
        paths = [asked.target for asked in server.asked]
        tokens = {asked.headers.get("X-Nomad-Token") for asked in server.asked}
    assert len({*keys[:3]}) == 3
    assert keys[3:] == [None, None]
    assert paths[1] == "/record/%2A.a.example.com?type=A"
    assert tokens == {TOKEN}


def test_a_list_is_read_page_by_page() -> None:
    pages = {None: ([{"a": 1}], "x"), "x": ([{"a": 2}], None)}

    def answer(asked: Asked) -> Reply:
        items, following = pages[asked.query.get("cursor")]
        return Reply(json.dumps({"records": items, "next": following}).encode())

    with Scripted(answer) as server, kick(server) as client:
        assert list(client.records(kind="A")) == [{"a": 1}, {"a": 2}]
        assert [asked.query["type"] for asked in server.asked] == ["A", "A"]


@pytest.mark.parametrize(
    "body", [b'{"records": [], "next": "x"}', b'{"records": 1}', b"[]", b'{"records": [1]}', b"x"]
)
def test_a_list_that_is_none_ends(body: bytes) -> None:
    with (
        Scripted(Reply(body)) as server,
        kick(server) as client,
        pytest.raises(ServerError, match="the answer of Kick"),
    ):
        list(client.records())


def test_something_else_at_the_address_is_told() -> None:
    error = refused(Reply(b"<html>nginx</html>", 404))
    assert "does not answer as Kick does" in error.message
    error = refused(Reply(b"", 403, {"Content-Type": "application/problem+json"}))
    assert type(error) is DeniedError


def test_a_gateways_silence_after_a_write_is_not_a_refusal() -> None:
    error = refused(Reply(b"bad gateway", 502))
    assert isinstance(error, UnreachableError)
    assert error.code is ExitCode.UNKNOWN
    assert "toolkit dns list" in (error.hint or "")


def test_a_reply_that_was_lost_is_asked_for_again_with_the_same_key() -> None:
    replies = [
        Reply(b"{", 201, promised=50), Reply(b"bad gateway", 502), Reply(b'{"changed": true}', 201),
    ]  # fmt: skip
    with Scripted(lambda asked: replies.pop(0)) as server, kick(server) as client:
        assert client.set_record({"hostname": "a"}).body == {"changed": True}
        keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_nothing_there_and_tls_where_there_is_none() -> None:
    with Scripted(Reply()) as server:
        gone = server.address
        tls = server.address.replace("http:", "https:")
        with (
            Kick(Endpoint("Kick", tls, "toolkit.toml:3")) as client,
            pytest.raises(TlsError, match="speaks plain HTTP"),
        ):
            client.plan()
    with (
        Kick(Endpoint("Kick", gone, "KICK_ADDR"), sleep=lambda seconds: None) as client,
        pytest.raises(UnreachableError, match="cannot be reached") as caught,
    ):
        client.plan()
    assert "is the address right (KICK_ADDR)" in (caught.value.hint or "")


def test_the_environments_proxy_is_taken() -> None:
    with Scripted(Reply(b"{}")) as proxy:
        endpoint = Endpoint("Kick", "http://kick.invalid:8652", "toolkit.toml:3",
                            proxy=proxy.address)  # fmt: skip
        with Kick(endpoint) as client:
            client.plan()
        assert proxy.asked[0].target.startswith("http://kick.invalid:8652/plan")


def test_a_client_shows_no_token() -> None:
    assert TOKEN not in repr(Kick(Endpoint("Kick", "http://a", "x", token=Secret(TOKEN))))
