"""The URLs of git, and the order in which a request is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio.to_thread
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hook.git.archives import Archives
from hook.git.parts import GitParts
from hook.git.services import FETCH, PUSH, SERVICES, GitServices
from hook.git.telling import Told
from toolkit.repos.policy import permit
from toolkit.serving.bounded import bounded
from toolkit.serving.desk import Desk, Visit
from toolkit.serving.problems import ProblemError
from toolkit.spec.repo import Repo, Right

REFS = "/{repo}.git/info/refs"
CLONES = "/{repo}.git/git-upload-pack"
PUSHES = "/{repo}.git/git-receive-pack"
ARCHIVES = "/{repo}/archive/{file}"
PATHS = (REFS, CLONES, PUSHES, ARCHIVES)
"""All of them; whatever else is asked for does not exist."""

Serve = Callable[[Visit, Told], Awaitable[None]]


def git_routes(desk: Desk, parts: GitParts) -> list[Route]:
    """Routes for the application's table; every method of a path is answered by its route."""
    git, archives = GitServices(parts), Archives(parts)

    async def find(visit: Visit, right: Right) -> Repo:
        name = str(visit.request.path_params["repo"])
        # By the name alone, before anything looks whether there is such a repository.
        permit(parts.policy, visit.caller, name, right)
        return await anyio.to_thread.run_sync(parts.repos.get, name)

    async def refs(visit: Visit, _: Told) -> None:
        said = visit.request.query_params.getlist("service")
        if len(said) != 1 or said[0] not in SERVICES:
            raise ProblemError(
                "not-found", f"only {' and '.join(SERVICES)} are served, over git's smart protocol"
            )
        repo = await find(visit, "push" if said[0] == PUSH else "read")
        await git.advertise(visit, repo, said[0])

    async def clone(visit: Visit, told: Told) -> None:
        told.result = f"application/x-{FETCH}-result"
        await git.fetch(visit, await find(visit, "read"))

    async def push(visit: Visit, told: Told) -> None:
        told.result = f"application/x-{PUSH}-result"
        await git.push(visit, await find(visit, "push"), told)

    async def archive(visit: Visit, _: Told) -> None:
        await archives.serve(visit, await find(visit, "read"))

    return [
        Route(REFS, _Door(desk, "git-refs", ("GET",), refs)),
        Route(CLONES, _Door(desk, FETCH, ("POST",), clone)),
        Route(PUSHES, _Door(desk, PUSH, ("POST",), push)),
        Route(ARCHIVES, _Door(desk, "archive", ("GET", "HEAD"), archive, is_git=False)),
    ]


class _Door:
    """All methods of one path."""

    def __init__(
        self, desk: Desk, name: str, methods: Sequence[str], serve: Serve, *, is_git: bool = True
    ):
        """`is_git`: a git client asks, and prints no problem document."""
        self._desk, self._name, self._is_git = desk, name, is_git
        self._methods, self._serve = methods, serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        told = Told(send)

        async def work(visit: Visit) -> None:
            method = visit.request.method
            if method not in self._methods:
                allowed, path = ", ".join(self._methods), bounded(visit.request.url.path, 100)
                detail = f"{path} takes {allowed}, not {bounded(method, 20)}"
                raise ProblemError("method-not-allowed", detail, headers={"Allow": allowed})
            await self._serve(visit, told)

        words = told if self._is_git else send
        await self._desk.visit(self._name, scope, receive, words, work)
