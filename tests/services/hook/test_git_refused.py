"""What is not served: other URLs, other people, too much, too large, too slow, not git."""

from __future__ import annotations

import gzip
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.hook.git_server import (
    ALICE,
    BOB,
    ENVIRON,
    READER,
    STRANGER,
    GitServer,
    Work,
    git_server,
)
from tests.services.hook.git_wire import (
    FETCH,
    PUSH,
    ZERO,
    chunk,
    commands,
    connect,
    head_of,
    hear,
    pkt,
    push_of,
    quarantined,
)
from tests.services.running import NO_TLS, PATIENCE
from toolkit.spec.hook import PushLimits

SIZE = 8 << 20
LIMITS = PushLimits(pack_bytes=SIZE, objects=20, refs=5, pushes=2, pushes_of_one=1, seconds=30.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git"), LIMITS) as running:
        running.make()
        running.make("secret")
        yield running


@pytest.fixture(autouse=True)
def open_again(server: GitServer) -> Iterator[None]:
    """After each test no push is inside, and nothing of one is left."""
    yield
    server.gate.shut, server.draining = "", False
    for file in server.gate.hooks.iterdir():
        file.unlink()
    assert server.gate.inside == 0
    assert quarantined(server.registry.path(server.registry.get("shop"))) == []


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


def ask(
    server: GitServer, method: str, path: str, who: str | None = ALICE, **headers: str
) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if who is not None:
        headers["X-Nomad-Token"] = who
    return httpx.request(
        method, server.url + path, headers=headers, timeout=PATIENCE, trust_env=False,
        verify=NO_TLS,
    )  # fmt: skip


PACK = b"PACK\0\0\0\2\0\0\0\1"
"""How a pack of one object begins."""

DUMB = (
    "HEAD", "config", "description", "info/refs", "objects/info/packs", "objects/info/alternates",
    "objects/00/00000000000000000000000000000000000000", "objects/pack/pack-1.pack",
    "objects/pack/pack-1.idx", "packed-refs", "refs/heads/main", "info/lfs/objects/batch",
    "info/refs/", "git-upload-archive", "git-receive-pack/", "hooks/pre-receive", "logs/HEAD",
    "info/refs?service=git-upload-archive", "info/refs?service=upload-pack", "info/refs?service=",
    "info/refs?service=git-upload-pack&service=git-receive-pack",
    "info/refs?service=git-upload-pack%00", "info/refs?service=--help",
)  # fmt: skip
STRANGE = (
    "..", "../shop", "a/../shop", "%2e%2e", "%2e%2e%2fshop", "shop%2f..%2fshop", "/shop", "//shop",
    "shop.git/..", "shop%00", "shop%0a", "shop%5c", "-x", "--upload-pack=x", ".git", ".", "Shop",
    "shop ", "x" * 300, "%ef%bc%8e%ef%bc%8e", "sh%c3%b6p", "$(id)", ";id", "repos", "healthz",
)  # fmt: skip


@pytest.mark.parametrize("path", DUMB)
def test_other_paths_do_not_exist(server: GitServer, path: str) -> None:
    assert ask(server, "GET", f"/shop.git/{path}").status_code == 404
    assert ask(server, "GET", f"/shop.git/{path}", who=None).status_code == 401


@pytest.mark.parametrize("name", STRANGE)
def test_names_are_looked_up_and_never_joined(server: GitServer, name: str) -> None:
    """Said raw: a client of ours would tidy the path before it sends it."""
    said = f"GET /{name}.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: hook\r\n"
    said += f"X-Nomad-Token: {ALICE}\r\nConnection: close\r\n\r\n"
    status = hear(connect(server, said.encode())).split(b" ", 2)[1]
    assert status in (b"404", b"400"), name
    assert status == b"404" or " " in name


URLS = (
    ("GET", "/{}.git/info/refs?service=git-upload-pack"),
    ("GET", "/{}.git/info/refs?service=git-receive-pack"),
    ("POST", "/{}.git/git-upload-pack"),
    ("POST", "/{}.git/git-receive-pack"),
    ("GET", f"/{{}}/archive/{'a' * 40}.tar.gz"),
    ("GET", f"/{{}}/archive/{'a' * 40}.tar.gz.sha256"),
)


@pytest.mark.parametrize(("method", "path"), URLS)
@pytest.mark.parametrize("who", [None, "", STRANGER])
def test_nobody(server: GitServer, method: str, path: str, who: str | None) -> None:
    """The same answer whether there is such a repository or not; git asks its helper then."""
    answers = [ask(server, method, path.format(name), who) for name in ("shop", "nothing", "..")]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].headers["www-authenticate"].startswith('Basic realm="hook"')
    assert len({answer.text.partition('"instance"')[0] for answer in answers}) == 1


@pytest.mark.parametrize(("method", "path"), URLS)
def test_a_reader_of_one(server: GitServer, method: str, path: str) -> None:
    """What is not granted is refused alike, whether it is there or not."""
    media = f"application/x-{path.rpartition('/')[2]}-request"
    for name in ("secret", "nothing"):
        said = ask(server, method, path.format(name), READER, Content_Type=media)
        assert f"rita may not {'push to' if 'receive' in path else 'read'} {name}" in said.text
        assert said.status_code == (403 if method == "GET" else 200)
    assert server.gate.inside == 0


