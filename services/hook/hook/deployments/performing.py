"""One deployment from end to end, on a thread of the server: build, deploy in a child, hooks."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from hook.children.children import Stop
from hook.children.errand import Message, Result, Work
from hook.children.loading import agents_of
from hook.deployments.deploying import CALL, Order
from hook.deployments.turn import Ending, Turn
from toolkit.errors import DeniedError, ExitCode, ToolkitError
from toolkit.repos.builds import Built
from toolkit.repos.refs import HEADS
from toolkit.serving.bounded import printable
from toolkit.spec.deployment import Deployment, State
from toolkit.spec.hook import HookConfig
from toolkit.spec.repo import Repo
from toolkit.spec.report import VERDICT_CODES
from toolkit.spec.tree import Tree

if TYPE_CHECKING:
    from hook.who import Who

WORDS: dict[ExitCode, State] = {
    code: word for word, code in VERDICT_CODES.items() if code is not ExitCode.OK
}
PLACES = 8
"""Deployments under way at once: each is a process, and most of it is waiting."""
ENDS: dict[str, State] = {**{word: word for word in VERDICT_CODES}, "needs-token": "needs-token"}
"""What a child may say that became of it."""
AFTER = ("post-receive", "post-update")
"""A user's hooks that run when a push has its verdict."""

STOPPED = Ending("needs-token", "the server stopped before it deployed; nothing was registered")


class Runs(Protocol):
    """`hook.children.Children`."""

    def run(
        self,
        work: Work,
        *,
        memory: int,
        seconds: float,
        on_message: Callable[[Message], None],
        stop: Stop,
    ) -> Result:
        """Have it done by a child of its own; blocks."""


class Builds(Protocol):
    """`hook.building.Building`."""

    def build_all(
        self, repo: Repo, commit: str, who: Who, say: Callable[[str], None]
    ) -> Mapping[str, Built]:
        """Build every service that the repository's settings name; blocks."""

    def given(self, repo: Repo, commit: str, built: Mapping[str, Built]) -> dict[str, Any]:
        """What the jobs are told of it."""

    def stop(self) -> None:
        """Let builds under way end soon, and begin none."""


class RunHooks(Protocol):
    """`hook.sandbox.Scripts.run_hooks`."""

    def __call__(
        self,
        repo: Repo,
        name: str,
        stdin: bytes,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        *,
        version: str | None = None,
    ) -> int:
        """The exit code; 0 where there is no such hook."""


