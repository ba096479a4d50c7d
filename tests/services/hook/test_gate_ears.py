"""The socket of our hooks: who may speak there, how much, and what a nonce is worth."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hook.gate import script
from hook.gate.ears import LINE, Ears, Heard, Say
from hook.gate.gate import Admitted
from hook.gate.slots import Slots, Turns

from tests.services.hook.gate_rig import Rig
from toolkit.errors import AgentError, UnavailableError

NOTHING = "0" * 40


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def speak(folder: Path, *pieces: bytes, half: bool = True) -> tuple[str, int | None]:
    """What is answered to these bytes, and the exit code; None: nothing was."""
    with socket.socket(socket.AF_UNIX) as hook:
        number = os.open(folder, os.O_RDONLY)
        hook.connect(f"/proc/self/fd/{number}/{script.SOCKET}")
        os.close(number)
        hook.settimeout(30)
        for piece in pieces:
            hook.sendall(piece)
        if half:
            hook.shutdown(socket.SHUT_WR)
        said = b""
        while data := hook.recv(65536):
            said += data
    text, _, code = said.partition(script.END.encode())
    return text.decode(), int(code) if code else None


def header(nonce: str, hook: str = "pre-receive", pid: str = "1", *more: str) -> bytes:
    parts = [nonce, hook, pid, *(more or ("", "", ""))]
    return b"".join(part.encode() + b"\0" for part in parts)


def nonce(admitted: Admitted) -> str:
    return admitted.environ[script.NONCE]


# Who may speak.


def test_a_nonce_is_of_one_push_and_dies_with_it(rig: Rig) -> None:
    commit = rig.commit()
    folder = rig.data / "gate"
    lines = f"{NOTHING} {commit} refs/heads/x\n".encode()
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        other = "f" * 64
        assert speak(folder, header(other), lines) == ("no push of this name is under way\n", 1)
        assert speak(folder, header(nonce(admitted)), lines)[1] == 0
    assert speak(folder, header(nonce(admitted)), lines)[1] == 1
    rig.settle()
    with rig.gate.admit(rig.repo, rig.who, "") as again:
        assert nonce(again) != nonce(admitted) and len(nonce(again)) == 64


@pytest.mark.parametrize("hook", ["update", "post-update", "proc-receive", "", "../x"])
def test_only_our_two_hooks_speak(rig: Rig, hook: str) -> None:
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        assert speak(rig.data / "gate", header(nonce(admitted), hook))[1] == 1


def test_each_hook_speaks_once_and_in_gits_order(rig: Rig) -> None:
    commit = rig.commit()
    folder = rig.data / "gate"
    lines = f"{NOTHING} {commit} refs/heads/x\n".encode()
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        assert speak(folder, header(nonce(admitted), "post-receive"), lines) == ("", None)
    assert not rig.hooks
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        assert speak(folder, header(nonce(admitted)), lines)[1] == 0
        assert speak(folder, header(nonce(admitted)), lines)[1] == 1
        for _ in range(2):
            assert speak(folder, header(nonce(admitted), "post-receive"), lines) == ("", None)
    assert [name for name, _, _ in rig.hooks].count("post-receive") == 1
    assert not rig.deploys.records


def test_a_push_that_was_refused_has_no_afterwards(rig: Rig) -> None:
    folder = rig.data / "gate"
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        tag = f"{NOTHING} {'1' * 40} refs/tags/x\n".encode()
        assert speak(folder, header(nonce(admitted)), tag)[1] == 1
        moved = f"{NOTHING} {'1' * 40} refs/heads/main\n".encode()
        speak(folder, header(nonce(admitted), "post-receive"), moved)
    rig.settle()
    assert not rig.hooks and not rig.deploys.records


def test_a_ref_that_was_not_checked_is_not_deployed_afterwards(rig: Rig) -> None:
    commit = rig.commit()
    folder = rig.data / "gate"
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        asked = f"{NOTHING} {commit} refs/heads/x\n".encode()
        assert speak(folder, header(nonce(admitted)), asked)[1] == 0
        moved = f"{NOTHING} {commit} refs/heads/main\n".encode()
        speak(folder, header(nonce(admitted), "post-receive"), moved)
    assert "post-receive" in [name for name, _, _ in rig.hooks]
    assert not rig.deploys.records


def test_what_calls_itself_a_quarantine_is_looked_at(rig: Rig) -> None:
    commit = rig.commit()
    lines = f"{NOTHING} {commit} refs/heads/main\n".encode()
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        said = header(nonce(admitted), "pre-receive", "1", "/etc", "/root/.ssh", "/etc")
        text, code = speak(rig.data / "gate", said, lines)
    assert code == 1 and "/etc is not where a push is kept" in text


def test_another_user_is_not_heard(tmp_path: Path) -> None:
    with listening(tmp_path, lambda _heard, _say: 0, user=os.geteuid() + 1):
        assert speak(tmp_path, header("n")) == ("", 1)
    with listening(tmp_path, lambda _heard, _say: 0):
        assert speak(tmp_path, header("n")) == ("", 0)


def test_the_socket_and_its_folder_are_the_servers_alone(rig: Rig) -> None:
    folder = rig.data / "gate"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / script.SOCKET).stat().st_mode & 0o777 == 0o600


# What is heard.


class listening:  # noqa: N801  reads as the words of a test
    """Ears in a folder, as long as the block."""

    def __init__(
        self,
        folder: Path,
        answer: Callable[[Heard, Say], int],
        *,
        refs: int = 100,
        user: int | None = None,
    ):
        self.bugs: list[BaseException] = []
        self.ears = Ears(folder, answer, refs=refs, on_bug=self.bugs.append, user=user)

    def __enter__(self) -> listening:
        self.ears.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.ears.close()


class Keeps:
    """Answers with a code, and keeps what was heard."""

    def __init__(self, code: int = 0):
        self.heard: list[Heard] = []
        self._code = code

    def __call__(self, heard: Heard, _say: Say) -> int:
        self.heard.append(heard)
        return self._code


def test_a_hundred_thousand_refs_are_counted_and_not_kept(tmp_path: Path) -> None:
    keeps = Keeps(7)
    lines = b"".join(
        b"%s %040d refs/heads/branch-%d\n" % (NOTHING.encode(), number, number)
        for number in range(100_000)
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listening(tmp_path, keeps) as ears:
        assert speak(tmp_path, header("n"), lines) == ("", 7)
    assert keeps.heard[0].count == 100_000 and keeps.heard[0].lines == b""
    # Kilobytes; the lines alone have twelve megabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 12 << 10
    assert not ears.bugs


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_of_any_size_are_put_together(tmp_path: Path, size: int) -> None:
    keeps = Keeps()
    lines = b"a b c\n" * 50
    data = header("n", "pre-receive", "12", "o", "a", "q") + lines
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    with listening(tmp_path, keeps):
        speak(tmp_path, *pieces)
    environ = {
        "GIT_OBJECT_DIRECTORY": "o",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "a",
        "GIT_QUARANTINE_PATH": "q",
    }
    assert keeps.heard == [Heard("n", "pre-receive", 12, environ, lines, 50)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"n\0pre-receive\0",
        header("n", "pre-receive", "-1"),
        header("n", "pre-receive", "x"),
        b"n" * 100_000,
        b"n" * 100_000 + b"\0" * 6,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 100,
    ],
)
def test_what_does_not_speak_as_our_hooks_do_is_not_heard(tmp_path: Path, data: bytes) -> None:
    keeps = Keeps()
    with listening(tmp_path, keeps) as ears:
        assert speak(tmp_path, data) == ("", 1)
    assert not keeps.heard and not ears.bugs


def test_the_most_lines_are_kept_whole(tmp_path: Path) -> None:
    keeps = Keeps()
    line = b"x" * (LINE - 1) + b"\n"
    with listening(tmp_path, keeps, refs=3):
        speak(tmp_path, header("n"), line * 4)
        speak(tmp_path, header("n"), line * 5)
    assert [len(each.lines) for each in keeps.heard] == [4 * LINE, 0]
    assert [each.count for each in keeps.heard] == [4, 5]


def test_an_answer_of_many_lines_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    def answer(_heard: Heard, say: Say) -> int:
        say("\x1b[2Jred\0\r\n\x9b")
        for number in range(1000):
            say(f"line {number}")
        say("x" * 5000)
        return 3

    with listening(tmp_path, answer):
        text, code = speak(tmp_path, header("n"))
    lines = text.split("\n")
    assert lines[0] == "\\x1b[2Jred\\x00\\r\\n\\x9b"
    assert lines[1000] == "line 999" and len(lines[1001]) == 1000
    assert code == 3


def test_a_bug_in_an_answer_is_told_without_its_text(tmp_path: Path) -> None:
    def answer(_heard: Heard, _say: Say) -> int:
        raise LookupError("a secret")

    with listening(tmp_path, answer) as ears:
        told = "an error of the server's own; its log has the place\n"
        assert speak(tmp_path, header("n")) == (told, 1)
    assert [str(bug) for bug in ears.bugs] == ["a secret"]


def test_a_hook_that_is_gone_is_noticed_by_who_speaks_to_it(tmp_path: Path) -> None:
    over = threading.Event()

    def answer(_heard: Heard, say: Say) -> int:
        try:
            while True:
                say("x" * 900)
        finally:
            over.set()

    with listening(tmp_path, answer) as ears, socket.socket(socket.AF_UNIX) as hook:
        hook.connect(str(tmp_path / script.SOCKET))
        hook.sendall(header("n"))
        hook.shutdown(socket.SHUT_WR)
        hook.recv(100)
        hook.close()
        assert over.wait(30)
    assert not ears.bugs


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    with listening(folder, lambda _heard, _say: 0):
        assert speak(folder, header("n")) == ("", 0)


def test_a_socket_that_a_killed_server_left_is_in_nobodys_way(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / script.SOCKET))
    with listening(tmp_path, lambda _heard, _say: 0):
        assert speak(tmp_path, header("n")) == ("", 0)


# The hooks themselves.


def test_hooks_that_cannot_be_executed_stop_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git passes over a hook that it cannot execute, and would move refs unasked."""
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(AgentError, match="pre-receive cannot be executed in the data folder"):
        script.install(tmp_path / "gate")