@pytest.mark.parametrize("path", [f"/shop.git/{FETCH}", f"/shop.git/{PUSH}", "/shop.git/info/refs"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "GET", "POST"])
def test_methods(server: GitServer, method: str, path: str) -> None:
    right = "GET" if path.endswith("refs") else "POST"
    if method != right:
        answer = ask(server, method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, right)


def test_no_answer_is_kept_on_the_way(server: GitServer) -> None:
    for path in ("/shop.git/info/refs?service=git-upload-pack", "/shop.git/HEAD"):
        answer = ask(server, "GET", path)
        assert {"no-cache", "no-store"} & set(answer.headers["cache-control"].split(", "))
        assert "etag" not in answer.headers


def test_git_shows_why(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    for remote, said in (
        (server.remote("nothing"), "remote: there is no repository nothing"),
        (server.remote(who=STRANGER), "remote: the token is not known to Nomad"),
        (server.remote(who=READER), "remote: rita may not push to shop: it may read"),
    ):
        assert said in work.git("push", remote, "main", good=False)
    server.gate.shut = "the gate is shut"
    shown = work.git("push", server.remote(), "main", good=False)
    assert "remote: the gate is shut" in shown
    assert "! [remote rejected] main -> main (not taken)" in shown
    server.draining = True
    shown = work.git("push", server.remote(), "main", good=False)
    assert "remote: the server is stopping and takes no more pushes" in shown


def test_a_refused_push_without_side_bands(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    server.gate.shut = "the gate is shut\x1b[2J"
    body = commands([f"{ZERO} {work.head()} refs/heads/main"], "report-status")
    said = hear(connect(server, head_of(PUSH, length=len(body)) + body))
    assert pkt(b"ERR the gate is shut\\x1b[2J") in said


def test_too_many_pushes(server: GitServer, work: Work, tmp_path: Path) -> None:
    """One of each caller here, and two of all; clones go on."""
    work.commit(a_txt="1")
    go = tmp_path / "go"
    server.gate.hook("pre-receive", f"echo in; until [ -e {go} ]; do sleep 0.05; done; exit 1")
    held = [
        subprocess.Popen(
            ["git", "-C", work.folder, "push", server.remote(who=who), "main"],
            env=ENVIRON, stderr=subprocess.PIPE, text=True,
        )
        for who in (ALICE, BOB)
    ]  # fmt: skip
    try:
        for each in held:
            assert each.stderr is not None
            assert each.stderr.readline().strip() == "remote: in"
        assert "alice has 1 pushes under way" in work.git(
            "push", server.remote(), "main", good=False
        )
        assert server.requests("git-refs")[-1]["status"] == 429
        body = push_of(work)
        said = hear(connect(server, head_of(PUSH, length=len(body)) + body))
        assert b"alice has 1 pushes under way, which is the most: push again" in said
        assert server.requests(PUSH)[-1]["status"] == 429
        work.git("ls-remote", server.remote())
    finally:
        go.touch()
        for each in held:
            assert each.wait(PATIENCE) == 1
            assert each.stderr is not None
            each.stderr.close()


def test_who_only_watches_keeps_nobody_out(server: GitServer, work: Work, tmp_path: Path) -> None:
    """One of each caller may come in here; a deployment may take an hour."""
    work.commit(a_txt="1")
    go = tmp_path / "go"
    server.gate.hook("post-receive", f"echo watch; until [ -e {go} ]; do sleep 0.05; done")
    with subprocess.Popen(
        ["git", "-C", work.folder, "push", server.remote(), "main:watched"],
        env=ENVIRON, stderr=subprocess.PIPE, text=True,
    ) as held:  # fmt: skip
        assert held.stderr is not None
        assert held.stderr.readline().strip() == "remote: watch"
        said = work.git("push", server.remote(), "main:other", good=False)
        assert "alice has 1 pushes under way" in said
        server.gate.arrived()
        server.gate.hook("post-receive", "")
        work.git("push", "-q", server.remote(), "main:other")
        go.touch()
        assert held.wait(PATIENCE) == 0


def refusal(server: GitServer, service: str, body: bytes, **headers: str) -> bytes:
    return hear(connect(server, head_of(service, length=len(body), **headers) + body))


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (zipped(bytes(8 << 20)), "gzip", b"unpacks to more than 100 times its size"),
        (zipped(b"0000")[:-4], "gzip", b"does not end where its gzip does"),
        (zipped(b"0000") + zipped(b"0000"), "gzip", b"does not end where its gzip does"),
        (zipped(b"0000") + b"x", "gzip", b"does not end where its gzip does"),
        (b"0000", "gzip", b"is said to be gzip, and is not"),
        (zlib.compress(b"0000"), "deflate", b"compressed with gzip and nothing else"),
        (zipped(b"0000"), "gzip, gzip", b"compressed with gzip and nothing else"),
    ],
)  # fmt: skip
def test_bodies_that_unpack_to_harm(
    server: GitServer, body: bytes, encoding: str, said: bytes
) -> None:
    assert said in refusal(server, FETCH, body, Content_Encoding=encoding)


