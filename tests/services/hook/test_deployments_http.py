"""Deployments over HTTP: which there are, again, back, on, and their logs as they grow."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from hook.deployments import Ending
from hook.endpoints_deployments import stream

from tests.services.hook.hook_process import PUSHER, PUSHER_TOKEN, READER, SHOP, STRANGER
from tests.services.hook.rig import HookRig, make_rig
from tests.services.hook.turns_rig import Repos, Rig, commit
from toolkit.spec.repo import Repo

FAILED = Ending("failed", "failed: db did not go well", {"verdict": "failed"})


@pytest.fixture
def rig(hook_rig: HookRig) -> Iterator[Rig]:
    """Deployments whose turns the test ends, in the place of the server's own."""
    with turns(hook_rig) as rig:
        yield rig


@contextlib.contextmanager
def turns(hook_rig: HookRig) -> Iterator[Rig]:
    for name in ("shop", "web", "other"):
        hook_rig.hook.registry.create(name, creator="tests")
    rig = Rig(hook_rig.data, repos=Repos(*(Repo(name) for name in ("shop", "web", "other"))))
    hook_rig.hook.open(replace(hook_rig.hook.parts, deployments=rig.deployments))
    yield rig
    rig.deployments.stop()


@pytest.fixture(scope="module")
def refusing(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookRig]:
    """One deployment, which failed; and in the end that is all there is."""
    with make_rig(portal, tmp_path_factory.mktemp("failed")) as made, turns(made) as rig:
        rig.done(1, FAILED)
        yield made
        assert rig.states() == ["failed"]


def lines(answer: httpx.Response) -> list[dict[str, object]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_deployments_are_listed_the_newest_first_in_pieces(hook_rig: HookRig, rig: Rig) -> None:
    assert hook_rig.ask("GET", "/repos/shop/deployments").json() == {"deployments": []}
    for number in range(1, 6):
        rig.done(number, FAILED if number == 2 else None)

    def listed(query: str = "") -> list[int]:
        answer = hook_rig.ask("GET", f"/repos/shop/deployments{query}", READER)
        return [each["id"] for each in answer.json()["deployments"]]

    assert listed() == [5, 4, 3, 2, 1]
    assert listed("?limit=2") == [5, 4]
    assert listed("?limit=2&before=4") == [3, 2]
    assert hook_rig.ask("GET", "/repos/shop/deployments?limit=0").status_code == 422
    said = hook_rig.ask("GET", "/repos/shop/deployments/2", SHOP).json()
    assert (said["state"], said["final"], said["code"]) == ("failed", True, 3)
    assert (said["commit"], said["before"], said["pusher"]) == (commit(2), commit(1), "alice")
    assert not {"token", "secret"} & set(said)


@pytest.mark.parametrize("path", ["9", "0", "-1", "x", "1" * 30, "%00", "1%2f2", "..%2f1"])
def test_there_is_no_such_deployment(refusing: HookRig, path: str) -> None:
    for answer in (
        refusing.ask("GET", f"/repos/shop/deployments/{path}"),
        refusing.ask("GET", f"/repos/shop/deployments/{path}/log"),
        refusing.ask("POST", f"/repos/shop/deployments/{path}/resume", body={}),
    ):
        assert answer.status_code == 404, answer.text


def test_who_may_read_may_not_deploy_and_who_may_neither_learns_nothing(
    hook_rig: HookRig, rig: Rig
) -> None:
    rig.done(1)
    reads = ("/repos/{}/deployments", "/repos/{}/deployments/1", "/repos/{}/deployments/1/log")
    changes = ("/repos/{}/deployments", "/repos/{}/deployments/1/resume")
    for path in reads:
        for who in (READER, PUSHER, SHOP):
            assert hook_rig.ask("GET", path.format("shop"), who).status_code == 200
        assert hook_rig.ask("GET", path.format("shop"), STRANGER).status_code == 403
        # The same, whether there is such a repository or not.
        there, absent = (
            hook_rig.ask("GET", path.format(name), READER) for name in ("other", "absent")
        )
        assert (there.status_code, absent.status_code) == (403, 403)
        assert there.text.replace("other", "absent")[:60] == absent.text[:60]
    body = {"kind": "redeploy"}
    for path in changes:
        for who in (READER, SHOP, STRANGER):
            said = body if path.endswith("deployments") else {}
            assert hook_rig.ask("POST", path.format("shop"), who, said).status_code == 403
    assert rig.states() == ["deployed"]


def test_a_redeploy_and_a_rollback_begin_with_the_caller_s_token(
    hook_rig: HookRig, rig: Rig
) -> None:
    rig.done(1)
    rig.done(2)
    answer = hook_rig.ask("POST", "/repos/shop/deployments", PUSHER, {"kind": "rollback"})
    assert (answer.status_code, answer.headers["location"]) == (202, "/repos/shop/deployments/3")
    assert (answer.json()["of"], answer.json()["kind"]) == (1, "rollback")
    turn = rig.stage.next()
    assert turn.who.token.reveal() == PUSHER_TOKEN
    assert (turn.deployment.commit, turn.deployment.pusher) == (commit(1), "alice")
    rig.stage.end()
    rig.end_of(turn.deployment)

    answer = hook_rig.ask("POST", "/repos/shop/deployments", body={"kind": "redeploy", "of": 2})
    assert (answer.json()["of"], answer.json()["pusher"]) == (2, "ada")
    rig.stage.next()
    rig.stage.end()
    begun = [each for each in hook_rig.entries() if each["action"] == "deployments.begin"]
    assert [each["kind"] for each in begun] == ["intent", "outcome"] * 2
    assert PUSHER_TOKEN not in json.dumps(hook_rig.entries()) + json.dumps(hook_rig.log())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "rollback"}, 409),
        ({"kind": "rollback", "of": 1}, 409),
        ({"kind": "redeploy", "of": 7}, 404),
        ({"kind": "push"}, 422),
        ({"kind": "redeploy", "of": 0}, 422),
        ({"kind": "redeploy", "of": "1"}, 422),
        ({"kind": "redeploy", "commit": "main"}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_done_again_is_refused(
    refusing: HookRig, body: dict[str, object], status: int
) -> None:
    answer = refusing.ask("POST", "/repos/shop/deployments", PUSHER, body)
    assert answer.status_code == status, answer.text
    assert len(refusing.hook.deployments.all("shop")) == 1


def test_a_deployment_that_needs_a_token_goes_on_with_the_caller_s(
    hook_rig: HookRig, rig: Rig
) -> None:
    record = rig.done(1, Ending("needs-token", "the token was revoked"))
    answer = hook_rig.ask("POST", "/repos/shop/deployments/1/resume", body={})
    assert (answer.status_code, answer.json()["resumed_by"]) == (202, "ada")
    rig.stage.next()
    rig.stage.end()
    assert rig.end_of(record).state == "deployed"
    again = hook_rig.ask("POST", "/repos/shop/deployments/1/resume", body={})
    assert again.status_code == 409
    assert "nothing to resume" in again.json()["detail"]


def test_a_log_is_read_whole_or_from_a_line_on(hook_rig: HookRig, rig: Rig) -> None:
    rig.push(1)
    turn = rig.stage.next()
    for number in range(1, 4):
        turn.say(f"line {number}", stage="gate", job="db", at=5.0)
    # Without `follow`: what is there.
    said = lines(hook_rig.ask("GET", "/repos/shop/deployments/1/log?after=1"))
    assert said == [
        {"number": number, "at": 5.0, "text": f"line {number}", "stage": "gate", "job": "db",
         "document": None}
        for number in (2, 3)
    ]  # fmt: skip
    rig.stage.end()
    rig.end_of(turn.deployment)
    *_, last = lines(hook_rig.ask("GET", "/repos/shop/deployments/1/log?follow=true", SHOP))
    assert (last["number"], last["stage"], last["document"]) == (4, "end", {"verdict": "deployed"})


def test_a_log_is_followed_to_its_verdict_by_many(hook_rig: HookRig, rig: Rig) -> None:
    rig.push(1)
    turn = rig.stage.next()
    path = "/repos/shop/deployments/1/log?follow=true"
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(hook_rig.ask, "GET", path, READER) for _ in range(10)]
        for number in range(50):
            turn.say(f"line {number}")
        rig.stage.end()
        found = [lines(each.result()) for each in asked]
    assert all(each == found[0] for each in found)
    assert [each["number"] for each in found[0]] == list(range(1, 52))


