"""The frontend as a process: backends that come and go, a Consul that comes and goes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from signal import SIGTERM

import httpx
import pytest
from backend.serve import KEEP_ALIVE
from frontend.client import LIMITS
from frontend.directory import OLDEST_LIST, Directory, NoListError
from frontend.settings import from_environment

from tests.services.running import (
    Answer,
    Service,
    closed_port,
    fetch,
    run_to_end,
    service,
    stand_in,
    until,
)


def listing(*addresses: str) -> bytes:
    """Consul's answer with these instances in it."""
    entries = []
    for number, address in enumerate(addresses):
        host, port = address.rsplit(":", 1)
        entry = {"ID": f"backend-{number}", "Address": host, "Port": int(port)}
        entries.append({"Node": {"Address": "192.0.2.1"}, "Service": entry})
    return json.dumps(entries).encode()


def values(release: str) -> bytes:
    return json.dumps({"release": release, "allocation": "a", "node": "n"}).encode()


@pytest.fixture(scope="module")
def backend() -> Iterator[Service]:
    with service("backend", RELEASE="1.0.0", NOMAD_ALLOC_ID="0a1f3c52") as running:
        yield running


def page_with(consul: str, **variables: str) -> httpx.Response:
    """The page of a frontend of its own."""
    with service("frontend", RELEASE="3.0.0", CONSUL_HTTP_ADDR=consul, **variables) as frontend:
        return fetch(frontend.url)


# --- configuration that cannot work ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CONSUL_HTTP_ADDR", "http://u:hunter2@consul", "CONSUL_HTTP_ADDR must be http(s)://"),
        ("CONSUL_HTTP_ADDR", "unix:///run/consul.sock", "CONSUL_HTTP_ADDR must be http(s)://"),
        ("CONSUL_HTTP_TOKEN", "hunter2\r\nX: y", "CONSUL_HTTP_TOKEN must be printable ASCII"),
        ("BACKEND_SERVICE", "../../kv/x", "BACKEND_SERVICE must be a service's name"),
        ("PORT", "http", "PORT must be a port number"),
    ],
)
def test_wrong_variables_are_named_and_secrets_are_not_repeated(
    name: str, value: str, said: str
) -> None:
    ended = run_to_end("frontend", **{name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"FATAL {said}")
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr


def test_an_authority_that_is_not_there_is_said() -> None:
    ended = run_to_end("frontend", CONSUL_HTTP_ADDR="https://c:8501", CONSUL_CACERT="/nowhere.pem")
    assert ended.returncode == 1
    assert ended.stderr.startswith("FATAL cannot read CONSUL_CACERT /nowhere.pem")


# --- nobody left to ask ------------------------------------------------------------------------


def test_consul_that_is_not_there_is_a_clear_page() -> None:
    page = page_with(closed_port(), CONSUL_HTTP_TOKEN="hunter2")
    assert page.status_code == 503
    assert page.headers["X-Release"] == "3.0.0"
    assert "X-Backend-Release" not in page.headers
    assert "Consul does not answer (ConnectError)" in page.text
    assert "hunter2" not in page.text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, b"Permission denied: hunter2"), "Consul refuses the token (403)"),
        ((500, b"No cluster leader"), "Consul answered 500"),
        ((200, b"<html>"), "Consul&#x27;s answer cannot be read"),
        ((200, b'[{"Service": 1}]'), "Consul&#x27;s answer cannot be read"),
        ((200, b'{"a": 1}'), "Consul&#x27;s answer cannot be read"),
        ((200, b"[]"), "no backend passes its check in Consul"),
    ],
)
def test_each_way_of_having_no_list_says_so(answer: Answer, said: str) -> None:
    with stand_in(lambda path, headers: answer) as consul:
        page = page_with(consul)
    assert page.status_code == 503
    assert said in page.text
    assert "hunter2" not in page.text


def test_backends_that_all_fail_are_named() -> None:
    gone = closed_port()
    with (
        stand_in(lambda path, headers: (500, b"")) as sick,
        stand_in(lambda path, headers: (200, listing(gone, sick))) as consul,
    ):
        page = page_with(consul)
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "1"
    assert f"{gone} does not answer (ConnectError)" in page.text
    assert f"{sick} answered 500" in page.text


