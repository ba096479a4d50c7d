"""Answers in pieces: sent as they come, to the end, and no longer than anybody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from hook.actions import NDJSON, Action, Ask

from tests.services.hook.hook_process import ADMIN, STRANGER
from tests.services.hook.rig import HookRig, make_rig
from tests.services.running import PATIENCE
from toolkit.errors import ForbiddenError
from toolkit.serving.actions import Answer
from toolkit.serving.limits import Limits


class Source:
    """Pieces that a test lets out one by one."""

    def __init__(self) -> None:
        self.permits = threading.Semaphore(0)
        self.ended = threading.Event()
        self.begun = 0

    def pieces(self) -> Iterator[bytes]:
        self.begun += 1
        try:
            for number in range(3):
                assert self.permits.acquire(timeout=PATIENCE)
                yield b"%d\n" % number
        finally:
            self.ended.set()


def action(source: Source) -> Action:
    def policy(ask: Ask) -> None:
        if "admins" not in getattr(ask.caller, "policies", ()):
            raise ForbiddenError("not yours")

    return Action(
        name="lines.show",
        method="GET",
        path="/lines",
        summary="Lines as they come",
        policy=policy,
        effect=lambda *_: Answer(stream=source.pieces(), media=NDJSON),
        audit="reads",
        answers={200: None},
        answer_media=(NDJSON,),
    )


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def lines(portal: BlockingPortal, tmp_path: Path, source: Source) -> Iterator[HookRig]:
    with make_rig(portal, tmp_path, actions=[action(source)]) as rig:
        yield rig


class Wire:
    """One request on the application's own terms: what came, and a caller that may hang up."""

    def __init__(self, rig: HookRig, who: dict[str, str], method: str = "GET"):
        self.got: list[dict[str, Any]] = []
        self._rig = rig
        headers = [(name.lower().encode(), value.encode()) for name, value in who.items()]
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "path": "/lines", "raw_path": b"/lines", "root_path": "", "scheme": "http",
            "query_string": b"", "headers": headers, "client": ("192.0.2.1", 1),
            "server": ("hook", 80),
        }  # fmt: skip

    def run(
        self, source: Source, *, let: int, then_leave: bool, beside: Wire | None = None
    ) -> None:
        """Until it is answered; `let` pieces come, each after the one before was taken.

        `beside`: is asked when those have come, and before this caller leaves.
        """

        async def bounded() -> None:
            async with asyncio.timeout(PATIENCE):
                await self._play(source, let, then_leave, beside)

        self._rig.portal.call(bounded)

    async def _play(
        self, source: Source, let: int, then_leave: bool, beside: Wire | None = None
    ) -> None:
        gone = asyncio.Event()
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            self.got.append(message)
            if message["type"] != "http.response.start" and not message.get("body"):
                return
            if sum(bool(each.get("body")) for each in self.got) < let:
                source.permits.release()
                return
            if beside is not None:
                await beside._play(source, 0, True)
            if then_leave:
                gone.set()

        await self._rig.app(self._scope, receive, send)  # type: ignore[arg-type]


def test_pieces_come_one_by_one_until_the_last(lines: HookRig, source: Source) -> None:
    wire = Wire(lines, ADMIN)
    wire.run(source, let=3, then_leave=False)
    assert [each.get("body") for each in wire.got[1:]] == [b"0\n", b"1\n", b"2\n", b""]
    assert [each.get("more_body") for each in wire.got[1:]] == [True, True, True, False]
    headers = dict(wire.got[0]["headers"])
    assert headers[b"content-type"].startswith(NDJSON.encode())
    assert b"content-length" not in headers
    assert headers[b"cache-control"] == b"no-store"
    assert source.ended.is_set()


def test_who_hangs_up_is_sent_nothing_more_and_keeps_no_request_open(
    lines: HookRig, source: Source
) -> None:
    wire = Wire(lines, ADMIN)
    wire.run(source, let=1, then_leave=True)
    assert [each.get("body") for each in wire.got[1:]] == [b"0\n"]
    # The thread that waits for the next piece ends with it.
    source.permits.release()
    assert lines.ask("GET", "/healthz", {}).status_code == 200


@pytest.mark.parametrize(
    ("who", "method", "status"), [(STRANGER, "GET", 403), (ADMIN, "HEAD", 200)]
)
def test_nothing_streams_to_who_may_not_or_does_not_want_it(
    lines: HookRig, source: Source, who: dict[str, str], method: str, status: int
) -> None:
    wire = Wire(lines, who, method)
    wire.run(source, let=0, then_leave=False)
    assert wire.got[0]["status"] == status
    assert source.begun == 0


@pytest.mark.parametrize(
    ("limits", "status"), [(Limits(streams_of_one=1), 429), (Limits(streams=1), 503)]
)
def test_what_is_followed_at_once_is_bounded_and_free_again(
    portal: BlockingPortal, tmp_path: Path, source: Source, limits: Limits, status: int
) -> None:
    with make_rig(portal, tmp_path, actions=[action(source)], limits=limits) as rig:
        beside = Wire(rig, ADMIN)
        Wire(rig, ADMIN).run(source, let=1, then_leave=True, beside=beside)
        assert beside.got[0]["status"] == status
        assert dict(beside.got[0]["headers"])[b"retry-after"] == b"1"
        assert source.begun == 1
        # The thread that waited for a piece that nobody wants ends with it.
        source.permits.release()
        again = Wire(rig, ADMIN)
        again.run(source, let=3, then_leave=False)
        assert again.got[0]["status"] == 200
