"""Work in children: what comes back, and what becomes of those that do not do well."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hook.children.children import Children, Stop
from hook.children.confine import USER, why_not
from hook.children.errand import Message, Result, Work

from tests.services.hook.gate_rig import TOKEN
from toolkit.errors import ExitCode, UnavailableError
from toolkit.spec.target import Secret
from toolkit.spec.tree import DictTree

ROOT = Path(__file__).parents[3]
WORK = "tests.services.hook.child_work"
MEMORY = 192 << 20


def made(**more: Any) -> Children:
    """With nothing imported but what these tests do: the whole of it takes a second."""
    return Children(modules=[WORK], path=[str(ROOT)], **more)


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    running = made()
    yield running
    running.close()


def run(children: Children, name: str, argument: Any = None, **more: Any) -> Result:
    work = Work(f"{WORK}:{name}", argument, Secret(TOKEN), more.pop("tree", DictTree({})))
    return children.run(work, **{"memory": MEMORY, "seconds": 30.0, **more})


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def gone(pid: int, deadline: float = 30.0) -> bool:
    """Wait for a process that is about to end."""
    end = time.monotonic() + deadline
    while is_there(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_there(pid)


class Heard:
    """Messages of a child, and the moment of the first."""

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.first = threading.Event()

    def __call__(self, message: Message) -> None:
        self.said.append(message)
        self.first.set()


# How it does not go well.


def test_an_error_of_the_tools_own_comes_back_whole(children: Children) -> None:
    result = run(children, "refuse")
    assert (result.end, result.message, result.hint) == ("refused", "line one\nline two", "do it")
    assert (result.error, result.code) == ("RefusedError", ExitCode.REFUSED)
    assert run(children, "denied").code is ExitCode.UNKNOWN


def test_very_many_mistakes_are_cut(children: Children) -> None:
    result = run(children, "mistakes")
    assert result.error == "ConfigError"
    assert result.message.startswith("toolkit.toml:3: stack: xxx")
    assert len(result.message) == 64 << 10


def test_a_bug_is_told_by_its_place_and_without_its_text(children: Children) -> None:
    result = run(children, "bug")
    assert result.end == "bug"
    assert result.message.startswith(f"ValueError at {WORK}:")
    assert TOKEN not in repr(result)


def test_code_that_cannot_be_read_is_a_bug_by_its_name(children: Children) -> None:
    result = run(children, "unreadable")
    assert result.end == "bug"
    assert result.message.startswith("ModuleNotFoundError of toolkit.some.room at tests.services.")


@dataclass(frozen=True)
class Unheard:
    """Work of a kind that a child cannot read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (int, ("no number",))


def test_work_that_cannot_be_read_is_a_bug_by_its_place(children: Children) -> None:
    result = run(children, "echo", Unheard())
    assert result.end == "bug" and result.message.startswith("ValueError at hook.children.wire:")


def test_what_cannot_be_called_is_a_bug(children: Children) -> None:
    for call in ("nothing:at_all", f"{WORK}:nothing", WORK, ""):
        result = children.run(Work(call), memory=MEMORY, seconds=30.0)
        assert result.end == "bug"


def test_more_memory_than_allowed_is_said_with_the_limit(children: Children) -> None:
    assert run(children, "memory", 1 << 20).value == {"size": 1 << 20}
    for name, argument in (("memory", 1 << 30), ("stacks", None)):
        result = run(children, name, argument)
        assert (result.end, result.message) == ("memory", "needs more than 192 MB of memory")