def test_a_follower_is_asked_now_and_then_whether_it_still_listens(rig: Rig) -> None:
    rig.push(1)
    turn = rig.stage.next()
    turn.say("one")
    pieces = stream(rig.deployments, "shop", 1, follow=True, beat=0.01)
    assert b'"text":"one"' in next(pieces)
    assert list(islice(pieces, 3)) == [b"", b"", b""]
    turn.say("two")
    assert b'"text":"two"' in next(piece for piece in pieces if piece)
    rig.stage.end()
    assert b'"stage":"end"' in b"".join(pieces)


def test_a_long_log_comes_in_pieces(rig: Rig) -> None:
    rig.push(1)
    turn = rig.stage.next()
    for _ in range(200):
        turn.say("x" * 1500)
    pieces = list(stream(rig.deployments, "shop", 1))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 80_000
    assert len(b"".join(pieces).splitlines()) == 200
    rig.stage.end()


def test_a_repository_under_deployment_is_not_deleted_and_a_deleted_one_begins_anew(
    hook_rig: HookRig, rig: Rig
) -> None:
    record = rig.push(1)
    rig.stage.next()
    assert hook_rig.ask("DELETE", "/repos/shop").status_code == 409
    rig.stage.end()
    rig.end_of(record)
    assert hook_rig.ask("DELETE", "/repos/shop").status_code == 200
    assert hook_rig.ask("GET", "/repos/shop/deployments").status_code == 404
    assert hook_rig.ask("PUT", "/repos/shop", body={}).status_code == 201
    assert hook_rig.ask("GET", "/repos/shop/deployments").json() == {"deployments": []}
    rig.repos.heads.clear()
    assert rig.done(1).id == 1
