"""The services of git's protocol: what is told before, a clone, and a push."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from hook.git.body import Body
from hook.git.exchange import Answer, exchange
from hook.git.head import Head, read_head
from hook.git.leftovers import sweep
from hook.git.packets import advertised
from hook.git.parts import GitParts
from hook.git.places import Clones, Pushes
from hook.git.process import Git, started
from hook.git.telling import Told
from toolkit.errors import UnavailableError
from toolkit.repos.git import limits, push_settings
from toolkit.serving.bounded import bounded
from toolkit.serving.desk import Visit
from toolkit.serving.problems import ProblemError
from toolkit.spec.repo import Repo

FETCH, PUSH = "git-upload-pack", "git-receive-pack"
SERVICES = (FETCH, PUSH)
"""What `service=` may say."""

_ADVERT_SECONDS = 60.0
_CLONE_SECONDS = 3600.0
_PROCESSOR = 60
"""Seconds of the processor that git has at least, however short the time of a push is."""
_REQUEST = 16 << 20
"""Bytes of what a clone asks for: a line for each ref, and for each commit it has."""
_FRAME = 2 << 20
"""Bytes that a push may have beside its pack."""
_SLACK = 64 << 20
_VERSION = re.compile(r"version=[012]")


class GitServices:
    """Runs git for whoever may; one for the application."""

    def __init__(self, parts: GitParts):
        self._parts = parts
        said = parts.limits
        self._pushes = Pushes(
            said.pushes, said.pushes_of_one, beginning=said.requests, watching=said.requests
        )
        self._clones = Clones(said.clones, waiting=said.requests)
        self._adverts = Clones(said.clones, waiting=said.requests)

    async def advertise(self, visit: Visit, repo: Repo, service: str) -> None:
        """Say which refs there are; a push that would be refused anyway is refused here."""
        if service == PUSH:
            self._check_open()
            self._pushes.check(visit.caller)
        version = _version(visit, service)
        # In version 2 this line is left out, and pushes know no version 2.
        first = b"" if version == "version=2" else advertised(service)
        answer = Answer(visit, f"application/x-{service}-advertisement", first=first)
        async with (
            self._adverts.take(visit.caller),
            _in_time(_ADVERT_SECONDS),
            self._git(repo, service, ["--http-backend-info-refs"], version) as git,
        ):
            git.close_input()
            async for piece in git.pieces():
                await answer.write(piece)
            await self._end(visit, repo, git, answer)

    async def fetch(self, visit: Visit, repo: Repo) -> None:
        """Send a client what it asks for; git ends when the client does."""
        body = self._body(visit, FETCH, _REQUEST, self._parts.limits.seconds)
        answer = Answer(visit, f"application/x-{FETCH}-result")
        async with (
            self._clones.take(visit.caller),
            _in_time(_CLONE_SECONDS),
            self._git(repo, FETCH, [], _version(visit, FETCH)) as git,
        ):
            problem = await exchange(git, body, answer, visit.incoming, ends_with_client=True)
            await self._end(visit, repo, git, answer, problem)

    async def push(self, visit: Visit, repo: Repo, told: Told) -> None:
        """Take a push and show all that is said of it; it goes on without the client."""
        said = self._parts.limits
        self._check_open()
        body = self._body(visit, PUSH, said.pack_bytes + _FRAME, said.seconds)
        head = Head()
        told.body = body
        try:
            with self._pushes.begin():
                await read_head(body, said, head)
        finally:
            told.refs = tuple(head.refs) if head.sideband else ()
        tidy = partial(sweep, self._parts.repos.path(repo))
        with self._pushes.take(visit.caller, repo.name, tidy) as arrived:
            answer = Answer(visit, f"application/x-{PUSH}-result", closes=True)
            if not head.refs:
                # A client that finds out whether it may push at all sends nothing but this.
                await answer.end()
                return
            # Its turn may come after another deployment.
            most = said.seconds + said.check_seconds + 2 * said.deploy_seconds + self._parts.ending
            async with _in_time(most):
                await self._take(visit, repo, body, answer, arrived)

    async def _take(
        self, visit: Visit, repo: Repo, body: Body, answer: Answer, arrived: Callable[[], None]
    ) -> None:
        with self._parts.admit(repo, visit, arrived) as passed:
            settings = {"core.hooksPath": str(passed.hooks_path)}
            version = _version(visit, PUSH)
            async with self._git(repo, PUSH, [], version, settings, passed.environ) as git:
                problem = await exchange(git, body, answer, visit.incoming, ends_with_client=False)
                await self._end(visit, repo, git, answer, problem)

    def _git(
        self,
        repo: Repo,
        service: str,
        words: Sequence[str],
        version: str,
        settings: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[Git]:
        path, said = self._parts.repos.path(repo), self._parts.limits
        # Of a thin pack, what it builds on is added to it here.
        size = 2 * said.pack_bytes + _SLACK if service == PUSH else 0
        return started(
            path,
            [service.removeprefix("git-"), "--stateless-rpc", *words, str(path)],
            settings={**push_settings(said), **(settings or {})},
            limited=limits(seconds=max(_PROCESSOR, int(said.seconds)), file_bytes=size),
            environ={**({"GIT_PROTOCOL": version} if version else {}), **(environ or {})},
        )

    async def _end(
        self,
        visit: Visit,
        repo: Repo,
        git: Git,
        answer: Answer,
        problem: ProblemError | None = None,
    ) -> None:
        """End the answer, or raise what the client has to be told in its place."""
        code = await git.wait()
        said = _of_git(git.said, self._parts.repos.path(repo), repo)
        if code:
            self._parts.log.say("git", request=visit.id, repo=repo.name, code=code, said=said)
        if not answer.begun:
            if problem is not None:
                raise problem
            if code:
                raise UnavailableError(f"git ended with {code}: {said or 'it does not say why'}")
        await answer.end()
        if problem is not None:
            raise problem

    def _body(self, visit: Visit, service: str, most: int, seconds: float) -> Body:
        headers = visit.request.headers
        media = f"application/x-{service}-request"
        if headers.get("content-type", "") != media:
            raise ProblemError("unsupported-media-type", f"the body has to be {media}")
        encoding = headers.get("content-encoding", "").lower()
        length = headers.get("content-length", "")
        return Body(visit.incoming, encoding=encoding, length=length, most=most, seconds=seconds)

    def _check_open(self) -> None:
        if self._parts.is_draining():
            raise UnavailableError("the server is stopping and takes no more pushes", after=5.0)


@contextlib.asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise UnavailableError(f"git did not end within {seconds:g} s") from None


def _version(visit: Visit, service: str) -> str:
    """What git is told of the protocol's version: what the client said, if it is one."""
    said: str = visit.request.headers.get("git-protocol", "")[:100].split(":")[0]
    if not _VERSION.fullmatch(said) or (service == PUSH and said == "version=2"):
        return ""
    return said


def _of_git(said: str, path: Path, repo: Repo) -> str:
    """Git's words, without where things are."""
    return bounded(said.replace(str(path), repo.name))