# --- some of them left -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [(503, b""), (404, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"other": 1}')],
)
def test_one_that_does_not_answer_as_a_backend_is_passed_over(
    backend: Service, answer: Answer
) -> None:
    alive = f"{backend.host}:{backend.port}"
    with (
        stand_in(lambda path, headers: answer) as sick,
        stand_in(lambda path, headers: (200, listing(alive, sick))) as consul,
        service("frontend", CONSUL_HTTP_ADDR=consul) as frontend,
    ):
        pages = [fetch(frontend.url) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 200]
    asked = ["<dt>instances asked</dt><dd>2</dd>" in page.text for page in pages]
    assert sorted(asked) == [False, True], "it begins with another instance each time"


def test_one_that_is_gone_and_one_that_is_silent_are_passed_over(backend: Service) -> None:
    release = threading.Event()

    def silent(path: str, headers: dict[str, str]) -> Answer:
        release.wait(20)
        return 200, values("late")

    alive = f"{backend.host}:{backend.port}"
    with (
        stand_in(silent) as mute,
        stand_in(lambda path, headers: (200, listing(alive, closed_port(), mute))) as consul,
    ):
        try:
            page = page_with(consul)
        finally:
            release.set()
    assert page.status_code == 200
    assert page.headers["X-Backend-Release"] == "1.0.0"
    assert "<dt>instances asked</dt><dd>3</dd>" in page.text


def test_consul_is_asked_once_more_when_all_that_it_listed_are_gone(backend: Service) -> None:
    alive = f"{backend.host}:{backend.port}"
    gone = closed_port()
    answers = iter([listing(gone, gone), listing(alive)])
    with stand_in(lambda path, headers: (200, next(answers))) as consul:
        page = page_with(consul)
    assert page.status_code == 200
    assert page.headers["X-Backend-Release"] == "1.0.0"
    assert next(answers, None) is None


def test_consul_that_goes_away_leaves_its_last_list(backend: Service) -> None:
    alive = f"{backend.host}:{backend.port}"
    answers = iter([(200, listing(alive)), (500, b"No cluster leader")])
    with (
        stand_in(lambda path, headers: next(answers)) as consul,
        service("frontend", CONSUL_HTTP_ADDR=consul) as frontend,
    ):
        before, after = fetch(frontend.url), fetch(frontend.url)
    assert (before.status_code, after.status_code) == (200, 200)
    assert "the last list of backends was used" not in before.text
    assert "Consul answered 500; the last list of backends was used" in after.text


def test_the_last_list_is_used_for_a_bounded_time() -> None:
    now = 0.0
    up = True

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if up else 500, content=listing("127.0.0.1:1"))

    async def story() -> None:
        nonlocal now, up
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            directory = Directory(client, from_environment({}), clock=lambda: now)
            fresh = await directory.look()
            up = False
            now = OLDEST_LIST
            stale = await directory.look()
            assert stale.instances == fresh.instances
            assert (fresh.excuse, stale.excuse) == ("", "Consul answered 500")
            now += 0.001
            with pytest.raises(NoListError, match="Consul answered 500"):
                await directory.look()

    asyncio.run(story())


def test_an_empty_list_is_believed_and_not_replaced_by_the_last_one(backend: Service) -> None:
    alive = f"{backend.host}:{backend.port}"
    answers = iter([listing(alive), b"[]"])
    with (
        stand_in(lambda path, headers: (200, next(answers))) as consul,
        service("frontend", CONSUL_HTTP_ADDR=consul) as frontend,
    ):
        assert [fetch(frontend.url).status_code for _ in range(2)] == [200, 503]


def test_what_a_backend_says_cannot_become_markup_or_a_header() -> None:
    hostile = "<script>1</script>\r\nX-Evil: ü"
    with (
        stand_in(lambda path, headers: (200, values(hostile))) as liar,
        stand_in(lambda path, headers: (200, listing(liar))) as consul,
    ):
        page = page_with(consul)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "X-Evil" not in page.headers
    assert page.headers["X-Backend-Release"] == "<script>1</script>??X-Evil: ?"


# --- shutdown ----------------------------------------------------------------------------------


