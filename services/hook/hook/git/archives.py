"""Archives of commits over HTTP: made once for all who ask, kept within a bound."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import anyio.to_thread
from starlette.responses import FileResponse, PlainTextResponse, Response

from hook.git.archive import MOST, SUFFIX, Archive, check_served, make_archive, shrink
from hook.git.parts import GitParts
from hook.git.places import Clones
from toolkit.serving.desk import Visit
from toolkit.serving.problems import ProblemError
from toolkit.spec.repo import Repo

_AT_ONCE = 2
"""Archives that are made at a time: each has a processor to itself."""
_FILE = re.compile(r"([0-9a-f]{40})\.tar\.gz(\.sha256)?")


class _File(FileResponse):
    chunk_size = 1 << 20


class Archives:
    """Makes, keeps and serves them; for one loop."""

    def __init__(
        self,
        parts: GitParts,
        *,
        most: int = MOST,
        make: Callable[..., Archive] = make_archive,
    ):
        """`most`: bytes that are kept."""
        self._parts, self._most, self._make_one = parts, most, make
        self._places = Clones(parts.limits.clones, waiting=parts.limits.requests)
        self._makers = asyncio.Semaphore(_AT_ONCE)
        self._making: dict[Path, asyncio.Task[Archive]] = {}
        self._used: Counter[Path] = Counter()

    async def serve(self, visit: Visit, repo: Repo) -> None:
        """The archive, or its checksum as `sha256sum` writes it."""
        found = _FILE.fullmatch(str(visit.request.path_params["file"]))
        if found is None:
            raise ProblemError("not-found", "an archive is named by a commit's full ID and .tar.gz")
        commit, is_checksum = found[1], found[2] is not None
        async with self._places.take(visit.caller), self.held(repo, commit) as archive:
            headers = {
                "X-Checksum-Sha256": archive.sha256,
                "ETag": f'"{archive.sha256}"',
                "X-Request-Id": visit.id,
                "Cache-Control": "no-store",
            }
            response: Response
            if is_checksum:
                text = f"{archive.sha256}  {commit}{SUFFIX}\n"
                response = PlainTextResponse(text, headers=headers)
            else:
                response = _File(archive.path, media_type="application/gzip", headers=headers)
            await response(visit.request.scope, visit.incoming, visit.send)

    @contextlib.asynccontextmanager
    async def held(self, repo: Repo, commit: str) -> AsyncIterator[Archive]:
        """An archive that stays for the length of a block."""
        git_dir = self._parts.repos.path(repo)
        await anyio.to_thread.run_sync(check_served, git_dir, commit)
        key = self._parts.archives / repo.name / commit
        self._used[key] += 1
        try:
            task = self._making.get(key)
            if task is None:
                task = asyncio.create_task(self._make(git_dir, key))
                self._making[key] = task
            # Whoever gives up does not take it from the others.
            yield await asyncio.shield(task)
        finally:
            self._used[key] -= 1
            if not self._used[key]:
                del self._used[key]

    async def _make(self, git_dir: Path, key: Path) -> Archive:
        try:
            async with self._makers:
                make = partial(self._make_one, limits=self._parts.limits)
                archive = await anyio.to_thread.run_sync(make, git_dir, key.name, key.parent)
                kept = (self._parts.archives, self._most, {*self._used, key})
                await anyio.to_thread.run_sync(shrink, *kept)
                return archive
        finally:
            del self._making[key]
