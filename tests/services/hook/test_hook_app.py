"""Who gets in, over every URL there is; refusals first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from hook import endpoints_repos
from hook.git.routes import PATHS as GIT_PATHS
from hook.hook import Opened
from hook.table import TABLE
from starlette.routing import Route

from tests.services.hook.hook_process import ADMIN, PUSHER, READER, SHOP, STRANGER
from tests.services.hook.rig import HookRig, make_rig
from tests.services.hook.turns_rig import ALICE, TOKEN
from toolkit.errors import AuditBrokenError
from toolkit.repos.names import is_name
from toolkit.spec.repo import RefChange

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
OPEN = ("/healthz", "/metrics", "/openapi.json")
PATHS = (*sorted({action.path for action in TABLE}), *GIT_PATHS, *OPEN)
ODD = ("/", "/nothing", "//", "/repos/", "/shop", "/shop.git", "/shop.git/HEAD", "/shop.git/config",
       "/shop.git/objects/info/packs", "/shop.git/info/refs/", "/../repos", "/repos/../repos",
       "/repos/%2e%2e", "/%2e%2e/%2e%2e/etc/passwd.git/info/refs", "/repos/shop%0a", "/repos/%00",
       "/repos/shop/deployments/1/log/x")  # fmt: skip
REST = {"file": "x.tar.gz", "id": "1", "service": "web", "version": "0" * 64, "build": "x",
        "hook": "pre-receive"}  # fmt: skip


def spelled(path: str, repo: str = "shop") -> str:
    """A path of the table with something in the place of every parameter."""
    return re.sub(r"{(\w+)}", lambda found: {"repo": repo, **REST}[found[1]], path)


def test_the_matrix_has_every_url_of_the_application(still: HookRig) -> None:
    assert {route.path for route in still.app.routes if isinstance(route, Route)} == set(PATHS)
    assert len([each for each in still.app.routes if not isinstance(each, Route)]) == 0


WORDS = sorted({word for path in PATHS for word in re.split(r"[/.{}]", path) if is_name(word)})
"""What a path of the application says, and a repository may be called: `archive`, `builds`, …"""


@pytest.mark.parametrize("repo", [*WORDS, "shop"])
def test_no_repository_is_called_so_that_one_path_is_another_s(still: HookRig, repo: str) -> None:
    """`/repos/archive/hooks` is of the repository `archive`, and no file of one called `repos`."""
    routes = [route for route in still.app.routes if isinstance(route, Route)]
    for path in PATHS:
        scope = {"type": "http", "method": "GET", "path": spelled(path, repo)}
        matched = [(each, each.matches(scope)) for each in routes]
        found = [(each.path, said["path_params"]) for each, (how, said) in matched if how.value]
        assert found[0][0] == path
        others = [said for other, said in found[1:] if other != path]
        assert all(not is_name(said["repo"]) or "current" in said.values() for said in others)


@pytest.mark.parametrize("path", [*map(spelled, PATHS), *ODD])
def test_without_a_token_nothing_answers_but_three_pages(still: HookRig, path: str) -> None:
    for method in METHODS:
        if path in OPEN and method in ("GET", "HEAD"):
            continue
        answer = still.ask(method, path, {}, body={} if method in ("PUT", "POST") else None)
        assert answer.status_code == 401, method
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="hook", charset="UTF-8"'


@pytest.mark.parametrize("path", OPEN)
def test_three_pages_answer_to_anybody(still: HookRig, path: str) -> None:
    assert still.ask("GET", path, {}).status_code == 200
    assert still.ask("HEAD", path, {}).content == b""


class Untouchable:
    """A part that nobody may look at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was touched before anybody was permitted anything")


@pytest.fixture
def sealed(portal: BlockingPortal, tmp_path: Path) -> Iterator[HookRig]:
    """A server none of whose parts may be touched."""
    with make_rig(portal, tmp_path) as rig:
        opened = rig.hook.parts
        names = {field.name for field in fields(Opened)} - {"ledger"}
        parts: dict[str, Any] = dict.fromkeys(names, Untouchable())
        rig.hook.open(replace(opened, **parts))
        yield rig