def test_a_page_in_the_making_is_finished_after_the_signal() -> None:
    asked, go_on = threading.Event(), threading.Event()
    pages: list[httpx.Response] = []

    def slow(path: str, headers: dict[str, str]) -> Answer:
        asked.set()
        go_on.wait(20)
        return 200, values("1.0.0")

    with (
        stand_in(slow) as backend,
        stand_in(lambda path, headers: (200, listing(backend))) as consul,
        service("frontend", CONSUL_HTTP_ADDR=consul) as frontend,
    ):
        reader = threading.Thread(target=lambda: pages.append(fetch(frontend.url)))
        reader.start()
        try:
            assert asked.wait(20)
            frontend.signal(SIGTERM)
        finally:
            go_on.set()
            reader.join(30)
        assert frontend.wait() == 0
    assert [page.status_code for page in pages] == [200]


def test_it_drops_idle_connections_before_the_backend_does() -> None:
    assert LIMITS.keepalive_expiry is not None
    assert LIMITS.keepalive_expiry < KEEP_ALIVE


# --- with a real Consul ------------------------------------------------------------------------


@pytest.mark.agents
def test_real_consul_backends_come_and_go(consul: httpx.Client) -> None:
    def register(number: int, running: Service, status: str) -> None:
        body = {
            "ID": f"backend-{number}",
            "Name": "backend",
            "Address": running.host,
            "Port": running.port,
            "Check": {"TTL": "10m", "Status": status},
        }
        consul.put("/v1/agent/service/register", json=body).raise_for_status()

    def forget(number: int) -> None:
        consul.put(f"/v1/agent/service/deregister/backend-{number}").raise_for_status()

    with (
        service("backend", RELEASE="1.0.0") as old,
        service("backend", RELEASE="1.1.0") as new,
        service("frontend", RELEASE="3.0.0", CONSUL_HTTP_ADDR=str(consul.base_url)) as frontend,
    ):

        def releases() -> set[str | None]:
            return {fetch(frontend.url).headers.get("X-Backend-Release") for _ in range(4)}

        assert fetch(frontend.url).status_code == 503
        register(0, old, "passing")
        register(1, new, "critical")
        until(lambda: releases() == {"1.0.0"}, "only the passing backend is asked")
        consul.put("/v1/agent/check/pass/service:backend-1").raise_for_status()
        until(lambda: releases() == {"1.0.0", "1.1.0"}, "both are asked in turn")
        old.process.send_signal(SIGTERM)
        assert old.wait() == 0
        pages = [fetch(frontend.url) for _ in range(4)]
        assert {page.headers.get("X-Backend-Release") for page in pages} == {"1.1.0"}
        forget(0)
        forget(1)
        until(lambda: fetch(frontend.url).status_code == 503, "nobody is left")


# --- what it says ------------------------------------------------------------------------------


def test_the_page_names_both_releases_and_fetches_nothing(backend: Service) -> None:
    seen: list[tuple[str, str | None]] = []

    def consul(path: str, headers: dict[str, str]) -> Answer:
        seen.append((path, headers.get("x-consul-token")))
        return 200, listing(f"{backend.host}:{backend.port}")

    with stand_in(consul) as address:
        page = page_with(
            address, NOMAD_ALLOC_ID="9c3e77d0", NODE_NAME="node-7", CONSUL_HTTP_TOKEN="hunter2"
        )
    assert seen == [("/v1/health/service/backend?passing=true", "hunter2")]
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (page.headers["X-Release"], page.headers["X-Backend-Release"]) == ("3.0.0", "1.0.0")
    for said in ("3.0.0", "9c3e77d0", "node-7", "1.0.0", "0a1f3c52"):
        assert said in page.text
    assert "hunter2" not in page.text
    assert "://" not in page.text, "the page may not fetch anything from elsewhere"
    assert "prefers-color-scheme: dark" in page.text


def test_health_does_not_depend_on_backends_but_on_its_own_start() -> None:
    with service("frontend", CONSUL_HTTP_ADDR=closed_port()) as frontend:
        assert fetch(frontend.url, "/health").status_code == 200
    with service("frontend", SLOW_START="3600") as frontend:
        assert fetch(frontend.url, "/health").status_code == 503