class Performing:
    """Performs turns; one for the process."""

    def __init__(
        self,
        *,
        children: Runs,
        config: HookConfig,
        gather: Callable[[Repo, str], Tree],
        building: Builds | None = None,
        run_hooks: RunHooks | None = None,
    ):
        """`gather`: the files of a commit, by its full id."""
        self._children = children
        self._config = config
        self._gather = gather
        self._building = building
        self._run_hooks = run_hooks
        self._changed = threading.Condition()
        self._under_way = 0
        self._stops: set[Stop] = set()
        self._halted = False

    def __call__(self, turn: Turn) -> Ending:
        """Build, deploy, run the user's hooks; see `turn.Perform`."""
        ending = self._deploy(turn)
        if ending.state != "needs-token" and turn.deployment.kind in {"push", "repair"}:
            self._after(turn, ending)
        return ending

    def halt(self) -> None:
        """Ask everything under way to let go; no turn that comes later begins anything."""
        with self._changed:
            self._halted = True
            stops = tuple(self._stops)
            self._changed.notify_all()
        for stop in stops:
            stop.set()
        if self._building is not None:
            self._building.stop()

    def _deploy(self, turn: Turn) -> Ending:
        try:
            given = self._build(turn)
            with self._place(turn):
                if self._halted or turn.stopping():
                    return STOPPED
                turn.reach("deploying")
                result = self._run(turn, given)
        except ToolkitError as exc:
            if self._halted or turn.stopping():
                return STOPPED
            if isinstance(exc, DeniedError):
                # Of a build: nobody has asked for anything else yet.
                return Ending("needs-token", f"{exc.message}; nothing was registered")
            return refused(turn, exc.message, exc.hint, exc.code)
        return ending_of(turn, result)

    @contextlib.contextmanager
    def _place(self, turn: Turn) -> Iterator[None]:
        """One of the places that there are."""
        with self._changed:
            if self._under_way >= PLACES:
                turn.say(f"waits for one of {PLACES} deployments under way", stage="hold")
                self._changed.wait_for(lambda: self._under_way < PLACES or self._halted)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _build(self, turn: Turn) -> Mapping[str, Any]:
        building, commit = self._building, turn.deployment.commit
        if building is None:
            return {}
        built: Mapping[str, Built] = {}
        if turn.repo.builds:
            turn.reach("building")
            built = building.build_all(
                turn.repo, commit, turn.who, lambda text: turn.say(text, stage="build")
            )
        return building.given(turn.repo, commit, built)

    def _run(self, turn: Turn, given: Mapping[str, Any]) -> Result:
        deployment, limits = turn.deployment, self._config.limits
        secret = turn.who.token.reveal()

        def hear(message: Message) -> None:
            said = {key: str(message.get(key, "")) for key in ("text", "stage", "job")}
            text = said["text"].replace(secret, "***") if secret else said["text"]
            at = message.get("at")
            turn.say(
                text,
                stage=said["stage"],
                job=said["job"],
                at=at if isinstance(at, float) and math.isfinite(at) else None,
            )

        work = Work(
            CALL,
            Order(self._config, given, actor_of(deployment), agents_of(self._config)),
            token=turn.who.token,
            tree=self._gather(turn.repo, deployment.commit),
        )
        stop = Stop()
        with self._changed:
            self._stops.add(stop)
            if self._halted:
                stop.set()
        try:
            return self._children.run(
                work,
                memory=limits.deploy_memory,
                seconds=limits.deploy_seconds,
                on_message=hear,
                stop=stop,
            )
        finally:
            with self._changed:
                self._stops.discard(stop)

    def _after(self, turn: Turn, ending: Ending) -> None:
        """The user's hooks as they were at the push; no end of theirs changes the verdict."""
        deployment, repo = turn.deployment, turn.repo
        if self._run_hooks is None or not deployment.hooks:
            return
        old = deployment.before or "0" * len(deployment.commit)
        line = f"{old} {deployment.commit} {HEADS}{repo.branch}\n"
        environ = {
            "TOOLKIT_COMMIT": deployment.commit,
            "TOOLKIT_BRANCH": repo.branch,
            "TOOLKIT_PUSHER": deployment.pusher,
            "TOOLKIT_DEPLOYMENT": str(deployment.id),
            "TOOLKIT_VERDICT": ending.state,
        }
        for name in AFTER:
            try:
                code = self._run_hooks(
                    repo,
                    name,
                    line.encode(),
                    environ,
                    lambda text: turn.say(text, stage="hook"),
                    version=deployment.hooks,
                )
            except (ToolkitError, OSError) as exc:
                turn.say(f"the hook {name} was not run: {exc}", stage="note")
                continue
            if code:
                turn.say(f"the hook {name} ended with exit code {code}", stage="note")


def actor_of(deployment: Deployment) -> str:
    """Who deploys, for locks and tags: `alice, shop 31`."""
    who = deployment.resumed_by or deployment.pusher or "somebody"
    return f"{who}, {deployment.repo} {deployment.id}"


def ending_of(turn: Turn, result: Result) -> Ending:
    """What the end of the child means for the deployment."""
    match result.end:
        case "done":
            return _done(turn, result.value)
        case "refused":
            return refused(turn, result.message, result.hint, result.code)
        case "stopped":
            return Ending("needs-token", "the server stopped; Nomad goes on with what was begun")
        case "deadline":
            told = f"{result.message}; Nomad goes on with what was begun"
        case "bug":
            told = f"an error of our own: {result.message}"
        case _:
            told = f"what deployed it {result.message}; Nomad goes on with what was begun"
    again = f"toolkit repo redeploy {turn.deployment.repo} {turn.deployment.id}"
    turn.say(f"{again} looks again, and goes on", stage="note")
    return Ending("unknown", told)


def _done(turn: Turn, value: Message) -> Ending:
    lines = value.get("lines")
    for line in lines if isinstance(lines, list) else ():
        turn.say(str(line), stage="report")
    state = ENDS.get(str(value.get("state")), "unknown")
    document = value.get("document")
    secret = turn.who.token.reveal()
    said = str(value.get("sentence", ""))
    return Ending(
        state,
        said.replace(secret, "***") if secret else said,
        printable(document, secret)
        if isinstance(document, dict) and state != "needs-token"
        else None,
    )


def refused(turn: Turn, message: str, hint: str | None, code: ExitCode) -> Ending:
    """An error of the tool's own, said whole; its first line is the sentence."""
    first, *more = message.split("\n")
    for line in more:
        turn.say(line, stage="report")
    if hint:
        turn.say(f"hint: {hint}", stage="report")
    return Ending(WORDS.get(code, "unknown"), f"{first} (its log has more)" if more else first)