def asked(rig: HookRig, who: Mapping[str, str], repo: str) -> list[tuple[str, int, str]]:
    """Every action and git route asked for one repository, with bodies that are read."""
    found = []
    for action in TABLE:
        if "{repo}" not in action.path:
            continue
        more: dict[str, Any] = {}
        if action.body is not None:
            more["json"] = BODIES.get(action.name, {})
        path = spelled(action.path, repo)
        answer = rig.ask(action.method, path, who, **more)
        said = answer.json().get("detail", "") if answer.status_code >= 400 else ""
        found.append((action.name, answer.status_code, said.replace(repo, "REPO")))
    for path, method in (
        ("/{repo}.git/info/refs?service=git-upload-pack", "GET"),
        ("/{repo}.git/info/refs?service=git-receive-pack", "GET"),
        ("/{repo}.git/git-upload-pack", "POST"),
        ("/{repo}.git/git-receive-pack", "POST"),
        ("/{repo}/archive/{file}", "GET"),
    ):
        media = {"Content-Type": f"application/x-{path.rpartition('/')[2]}-request"}
        answer = rig.ask(method, spelled(path, repo), {**who, **media}, content=b"0000")
        # To git it is told in words of its protocol: it shows no others.
        status = 403 if b"ERR " in answer.content[:8] else answer.status_code
        found.append((path, status, answer.text.replace(repo, "REPO")[-200:]))
    return found


BODIES: Mapping[str, Any] = {
    "deployments.begin": {"kind": "redeploy"},
    "hooks.push": {"files": [{"path": "pre-receive", "mode": 493, "content": ""}]},
    "hooks.rollback": {},
    "builds.set": {"command": ["make"], "artifact": "out"},
}


def test_who_may_nothing_is_refused_before_any_part_is_touched(sealed: HookRig) -> None:
    for name, status, said in asked(sealed, STRANGER, "shop"):
        # Code that is being built is its build's alone: by what is under way, in memory.
        if name != "builds.code":
            assert status == 403, (name, status, said)
    assert sealed.entries() == []


def test_a_refusal_says_nothing_of_what_there_is(hook_rig: HookRig) -> None:
    assert hook_rig.ask("PUT", "/repos/made-one", body={}).status_code == 201
    there, absent = (asked(hook_rig, STRANGER, name) for name in ("made-one", "no-such1"))
    assert {status for _, status, _ in there} == {403}
    drop = re.compile(r"[0-9a-f]{8}-[0-9a-f]+")
    assert [(n, s, drop.sub("", t)) for n, s, t in there] == [
        (n, s, drop.sub("", t)) for n, s, t in absent
    ]


@pytest.mark.parametrize(
    ("who", "changing", "git_push", "reading"),
    [
        (READER, 403, 403, 200),
        (SHOP, 403, 403, 200),
        (PUSHER, 403, 200, 200),
        (ADMIN, 200, 200, 200),
    ],
    ids=["reader", "workload", "pusher", "admin"],
)
def test_rights_are_those_of_the_policy(
    hook_rig: HookRig, who: Mapping[str, str], changing: int, git_push: int, reading: int
) -> None:
    hook_rig.ask("PUT", "/repos/shop", body={})
    hook_rig.ask("PUT", "/repos/other", body={})
    path = "/shop.git/info/refs?service=git-"
    assert hook_rig.ask("GET", f"{path}upload-pack", who).status_code == reading
    assert hook_rig.ask("GET", f"{path}receive-pack", who).status_code == git_push
    assert hook_rig.ask("GET", "/repos/shop", who).status_code == reading
    assert hook_rig.ask("PUT", "/repos/shop", who, {"order": "queue"}).status_code == changing
    assert hook_rig.ask("DELETE", "/repos/shop", who).status_code == changing
    if who is not ADMIN:
        assert hook_rig.ask("GET", "/repos/other", who).status_code == 403


def test_nobody_sees_repositories_that_are_not_theirs(hook_rig: HookRig) -> None:
    for name in ("shop", "web", "other"):
        hook_rig.ask("PUT", f"/repos/{name}", body={})

    def names(who: Mapping[str, str]) -> list[str]:
        return [each["name"] for each in hook_rig.ask("GET", "/repos", who).json()["repos"]]

    assert names(ADMIN) == ["other", "shop", "web"]
    assert names(PUSHER) == ["shop", "web"]
    assert names(SHOP) == names(READER) == ["shop"]
    assert names(STRANGER) == []


@pytest.mark.parametrize(
    "name", ["repos", "healthz", "metrics", "openapi", "Shop", "-x", "a_b", "x" * 64, "sh.op", "ü"]
)
def test_what_cannot_name_a_repository_is_invalid(still: HookRig, name: str) -> None:
    answer = still.ask("PUT", f"/repos/{name}", body={})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "repo")