@pytest.mark.parametrize("name", ["forever", "deaf"])
def test_a_child_that_does_not_end_is_ended(
    children: Children, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    heard = Heard()
    # Its time is over as soon as it said something, however slow the machine is.
    monkeypatch.setattr(
        children, "_clock", lambda: time.monotonic() + (99 if heard.first.is_set() else 0)
    )
    result = run(children, name, seconds=60.0, on_message=heard)
    assert (result.end, result.message) == ("deadline", "was not done after 60 s")
    assert not is_there(heard.said[0]["pid"])


@pytest.mark.parametrize(
    ("name", "argument", "told"),
    [
        ("die", signal.SIGKILL, "killed by SIGKILL"),
        ("die", signal.SIGSEGV, "killed by SIGSEGV"),
        ("die", signal.SIGXCPU, "killed by SIGXCPU"),
        ("leave_early", 3, "exit code 3"),
        ("leave_early", 0, "exit code 0"),
    ],
)
def test_a_child_that_dies_is_told_in_one_sentence(
    children: Children, name: str, argument: int, told: str
) -> None:
    result = run(children, name, argument)
    assert (result.end, result.message) == ("died", f"ended without a result ({told})")


@pytest.mark.parametrize("name", ["chatter", "long_line"])
def test_a_child_that_says_too_much_is_ended(children: Children, name: str) -> None:
    heard = Heard()
    result = run(children, name, on_message=heard)
    assert result.end == "died"
    assert sum(len(str(message)) for message in heard.said) <= 64 << 20


def test_a_result_that_is_too_large_is_none(children: Children) -> None:
    result = run(children, "large_result", memory=512 << 20)
    assert result.end == "bug"


@pytest.mark.parametrize(
    "text",
    [
        b"no json\n",
        b"[1]\n",
        b'{"say": 1, "end": 2}\n',
        b"[" * 100_000 + b"\n",
        b'{"end": {"end": "surprise"}}\n',
        b'{"end": {"end": "done", "value": 7}}\n',
        b'{"end": {"end": "refused", "message": {}, "hint": 3, "code": "x"}}\n',
        b"\xff\xfe\0\n",
    ],
)
def test_a_child_that_makes_up_lines_is_not_believed_more_than_it_says(
    children: Children, text: bytes
) -> None:
    result = run(children, "forge", text)
    assert result.end in {"died", "refused"}
    assert not result.value
    assert isinstance(result.message, str) and isinstance(result.code, ExitCode)


def test_what_a_listener_raises_ends_the_child(children: Children) -> None:
    heard = Heard()

    def on_message(message: Message) -> None:
        heard(message)
        raise LookupError("nobody listens")

    with pytest.raises(LookupError, match="nobody listens"):
        run(children, "forever", on_message=on_message)
    assert gone(heard.said[0]["pid"])


# Being ended.


def test_a_stop_is_an_interruption_that_work_may_answer(children: Children) -> None:
    stop, heard = Stop(), Heard()
    with ThreadPoolExecutor(2) as pool:
        polite = pool.submit(run, children, "kind", stop=stop, on_message=heard)
        heard.first.wait(30)
        stop.set()
        assert polite.result().value == {"came": "so far"}
    assert stop.is_set


def test_a_stop_that_came_before_is_heard_when_the_work_begins(children: Children) -> None:
    stop = Stop()
    stop.set()
    for _ in range(10):
        result = run(children, "forever", stop=stop)
        assert (result.end, result.message) == ("stopped", "was stopped")


def test_a_stop_without_a_grace_kills(children: Children) -> None:
    stop, heard = Stop(grace=0), Heard()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, children, "deaf", stop=stop, on_message=heard)
        heard.first.wait(30)
        stop.set()
        assert work.result().end == "stopped"
    assert run(children, "deaf", stop=stop).end == "stopped"


def test_a_stop_of_work_that_does_not_answer_it(children: Children) -> None:
    stop, heard = Stop(), Heard()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, children, "forever", stop=stop, on_message=heard)
        heard.first.wait(30)
        stop.set()
        result = work.result()
    assert (result.end, result.message) == ("stopped", "was stopped")
    assert not is_there(heard.said[0]["pid"])


def test_a_stop_that_is_not_heard_ends_it_after_a_grace(children: Children) -> None:
    stop, heard = Stop(grace=0.2), Heard()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, children, "deaf", stop=stop, on_message=heard)
        heard.first.wait(30)
        stop.set()
        assert work.result().end == "stopped"
    assert not is_there(heard.said[0]["pid"])


def test_closing_ends_every_child(children: Children) -> None:
    others, heard = made(), Heard()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, others, "forever", on_message=heard)
        heard.first.wait(30)
        others.close()
        assert work.result().end == "died"
    assert gone(heard.said[0]["pid"])
    with pytest.raises(UnavailableError, match="stopping"):
        run(others, "echo")
    others.close()