def test_hooks_that_were_taken_away_stop_pushes(rig: Rig) -> None:
    hooks = rig.data / "gate" / "hooks"
    hooks.chmod(0o700)
    (hooks / "post-receive").unlink()
    with pytest.raises(UnavailableError), rig.gate.admit(rig.repo, rig.who, ""):
        pass
    assert script.is_whole(script.install(rig.data / "gate"))


def test_a_hook_without_a_server_refuses(rig: Rig, tmp_path: Path) -> None:
    hook = rig.data / "gate" / "hooks" / "pre-receive"
    alone = subprocess.run([hook], env={}, input=b"", capture_output=True)
    assert alone.returncode == script.ALONE
    environ = {script.FOLDER: str(tmp_path), script.NONCE: "n"}
    nobody = subprocess.run([hook], env=environ, input=b"x\n", capture_output=True)
    assert (nobody.returncode, nobody.stderr) == (1, b"")
    assert nobody.stdout == b"the server does not take pushes now: try again\n"


def test_a_server_that_ends_in_the_middle_refuses(tmp_path: Path) -> None:
    hooks = script.install(tmp_path / "gate")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "gate" / script.SOCKET))
        listener.listen()
        environ = {script.FOLDER: str(tmp_path / "gate"), script.NONCE: "n"}
        with subprocess.Popen(
            [hooks / "pre-receive"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as hook:
            server, _ = listener.accept()
            while server.recv(4096):
                pass
            server.sendall(b"so far\n")
            server.close()
            said, _ = hook.communicate(timeout=30)
    assert hook.returncode == 1
    assert said.startswith(b"so far\nthe server ended in the middle of this")


@pytest.mark.parametrize("folder", ["/usr/bin:/bin", "/nonexistent"])
def test_who_only_listens_is_told_every_line_and_nothing_else(tmp_path: Path, folder: str) -> None:
    """Also where there is nothing smaller than Python to listen with."""
    (tmp_path / "gate").mkdir()

    def answer(heard: Heard, say: Say) -> int:
        say(f"{heard.hook} {heard.lines.decode().strip()}")
        say("deployed")
        return 1

    with listening(tmp_path / "gate", answer):
        hooks = script.install(tmp_path / "gate")
        environ = {script.FOLDER: str(tmp_path / "gate"), script.NONCE: "n", "PATH": folder}
        hook = subprocess.run(
            [hooks / "post-receive"], env=environ, input=b"a b c\n", capture_output=True, timeout=30
        )
    assert (hook.stdout, hook.stderr) == (b"post-receive a b c\ndeployed\n", b"")


@pytest.mark.parametrize("code", [0, 1, 75])
def test_who_waits_shows_lines_as_they_are_and_ends_with_the_code(
    tmp_path: Path, code: int
) -> None:
    lines = ["  \\n $(id) `id` %s * 'x' \"y\"\t", "", "-n", "é → \ufffd", "x" * 1000]

    def answer(_heard: Heard, say: Say) -> int:
        for line in lines:
            say(line)
        say("\x011")
        return code

    hooks = script.install(tmp_path / "gate")
    with listening(tmp_path / "gate", answer):
        environ = {script.FOLDER: str(tmp_path / "gate"), script.NONCE: "n", "LC_ALL": "C"}
        hook = subprocess.run(
            [hooks / "pre-receive"], env=environ, input=b"", capture_output=True, timeout=30
        )
    shown = [lines[0].replace("\t", "\\t"), *lines[1:], "\\x011", ""]
    assert hook.stdout.decode().split("\n") == shown
    assert (hook.returncode, hook.stderr) == (code, b"")


# Turns.


def test_nobody_has_all_the_slots() -> None:
    slots = Slots(3, 2, clock=iter((0.0, 0.0, 0.0, 0.0, 99.0, 0.0, 0.0, 99.0)).__next__)
    with slots.take("ann", 1), slots.take("ann", 1):
        with pytest.raises(UnavailableError), slots.take("ann", 1):
            pass
        with slots.take("bob", 1):
            pass
    with slots.take("ann", 1):
        pass


def test_a_slot_that_is_left_is_had_by_who_waits() -> None:
    slots = Slots(1, 1)
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with slots.take("ann", 30):
            inside.set()
            go_on.wait(30)

    def wait() -> bool:
        with slots.take("bob", 30):
            return True

    with ThreadPoolExecutor(2) as pool:
        pool.submit(hold)
        inside.wait(30)
        waiting = pool.submit(wait)
        go_on.set()
        assert waiting.result(30)


def test_a_turn_is_of_one_push_and_given_back_by_nobody_else() -> None:
    turns = Turns(clock=iter((0.0, 0.0, 0.0, 99.0, 0.0)).__next__)
    first, second = object(), object()
    turns.take("shop", first, 1)
    turns.take("other", second, 1)
    turns.leave("shop", second)
    with pytest.raises(UnavailableError, match="another push to shop"):
        turns.take("shop", second, 1)
    turns.leave("shop", first)
    turns.take("shop", second, 1)
