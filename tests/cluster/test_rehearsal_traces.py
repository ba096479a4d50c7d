"""What stays of a rehearsal on the host: nothing, whoever ended it and how."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.small import LIMIT, need_root
from toolkit.cluster.rehearsal import cgroups
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.plan import Program
from toolkit.cluster.rehearsal.processes import begun, marked
from toolkit.cluster.rehearsal.programs import place_programs
from toolkit.cluster.rehearsal.state import exclusive, forget, make_folder
from toolkit.errors import AgentError, RefusedError

pytestmark = pytest.mark.root


@pytest.fixture(autouse=True)
def as_root() -> None:
    need_root()


SNAPSHOT = """
import json, os, subprocess, sys
from pathlib import Path
def say(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout
def snapshot():
    return {
        "links": say("ip", "-o", "-a", "link"), "addresses": say("ip", "-o", "addr"),
        "routes": say("ip", "route", "show", "table", "all"), "rules": say("ip", "rule"),
        "names": sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else None,
        "iptables": say("iptables-save"),
        "forward": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "listening": say("ss", "-Hltn"), "host": os.uname().nodename,
        "etc": sorted((each.name, each.stat().st_mtime_ns) for each in Path("/etc").iterdir()),
    }
"""

WHOLE = (
    SNAPSHOT
    + """
from tests.cluster.small import begin
from toolkit.cluster.rehearsal.machines import clear
root = Path(sys.argv[1])
say("ip", "link", "set", "lo", "up")
before = snapshot()
small = begin(root)
during = snapshot()
clear(small.places)
after = snapshot()
print(json.dumps([before, during, after]))
"""
)


def test_nothing_of_the_host_changes(tmp_path: Path) -> None:
    # In a network and mounts of its own, that stand for the host's: nobody else is in them.
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-c", WHOLE,
         str(tmp_path)],
        capture_output=True, text=True, timeout=120, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, during, after = json.loads(done.stdout)
    assert "lo" in before["links"]
    # Mounts of others go with their folders, wherever we look from.
    mounts = [set(each.pop("mounts").splitlines()) for each in (before, during, after)]
    assert mounts[1] <= mounts[0]
    assert mounts[2] <= mounts[0]
    assert after == before
    assert during.pop("listening") != before.pop("listening")
    assert during == before
    group = Places(tmp_path, "prod").group
    assert not any((tree.folder / group).exists() for tree in cgroups.here())
    assert list(tmp_path.glob(".toolkit/rehearsal/*")) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.cluster.small import begin
begin(Path(sys.argv[1]))
print("begun", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_one_left_is_found_and_cleared(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    try:
        assert done.returncode == -signal.SIGKILL, done.stderr
        # Nothing was recorded: the marks are enough.
        assert not places.state.exists()
        left = marked(places.folder)
        assert len(left) > 5
    finally:
        assert clear(places)
    assert marked(places.folder) == ()
    assert not any(each.lives for each in left)
    assert not places.folder.exists()
    assert not any((tree.folder / places.group).exists() for tree in cgroups.here())
    assert not clear(places)


def test_a_process_whose_maker_ends_before_it_is_furnished_ends(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with (
        pytest.raises(RuntimeError, match="in between"),
        begun(tmp_path, tmp_path / "log", ("--net",), ("touch", str(ran))) as process,
    ):
        raise RuntimeError("in between")
    end = time.monotonic() + LIMIT
    while process.lives:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.waitpid(process.pid, 0)
    assert not ran.exists()


def test_a_process_that_does_not_begin_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(AgentError, match="true does not begin: Try 'unshare"),
        begun(tmp_path, tmp_path / "log", ("--bogus",), ("true",)),
    ):
        pytest.fail("it has begun")


def test_a_group_that_cannot_be_joined_is_said(tmp_path: Path) -> None:
    missing = (tmp_path / "none" / "cgroup.procs",)
    with (
        pytest.raises(AgentError, match="No such file"),
        begun(tmp_path, tmp_path / "log", ("--net",), ("true",), groups=missing),
    ):
        pytest.fail("it has begun")


def test_a_lock_that_was_taken_away_with_the_rest_is_made_again(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    for _ in range(2):
        with exclusive(places):
            assert clear(places) is False
            forget(places)
    assert [each.name for each in (tmp_path / ".toolkit").iterdir()] == [".gitignore"]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    make_folder(places)
    places.programs.write_text("in the way")
    program = Program("1.0.0", "/bin/true", "0" * 64)
    with pytest.raises(AgentError, match=f"{places.programs}.* cannot be written") as caught:
        place_programs(places, {"nomad": program})
    assert "the disk has room" in (caught.value.hint or "")


def test_the_lock_of_one_rehearsal_outlives_the_end_of_another(tmp_path: Path) -> None:
    with exclusive(Places(tmp_path, "other")), exclusive(Places(tmp_path, "prod")):
        clear(Places(tmp_path, "prod"))
        forget(Places(tmp_path, "prod"))
        assert Places(tmp_path, "other").lock.exists()


def test_what_is_above_a_rehearsal_stays_the_projects_owners(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 4321)
    with exclusive(Places(tmp_path, "prod")):
        own = tmp_path / ".toolkit"
        for each in (own, own / ".gitignore"):
            assert (each.stat().st_uid, each.stat().st_gid) == (1234, 4321)
        assert (own / "rehearsal").stat().st_uid == 0


def test_two_at_once_are_refused_by_the_process_that_has_it(tmp_path: Path) -> None:
    places = Places(tmp_path, "prod")
    with (
        exclusive(places),
        pytest.raises(RefusedError, match=rf"at work .* \(process {os.getpid()}\)"),
        exclusive(places),
    ):
        pytest.fail("both have it")
    with exclusive(places):
        assert places.lock.exists()
