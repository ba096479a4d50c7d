"""One deployment from end to end, with children, builds and hooks that do as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hook.children.children import Stop
from hook.children.errand import Message, Result, Work
from hook.deployments.deploying import CALL, Order, sentence, slim
from hook.deployments.performing import PLACES, Performing
from hook.who import Who

from tests.services.hook.hook_process import CONFIG
from tests.services.hook.turns_rig import ALICE, NONE, TOKEN, Repos, Rig, commit
from toolkit.config.hook import load_hook
from toolkit.errors import DeniedError, ExitCode, RefusedError, UnavailableError
from toolkit.repos.builds import BuildFailedError, Built
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.repo import Build, Repo
from toolkit.spec.stack import StackReport
from toolkit.spec.tree import DictTree

HOOK = load_hook(CONFIG)
DONE = Result("done", {"state": "deployed", "sentence": "deployed in 1.0 s", "document": {"a": 1}})
Child = Callable[[Work, Callable[[Message], None], Stop], Result]


@dataclass
class Fakes:
    """Children, builds and hooks."""

    child: Child = lambda _work, _say, _stop: DONE
    built: Exception | None = None
    hook: Callable[[str], int] = lambda _name: 0
    works: list[Work] = field(default_factory=list)
    limits: list[tuple[int, float]] = field(default_factory=list)
    hooks: list[tuple[str, bytes, dict[str, str], str | None]] = field(default_factory=list)
    builds_stopped: bool = False

    def run(
        self,
        work: Work,
        *,
        memory: int,
        seconds: float,
        on_message: Callable[[Message], None],
        stop: Stop,
    ) -> Result:
        self.works.append(work)
        self.limits.append((memory, seconds))
        return self.child(work, on_message, stop)

    def build_all(
        self, repo: Repo, commit: str, who: Who, say: Callable[[str], None]
    ) -> Mapping[str, Built]:
        say(f"{repo.name} {commit[-1]} for {who.caller}")
        if self.built is not None:
            raise self.built
        return {"db": Built("db", "sha256:1")}

    def given(self, repo: Repo, commit: str, built: Mapping[str, Built]) -> dict[str, Any]:
        return {"code": repo.name, "commit": commit, "built": sorted(built)}

    def stop(self) -> None:
        self.builds_stopped = True

    def run_hooks(
        self,
        repo: Repo,
        name: str,
        stdin: bytes,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        *,
        version: str | None = None,
    ) -> int:
        self.hooks.append((name, stdin, dict(environ), version))
        say(f"{name} of {repo.name}")
        return self.hook(name)


def make(tmp_path: Path, fakes: Fakes, *repos: Repo) -> tuple[Rig, Performing]:
    performing = Performing(
        children=fakes,
        config=HOOK,
        gather=lambda repo, commit: DictTree({}, f"{repo.name} {commit}"),
        building=fakes,
        run_hooks=fakes.run_hooks,
    )
    return Rig(tmp_path, perform=performing, repos=Repos(*repos)), performing


def ended(rig: Rig, record: Deployment) -> tuple[Deployment, list[LogLine]]:
    lines = rig.lines(record)
    assert not rig.bugs
    return rig.deployments.get(record.repo, record.id), lines


def test_a_child_deploys_the_commit_with_the_token_and_within_the_limits(tmp_path: Path) -> None:
    def child(work: Work, say: Callable[[Message], None], _stop: Stop) -> Result:
        say({"text": "version 4", "stage": "submit", "job": "db", "at": 5.0})
        return DONE

    fakes = Fakes(child)
    rig, _ = make(tmp_path, fakes)
    record, lines = ended(rig, rig.push(1, hooks="v1"))
    assert (record.state, record.sentence) == ("deployed", "deployed in 1.0 s")
    assert [(line.stage, line.job, line.text) for line in lines] == [
        ("submit", "db", "version 4"),
        ("hook", "", "post-receive of shop"),
        ("hook", "", "post-update of shop"),
        ("end", "", "deployed in 1.0 s · toolkit repo log shop 1"),
    ]
    assert (lines[0].at, lines[-1].document) == (5.0, {"a": 1})
    (work,) = fakes.works
    assert (work.call, work.token, work.tree.name) == (CALL, ALICE.token, f"shop {commit(1)}")
    order = work.argument
    assert isinstance(order, Order)
    assert (order.actor, order.given) == (
        "alice, shop 1", {"code": "shop", "commit": commit(1), "built": []},
    )  # fmt: skip
    limits = HOOK.limits
    assert fakes.limits == [(limits.deploy_memory, limits.deploy_seconds)]
    # What goes to the child says nothing of the token but in the one place that never prints.
    assert TOKEN not in repr(work)


def test_the_user_s_hooks_run_after_the_verdict_was_found_and_cannot_change_it(
    tmp_path: Path,
) -> None:
    def broken(name: str) -> int:
        if name == "post-update":
            raise RefusedError("no such user")
        return 3

    fakes = Fakes(hook=broken)
    rig, _ = make(tmp_path, fakes)
    record, lines = ended(rig, rig.push(1, hooks="v1"))
    assert record.state == "deployed"
    assert [line.text for line in lines if line.stage == "note"] == [
        "the hook post-receive ended with exit code 3",
        "the hook post-update was not run: no such user",
    ]
    name, stdin, environ, version = fakes.hooks[0]
    assert (name, version) == ("post-receive", "v1")
    assert stdin == f"{NONE} {commit(1)} refs/heads/main\n".encode()
    assert environ == {
        "TOOLKIT_COMMIT": commit(1),
        "TOOLKIT_BRANCH": "main",
        "TOOLKIT_PUSHER": "alice",
        "TOOLKIT_DEPLOYMENT": "1",
        "TOOLKIT_VERDICT": "deployed",
    }
    # Nothing was pushed by a redeploy.
    ended(rig, rig.deployments.redeploy("shop", 1, ALICE))
    # Nor had the repository any hooks when this was.
    ended(rig, rig.push(2))
    assert len(fakes.hooks) == 2


def test_what_is_built_comes_first_and_reaches_the_child(tmp_path: Path) -> None:
    fakes = Fakes()
    rig, _ = make(tmp_path, fakes, Repo("shop", builds={"db": Build("db")}))
    record, lines = ended(rig, rig.push(1))
    assert record.state == "deployed"
    assert (lines[0].stage, lines[0].text) == ("build", "shop 1 for alice")
    assert fakes.works[0].argument.given["built"] == ["db"]


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (
            BuildFailedError("make: no rule\nlast line"),
            "failed",
            "make: no rule (its log has more)",
        ),
        (UnavailableError("no engine"), "refused", "no engine"),
        (
            DeniedError("the token is unknown", system="Nomad"),
            "needs-token",
            "the token is unknown; nothing was registered",
        ),
    ],
)
def test_a_build_that_fails_ends_the_deployment_before_anything_is_registered(
    tmp_path: Path, error: Exception, state: str, said: str
) -> None:
    fakes = Fakes(built=error)
    rig, _ = make(tmp_path, fakes, Repo("shop", builds={"db": Build("db")}))
    record, _ = ended(rig, rig.push(1))
    assert (record.state, record.sentence) == (state, said)
    assert not fakes.works


@pytest.mark.parametrize(
    ("result", "state", "said"),
    [
        (
            Result("refused", message="a:1: x\nb:2: y", hint="mend it", code=ExitCode.REFUSED),
            "refused",
            ["b:2: y", "hint: mend it", "refused: a:1: x (its log has more)"],
        ),
        (
            Result("refused", message="no room", code=ExitCode.UNPLACED),
            "unplaced",
            ["unplaced: no room"],
        ),
        (
            Result("deadline", message="was not done after 3600 s"),
            "unknown",
            [
                "toolkit repo redeploy shop 1 looks again, and goes on",
                "unknown: was not done after 3600 s; Nomad goes on with what was begun",
            ],
        ),
        (
            Result("memory", message="needs more than 768 MB of memory"),
            "unknown",
            ["unknown: what deployed it needs more than 768 MB of memory; Nomad goes on"],
        ),
        (
            Result("died", message="ended without a result (killed by SIGKILL)"),
            "unknown",
            ["unknown: what deployed it ended without a result (killed by SIGKILL); Nomad"],
        ),
        (
            Result("bug", message="KeyError at x:1"),
            "unknown",
            ["unknown: an error of our own: KeyError at x:1"],
        ),
        (
            Result("stopped", message="was stopped"),
            "needs-token",
            ["needs-token: the server stopped; Nomad goes on with what was begun"],
        ),
        (
            Result("done", {"state": "needs-token", "sentence": "revoked", "document": {}}),
            "needs-token",
            ["needs-token: revoked"],
        ),
        (
            Result("done", {"state": "failed", "sentence": "failed: db", "lines": ["why  db"]}),
            "failed",
            ["why  db", "failed: db"],
        ),
    ],
)
def test_every_end_of_a_child_is_an_end_of_the_deployment(
    tmp_path: Path, result: Result, state: str, said: list[str]
) -> None:
    rig, _ = make(tmp_path, Fakes(lambda *_: result))
    record, lines = ended(rig, rig.push(1))
    assert record.state == state
    told = [line.text for line in lines if line.stage != "hook"]
    for word in said:
        assert any(text.startswith(word) for text in told), told
    assert told[-1].startswith(said[-1])


@pytest.mark.parametrize(
    "value",
    [{}, {"state": "waiting"}, {"state": "deploying"}, {"state": 1}, {"state": "won", "lines": 3}],
)
def test_a_child_that_lies_leaves_nothing_open(tmp_path: Path, value: dict[str, Any]) -> None:
    def child(_work: Work, say: Callable[[Message], None], _stop: Stop) -> Result:
        say({})
        say({"text": 7, "stage": None, "job": ["x"], "at": "now"})
        say({"text": f"\x1b[2J{TOKEN} {'y' * 10_000}", "at": float("nan")})
        return Result("done", {**value, "document": [1], "sentence": f"{TOKEN}\x1b"})

    rig, _ = make(tmp_path, Fakes(child))
    record, lines = ended(rig, rig.push(1))
    assert record.state == "unknown"
    assert TOKEN not in f"{record}{lines}"
    assert all(len(line.text) < 5000 and line.text.isprintable() for line in lines)
    assert lines[-1].document is None


def test_only_so_many_are_under_way_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(PLACES + 1)
    go_on = threading.Event()

    def child(*_: object) -> Result:
        if not go_on.is_set():
            together.wait(60)
        go_on.wait(60)
        return DONE

    repos = [Repo(f"r{number}") for number in range(PLACES + 1)]
    fakes = Fakes(child)
    rig, _ = make(tmp_path, fakes, *repos)
    records = [rig.push(1, repo=repo.name) for repo in repos[:-1]]
    together.wait(60)
    last = rig.push(1, repo=repos[-1].name)
    first = next(rig.deployments.follow(last.repo, last.id))
    assert first.text == f"waits for one of {PLACES} deployments under way"
    assert len(fakes.works) == PLACES
    go_on.set()
    with ThreadPoolExecutor(PLACES + 1) as pool:
        found = list(pool.map(lambda each: ended(rig, each)[0].state, [*records, last]))
    assert found == ["deployed"] * (PLACES + 1)


def test_at_the_end_of_the_server_children_and_builds_are_asked_to_let_go(tmp_path: Path) -> None:
    begun = threading.Event()

    def child(_work: Work, _say: Callable[[Message], None], stop: Stop) -> Result:
        asked = threading.Event()
        with stop.waking(asked.set):
            begun.set()
            assert asked.wait(60)
        return Result("stopped", message="was stopped")

    fakes = Fakes(child)
    rig, performing = make(tmp_path, fakes)
    record = rig.push(1)
    assert begun.wait(60)
    performing.halt()
    found, _ = ended(rig, record)
    assert (found.state, fakes.builds_stopped) == ("needs-token", True)
    assert not fakes.hooks
    # What comes after that begins nothing.
    rig.repos.known["shop"] = replace(rig.repos.known["shop"], order="queue")
    found, _ = ended(rig, rig.push(2))
    assert found.sentence == "the server stopped before it deployed; nothing was registered"
    assert len(fakes.works) == 1


def test_the_sentence_of_a_stack_counts_the_probes() -> None:
    report = StackReport("deploy", "deployed", "4 jobs", "dev", "x", "default", (), 4, seconds=9.14)
    assert sentence(report) == "deployed in 9.1 s"
    assert sentence(replace(report, verdict="unchanged")) == "unchanged in 9.1 s"
    assert sentence(replace(report, verdict="failed")) == "failed: 4 jobs"


def test_a_document_is_slim() -> None:
    events = [{"text": "a", "instances": [1]}]
    document = {
        "verdict": "deployed",
        "events": events,
        "jobs": [{"job": "a", "deploy": {"events": events, "x": 1}}, {"job": "b", "deploy": None}],
    }
    assert slim(document) == {
        "verdict": "deployed",
        "events": [{"text": "a", "instances": []}],
        "jobs": [{"job": "a", "deploy": {"events": [], "x": 1}}, {"job": "b", "deploy": None}],
    }