@pytest.mark.parametrize(
    "branch", ["-x", "a..b", "a b", "x" * 201, "", "refs/heads/", "a~1", "@{u}"]
)
def test_what_cannot_name_a_branch_is_invalid(still: HookRig, branch: str) -> None:
    answer = still.ask("PUT", "/repos/shop", body={"branch": branch})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "branch")


@pytest.mark.parametrize("body", [{"order": "x"}, {"name": "x"}, {"branch": 3}, [], "x"])
def test_settings_are_checked_by_their_schema(still: HookRig, body: Any) -> None:
    assert still.ask("PUT", "/repos/shop", body=body).status_code == 422


def test_making_a_repository_twice_changes_nothing(hook_rig: HookRig) -> None:
    first = hook_rig.ask("PUT", "/repos/shop", body={"branch": "live"})
    assert (first.status_code, first.json()["branch"]) == (201, "live")
    assert first.json()["url"] == "http://hook.example:8655/shop.git"
    again = hook_rig.ask("PUT", "/repos/shop", body={})
    assert (again.status_code, again.json()) == (200, first.json())
    changed = hook_rig.ask("PUT", "/repos/shop", body={"order": "queue"})
    assert (changed.json()["branch"], changed.json()["order"]) == ("live", "queue")


def test_a_deleted_repository_is_in_the_trash_and_its_name_is_free(hook_rig: HookRig) -> None:
    hook_rig.ask("PUT", "/repos/shop", body={})
    deleted = hook_rig.ask("DELETE", "/repos/shop")
    assert deleted.status_code == 200
    assert (hook_rig.data / "trash" / deleted.json()["trash"] / "repo.git" / "HEAD").exists()
    assert hook_rig.ask("GET", "/repos/shop").status_code == 404
    assert hook_rig.ask("DELETE", "/repos/shop").status_code == 404
    assert hook_rig.ask("PUT", "/repos/shop", body={}).status_code == 201


def test_a_deleted_repository_can_be_had_back(hook_rig: HookRig) -> None:
    """The newest of its name, or one by its name in the trash; never in the place of another."""
    for name in ("web", "shop"):
        hook_rig.ask("PUT", f"/repos/{name}", body={})
    foreign = hook_rig.ask("DELETE", "/repos/web").json()["trash"]
    first = hook_rig.ask("GET", "/repos/shop").json()
    old = hook_rig.ask("DELETE", "/repos/shop").json()["trash"]
    back = "/repos/shop/restore"
    hook_rig.ask("PUT", "/repos/shop", body={"order": "queue"})
    for who in (PUSHER, READER, STRANGER):
        assert hook_rig.ask("POST", back, who, {}).status_code == 403
    assert hook_rig.ask("POST", back, body={"trash": old}).status_code == 409
    hook_rig.ask("DELETE", "/repos/shop")
    for wrong in (foreign, "../repos/shop", "x"):
        answer = hook_rig.ask("POST", back, body={"trash": wrong})
        assert answer.status_code == 404, answer.text
    newest = hook_rig.ask("POST", back, body={})
    assert (newest.status_code, newest.json()["order"]) == (200, "queue")
    assert hook_rig.ask("POST", back, body={"trash": old}).status_code == 409
    hook_rig.ask("DELETE", "/repos/shop")
    assert hook_rig.ask("POST", back, body={"trash": old}).json() == first
    assert hook_rig.ask("GET", "/repos/shop").json() == first
    assert hook_rig.ask("POST", "/repos/nothing/restore", body={}).status_code == 404
    hook_rig.ask("PUT", "/repos/new", body={})
    assert hook_rig.ask("POST", "/repos/new/restore", body={}).status_code == 409
    done = [each.get("result") for each in hook_rig.entries() if each["action"] == "repos.restore"]
    no, yes = [None, "refused"], [None, "done"]
    assert done == [*no, *no, *no, *no, *yes, *no, *yes, *no, *no]


def test_every_change_is_in_the_audit_before_and_after(hook_rig: HookRig) -> None:
    hook_rig.ask("PUT", "/repos/shop", body={})
    hook_rig.ask("PUT", "/repos/shop", body={"order": "queue"})
    hook_rig.ask("DELETE", "/repos/shop")
    said = [
        (each["kind"], each["action"], each["subject"], each.get("result", ""))
        for each in hook_rig.entries()
    ]
    assert said == [
        (kind, action, "shop", result)
        for action in ("repos.put", "repos.put", "repos.delete")
        for kind, result in (("intent", ""), ("outcome", "done"))
    ]
    assert hook_rig.entries()[2]["before"] == {"branch": "main", "order": "newest"}
    assert hook_rig.entries()[2]["actor"]["name"] == "ada"


