"""Why an allocation failed: the first cause, its evidence, and nothing secret in it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from toolkit.clients.nomad import Nomad
from toolkit.errors import NotFoundError
from toolkit.rollout import reasons
from toolkit.rollout.causes import gather
from toolkit.rollout.causes.crash import spoken
from toolkit.rollout.declared import Service
from toolkit.rollout.world import World
from toolkit.spec.observed import AllocationView, CheckView, ConsulInstance, TaskEvent, TaskView
from toolkit.spec.target import Endpoint, Target

ID = "5b2c90aa" + "0" * 28


@dataclass
class Logs:
    """What is read of Nomad here."""

    stderr: bytes | None = b""
    stdout: bytes | None = b""
    asked: list[str] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=dict)
    desired: str = "run"

    def allocation(self, id: str) -> dict[str, Any]:  # noqa: A002
        state = {"DesiredStatus": self.desired, "ClientStatus": "running"}
        return {"ID": id, "Job": self.job, **state}

    def node(self, id: str) -> dict[str, Any]:  # noqa: A002
        return {"ID": id, "Status": "down", "Events": [{"Message": "heartbeat missed"}]}

    def logs(self, allocation: str, task: str, stream: str, *, last_bytes: int) -> bytes:
        self.asked.append(f"{task} {stream}")
        text: bytes | None = getattr(self, stream)
        if text is None:
            raise NotFoundError("there is no such file", system="Nomad")
        return text[-last_bytes:]


class NoAgent:
    """A Consul agent that has none of the instances."""

    def agent_checks(self, service_id: str) -> list[dict[str, Any]]:
        return []


def world(logs: Logs | None = None) -> World:
    target = Target(
        "dev",
        Endpoint("Nomad", "http://127.0.0.1:9", "test"),
        Endpoint("Consul", "http://127.0.0.1:9", "test"),
    )
    return World(target, cast(Nomad, logs or Logs()), cast(Any, NoAgent()))


def event(kind: str, at: float, message: str = "", **details: str) -> TaskEvent:
    return TaskEvent(kind, at, message, details)


def crash(at: float, code: str = "1", signal: str = "0", **more: str) -> TaskEvent:
    return event("Terminated", at, exit_code=code, signal=signal, **more)


def allocation(
    events: Mapping[str, Sequence[TaskEvent]] | Sequence[TaskEvent] = (),
    *,
    name: str = ID,
    status: str = "running",
    description: str = "",
) -> AllocationView:
    tasks = events if isinstance(events, Mapping) else {"app": events}
    return AllocationView(
        id=name, name="shop.web[0]", group="web", job_version=1, node="node-1", node_id="n",
        client_status=status, desired_status="run", client_description=description,
        tasks=tuple(TaskView(t, "running", False, 0, tuple(e)) for t, e in tasks.items()),
        modified_at=50.0,
    )  # fmt: skip


def instance(status: str, output: str, port: int = 9, owner: str = ID) -> ConsulInstance:
    check = CheckView("alive", status, output, "web")
    return ConsulInstance("web", "x", owner, "127.0.0.1", port, "node-1", (), (check,))


# Crashes.


@pytest.mark.parametrize(
    ("events", "summary"),
    [
        ([crash(5)], "task app exited 1"),
        ([event("Started", 1), crash(2)], "task app exited 1 within 2 s of its start"),
        (
            [event("Started", 1), crash(1.2, "7"), event("Started", 3), crash(5.4, "7")],
            "task app exited 7 twice within 3 s of its start",
        ),
        ([crash(1), crash(2), crash(3)], "task app exited 1 3 times"),
        ([event("Started", 1), crash(900)], "task app exited 1"),
        ([event("Started", 9), crash(3)], "task app exited 1"),
        ([crash(5, "0", "11")], "task app was killed by signal 11 (SIGSEGV)"),
        (
            [crash(5, "137", oom_killed="true")],
            "task app was killed for using more memory than it may",
        ),
        (
            [event("Not Restarting", 5, "Exceeded allowed attempts 1 in interval 1m0s")],
            "task app used up its restarts: Exceeded allowed attempts 1 in interval 1m0s",
        ),
    ],
)
def test_a_crash_in_one_sentence(events: list[TaskEvent], summary: str) -> None:
    cause = reasons.of_allocation(world(), allocation(events))
    assert cause.summary == summary
    assert (cause.allocation, cause.node, cause.group, cause.task) == (ID, "node-1", "web", "app")


def test_the_first_failure_in_time_is_the_cause_whatever_the_task() -> None:
    late, early = [crash(9)], [event("Driver Failure", 3, "no luck")]
    cause = reasons.of_allocation(world(), allocation({"app": late, "side": early}))
    assert (cause.task, cause.kind, cause.at) == ("side", "driver", 3)
    assert cause.evidence == ("event: no luck",)


def test_an_orderly_end_is_no_failure() -> None:
    cause = reasons.of_allocation(world(), allocation([crash(1, "0"), crash(2, "4")]))
    assert "exited 4" in cause.summary


# Evidence.


def output(logs: Logs) -> tuple[str, ...]:
    """What is shown of a task's own output."""
    return spoken(gather.output(world(logs), allocation(), "app"))


def test_the_end_of_both_streams_and_their_silence() -> None:
    logs = Logs(b"one\n\ntwo\n", b"other\n")
    assert output(logs) == ("stderr: one", "stderr: two", "stdout: other")
    assert logs.asked == ["app stderr", "app stdout"]
    assert output(Logs(b" \n", b"other\n")) == ("stdout: other",)
    assert output(Logs()) == ("output: none",)


def test_only_the_last_lines() -> None:
    text = b"".join(b"line %d\n" % number for number in range(2000))
    found = output(Logs(text))
    assert len(found) == gather.LOG_LINES["stderr"]
    assert found[-1] == "stderr: line 1999"


