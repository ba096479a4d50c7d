"""Requests that outlast the server's end, because a provider hangs: they are told what is known."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from anyio.from_thread import BlockingPortal
from kick.actions import Action, Ask

from tests.services.kick.served import answer, served
from tests.services.running import PATIENCE
from toolkit.serving.actions import Answer
from toolkit.serving.limits import Limits

AS_SHOP = b"Host: kick\r\nAuthorization: Bearer a.a.shop\r\n"


def slow(
    method: Literal["GET", "DELETE"],
    audit: Literal["reads", "itself"],
    effect: Callable[[Ask, Any], Answer],
) -> Action:
    return Action(
        name=f"slow.{audit}",
        method=method,
        path="/slow",
        summary="Take long",
        policy=lambda _: None,
        effect=effect,
        audit=audit,
        answers={200: {"type": "object"}},
    )


def test_what_is_not_done_when_the_server_ends(portal: BlockingPortal, tmp_path: Path) -> None:
    began, gate = threading.Semaphore(0), threading.Event()

    def effect(_ask: Ask, _granted: Any) -> Answer:
        began.release()
        gate.wait(PATIENCE)
        return Answer({})

    actions = (slow("GET", "reads", effect), slow("DELETE", "itself", effect))
    try:
        with served(portal, tmp_path, Limits(last_requests=1), actions) as kick:
            read = kick.raw(b"GET /slow HTTP/1.1\r\n" + AS_SHOP + b"\r\n")
            change = kick.raw(b"DELETE /slow HTTP/1.1\r\n" + AS_SHOP + b"\r\n")
            for _ in range(2):
                assert began.acquire(timeout=PATIENCE)
            kick.end()
            with read, change:
                status, _, document = answer(change)
                assert (status, document["type"]) == (502, "/problems/outcome-unknown")
                status, headers, document = answer(read)
                assert (status, document["type"]) == (503, "/problems/unavailable")
                assert headers["retry-after"]
            assert [line["event"] for line in kick.rig.log()].count("bug") == 0
    finally:
        # Not before the loop is closed: then nobody waits for the threads.
        gate.set()
