"""What is made of answers: of pages, of something else's, of half ones."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Literal

import consul.base
import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.clients.traefik import Traefik
from toolkit.errors import ApiError, ServerError, UnreachableError
from toolkit.spec.target import Endpoint, Secret

TOKEN = "5f3a1c4e-0000-4000-8000-feedfacebeef"
INDEXED = {"X-Nomad-Index": "7", "X-Consul-Index": "7", "Content-Type": "application/json"}


def at(system: Literal["Nomad", "Consul", "Traefik"], server: Scripted, **how: Any) -> Endpoint:
    return Endpoint(system, server.address, "the test", **how)


def no_sleep(_seconds: float) -> None:
    """Retries without their pauses."""


READS: dict[str, Callable[[Scripted], object]] = {
    "nomad": lambda server: Nomad(at("Nomad", server), sleep=no_sleep).jobs(),
    "nomad page": lambda server: Nomad(at("Nomad", server), sleep=no_sleep).allocations("x"),
    "nomad job": lambda server: Nomad(at("Nomad", server), sleep=no_sleep).job("x"),
    "nomad variable": lambda server: Nomad(at("Nomad", server), sleep=no_sleep).variable("x"),
    "nomad log": lambda server: Nomad(at("Nomad", server), sleep=no_sleep).logs("a", "t"),
    "consul": lambda server: Consul(at("Consul", server), sleep=no_sleep).service("web"),
    "consul self": lambda server: Consul(at("Consul", server), sleep=no_sleep).agent_self(),
    "consul services": lambda server: Consul(at("Consul", server), sleep=no_sleep).services(),
    "traefik": lambda server: Traefik(at("Traefik", server), sleep=no_sleep).services(),
    "traefik version": lambda server: Traefik(at("Traefik", server), sleep=no_sleep).version(),
}
PAGE = b"<html><body>It works</body></html>"


@pytest.mark.parametrize("name", [name for name in READS if name != "nomad log"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(PAGE, headers={"Content-Type": "text/html"}),
        Reply(PAGE, 404, headers={"Content-Type": "text/html"}),
        Reply(b"404 page not found", 404),
        Reply(b"", 404),
        Reply(b"not found", 404),
        Reply(b"", 302, headers={"Location": "http://127.0.0.1:1/login"}),
        Reply(b'"text"', headers=INDEXED),
        Reply(b"\xff\xfe", headers=INDEXED),
        Reply(b"[]", headers=INDEXED, promised=500),
    ],
    ids=["page", "page404", "text404", "empty404", "found404", "redirect", "kind", "bytes", "cut"],
)
def test_an_answer_that_is_not_the_systems_is_an_error_of_ours(name: str, reply: Reply) -> None:
    with Scripted(reply) as server, pytest.raises(ServerError) as caught:
        READS[name](server)
    assert server.address in caught.value.message


@pytest.mark.parametrize("index", [None, "soon"])
@pytest.mark.parametrize("name", ["nomad page", "consul"])
def test_a_missing_index_is_an_error_of_ours(name: str, index: str | None) -> None:
    headers = {} if index is None else {"X-Nomad-Index": index, "X-Consul-Index": index}
    with Scripted(Reply(b"[]", headers=headers)) as server, pytest.raises(ServerError):
        READS[name](server)


def test_consul_blocks_with_the_wait_that_was_asked_for() -> None:
    with (
        Scripted(Reply(b"[]", headers=INDEXED)) as server,
        Consul(at("Consul", server, token=Secret(TOKEN)), datacenter="dc2") as consul,
    ):
        consul.service("web", wait=5.0)
        page = consul.service("web", index=7, wait=1.5)
    assert server.asked[0].query == {"dc": "dc2"}
    assert server.asked[1].query == {"dc": "dc2", "index": "7", "wait": "1500ms"}
    assert (page.index, page.changed, page.filtered) == (7, False, False)


def test_consul_says_when_the_token_hid_something() -> None:
    headers = {**INDEXED, "X-Consul-Results-Filtered-By-ACLs": "true"}
    with Scripted(Reply(b"[]", headers=headers)) as server, Consul(at("Consul", server)) as consul:
        assert consul.service("web").filtered


def test_nothing_at_all_is_not_believed_without_a_token() -> None:
    with Scripted(Reply(b"[]", headers=INDEXED)) as server:
        with Consul(at("Consul", server)) as consul:
            assert consul.service("web").filtered
            assert consul.service("api").filtered
        with Consul(at("Consul", server, token=Secret(TOKEN))) as consul:
            assert not consul.service("web").filtered
    names = [asked.path.rpartition("/")[2] for asked in server.asked]
    assert names == ["web", "consul", "api", "web"]


def test_a_consul_without_acls_says_how_to_get_them() -> None:
    with (
        Scripted(Reply(b"ACL support disabled", 401)) as server,
        Consul(at("Consul", server)) as consul,
        pytest.raises(ApiError) as caught,
    ):
        consul.bootstrap_acl("secret")
    assert caught.value.hint == "start the agent with ACLs on"
    assert server.asked[0].body == b'{"BootstrapSecret": "secret"}'


def test_traefik_is_read_page_by_page_with_its_password() -> None:
    services = [
        {"name": f"s{number}@consulcatalog", "status": "enabled", "serverStatus": {"u": "UP"}}
        for number in range(250)
    ]
    services.append(
        {"name": "off@consulcatalog", "status": "disabled", "serverStatus": {"u": "UP"}}
    )
    services.append({"name": "api@internal", "status": "enabled"})

    def script(asked: Asked) -> Reply:
        page, size = int(asked.query["page"]), int(asked.query["per_page"])
        part = services[(page - 1) * size : page * size]
        following = page + 1 if page * size < len(services) else 1
        return Reply(json.dumps(part).encode(), headers={"X-Next-Page": str(following)})

    with (
        Scripted(script) as server,
        Traefik(at("Traefik", server, username="me", token=Secret("pw"))) as traefik,
    ):
        found = traefik.services()
    assert len(found) == 251
    assert found["s249"] == {"u": "UP"}
    assert found["off"] == {"u": "DOWN"}
    assert [asked.query["page"] for asked in server.asked] == ["1", "2", "3"]
    assert server.asked[0].headers["Authorization"] == "Basic bWU6cHc="


LIBRARY_ERRORS = [
    kind
    for _name, kind in inspect.getmembers(consul.base, inspect.isclass)
    if issubclass(kind, consul.base.ConsulException)
]


@pytest.mark.parametrize("kind", [*LIBRARY_ERRORS, KeyError, ValueError], ids=lambda k: k.__name__)
def test_every_error_of_the_library_itself_is_mapped(kind: type[Exception]) -> None:
    def broken() -> object:
        raise kind("something")

    with Consul(Endpoint("Consul", "http://127.0.0.1:1", "the test")) as client:
        with pytest.raises(ServerError):
            client._read(broken, dict)
        with pytest.raises(UnreachableError) as caught:
            client._written(broken)
    assert caught.value.lost_reply


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("toolkit.clients.http", {"nomad", "consul"}),
        ("toolkit.clients.traefik", {"nomad", "consul"}),
        ("toolkit.clients.nomad", {"consul"}),
        ("toolkit.clients.consul", {"nomad"}),
    ],
)
def test_a_client_imports_its_own_library_only(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not absent & loaded
