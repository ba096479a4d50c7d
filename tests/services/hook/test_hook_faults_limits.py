"""Every limit of a push and of a request, through the whole server: kept, and passed by one.

What is just within it is deployed; what is just beyond it is refused in words and leaves nothing.
"""

from __future__ import annotations

import random
from base64 import b85encode
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import count

import pytest

from tests.repos.branches import heads
from tests.repos.packs import NOTHING, Object, id_of, pack_of, request_of
from tests.services.hook.git_wire import hear, quarantined
from tests.services.hook.hook_process import (
    ADMIN,
    CONFIG,
    PUSHER,
    PUSHER_TOKEN,
    HookProcess,
    hook_process,
)
from tests.services.hook.obliging import FILES, Obliging, objects_of

LIMITS = """
[limits]
pack_bytes = 10000
objects = 20
refs = 3
files = 8
file_bytes = 3000
depth = 5
path_bytes = 60
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    config = CONFIG.replace('repos = ["shop", "web"]', 'repos = ["*"]') + LIMITS
    folder = tmp_path_factory.mktemp("limits")
    with hook_process(folder, nomad=Obliging().answer, config=config) as running:
        yield running


_names = count()


@pytest.fixture
def repo(server: HookProcess) -> str:
    name = f"shop{next(_names)}"
    server.make(name)
    return name


def push(server: HookProcess, repo: str, objects: list[Object], *names: str) -> str:
    """What is said to a push of one commit to these branches."""
    refs = [(NOTHING, id_of(objects[-1]), f"refs/heads/{name}") for name in names or ("main",)]
    answer = server.ask(
        "POST",
        f"/{repo}.git/git-receive-pack",
        {**PUSHER, "Content-Type": "application/x-git-receive-pack-request"},
        content=request_of(refs, pack_of(objects)),
    )
    return answer.content.decode(errors="replace")


def sized(size: int) -> Mapping[str, str]:
    """Files whose pack has this many bytes, as near as it goes from below."""
    chosen = random.Random(size)
    # Text that does not shrink much; every worker that collects tests comes by here.
    texts = {name: b85encode(chosen.randbytes(size)).decode() for name in "abcd"}

    def made(length: int) -> Mapping[str, str]:
        return {**FILES, **{name: text[:length] for name, text in texts.items()}}

    def packed(length: int) -> int:
        return len(pack_of(objects_of(made(length))))

    return made(bisect_right(range(size), size, key=packed) - 1)


def many(number: int) -> Mapping[str, str]:
    """So many files, each another one."""
    return {**FILES, **{f"f{index}": str(index) for index in range(number - len(FILES))}}


def objects_in(number: int) -> list[Object]:
    """A commit of so many objects."""
    made = objects_of(FILES)
    more: list[Object] = [("blob", str(each).encode()) for each in range(number - len(made))]
    return [*more, *made]


def padded(size: int) -> str:
    """A file that configuration reads."""
    return FILES["toolkit.toml"].ljust(size - 1, "#") + "\n"


CASES = {
    "bytes": (objects_of(sized(9_990)), objects_of(sized(10_300)), "exceeds maximum allowed size"),
    "objects": (objects_in(20), objects_in(21), "21 objects, and 20 are the most"),
    "files": (objects_of(many(8)), objects_of(many(9)), "more than 8 files"),
    "one-file": (
        objects_of({**FILES, "toolkit.toml": padded(3000)}),
        objects_of({**FILES, "toolkit.toml": padded(3001)}),
        "toolkit.toml has 3,001 bytes, and 3,000 are the most",
    ),
    "depth": (
        objects_of({**FILES, "1/2/3/4/5/x": ""}),
        objects_of({**FILES, "1/2/3/4/5/6/x": ""}),
        "more than 5 folders deep",
    ),
    "path": (
        objects_of({**FILES, "p" * 60: ""}),
        objects_of({**FILES, "p" * 61: ""}),
        "more than 60 bytes",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_just_within_is_deployed_and_just_beyond_leaves_nothing(
    server: HookProcess, repo: str, case: str
) -> None:
    within, beyond, words = CASES[case]
    bare = server.data / f"repos/{repo}.git"
    before = {path for path in bare.rglob("*") if path.is_file()}
    said = push(server, repo, beyond)
    assert "ok refs/" not in said
    assert words in said, said
    assert heads(bare) == {}
    assert quarantined(bare) == []
    assert {path for path in bare.rglob("*") if path.is_file()} == before
    assert server.ask("GET", f"/repos/{repo}/deployments").json()["deployments"] == []
    said = push(server, repo, within)
    assert "ok refs/heads/main" in said, said
    assert heads(bare) == {"main": id_of(within[-1])}
    [record] = server.ask("GET", f"/repos/{repo}/deployments").json()["deployments"]
    assert record["final"]


def test_branches_of_one_push(server: HookProcess, repo: str) -> None:
    objects = objects_of(FILES)
    bare = server.data / f"repos/{repo}.git"
    said = push(server, repo, objects, "a", "b", "c", "d")
    assert "a push may name 3 refs, and not more" in said, said
    assert heads(bare) == {}
    assert "ok refs/heads/c" in push(server, repo, objects, "a", "b", "c")
    assert {*heads(bare)} == {"a", "b", "c"}


@pytest.mark.parametrize(("size", "status"), [(12_000, b"200"), (17_000, b"431")])
def test_headers(server: HookProcess, size: int, status: bytes) -> None:
    padding = "".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(size // 1000))
    head = f"GET /repos HTTP/1.1\r\nHost: hook\r\nX-Nomad-Token: {PUSHER_TOKEN}\r\n{padding}"
    with server.raw(f"{head}Connection: close\r\n\r\n".encode()) as connection:
        assert hear(connection).split(b" ")[1] == status


@pytest.mark.parametrize(("size", "status"), [(65_536, (200, 201)), (65_537, (413,))])
def test_settings(server: HookProcess, repo: str, size: int, status: tuple[int, ...]) -> None:
    body = b"{}" + b" " * (size - 2)
    headers = {**ADMIN, "Content-Type": "application/json"}
    answer = server.ask("PUT", f"/repos/{repo}", headers, content=body)
    assert answer.status_code in status, answer.text
