"""The client of the hook server: repositories, deployments and their logs.

For a person with a Nomad token; pushes and clones are git's own. What its problems mean is in
`hook_problems`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, cast
from urllib.parse import quote

import requests

from toolkit.clients.errors_map import WIRE_ERRORS, Failure, from_exception, garbled
from toolkit.clients.hook_problems import PROBLEMS
from toolkit.clients.retry import ask_again
from toolkit.clients.server import Json, Reply, Server
from toolkit.clients.session import plain_timeout
from toolkit.errors import ExitCode, UnreachableError
from toolkit.spec.deployment import OPEN

QUIET_SECONDS = 30.0
"""A log may say nothing for long: after this it is asked for anew, from where it was."""
PAUSE = 0.5
"""Seconds before a log without news is asked for anew, where the server let go of it at once."""
_LONGEST_LINE = 16 << 20
_PIECE = 65536
UNDER_WAY = OPEN - {"needs-token"}


class HookServer(Server):
    """One connection to one hook server, for one thread."""

    keyed = False
    problems = PROBLEMS
    lost = "it may have been done: `toolkit repo show NAME` says how it is"

    def repos(self) -> list[Json]:
        """The repositories that the token may read."""
        return self._list("/repos", "repos")

    def repo(self, name: str) -> Json:
        """One repository; NotFoundError when there is none, DeniedError without the right."""
        return self.ask("GET", repo_path(name)).body

    def put_repo(self, name: str, body: Json) -> Reply:
        """Let a repository be there; 201 when it was made, 200 when it was there already."""
        return self.ask("PUT", repo_path(name), body=body)

    def delete_repo(self, name: str) -> Json:
        """Take a repository away, to the server's trash."""
        return self.ask("DELETE", repo_path(name), write=True).body

    def restore_repo(self, name: str, trash: str | None) -> Json:
        """Have a deleted repository back; `trash`: what it is called there, else the newest."""
        body: Json = {} if trash is None else {"trash": trash}
        return self.ask("POST", repo_path(name, "restore"), body=body).body

    def deployments(self, name: str, *, limit: int | None = None) -> list[Json]:
        """The records of a repository's deployments, the newest first."""
        return self._list(repo_path(name, "deployments"), "deployments", {"limit": limit})

    def deployment(self, name: str, number: int) -> Json:
        """The record of one deployment."""
        return self.ask("GET", repo_path(name, "deployments", number)).body

    def deploy_again(self, name: str, kind: str, of: int | None) -> Json:
        """Let a commit be deployed anew; `kind`: `redeploy` or `rollback`; the new record."""
        body: Json = {"kind": kind} if of is None else {"kind": kind, "of": of}
        return self.ask("POST", repo_path(name, "deployments"), body=body).body

    def resume(self, name: str, number: int) -> Json:
        """Let a deployment that needs a token go on with ours; its record."""
        return self.ask("POST", repo_path(name, "deployments", number, "resume"), body={}).body

    def log(
        self, name: str, number: int, *, after: int = 0, follow: bool = False
    ) -> Iterator[Json]:
        """Lines of a deployment's log after number `after`, as they are there.

        `follow`: goes on until nothing more becomes of the deployment, or somebody has to do
        something first, over pauses and lost connections; UnreachableError once the server cannot
        be reached.
        """
        try:
            yield from self._log(name, number, after, follow=follow)
        except UnreachableError as exc:
            exc.code = ExitCode.UNKNOWN
            exc.hint = f"it goes on without us: toolkit repo log {name} {number}"
            raise

    def _log(self, name: str, number: int, after: int, *, follow: bool) -> Iterator[Json]:
        while True:
            # Asked before the log is: what is written until then is in the log that follows.
            last = not follow or self.deployment(name, number).get("state") not in UNDER_WAY
            before = after
            try:
                for line in self._stream(name, number, after, follow=not last):
                    after = max(after, int(line.get("number") or 0))
                    yield line
            except UnreachableError as exc:
                if last or not exc.lost_reply:
                    raise
            if last:
                return
            if after == before:
                # It had nothing to say, and did not wait until it had.
                self._sleep(PAUSE)

    def _stream(self, name: str, number: int, after: int, *, follow: bool) -> Iterator[Json]:
        params = {"after": after, "follow": "true" if follow else "false"}

        def attempt() -> requests.Response | Failure:
            try:
                response = self._session.get(
                    self.endpoint.address + repo_path(name, "deployments", number, "log"),
                    params=params,
                    headers={"Accept": "application/x-ndjson, application/json"},
                    timeout=plain_timeout(QUIET_SECONDS),
                    stream=True,
                )
            except WIRE_ERRORS as exc:
                return from_exception(self.endpoint, exc, read=True)
            if response.status_code >= 300:
                with closing(response):
                    return self.problems.read(self.endpoint, response, read=True)
            return response

        response = ask_again(attempt, read=True, sleep=self._sleep)
        with closing(response):
            waiting = b""
            for piece in self._pieces(response):
                *whole, waiting = (waiting + piece).split(b"\n")
                yield from (self._line(line) for line in whole if line.strip())
                if len(waiting) > _LONGEST_LINE:
                    raise garbled(self.endpoint, "is not a log", read=True).error

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        """Bytes as they arrive: `iter_content` would sit on them until a whole chunk is there."""
        try:
            while piece := response.raw.read1(_PIECE, decode_content=True):
                yield piece
        except WIRE_ERRORS as exc:
            failed = from_exception(self.endpoint, exc, read=True)
            lost = UnreachableError(
                failed.error.message,
                system=failed.error.system,
                address=failed.error.address,
                hint=failed.error.hint,
            )
            lost.lost_reply = True
            raise lost from exc

    def _line(self, text: bytes) -> Json:
        try:
            value = json.loads(text)
        except ValueError as exc:
            raise garbled(self.endpoint, "is not a log", read=True).error from exc
        if not isinstance(value, dict):
            raise garbled(self.endpoint, "is not a log", read=True).error
        return cast(Json, value)

    def _list(
        self, path: str, key: str, params: Mapping[str, int | None] | None = None
    ) -> list[Json]:
        items: Any = self.ask("GET", path, params).body.get(key)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return items


def repo_path(name: str, *more: str | int) -> str:
    """Path of a repository in the API, or of what is below it."""
    return "/".join(["/repos", *(quote(str(part), safe="") for part in (name, *more))])
