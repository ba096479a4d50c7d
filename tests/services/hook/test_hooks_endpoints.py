"""Hooks over HTTP: pushed, listed, shown, gone back to, taken off, destroyed, by whom."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from tests.services.hook.hook_process import ADMIN, PUSHER, READER, SHOP, STRANGER
from tests.services.hook.rig import HookRig, make_rig
from toolkit.repos.bundle_files import MOST_BYTES, MOST_TEXT

HOOKS = "/repos/shop/hooks"
JSON = {"Content-Type": "application/json"}


def body(text: str = "exit 0", *names: str) -> dict[str, Any]:
    data = base64.b64encode(f"#!/bin/sh\n{text}\n".encode()).decode()
    files = [
        {"path": name, "executable": False, "data": data} for name in names or ("post-receive",)
    ]
    return {"files": files}


@pytest.fixture(scope="module")
def running(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookRig]:
    with make_rig(portal, tmp_path_factory.mktemp("hooks")) as made:
        yield made


@pytest.fixture
def shop(running: HookRig) -> Iterator[HookRig]:
    """With a repository that never had hooks."""
    assert running.ask("PUT", "/repos/shop", body={}).status_code == 201
    yield running
    assert running.ask("DELETE", "/repos/shop").status_code == 200


def push(rig: HookRig, text: str = "exit 0", *names: str) -> dict[str, Any]:
    answer = rig.ask("POST", HOOKS, body=body(text, *names))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


CHANGES = [
    ("PUT", HOOKS, None),
    ("POST", HOOKS, body()),
    ("DELETE", HOOKS, None),
    ("PUT", f"{HOOKS}/current", {}),
    ("DELETE", f"{HOOKS}/current", None),
    ("DELETE", f"{HOOKS}/current/post-receive", None),
]
LOOKS = [HOOKS, f"{HOOKS}/current", f"{HOOKS}/abcd"]


@pytest.mark.parametrize(("method", "path", "said"), CHANGES)
def test_only_who_administers_a_repository_changes_its_hooks(
    shop: HookRig, method: str, path: str, said: Any
) -> None:
    before = push(shop)
    for who in (PUSHER, READER, SHOP, STRANGER):
        assert shop.ask(method, path, who, said).status_code == 403
    assert shop.ask("GET", HOOKS).json() == before


@pytest.mark.parametrize("path", LOOKS)
def test_who_may_not_read_hears_nothing_of_hooks(shop: HookRig, path: str) -> None:
    assert shop.ask("GET", path, STRANGER).status_code == 403
    assert shop.ask("GET", path.replace("shop", "none"), STRANGER).status_code == 403
    assert shop.ask("GET", path, READER).status_code in (200, 404)


@pytest.mark.parametrize(("method", "path", "said"), CHANGES)
def test_a_repository_that_is_not_there_gets_no_hooks(
    running: HookRig, method: str, path: str, said: Any
) -> None:
    assert running.ask(method, path, ADMIN, said).status_code == 404
    assert not (running.data / "hooks" / "shop").exists()


def test_a_push_is_a_version_and_the_same_again_is_none(shop: HookRig) -> None:
    found = push(shop, "exit 0", "post-receive", "pre-commit")
    assert found["active"] == ["post-receive"]
    (version,) = found["versions"]
    assert version["digest"] == found["current"]
    assert (version["by"], version["hooks"]) == ("ada", ["post-receive", "pre-commit"])
    again = shop.ask("POST", HOOKS, body=body("exit 0", "post-receive", "pre-commit"))
    assert (again.status_code, again.json()) == (200, found)


def test_files_are_listed_with_their_digests(shop: HookRig) -> None:
    digest = push(shop)["current"]
    for path in (f"{HOOKS}/current", f"{HOOKS}/{digest}", f"{HOOKS}/{digest[:4]}"):
        found = shop.ask("GET", path, READER).json()
        assert (found["digest"], found["current"]) == (digest, True)
        assert [each["path"] for each in found["entries"]] == ["post-receive"]
    assert "data" not in json.dumps(found)


def test_it_goes_back_and_off_and_on_again(shop: HookRig) -> None:
    one, two = push(shop, "exit 1")["current"], push(shop, "exit 2")["current"]
    current = f"{HOOKS}/current"
    assert shop.ask("PUT", current, body={}).json()["current"] == one
    assert shop.ask("PUT", current, body={}).status_code == 404
    assert shop.ask("PUT", current, body={"version": two[:6]}).json()["current"] == two
    off = shop.ask("DELETE", f"{current}/post-receive").json()
    assert (off["current"], off["active"], off["off"]) == (two, [], ["post-receive"])
    none = shop.ask("DELETE", current).json()
    assert (none["current"], len(none["versions"])) == (None, 2)
    assert shop.ask("PUT", current, body={}).json()["active"] == ["post-receive"]


def test_to_create_hooks_again_keeps_what_there_is(shop: HookRig) -> None:
    assert shop.ask("PUT", HOOKS).status_code == 201
    found = push(shop)
    answer = shop.ask("PUT", HOOKS)
    assert (answer.status_code, answer.json()) == (200, found)


def test_what_is_destroyed_is_in_the_trash(shop: HookRig) -> None:
    push(shop)
    trash = shop.ask("DELETE", HOOKS).json()["trash"]
    assert (shop.data / "trash" / trash / "hooks").is_dir()
    assert shop.ask("GET", HOOKS).status_code == 404
    assert shop.ask("GET", "/repos/shop").status_code == 200


def test_hooks_go_where_their_repository_goes(shop: HookRig) -> None:
    push(shop)
    assert shop.ask("DELETE", "/repos/shop").status_code == 200
    assert shop.ask("PUT", "/repos/shop", body={}).status_code == 201
    assert shop.ask("GET", HOOKS).status_code == 404


def test_every_change_is_in_the_audit_before_it_is_made(shop: HookRig) -> None:
    before = len(shop.entries())
    found = push(shop)
    shop.ask("DELETE", f"{HOOKS}/current")
    entries = shop.entries()[before:]
    pushed = [each for each in entries if each["action"] == "hooks.push"]
    assert pushed[0]["after"] == {"current": found["current"], "off": []}
    off = [each for each in entries if each["action"] == "hooks.off"]
    assert off[0]["before"]["current"] == found["current"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../../../etc/cron.d/x", "may not be in a path"),
        ("/etc/cron.d/x", "may not be in a path"),
        ("lib/\u001b[2Jx", "names are letters"),
        ("post-recieve", "is no hook of git"),
    ],
)
def test_a_file_that_is_wrong_is_told_apart(shop: HookRig, path: str, said: str) -> None:
    answer = shop.ask("POST", HOOKS, body=body("exit 0", "post-receive", path))
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert answer.json()["detail"].isprintable()
    assert shop.ask("GET", HOOKS).status_code == 404


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b"[" * 100_000, b"null", b'{"files": 1}', b'{"files": [{}]}']
)
def test_a_body_that_is_none_is_refused(shop: HookRig, raw: bytes) -> None:
    answer = shop.ask("POST", HOOKS, {**ADMIN, **JSON}, content=raw)
    assert answer.status_code in (400, 422)


def test_so_much_and_no_more(shop: HookRig) -> None:
    files = body()["files"]
    most = {"path": "lib/a", "executable": False, "data": base64.b64encode(bytes(MOST_BYTES - 17))}
    for extra, status in ((b"", 201), (b"x", 422)):
        data = base64.b64encode(bytes(MOST_BYTES - 17) + extra).decode()
        answer = shop.ask("POST", HOOKS, body={"files": [*files, {**most, "data": data}]})
        assert answer.status_code == status, answer.text
    answer = shop.ask("POST", HOOKS, {**ADMIN, **JSON}, content=b" " * (MOST_TEXT + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("who", [PUSHER, READER, SHOP, STRANGER])
def test_nothing_is_read_of_a_body_that_may_not_come(shop: HookRig, who: dict[str, str]) -> None:
    """It may have megabytes, and whoever is nobody here could send many at once."""
    large = shop.ask("POST", HOOKS, {**who, **JSON}, content=b" " * (MOST_TEXT + 1))
    odd = shop.ask("POST", HOOKS, {**who, "Content-Type": "text/plain"}, content=b"x")
    assert (large.status_code, odd.status_code) == (403, 403)


def test_a_version_that_was_changed_on_disk_is_not_gone_back_to(shop: HookRig) -> None:
    one = push(shop, "exit 1")["current"]
    two = push(shop, "exit 2")["current"]
    path = shop.data / "hooks" / "shop" / f"{one}.json"
    path.write_bytes(b"{}")
    answer = shop.ask("PUT", f"{HOOKS}/current", body={})
    assert answer.status_code == 409
    assert "not as it was stored" in answer.json()["detail"]
    assert shop.ask("GET", HOOKS).json()["current"] == two
