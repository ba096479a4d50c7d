"""Changes are noticed, told once, and still told after a folder was made anew; real files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.loop import build, index
from toolkit.loop.notice import Inbox, Notice, refusal
from toolkit.loop.settle import Settling

PLACES = {"web": ("services/web", "jobs/web", "toolkit.toml"), "": ("jobs", "toolkit.toml")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("services/web/app.py", "jobs/web/job.toml", "toolkit.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    return tmp_path


@pytest.fixture
def inbox(root: Path) -> Iterator[Inbox]:
    box = Inbox(time.monotonic)
    notice = Notice(root, box)
    notice.watch(PLACES)
    yield box
    notice.close()


def take(inbox: Inbox) -> Settling:
    """The next change; the test's own deadline ends a wait in vain."""
    return inbox.take()


def until(inbox: Inbox, root: Path, content: str) -> None:
    """Take changes until what is looked at then is this."""
    while True:
        take(inbox)
        path = root / "services/web/app.py"
        if path.exists() and path.read_text() == content:
            return


def test_a_save_in_place_and_a_save_by_renaming(root: Path, inbox: Inbox) -> None:
    (root / "services/web/app.py").write_text("two")
    assert take(inbox).jobs == {"web"}
    (root / "services/web/.app.py.part").write_text("three")
    (root / "services/web/.app.py.part").replace(root / "services/web/app.py")
    assert take(inbox).jobs == {"web"}
    (root / "toolkit.toml.new").write_text("x")
    (root / "toolkit.toml.new").replace(root / "toolkit.toml")
    assert take(inbox).jobs == {"web", ""}


def test_what_is_ignored_wakes_nobody(root: Path, inbox: Inbox) -> None:
    (root / "services/web/__pycache__").mkdir()
    for name in ("__pycache__/app.pyc", ".app.py.swp", "app.py~", "4913"):
        (root / "services/web" / name).write_text("x")
    (root / "README.md").write_text("x")
    (root / "services/web/app.py").write_text("two")
    news = take(inbox)
    assert (news.jobs, news.paths) == ({"web"}, 1)


def test_a_folder_that_is_deleted_and_made_again(root: Path, inbox: Inbox) -> None:
    for number, gone in enumerate(("services/web", "services", "services/web")):
        shutil.rmtree(root / gone)
        take(inbox)
        (root / "services/web").mkdir(parents=True)
        (root / "services/web/app.py").write_text(f"again {number}")
        until(inbox, root, f"again {number}")
        (root / "services/web/app.py").write_text(f"edited {number}")
        until(inbox, root, f"edited {number}")


def test_five_thousand_files_at_once_are_one_change(root: Path, inbox: Inbox) -> None:
    other = root / "other"
    for number in range(5000):
        folder = other / str(number % 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.py").write_text("x")
    shutil.copytree(other, root / "services/web/many")
    news = take(inbox)
    assert news.jobs == {"web"}
    # What is still told of it later finds nothing new.
    seen = index.look(root, ["services/web"], {})
    assert len(seen) == 5001
    assert (
        inbox.waiting_since is None
        or index.changed(seen, index.look(root, ["services/web"], seen)) == set()
    )


def test_a_wait_ends_when_nothing_can_be_noticed_any_more() -> None:
    box = Inbox(time.monotonic)
    threading.Timer(0.05, box.fail, [refusal(OSError("gone"), ["x"])]).start()
    with pytest.raises(Exception, match="x cannot be watched: gone"):
        box.take()


LIMITED = """
import sys, time
from pathlib import Path
from toolkit.errors import RefusedError
from toolkit.loop.notice import Inbox, Notice
try:
    Notice(Path(sys.argv[1]), Inbox(time.monotonic)).watch({"web": ("services/web",)})
except RefusedError as error:
    print(error.message, "|", error.hint)
"""


def test_too_many_folders_are_one_clear_message(root: Path) -> None:
    (root / "services/web/a/b/c/d/e/f").mkdir(parents=True)
    limit = "/proc/sys/user/max_inotify_watches"
    script = f'echo 4 > {limit} && exec "$@"'
    run = ["unshare", "-r", "sh", "-c", script, "sh", sys.executable, "-c", LIMITED, str(root)]
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-r", "true"]).returncode:
        pytest.skip("needs user namespaces")
    said = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "services/web have more folders than this system lets one user watch" in said
    assert "max_user_watches" in said


# Building.


def run(root: Path, *command: str, timeout: float = 30.0) -> tuple[build.Ended, list[str]]:
    lines: list[str] = []
    environ = {"PATH": os.defpath, "RELEASE": "1.0.0-dev-1"}
    return build.run(command, root, environ, lines.append, timeout=timeout, grace=0.3), lines


def test_a_build_shows_both_streams_and_its_release(root: Path) -> None:
    ended, lines = run(root, "sh", "-c", "echo built $RELEASE; echo warned >&2; printf rest")
    assert (ended.problem, lines) == ("", ["built 1.0.0-dev-1", "warned", "rest"])


def test_a_build_that_fails_or_is_not_there(root: Path) -> None:
    assert run(root, "sh", "-c", "exit 3")[0].problem == "exit 3"
    assert run(root, "no-such-program")[0].problem.startswith("no-such-program: No such file")
    assert "No such file" in run(root / "nowhere", "true")[0].problem


def test_a_build_past_its_time_ends_with_all_that_it_started(root: Path) -> None:
    script = "trap '' TERM; sleep 300 & echo $!; wait"
    ended, lines = run(root, "sh", "-c", script, timeout=0.5)
    assert "not done after 0.5 s" in ended.problem
    child = int(lines[0])
    for _ in range(200):
        try:
            if "Z" in (Path("/proc") / str(child) / "stat").read_text().rpartition(")")[2][:3]:
                return
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("what the build started still runs")


def test_a_build_that_leaves_something_behind_is_over_all_the_same(root: Path) -> None:
    ended, lines = run(root, "sh", "-c", "sleep 20 & echo $! done")
    pid, word = lines[0].split()
    os.kill(int(pid), 9)
    assert (ended.problem, word) == ("", "done")
