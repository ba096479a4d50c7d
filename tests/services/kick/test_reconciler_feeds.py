"""Feeds: an answer that could not be had is none, and what comes after it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kick.feeds import Feed

from toolkit.clients.page import Page
from toolkit.errors import ToolkitError, UnreachableError

DOWN = UnreachableError("Nomad does not answer", system="Nomad")


class Scripted:
    """Answers in order, each when it is let go; the last one is never answered."""

    def __init__(self, *answers: Page | Exception):
        self.answers = list(answers)
        self.go = threading.Semaphore(0)
        self.told = threading.Semaphore(0)
        self.asked: list[int] = []
        self.opened = self.closed = 0
        self.bugs: list[BaseException] = []

    def open(self) -> Scripted:
        self.opened += 1
        return self

    def ask(self, index: int, wait: float) -> Page:
        assert wait > 0
        self.asked.append(index)
        self.go.acquire()
        if not self.answers:
            raise DOWN
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1

    def next(self) -> None:
        """Let one answer go, and wait until it was heard."""
        self.go.release()
        assert self.told.acquire(timeout=30)


@pytest.fixture
def feeds() -> Iterator[list[tuple[Feed, Scripted]]]:
    made: list[tuple[Feed, Scripted]] = []
    yield made
    for feed, script in made:
        feed.close()
        script.go.release()


def follow(feeds: list[tuple[Feed, Scripted]], *answers: Page | Exception) -> tuple[Feed, Scripted]:
    script = Scripted(*answers)
    feed = Feed("jobs", script.open, script.told.release, bug=script.bugs.append)
    feeds.append((feed, script))
    feed.start()
    return feed, script


def newest(feed: Feed) -> Any:
    try:
        return feed.newest()
    except ToolkitError as error:
        return error.message


def test_before_the_first_answer_there_is_none(feeds: list[tuple[Feed, Scripted]]) -> None:
    feed, _ = follow(feeds)
    assert newest(feed) == "jobs have not been read yet"


def test_while_the_last_try_failed_there_is_none(feeds: list[tuple[Feed, Scripted]]) -> None:
    feed, script = follow(feeds, Page(5, ["a"], True), DOWN, Page(5, ["a"], False))
    script.next()
    assert newest(feed) == ["a"]
    script.next()
    assert newest(feed) == "jobs: Nomad does not answer"
    script.next()
    assert newest(feed) == ["a"]
    # After a failure it begins anew: whoever answers may be somebody else.
    assert script.asked[:3] == [0, 5, 0]
    assert (script.opened, script.closed) == (2, 1)


def test_a_wait_that_ended_with_nothing_new_is_no_news(
    feeds: list[tuple[Feed, Scripted]],
) -> None:
    feed, script = follow(feeds, Page(5, ["a"], True), Page(5, ["b"], False), Page(6, ["c"], True))
    script.next()
    script.go.release()
    script.next()
    assert newest(feed) == ["c"]
    assert script.asked[:3] == [0, 5, 5]


def test_a_bug_is_told_and_blinds(feeds: list[tuple[Feed, Scripted]]) -> None:
    feed, script = follow(feeds, Page(5, ["a"], True), ValueError("oops"))
    script.next()
    script.next()
    assert newest(feed) == "jobs: an error of our own"
    assert [type(bug) for bug in script.bugs] == [ValueError]