def test_a_request_that_unpacks_to_too_much(server: GitServer) -> None:
    """Slowly enough to be no bomb."""
    data = b"".join(os.urandom(40) + bytes(2000) for _ in range(8500))
    said = refusal(server, FETCH, zipped(data), Content_Encoding="x-gzip")
    assert b"16,777,216 bytes are the most" in said


def test_a_push_may_be_compressed_but_is_bounded_unpacked(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    whole = zipped(push_of(work, "packed"))
    assert b"unpack ok" in refusal(server, PUSH, whole, Content_Encoding="gzip")
    bomb = zipped(push_of(work, "bomb") + bytes(8 << 20))
    assert b"times its size" in refusal(server, PUSH, bomb, Content_Encoding="gzip")
    assert b"refs/heads/bomb" not in refs(server)
    work.git("push", "-q", server.remote(), ":packed")


def refs(server: GitServer) -> bytes:
    return ask(server, "GET", "/shop.git/info/refs?service=git-upload-pack").content


def test_a_gibibyte_is_refused_before_it_is_sent(server: GitServer) -> None:
    """The client waits for a word to go on, and gets the reason in its place."""
    head = head_of(PUSH, length=1 << 30, Expect="100-continue")
    said = hear(connect(server, head))
    assert b"100 Continue" not in said
    assert b"there are 1,073,741,824 bytes" in said


def test_a_pack_that_is_too_large(server: GitServer, work: Work) -> None:
    """Just under the limit passes; just over it does not, and nothing of it stays."""
    work.commit(a_bin=os.urandom(SIZE - 5000))
    work.git("push", "-q", server.remote(), "main:large")
    work.commit(b_bin=os.urandom(SIZE + 5000))
    said = work.git("push", server.remote(), "main:large", good=False)
    assert "pack exceeds maximum allowed size" in said
    assert work.head().encode() not in refs(server)


def test_a_push_without_end(server: GitServer, work: Work) -> None:
    """Chunk after chunk, far beyond what may come: it is told, and the rest is not waited for."""
    work.commit(a_bin=os.urandom(1 << 20))
    connection = connect(server, head_of(PUSH) + chunk(push_of(work, "endless")[:1000]))
    more = chunk(bytes(1 << 20))
    with pytest.raises(ConnectionError):
        for _ in range(100):
            connection.sendall(more)
    connection.close()
    assert b"endless" not in refs(server)


@pytest.mark.parametrize(
    ("lines", "says", "said"),
    [
        ([f"{ZERO} {'a' * 40} refs/heads/b{n}" for n in range(6)], "side-band-64k", b"5 refs"),
        (["push-cert"], "side-band-64k", b"signed pushes"),
        ([f"{ZERO} {'a' * 40} refs/heads/b"], "push-options", b"push options are not taken"),
    ],
)
def test_heads_of_pushes(server: GitServer, lines: list[str], says: str, said: bytes) -> None:
    assert said in refusal(server, PUSH, commands(lines, says))


def test_a_hundred_thousand_refs(server: GitServer) -> None:
    """Refused at the first that is too many: the rest is not read into memory."""
    body = commands(f"{ZERO} {'a' * 40} refs/heads/b{n}" for n in range(100_000))
    assert b"5 refs, and not more" in refusal(server, PUSH, body)


@pytest.mark.parametrize(
    "body",
    [b"", b"0", b"zzzz", b"0001", b"0003", b"+004", b" 4  ", b"fff1" + bytes(70000), b"0009abc"],
)
def test_what_is_no_push(server: GitServer, body: bytes) -> None:
    said = refusal(server, PUSH, body)
    assert b"ERR the " in said or not body
    assert b"200 OK" in said


def test_a_pack_of_too_many_objects(server: GitServer, work: Work) -> None:
    work.commit(**{f"f{number}": str(number) for number in range(25)})
    said = work.git("push", server.remote(), "main:many", good=False)
    assert "the push has 27 objects, and 20 are the most" in said


def test_push_options(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    said = work.git("push", "-o", "x;y", server.remote(), "main", good=False)
    assert "does not support push options" in said


@pytest.mark.parametrize("service", [FETCH, PUSH])
def test_other_media(server: GitServer, service: str) -> None:
    answer = ask(server, "POST", f"/shop.git/{service}", Content_Type="text/plain")
    assert f"the body has to be application/x-{service}-request" in answer.text
    assert server.requests(service)[-1]["status"] == 415


def test_a_body_that_does_not_come(tmp_path: Path) -> None:
    limits = PushLimits(seconds=0.5)
    with git_server(tmp_path, limits) as server:
        bare = server.make()
        for begun in (
            b"",
            b"00",
            commands([f"{ZERO} {'a' * 40} refs/heads/b"]) + PACK,
        ):
            said = hear(connect(server, head_of(PUSH, length=1000) + begun))
            assert b"did not arrive within 0.5 s" in said, begun
            assert quarantined(bare) == []
        assert {each["status"] for each in server.requests(PUSH)} <= {200, 408}
