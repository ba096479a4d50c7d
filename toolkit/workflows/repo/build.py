"""`toolkit repo build` and `code`: what the hook server builds of a push, and what came of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.clients.hook import HookServer, repo_path
from toolkit.errors import NotFoundError, ServerError
from toolkit.spec.repo import Build
from toolkit.spec.repo_builds import BuildWord, RepoBuildReport, RepoCodeReport
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.repo.reading import read_build
from toolkit.workflows.session import Session


@dataclass(frozen=True, slots=True)
class Wish:
    """How a service shall be built; nothing of it said: only shown."""

    command: tuple[str, ...] = ()
    artifact: str = ""
    dockerfile: str = ""
    remove: bool = False

    @property
    def says_something(self) -> bool:
        """True when something is to be set."""
        return bool(self.command or self.artifact or self.dockerfile)


def repo_build(
    session: Session,
    repo: str,
    service: str | None = None,
    wish: Wish = Wish(),
    *,
    confirm: Confirm = unanswered,
) -> RepoBuildReport:
    """Set, remove or show how services are built; what an admin says counts from the next push on.

    NotFoundError for a repository or service that is not there, DeniedError without the right.
    """
    with connect(session) as server:
        before = {each.service: each for each in _builds(server, repo)}
        if service is None:
            return _report(session, server, repo, "builds", _listed(before), tuple(before.values()))
        path = repo_path(repo, "builds", service)
        if wish.remove:
            if service not in before:
                raise _absent(repo, service)
            ask(session.target, confirm, f"build {service} of {repo} no more")
            server.ask("DELETE", path, write=True)
            said = f"{service} of {repo} is built no more; what was built stays"
            return _report(session, server, repo, "removed", said, (before[service],))
        if not wish.says_something:
            if service not in before:
                raise _absent(repo, service)
            found = before[service]
            return _report(session, server, repo, "builds", f"{service} is built", (found,))
        ask(session.target, confirm, f"set how {service} of {repo} is built")
        made = read_build(server.ask("PUT", path, body=_body(wish)).body)
        word: BuildWord = "set" if service not in before else "changed"
        word = "unchanged" if before.get(service) == made else word
        said = f"{service} of {repo} is built from the next push on"
        return _report(session, server, repo, word, said, (made,))


def repo_code(session: Session, repo: str, commit: str | None = None) -> RepoCodeReport:
    """What a push of `commit` (a full ID; else the branch's) gives its jobs."""
    with connect(session) as server:
        said = server.ask("GET", repo_path(repo, "code"), {"commit": commit}).body
    code, build = said.get("code"), said.get("build")
    if not isinstance(code, dict) or not isinstance(build, dict):
        raise ServerError("the hook server answered with something else", system="Hook")
    values = {"code": _words(code)}
    values |= {f"build.{name}": _words(each) for name, each in sorted(build.items())}
    return RepoCodeReport(repo, values["code"].get("commit", ""), values)


def _builds(server: HookServer, repo: str) -> list[Build]:
    found = server.ask("GET", repo_path(repo, "builds")).body.get("builds")
    if not isinstance(found, list):
        raise ServerError("the hook server answered with something else", system="Hook")
    return [read_build(each) for each in found if isinstance(each, dict)]


def _body(wish: Wish) -> dict[str, Any]:
    said = {
        "command": list(wish.command),
        "artifact": wish.artifact,
        "dockerfile": wish.dockerfile,
    }
    return {name: value for name, value in said.items() if value}


def _words(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {str(name): value for name, value in raw.items() if isinstance(value, str)}


def _listed(builds: Mapping[str, Build]) -> str:
    number = len(builds)
    return f"{number} service{'' if number == 1 else 's'} built" if builds else "nothing is built"


def _absent(repo: str, service: str) -> NotFoundError:
    return NotFoundError(
        f"{repo} builds no {service}", system="Hook", hint=f"toolkit repo build {repo} lists all"
    )


def _report(
    session: Session,
    server: HookServer,
    repo: str,
    verdict: BuildWord,
    sentence: str,
    builds: tuple[Build, ...],
) -> RepoBuildReport:
    return RepoBuildReport(
        verdict=verdict,
        sentence=sentence,
        environment=session.target.environment,
        address=server.endpoint.address,
        repo=repo,
        builds=builds,
    )
