"""Every URL of the running server and every odd spelling of one, byte by byte on its socket.

What no client library would send as it is: it would tidy the path first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from tests.faults.scripted import Asked, Reply
from tests.services.hook.git_wire import hear
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    PUSHER_TOKEN,
    HookProcess,
    hook_process,
    nomad_state,
)

OPEN = ("/healthz", "/metrics", "/openapi.json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
GIT = (
    "/{repo}.git/info/refs?service=git-upload-pack",
    "/{repo}.git/info/refs?service=git-receive-pack",
    "/{repo}.git/git-upload-pack",
    "/{repo}.git/git-receive-pack",
    "/{repo}/archive/" + "a" * 40 + ".tar.gz",
)
FILLED = {"id": "1", "service": "web", "version": "0" * 64, "build": "x", "hook": "pre-receive",
          "file": "x.tar.gz", "digest": "0" * 64}  # fmt: skip

NAMES = (
    "..", ".", "../x", "../../etc/passwd", "a/../../b", "x.git/../secret", "secret.git/../secret",
    "%2e%2e", "%2e%2e%2fsecret", "..%2fsecret", "%2e%2e/secret", "%252e%252e%252fsecret",
    "/secret", "//secret", "%2fsecret", "\\secret", "..\\secret", "%5c..%5csecret", "-x",
    "--upload-pack=x", ".git", "secret%00", "%00secret", "secret%0a", "secret%0d%0aX:1", "sec ret",
    "secret%20", "secret.", "secret%2egit", "SECRET", "\u2025/secret", "\uff0e\uff0e\uff0fsecret",
    "%c0%ae%c0%ae/secret", "%ef%bc%8e%ef%bc%8e/secret", "s" * 300, "%73" * 300, "secret;x",
    "secret?x", "secret#x", "~root", "$(id)", "`id`", "{repo}", "*", "se%cret", "%ff%fe",
)  # fmt: skip
"""What is no name, and would be another's if it were tidied, joined or unquoted once more."""


@pytest.fixture(scope="module")
def calls() -> list[Asked]:
    return []


@pytest.fixture(scope="module")
def server(calls: list[Asked], tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    """A server with one repository, `secret`, that the pusher has no right to."""
    state = nomad_state()

    def answer(asked: Asked) -> Reply:
        calls.append(asked)
        return state.answer(asked)

    folder = tmp_path_factory.mktemp("unauth")
    with hook_process(folder, nomad=answer) as running:
        running.make("secret")
        before = set(running.data.rglob("*"))
        yield running
        new = set(running.data.rglob("*")) - before
        assert not [path for path in new if "gate" not in path.parts], new
        assert {path.name for path in folder.iterdir()} == {"data", "hook.toml"}


def raw(server: HookProcess, method: str, path: str, *headers: str, body: str = "") -> bytes:
    """The answer to a request whose path is sent as it is."""
    lines = [f"{method} {path} HTTP/1.1", "Host: hook", "Connection: close", *headers, "", body]
    with server.raw("\r\n".join(lines).encode()) as connection:
        return hear(connection)


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


def urls(server: HookProcess, repo: str) -> list[str]:
    """What the server itself says it has, and git's."""
    said = server.ask("GET", "/openapi.json", {}).json()["paths"]
    return [
        re.sub(r"{(\w+)}", lambda found: FILLED.get(found[1], repo), path)
        for path in (*said, *GIT)
        if path not in OPEN
    ]


def test_no_url_in_no_method_answers_to_nobody(server: HookProcess, calls: list[Asked]) -> None:
    """Whether or not there is such a repository; and Nomad is not asked for nobody."""
    before = len(calls)
    for repo in ("secret", "absent"):
        for method, path in product(METHODS, urls(server, repo)):
            answer = raw(server, method, path, "Content-Length: 0")
            assert status(answer) == 401, (method, path, answer)
            assert b'www-authenticate: Basic realm="hook"' in answer
            assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1]
    assert len(calls) == before


@pytest.mark.parametrize(
    "said",
    [
        "Authorization: Basic Og==",
        "Authorization: Basic",
        "Authorization: Basic eDo=",
        "Authorization: Basic YW5vbnltb3VzOmFub255bW91cw==",
        "Authorization: Bearer",
        "Authorization: Bearer anonymous",
        "Authorization: Negotiate x",
        "X-Nomad-Token: anonymous",
        "X-Nomad-Token:",
        f"X-Nomad-Token: {PUSHER_TOKEN[:-1]}",
        f"Cookie: token={PUSHER_TOKEN}",
        f"X-Consul-Token: {PUSHER_TOKEN}",
    ],
)  # fmt: skip
def test_what_is_no_token_is_nobody(server: HookProcess, calls: list[Asked], said: str) -> None:
    before = len(calls)
    for path in urls(server, "secret")[-5:]:
        assert status(raw(server, "GET", path, said)) == 401
    assert len(calls) == before


def test_a_token_in_the_address_is_none(server: HookProcess) -> None:
    for path in (
        f"/repos?token={ADMIN_TOKEN}",
        f"/secret.git/info/refs?X-Nomad-Token={ADMIN_TOKEN}",
    ):
        assert status(raw(server, "GET", path)) == 401
    assert ADMIN_TOKEN not in str(server.said)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_lead_elsewhere_lead_nowhere(server: HookProcess, name: str) -> None:
    """Not for nobody, and not for who may push to other repositories, or to all."""
    for path in (
        f"/repos/{name}",
        f"/repos/{name}/deployments/1/log",
        *(each.replace("{repo}", name, 1) for each in GIT),
    ):
        assert status(raw(server, "GET", path)) in (400, 401)
        for secret in (PUSHER_TOKEN, ADMIN_TOKEN):
            answer = raw(server, "GET", path, f"X-Nomad-Token: {secret}")
            told_as_git = b"# service=" in answer and b"ERR " in answer
            assert told_as_git or status(answer) in (400, 403, 404, 405, 422), (path, answer)
            for leak in (b"root:x:", b"ref: refs/", str(server.data).encode(), b"capabilities^{}"):
                assert leak not in answer, (path, answer)
        made = raw(
            server,
            "PUT",
            f"/repos/{name}",
            f"X-Nomad-Token: {ADMIN_TOKEN}",
            "Content-Type: application/json",
            "Content-Length: 2",
            body="{}",
        )
        assert status(made) not in (200, 201)


@pytest.mark.parametrize(
    "service",
    ["", "git-upload-archive", "upload-pack", "git-upload-pack%00", "git-upload-pack%0a",
     "--upload-pack=x", "git-shell", "../git-upload-pack", "git-upload-pack&service=git-shell"],
)  # fmt: skip
def test_services_that_are_not_gits_two(server: HookProcess, service: str) -> None:
    path = f"/secret.git/info/refs?service={service}"
    assert status(raw(server, "GET", path)) == 401
    answer = raw(server, "GET", path, f"X-Nomad-Token: {ADMIN_TOKEN}")
    assert status(answer) in (400, 403, 404, 422), answer
