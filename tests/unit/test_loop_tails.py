"""The logs of `dev watch` go on, whatever the files look like while somebody edits them."""

from __future__ import annotations

import queue
import threading

import pytest

from toolkit.errors import ConfigError, Mistake
from toolkit.spec.loop import Item
from toolkit.workflows.dev_watch import tails as module
from toolkit.workflows.dev_watch.tails import Tails
from toolkit.workflows.session import Session

SECONDS = 30.0


def test_logs_are_followed_again_after_a_mistake_in_toolkit_toml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.0)
    told: queue.Queue[Item] = queue.Queue()
    asked = threading.Semaphore(0)

    def opened() -> Session:
        asked.release()
        raise ConfigError([Mistake("toolkit.toml", None, 3, "is no TOML")])

    tails = Tails(opened, told.put)
    tails.follow("web", "web")
    try:
        for _ in range(2 * len(module.KINDS) + 1):
            assert asked.acquire(timeout=SECONDS), "a mistake ended the following for good"
        assert told.empty(), "the loop says it in place"
    finally:
        tails.close()