def test_what_cannot_be_recorded_is_not_done(hook_rig: HookRig) -> None:
    hook_rig.ask("PUT", "/repos/kept", body={})
    hook_rig.hook.parts.audit.close()
    for method, path, body in (
        ("PUT", "/repos/shop", {}), ("PUT", "/repos/kept", {"order": "queue"}),
        ("DELETE", "/repos/kept", None),
    ):  # fmt: skip
        answer = hook_rig.ask(method, path, body=body)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/audit-unavailable")
    assert [repo.name for repo in hook_rig.hook.registry.all()] == ["kept"]
    assert hook_rig.hook.registry.get("kept").order == "newest"
    assert hook_rig.ask("GET", "/repos/kept").status_code == 200


def test_while_it_starts_it_says_what_it_waits_for(portal: BlockingPortal, tmp_path: Path) -> None:
    with make_rig(portal, tmp_path, opened=False) as rig:
        assert rig.ask("GET", "/healthz", {}).json() == {
            "status": "starting", "waits_for": "the audit file",
        }  # fmt: skip
        for method, path in (("PUT", "/repos/shop"), ("GET", "/repos"), ("GET", "/repos/shop")):
            answer = rig.ask(method, path, body={} if method == "PUT" else None)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        answer = rig.ask("GET", "/shop.git/info/refs?service=git-upload-pack")
        assert answer.status_code == 503


def test_while_it_ends_it_takes_no_changes_and_still_reads(hook_rig: HookRig) -> None:
    hook_rig.ask("PUT", "/repos/shop", body={})
    hook_rig.hook.draining = True
    assert hook_rig.ask("PUT", "/repos/web", body={}).status_code == 503
    assert hook_rig.ask("GET", "/repos/shop").status_code == 200
    assert hook_rig.ask("GET", "/healthz", {}).json() == {"status": "draining"}
    pushed = hook_rig.ask("GET", "/shop.git/info/refs?service=git-receive-pack")
    assert pushed.status_code == 503


def test_no_repository_is_deleted_between_a_pushs_check_and_its_deployment(
    portal: BlockingPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints_repos, "PATIENCE", 0.0)
    with make_rig(portal, tmp_path) as rig:
        rig.ask("PUT", "/repos/shop", body={})
        turns, push = rig.hook.gate.turns, object()
        turns.take("shop", push, 0.0)
        assert rig.ask("DELETE", "/repos/shop").status_code == 503
        assert [each["result"] for each in rig.entries() if each["kind"] == "outcome"][
            -1
        ] == "refused"
        turns.leave("shop", push)
        assert rig.ask("DELETE", "/repos/shop").status_code == 200


def test_a_server_whose_audit_was_changed_does_not_open(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    with make_rig(portal, tmp_path) as rig:
        rig.ask("PUT", "/repos/shop", body={})
        rig.ask("DELETE", "/repos/shop")
    (file,) = (tmp_path / "audit").glob("audit-*.jsonl")
    file.write_text(file.read_text().replace('"name":"ada"', '"name":"eve"', 1))
    with (
        pytest.raises(AuditBrokenError, match="does not hold at line 1 of audit-"),
        make_rig(portal, tmp_path),
    ):
        pass


def test_each_deployment_that_ends_is_a_line_of_the_log_and_counted(hook_rig: HookRig) -> None:
    """Of a commit that is not there: it is refused, before anything is asked of a cluster."""
    hook_rig.hook.registry.create("shop", creator="ada")
    deployments = hook_rig.hook.deployments
    for number in (1, 2):
        change = RefChange("0" * 40, f"{number:040x}", "refs/heads/main")
        record = deployments.begin("shop", change, ALICE)
        assert list(deployments.follow("shop", record.id))
        said = hook_rig.log()[-1]
        assert said.pop("seconds") >= 0
        assert said == {
            "time": 0.0, "event": "deployment", "repo": "shop", "id": number, "kind": "push",
            "commit": change.new, "state": "refused", "pusher": "alice",
        }  # fmt: skip
    assert 'hook_deployments_total{state="refused"} 2.0' in hook_rig.ask("GET", "/metrics").text
    assert TOKEN not in str(hook_rig.log())
