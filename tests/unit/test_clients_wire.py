"""What goes over the wire: around each fault of the libraries that our calls can meet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.counter import CallCounter
from toolkit.clients.nomad import Nomad
from toolkit.clients.page import next_index
from toolkit.clients.session import blocking_timeout
from toolkit.clients.traefik import Traefik
from toolkit.errors import ApiError, UnreachableError
from toolkit.spec.target import Endpoint, Secret

PAGE = b"<html><body>It works</body></html>"
TOKEN = "5f3a1c4e-0000-4000-8000-feedfacebeef"
INDEXED = {"X-Nomad-Index": "7", "X-Consul-Index": "7", "Content-Type": "application/json"}


def at(system: Literal["Nomad", "Consul", "Traefik"], server: Scripted, **how: Any) -> Endpoint:
    return Endpoint(system, server.address, "the test", **how)


def no_sleep(_seconds: float) -> None:
    """Retries without their pauses."""


HOSTILE = {
    "NOMAD_ADDR": "http://127.0.0.1:1",
    "NOMAD_TOKEN": "from-the-environment",
    "NOMAD_NAMESPACE": "elsewhere",
    "NOMAD_REGION": "mars",
    "NOMAD_CLIENT_CERT": "nowhere.pem",
    "NOMAD_CLIENT_KEY": "nowhere.key",
    "CONSUL_HTTP_ADDR": "not:an:address:at:all",
    "CONSUL_HTTP_TOKEN": "from-the-environment",
    "CONSUL_HTTP_SSL": "true",
    "CONSUL_HTTP_SSL_VERIFY": "false",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "REQUESTS_CA_BUNDLE": "nowhere.pem",
    "CURL_CA_BUNDLE": "nowhere.pem",
}


@pytest.mark.parametrize("token", [None, TOKEN])
def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    secret = None if token is None else Secret(token)
    with Scripted(Reply(b"[]", headers=INDEXED)) as server:
        with Nomad(at("Nomad", server, token=secret)) as nomad:
            nomad.jobs()
        with Consul(at("Consul", server, token=secret)) as consul:
            consul.service("web")
    jobs, *services = server.asked
    assert jobs.query == {"namespace": "default"}
    assert jobs.headers.get("X-Nomad-Token") == token
    for service in services:
        assert service.query == {}
        assert service.headers.get("X-Consul-Token") == token


def test_a_netrc_file_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Scripted(Reply(b"[]", headers=INDEXED)) as server, Nomad(at("Nomad", server)) as nomad:
        nomad.jobs()
    assert "Authorization" not in server.asked[0].headers


def test_no_part_of_a_client_prints_its_token() -> None:
    endpoint = Endpoint("Nomad", "http://127.0.0.1:1", "the test", token=Secret(TOKEN))
    with (
        Nomad(endpoint) as nomad,
        Consul(replace(endpoint, system="Consul")) as consul,
        Traefik(replace(endpoint, system="Traefik", username="me")) as traefik,
    ):
        parts = [nomad, consul, traefik, *vars(nomad).values(), *vars(consul).values()]
        parts += [*vars(traefik).values(), *vars(consul._parts).values()]
        parts += nomad._requesters.values()
        for part in parts:
            assert TOKEN not in f"{part!r} {part!s}"


def test_no_error_prints_the_token() -> None:
    script = Reply(b"Permission denied", 403)
    with (
        Scripted(script) as server,
        Nomad(at("Nomad", server, token=Secret(TOKEN))) as nomad,
        pytest.raises(ApiError) as caught,
    ):
        nomad.jobs()
    seen: BaseException | None = caught.value
    while seen is not None:
        assert TOKEN not in f"{seen!r} {seen!s} {seen.args}"
        seen = seen.__cause__ or seen.__context__


@pytest.mark.parametrize("token", [None, Secret(TOKEN)])
def test_the_user_agent_is_sent_with_and_without_a_token(token: Secret | None) -> None:
    with (
        Scripted(Reply(b"[]", headers=INDEXED)) as server,
        Nomad(at("Nomad", server, token=token)) as nomad,
    ):
        nomad.jobs()
    assert server.asked[0].headers["User-Agent"] == "toolkit"


CALLS: dict[str, Callable[[Nomad], object]] = {
    "variable": lambda nomad: nomad.variable("a/b"),
    "put_variable": lambda nomad: nomad.put_variable("a/b", {"k": "v"}),
    "delete_variable": lambda nomad: nomad.delete_variable("a/b"),
    "evaluations": lambda nomad: nomad.evaluation("e"),
    "validate": lambda nomad: nomad.validate({"ID": "x"}),
    "parse": lambda nomad: nomad.parse("hcl"),
    "plan": lambda nomad: nomad.plan({"ID": "x"}),
    "register": lambda nomad: nomad.register({"ID": "x"}, check_index=3),
    "revert": lambda nomad: nomad.revert("x", 2),
    "scale": lambda nomad: nomad.scale("x", "web", 2, message="m"),
    "stop": lambda nomad: nomad.stop("x"),
    "promote": lambda nomad: nomad.promote("d"),
    "restart": lambda nomad: nomad.restart_allocation("a"),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_names_namespace_and_region(name: str) -> None:
    with (
        Scripted(Reply(b"{}", headers=INDEXED)) as server,
        Nomad(at("Nomad", server), namespace="prod", region="eu") as nomad,
    ):
        CALLS[name](nomad)
    assert server.asked[0].query["namespace"] == "prod"
    assert server.asked[0].query["region"] == "eu"


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ("a b", "/v1/job/a%20b"),
        ("a#b", "/v1/job/a%23b"),
        ("a?b&c=d", "/v1/job/a%3Fb%26c%3Dd"),
        ("a/b", "/v1/job/a%2Fb"),
        ("ü", "/v1/job/%C3%BC"),
        ("100%", "/v1/job/100%25"),
    ],
)
def test_a_name_stays_one_part_of_the_path(job: str, path: str) -> None:
    with Scripted(Reply(b"{}", headers=INDEXED)) as server, Nomad(at("Nomad", server)) as nomad:
        nomad.job(job)
    assert server.asked[0].path == path


def test_a_trailing_slash_of_the_address_does_not_double() -> None:
    with Scripted(Reply(b"[]", headers=INDEXED)) as server:
        with Nomad(Endpoint("Nomad", server.address + "/", "the test")) as nomad:
            nomad.jobs()
        with Consul(Endpoint("Consul", server.address + "/", "the test")) as consul:
            consul.service("web")
    assert [asked.path for asked in server.asked[:2]] == ["/v1/jobs", "/v1/health/service/web"]


def test_what_the_caller_gave_is_left_as_it_was() -> None:
    job = {"ID": "x", "Meta": {"release": "1"}}
    submission = {"Source": "hcl", "Format": "hcl2"}
    with Scripted(Reply(b"{}", headers=INDEXED)) as server, Nomad(at("Nomad", server)) as nomad:
        nomad.register(job, check_index=3, submission=submission)
    assert job == {"ID": "x", "Meta": {"release": "1"}}
    assert submission == {"Source": "hcl", "Format": "hcl2"}
    assert json.loads(server.asked[0].body) == {
        "Job": job,
        "EnforceIndex": True,
        "JobModifyIndex": 3,
        "Submission": submission,
    }


AWAY: list[Callable[[Nomad], object]] = [
    lambda nomad: nomad.jobs(),
    lambda nomad: nomad.stop("x"),
    lambda nomad: nomad.put_variable("x", {}),
    lambda nomad: nomad.scale("x", "web", 1, message=""),
]


@pytest.mark.parametrize("call", AWAY, ids=["get", "delete", "put", "post"])
def test_a_redirect_does_not_carry_the_token_away(call: Callable[[Nomad], object]) -> None:
    with Scripted(Reply(b"{}", headers=INDEXED)) as thief:
        away = Reply(b"", 307, headers={"Location": thief.address + "/v1/jobs"})
        with Scripted(away) as server:
            with Nomad(at("Nomad", server, token=Secret(TOKEN))) as nomad, pytest.raises(ApiError):
                call(nomad)
            consul = Consul(at("Consul", server, token=Secret(TOKEN)))
            with consul, pytest.raises(ApiError):
                consul.service("web")
    assert len(server.asked) == 2
    assert thief.asked == []


def test_a_write_with_an_unreadable_answer_may_have_been_carried_out() -> None:
    for reply in [Reply(PAGE), Reply(b'{"EvalID"', promised=400), Reply(b"[]")]:
        with (
            Scripted(reply) as server,
            Nomad(at("Nomad", server)) as nomad,
            pytest.raises(UnreachableError) as caught,
        ):
            nomad.register({"ID": "x"}, check_index=0)
        assert caught.value.lost_reply
        assert len(server.asked) == 1


def test_reads_that_are_refused_for_a_moment_are_asked_again_and_counted() -> None:
    replies = iter([Reply(b"slow down", 429), Reply(b"", 503), Reply(b"[]", headers=INDEXED)])
    counter = CallCounter()
    with (
        Scripted(lambda _asked: next(replies)) as server,
        Nomad(at("Nomad", server), counter=counter, sleep=no_sleep) as nomad,
    ):
        assert nomad.jobs() == []
    assert counter.calls == len(server.asked) == 3


@pytest.mark.parametrize("reply", [Reply(b"slow down", 429), Reply(b"", 503)])
def test_writes_are_never_sent_again(reply: Reply) -> None:
    with Scripted(reply) as server:
        with Nomad(at("Nomad", server), sleep=no_sleep) as nomad, pytest.raises(ApiError):
            nomad.stop("x")
        with Consul(at("Consul", server), sleep=no_sleep) as consul, pytest.raises(ApiError):
            consul.put_policy("p", "")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("asked", "answered", "index", "changed"),
    [
        (0, "9", 9, True),
        (9, "9", 9, False),
        (9, "12", 12, True),
        (9, "4", 0, True),
        (0, "0", 1, True),
        (1, "0", 1, False),
        (0, "-3", 1, True),
    ],
)
def test_where_to_go_on_from(asked: int, answered: str, index: int, changed: bool) -> None:
    assert next_index(asked, answered) == (index, changed)


def answering_index(asked: Asked) -> Reply:
    return Reply(b"[]", headers={"X-Nomad-Index": asked.query.get("index", "0")})


def test_expired_waits_are_counted_over_all_clones() -> None:
    with (
        Scripted(answering_index) as server,
        Nomad(at("Nomad", server)) as nomad,
        nomad.clone() as other,
    ):
        page = nomad.allocations("x")
        assert (page.index, page.changed) == (1, True)
        assert not other.allocations("x", index=page.index, wait=2.5).changed
        assert not nomad.allocations("x", index=5, wait=0.0).changed
    assert (nomad.counter.calls, nomad.counter.expired_waits) == (3, 2)
    assert "index" not in server.asked[0].query
    assert server.asked[1].query["wait"] == "2500ms"
    # Without any wait, Nomad would block for five minutes.
    assert server.asked[2].query["wait"] == "1ms"


def test_a_blocking_query_waits_for_longer_than_the_server_may_take() -> None:
    for wait in (0.0, 1.0, 30.0, 300.0):
        assert blocking_timeout(wait)[1] > wait + wait / 16


def test_the_counter_loses_nothing_between_threads() -> None:
    counter = CallCounter()

    def count() -> None:
        for _ in range(2000):
            counter.count_call()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.calls == 8000


def test_calls_go_through_the_endpoints_proxy_only() -> None:
    with Scripted(Reply(b"[]", headers=INDEXED)) as proxy:
        there = Endpoint("Nomad", "http://nomad.invalid:4646", "the test", proxy=proxy.address)
        with Nomad(there) as nomad:
            nomad.jobs()
        with Consul(replace(there, system="Consul")) as consul:
            consul.service("web")
    assert proxy.asked[0].target.startswith("http://nomad.invalid:4646/v1/jobs")
    assert proxy.asked[1].target == "http://nomad.invalid:4646/v1/health/service/web"


def test_a_proxy_that_does_not_answer_is_named_without_its_password() -> None:
    there = Endpoint(
        "Nomad", "http://nomad.invalid:4646", "the test", proxy="http://me:hunter2@127.0.0.1:1"
    )
    with Nomad(there, sleep=no_sleep) as nomad, pytest.raises(UnreachableError) as caught:
        nomad.register({"ID": "x"}, check_index=0)
    assert not caught.value.lost_reply
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint is not None
    assert "proxy" in caught.value.hint


@pytest.mark.parametrize("address", ["127.0.0.1:4646", "ftp://127.0.0.1", "http://", "nomad"])
def test_an_address_that_is_none_is_said_to_be_none(address: str) -> None:
    with (
        Nomad(Endpoint("Nomad", address, "the test"), sleep=no_sleep) as nomad,
        pytest.raises(ApiError) as caught,
    ):
        nomad.jobs()
    assert address in caught.value.message
