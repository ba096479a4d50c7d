"""Telling others: what they get, and that nothing they do takes a verdict away or holds it up."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scripted import Reply, Scripted
from tests.page import reports
from toolkit.spec.notify import Notify
from toolkit.spec.target import Secret
from toolkit.views import deploy
from toolkit.workflows.notifying import notify

DOCUMENT = deploy.document(reports.report())
FOREVER = 600
"""Seconds that nobody waits."""


def wanted(folder: Path, **how: Any) -> Notify:
    values: dict[str, Any] = {"on": ("deployed",), "timeout": 30.0, "folder": folder}
    return Notify(**{**values, **how})


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def test_nobody_is_told_where_nobody_asked(tmp_path: Path) -> None:
    assert notify(None, DOCUMENT) == []
    ran = python("open('ran', 'w')")
    assert notify(wanted(tmp_path, on=("failed",), command=ran), DOCUMENT) == []
    assert not (tmp_path / "ran").exists()


def test_a_command_gets_the_report_where_the_project_is(tmp_path: Path) -> None:
    script = "import sys; open('got', 'wb').write(sys.stdin.buffer.read()); print('aside')"
    document = {**DOCUMENT, "sentence": "half a \ud800 character"}
    assert notify(wanted(tmp_path, command=python(script)), document) == []
    got = json.loads((tmp_path / "got").read_bytes())
    assert got == json.loads(json.dumps(document))


def test_a_command_has_the_environment_that_it_was_given(tmp_path: Path) -> None:
    script = "import json, os; json.dump(dict(os.environ), open('got', 'w'))"
    given = {"PATH": os.defpath, "CHAT": "room"}
    assert notify(wanted(tmp_path, command=python(script), environment=given), DOCUMENT) == []
    got = json.loads((tmp_path / "got").read_text())
    assert got["CHAT"] == "room" and not {"HOME", "NOMAD_TOKEN"} & set(got)


@pytest.mark.parametrize(
    ("command", "remark"),
    [
        (("./no-such-program",), "the notify command cannot be run: No such file or directory"),
        (("/",), "the notify command cannot be run: Permission denied"),
        (("a\0b",), "the notify command cannot be run: embedded null byte"),
        (python("raise SystemExit(3)"), "the notify command failed: exit 3"),
        (
            python("import sys; sys.exit('no such room\\n \\n')"),
            "the notify command failed: exit 1, no such room",
        ),
        (
            python("import os; os.write(2, b'x' * 9_000_000 + b'\\xff last'); os.abort()"),
            "the notify command failed: signal 6, " + "x" * 200,
        ),
    ],
)
def test_what_goes_wrong_is_a_remark(tmp_path: Path, command: tuple[str, ...], remark: str) -> None:
    assert notify(wanted(tmp_path, command=command), DOCUMENT) == [remark]


def test_one_that_does_not_read_is_no_failure(tmp_path: Path) -> None:
    large = {**DOCUMENT, "sentence": "x" * 3_000_000}
    assert notify(wanted(tmp_path, command=python("pass")), large) == []


def test_one_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    # A child of its own that ignores polite signals, and holds the pipe as long as it lives.
    child = f"trap '' TERM INT HUP; exec > alive; echo up; exec sleep {FOREVER}"
    command = ("/bin/sh", "-c", f'/bin/sh -c "{child}" & sleep {FOREVER}')
    try:
        said = notify(wanted(tmp_path, command=command, timeout=3.0), DOCUMENT)
        assert os.read(reader, 100) == b"up\n"
        # The end of the file comes when nobody holds the other end any more.
        os.set_blocking(reader, True)
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)
    assert said == ["the notify command did not end in 3 s and was killed"]


def test_a_webhook_gets_the_report_and_its_token(tmp_path: Path) -> None:
    with Scripted(Reply(status=204, body=b"")) as server:
        address = Secret(f"{server.address}/hooks/s3cret")
        how = wanted(tmp_path, webhook=address, token=Secret("hunter2"))
        assert notify(how, DOCUMENT) == []
        [asked] = server.asked
    assert (asked.method, asked.target) == ("POST", "/hooks/s3cret")
    assert asked.headers["Authorization"] == "Bearer hunter2"
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == json.loads(json.dumps(DOCUMENT))


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=500), "HTTP 500"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}), "HTTP 302"),
        (Reply(hold=True), "no answer in 0.3 s"),
    ],
)
def test_a_webhook_that_does_not_take_it_is_a_remark(
    tmp_path: Path, reply: Reply, why: str
) -> None:
    with Scripted(reply) as server:
        how = wanted(tmp_path, webhook=Secret(f"{server.address}/s3cret"), timeout=0.3)
        [remark] = notify(how, DOCUMENT)
        assert len(server.asked) == 1
    assert remark == f"the webhook was not notified: 127.0.0.1: {why}"


def test_a_webhook_that_is_not_there_is_a_remark_without_its_path(tmp_path: Path) -> None:
    how = wanted(tmp_path, webhook=Secret("http://127.0.0.1:1/s3cret"))
    [remark] = notify(how, DOCUMENT)
    assert remark == "the webhook was not notified: 127.0.0.1: connection refused"


def test_a_webhook_that_drips_is_left(tmp_path: Path) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not over.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.getsockname()[1]}"
            how = wanted(tmp_path, webhook=Secret(address), timeout=0.5)
            [remark] = notify(how, DOCUMENT)
        finally:
            over.set()
            thread.join()
    assert remark.endswith("no answer in 0.5 s")


def test_what_is_missing_is_said_and_the_webhook_left_alone(tmp_path: Path) -> None:
    with Scripted(Reply()) as server:
        how = wanted(tmp_path, webhook=Secret(server.address), missing=("CHAT_TOKEN",))
        assert notify(how, DOCUMENT) == ["nobody was notified: CHAT_TOKEN is not set"]
        assert server.asked == []


def test_a_failing_command_does_not_keep_the_webhook_from_being_told(tmp_path: Path) -> None:
    with Scripted(Reply()) as server:
        how = wanted(tmp_path, command=("./none",), webhook=Secret(server.address))
        [remark] = notify(how, DOCUMENT)
        assert "cannot be run" in remark and len(server.asked) == 1


def test_an_interruption_ends_the_telling_alone(tmp_path: Path) -> None:
    """Ctrl-C while somebody is told: the verdict was known before."""
    script = f"import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep({FOREVER})"
    remarks = notify(wanted(tmp_path, command=python(script), timeout=FOREVER / 2), DOCUMENT)
    assert remarks == ["notifying was interrupted; the verdict stands"]
