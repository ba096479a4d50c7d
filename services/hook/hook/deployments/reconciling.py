"""At the start: a record for each move of a branch, and an end for each record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from hook.deployments import repairing
from hook.deployments.book import Book
from hook.deployments.turn import Ending
from toolkit.errors import AbsentError, ToolkitError
from toolkit.repos.records import Intent
from toolkit.spec.deployment import Deployment
from toolkit.spec.repo import Repo


class Repos(Protocol):
    """The registry, as far as it is needed here."""

    def get(self, name: str) -> Repo:
        """AbsentError when there is none."""

    def all(self) -> tuple[Repo, ...]:
        """Every repository."""


def reconcile(
    book: Book,
    repos: Repos,
    head: Callable[[Repo], str | None],
    on_bug: Callable[[BaseException], None],
) -> tuple[Deployment, ...]:
    """Repair what a crash left between refs, records and registrations; what was changed.

    A repository that cannot be read keeps what was intended of it, for the next start.
    """
    changed = []
    intents, known = book.records.intents(), repos.all()
    for name in sorted({each.record.repo for each in intents} - {repo.name for repo in known}):
        if _is_absent(repos, name):
            _drop(book, name, intents)
    for repo in known:
        try:
            at = head(repo)
        except ToolkitError as exc:
            on_bug(exc)
        else:
            _record_moves(book, repo, at, intents)
            _drop(book, repo.name, intents)
        changed += _close_open(book, repo)
    return tuple(changed)


def _is_absent(repos: Repos, name: str) -> bool:
    """True for a repository that was deleted; not where only its entry cannot be read."""
    try:
        repos.get(name)
    except AbsentError:
        return True
    except ToolkitError:
        pass
    return False


def _drop(book: Book, repo: str, intents: Sequence[Intent]) -> None:
    """Those whose ref did not move; the others are records by now."""
    for each in intents:
        if each.record.repo == repo:
            book.records.drop(each.name)


def _record_moves(book: Book, repo: Repo, at: str | None, intents: Sequence[Intent]) -> None:
    records = book.records
    ours = [each for each in intents if each.record.repo == repo.name]
    for intent in repairing.moved(at, records.all(repo.name), ours):
        record = replace(records.adopt(intent.name), kind="repair")
        records.write(record)
        if record.commit != at:
            why = f"{repo.branch} moved on before its turn"
            book.end(record, Ending("superseded", why))
    if at and repairing.is_unknown(at, records.all(repo.name)):
        records.add(repairing.nobody_s(repo, at, book.now()))


def _close_open(book: Book, repo: Repo) -> list[Deployment]:
    """What was under way needs a token, unless its log has the verdict already."""
    changed = []
    for record in book.records.all(repo.name):
        if record.is_final or record.state == "needs-token":
            continue
        said = book.logs.last(repo.name, record.id)
        if (ended := repairing.ended(said)) is not None:
            book.records.write(book.changed(record, *ended))
        else:
            book.need_token(record, repairing.how_far(record, said))
        changed.append(book.records.get(repo.name, record.id))
    return changed