def test_children_end_with_a_server_that_was_killed() -> None:
    others, heard = made(), Heard()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run, others, "forever", on_message=heard)
        heard.first.wait(30)
        assert others._process is not None
        # What is left of a server that was killed: nobody holds the other end any more.
        assert others._control is not None
        others._control.shutdown(2)
        assert work.result().end == "died"
    assert gone(heard.said[0]["pid"])
    others.close()


def test_a_new_parent_is_there_after_the_first_one_died() -> None:
    others = made()
    assert run(others, "echo").end == "done"
    assert others._process is not None
    first = others._process.pid
    os.kill(first, signal.SIGKILL)
    others._process.wait()
    assert run(others, "echo").end == "done"
    assert others._process.pid != first
    others.close()


def test_no_python_to_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    others = made()
    with pytest.raises(UnavailableError, match="cannot start a process"):
        run(others, "echo")
    others.close()


@pytest.mark.parametrize("name", ["leave", "leave_far", "thread_left"])
def test_nothing_of_a_child_outlives_it(children: Children, name: str) -> None:
    heard = Heard()
    assert run(children, name, on_message=heard).end == "done"
    for message in heard.said:
        assert gone(message["pid"])


# What a child is.


def test_work_goes_there_and_comes_back(children: Children) -> None:
    heard = Heard()
    tree = DictTree({}, "c" * 40)
    result = run(children, "echo", {"a": (1, "ü")}, tree=tree, on_message=heard)
    assert heard.said == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert result.value == {"argument": {"a": [1, "ü"]}, "token": TOKEN, "tree": "c" * 40}


def test_a_child_has_nothing_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_TOKEN", "of-the-server")
    everybodys = Path(tempfile.mkdtemp(dir="/tmp"))
    everybodys.chmod(0o777)
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    taken = tmp_path / "taken"
    others = made()
    with secret.open() as opened:
        os.set_inheritable(opened.fileno(), True)
        result = run(
            others,
            "look",
            {
                "read": [str(secret), "/proc/1/environ"],
                "write": [str(taken), str(everybodys / "x")],
            },
        )
    others.close()
    shutil.rmtree(everybodys)
    found = result.value
    assert set(found["environ"]) == {"LC_ALL", "PATH"}
    assert TOKEN not in found["argv"]
    assert str(secret) not in found["files"]
    assert [name for name in found["files"] if name.startswith("socket:")] == found["files"][-1:]
    assert found["session"] and found["cwd"] == "/" and found["core"] == [0, 0]
    assert found["status"]["NoNewPrivs"] == "1"
    assert found["written"][str(everybodys / "x")] == "File too large"
    assert found["written"][str(taken)] != "done"
    if os.geteuid() == 0:
        assert found["user"] == [USER] * 3 and found["group"] == [USER] * 3
        assert found["groups"] == []
        assert set(found["read"].values()) == {"Permission denied"}
        assert found["status"]["CapEff"].strip("0") == ""


def test_many_at_once_keep_to_themselves(children: Children) -> None:
    def one(number: int) -> None:
        heard = Heard()
        result = run(children, "echo", number, on_message=heard)
        assert result.value["argument"] == number
        assert heard.said == [{"number": 0}, {"number": 1}, {"number": 2}]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(48)))


def test_no_socket_is_left_of_any_of_them(children: Children) -> None:
    run(children, "echo")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for name in ("echo", "refuse", "bug"):
        run(children, name)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# Where none can be made.


@pytest.mark.parametrize(
    ("bits", "lacking"),
    [
        ("000001ffffffffff", None),
        ("00000000a80425fb", None),  # what engines give a container
        ("000001ffffffff7f", "CAP_SETUID"),
        ("0000000000000000", "CAP_KILL, CAP_SETGID, CAP_SETUID"),
    ],
)
def test_a_root_that_cannot_make_another_user_is_told(bits: str, lacking: str | None) -> None:
    status = f"Name:\tx\nCapPrm:\t{bits}\nCapEff:\t{bits}\nCapBnd:\t000001ffffffffff\n"
    said = why_not(status, server=0)
    assert said is None if lacking is None else said and f"root without {lacking}, so" in said
    assert why_not(status, server=1000) is None


def test_a_kernel_that_does_not_say_is_believed_to_let_it() -> None:
    assert why_not("", server=0) is None
