"""`toolkit init`: what it refuses, what it writes, and the service that it brings."""

from __future__ import annotations

import http.client
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.errors import RefusedError
from toolkit.workflows.init import SKELETON, init


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_everything_in_the_way_is_named_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text("mine")
    (tmp_path / "README.md").write_text("mine too")
    (tmp_path / "jobs").write_text("a file where a folder is needed")
    before = tree(tmp_path)
    with pytest.raises(RefusedError) as error:
        init(tmp_path)
    for name in ("toolkit.toml", "README.md", "jobs"):
        assert name in error.value.message
    assert "services" not in error.value.message
    assert error.value.hint
    assert tree(tmp_path) == before


def test_a_link_to_nowhere_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match=r"\.gitignore"):
        init(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    place = tmp_path / "project"
    place.write_text("not a folder")
    with pytest.raises(RefusedError, match="not a folder"):
        init(place)
    assert place.read_text() == "not a folder"


def test_a_failure_halfway_leaves_nothing(tmp_path: Path) -> None:
    # A name too long for a file, but not before the first files are written, is hard to have:
    # a folder below which nothing may be made does as well.
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "hello").symlink_to("/proc/self/nowhere")
    with pytest.raises(RefusedError):
        init(tmp_path)
    assert tree(tmp_path) == {}
    assert not (tmp_path / "jobs").exists()


def test_a_folder_that_may_not_be_written() -> None:
    # Where nobody may make a folder, root included.
    with pytest.raises(RefusedError, match="could not be written"):
        init(Path("/proc/project"))


def test_what_is_written(tmp_path: Path) -> None:
    report = init(tmp_path / "new" / "project")
    assert set(tree(tmp_path / "new" / "project")) == {path for _, path in SKELETON}
    assert report.files == tuple(path for _, path in SKELETON)
    assert report.next[1:] == ("toolkit dev up", "toolkit deploy traefik", "toolkit deploy hello")
    assert report.next[0].startswith("cd ")
    settings = tomllib.loads((tmp_path / "new/project/toolkit.toml").read_text())
    assert settings["stack"]["jobs"] == ["traefik", "hello"]
    assert settings["environments"][settings["default_environment"]]["local"] is True


def test_a_second_time_refuses(tmp_path: Path) -> None:
    init(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(RefusedError) as error:
        init(tmp_path)
    assert all(path in error.value.message for _, path in SKELETON)
    assert tree(tmp_path) == before


def test_an_existing_folder_with_other_files_is_fine(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "jobs").mkdir()
    init(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def load_service(tmp_path: Path) -> ModuleType:
    init(tmp_path)
    spec = importlib.util.spec_from_file_location("hello_main", tmp_path / "services/hello/main.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Any, threading.Event, threading.Event]]:
    """The service in this process: its server, "a request has come", "now answer it"."""
    module = load_service(tmp_path)
    came, answer = threading.Event(), threading.Event()

    class Slow(module.Handler):  # type: ignore[name-defined, misc]
        def do_GET(self) -> None:  # noqa: N802
            came.set()
            assert answer.wait(30)
            super().do_GET()

    server = module.Server(("127.0.0.1", 0))
    server.RequestHandlerClass = Slow
    accept = threading.Thread(target=server.serve_forever)
    accept.start()
    yield server, came, answer
    answer.set()
    server.drain()
    accept.join(30)
    server.server_close()


def test_a_request_in_flight_is_answered_while_draining(
    slow: tuple[Any, threading.Event, threading.Event],
) -> None:
    server, came, answer = slow
    client = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    client.request("GET", "/")
    assert came.wait(30)
    server.drain()
    answer.set()
    response = client.getresponse()
    assert response.status == 200
    assert response.getheader("Connection") == "close"
    assert json.loads(response.read())["hello"] == "Hello"
    client.close()


def start_service(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {"RELEASE": "1.2.3", "GREETING": "Hi", "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-I", str(folder / "services/hello/main.py")],
        env=environment,
        stderr=subprocess.PIPE,
    )
    return process, port


def connect(process: subprocess.Popen[bytes], port: int) -> http.client.HTTPConnection:
    while process.poll() is None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            client.connect()
        except ConnectionRefusedError:
            continue
        return client
    raise AssertionError("the service ended")


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_on_a_signal_with_an_idle_connection_open(
    tmp_path: Path, name: signal.Signals
) -> None:
    init(tmp_path)
    process, port = start_service(tmp_path)
    try:
        client = connect(process, port)
        for path, status in (("/", 200), ("/health", 200), ("/nothing", 404)):
            client.request("GET", path)
            response = client.getresponse()
            body = json.loads(response.read())
            assert response.status == status
            assert response.getheader("X-Release") == "1.2.3"
            if path == "/":
                assert body["hello"] == "Hi"
        # The connection is kept open on purpose: it must not hold the service up.
        process.send_signal(name)
        assert process.wait(30) == 0
        client.close()
    finally:
        process.kill()
        process.communicate()