def test_what_cannot_be_read_is_said() -> None:
    found = output(Logs(None, None))
    assert len(found) == 1
    assert found[0].startswith("stderr: cannot be read: its files are gone")
    assert "there is no such file" in found[0]


def test_output_cannot_redraw_a_terminal() -> None:
    [line] = output(Logs(b"\x1b[2J\x07bad\xff\n"))
    assert "\x1b" not in line
    assert "\x07" not in line
    assert "bad" in line


def test_no_secret_is_in_the_evidence_nor_in_the_sentence() -> None:
    failed = [allocation([event("Driver Failure", 1, "cannot log in with tr0ub4dor")])]
    [driver] = reasons.causes(world(), failed, (), ["tr0ub4dor"])
    assert "tr0ub4dor" not in repr(driver)
    logs = Logs(b"password tr0ub4dor refused\n")
    [crashed] = reasons.causes(world(logs), [allocation([crash(1)])], (), ["tr0ub4dor"])
    assert crashed.evidence == ("stderr: password *** refused",)


@pytest.mark.parametrize("newline", [b"", b"\n"])
@pytest.mark.parametrize("shown", range(1, 9))
def test_a_line_longer_than_what_is_read_shows_its_end_and_no_part_of_a_secret(
    newline: bytes, shown: int
) -> None:
    """What is read begins somewhere inside of the secret."""
    secret = "tr0ub4dor"
    tail = b" refused " + b"x" * (gather.LOG_BYTES - shown - 9 - len(newline)) + newline
    logs = Logs(b"y" * 9000 + secret.encode() + tail)
    [crashed] = reasons.causes(world(logs), [allocation([crash(1)])], (), [secret])
    [line] = crashed.evidence
    assert line.startswith("stderr: …xxx")
    assert len(line) <= len("stderr: ") + gather.LONGEST_LINE
    short = Logs(secret.encode() + b" refused " + b"x" * gather.LOG_BYTES)
    [crashed] = reasons.causes(world(short), [allocation([crash(1)])], (), [secret])
    assert all(secret[i:] not in crashed.evidence[0] for i in range(len(secret) - 1))


# Checks.


def test_the_output_of_a_check_that_consul_has() -> None:
    unhealthy = [event("Alloc Unhealthy", 4, "not healthy by deadline")]
    found = [
        instance("critical", "HTTP GET http://x/health:\n 500 gone"),
        instance("critical", "of somebody else", owner="f" * 36),
        instance("passing", "fine"),
    ]
    cause = reasons.of_allocation(world(), allocation(unhealthy), found)
    assert (cause.kind, cause.task) == ("check", "app")
    assert cause.summary == (
        "allocation did not become healthy: alive is critical: HTTP GET http://x/health: 500 gone"
    )
    assert cause.evidence[0] == "check: alive is critical: HTTP GET http://x/health: 500 gone"
    assert not any("somebody else" in line or "fine" in line for line in cause.evidence)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """A server on loopback that answers every request so; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


SERVICE = Service("web", None, "web", "http", (), True, (), check_path="/health")


def test_a_check_without_output_is_asked() -> None:
    with answering(500, b"database\n is gone") as port:
        cause = reasons.of_allocation(
            world(), allocation(), [instance("critical", "", port)], (), [SERVICE]
        )
    said = f"asked now, http://127.0.0.1:{port}/health answers 500 database is gone"
    assert cause.evidence == (f"check: alive is critical: {said}",)
    refused = reasons.of_allocation(
        world(), allocation(), [instance("critical", "", port)], (), [SERVICE]
    )
    assert "gives no answer" in refused.evidence[0]


def test_an_instance_that_was_stopped_for_its_failure_is_not_blamed_for_its_silence() -> None:
    with answering(200, b"") as port:
        pass
    found = [instance("critical", "", port)]
    cause = reasons.of_allocation(world(Logs(desired="stop")), allocation(), found, (), [SERVICE])
    assert cause.evidence == (f"check: alive is critical: {gather.STOPPED}",)


def test_a_check_without_an_address_is_not_asked() -> None:
    cause = reasons.of_allocation(world(), allocation(), [instance("critical", "")])
    assert cause.evidence == ("check: alive is critical: no output yet",)


def test_a_lost_node() -> None:
    cause = reasons.of_allocation(world(), allocation(status="lost"))
    assert (cause.kind, cause.summary) == ("lost", "its node node-1 was lost")
    assert "node: node-1 is down, last: heartbeat missed" in cause.evidence


# Several.


def test_the_same_cause_is_said_once_and_the_first_comes_first() -> None:
    again = allocation([crash(8)], name="b" * 36)
    other = allocation([event("Driver Failure", 2, "no image")], name="c" * 36)
    found = reasons.causes(world(Logs(b"FATAL\n")), [allocation([crash(5)]), again, other])
    assert [(cause.kind, cause.at) for cause in found] == [("driver", 2), ("crash", 5)]
    assert [cause.count for cause in found] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "word"),
    [("Failed Artifact Download", "artifact"), ("Setup Failure", "setup"),
     ("Task hook failed", "hook"), ("Template failed", "template"),
     ("Failed Validation", "validation"), ("Disk Resources Exceeded", "disk")],
)  # fmt: skip
def test_each_kind_of_failure_has_its_word_message_and_advice(kind: str, word: str) -> None:
    cause = reasons.of_allocation(world(), allocation([event(kind, 1, "it\nwent wrong")]))
    assert cause.kind == word
    assert cause.summary == f"task app: {kind.lower()}: it went wrong"
    assert cause.evidence == ("event: it went wrong",)
    assert cause.advice
