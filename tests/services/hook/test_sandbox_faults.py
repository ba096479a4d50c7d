"""Scripts that mean harm, or do it: each ends, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest
from hook.sandbox import box
from hook.sandbox.account import Account
from hook.sandbox.box import HOLDS
from hook.sandbox.lines import LONGEST, MOST, Lines

from tests.services.hook.sandbox_rig import (
    PATIENT,
    REPO,
    History,
    Rig,
    left_behind,
    processes_of,
    run_in_a_box,
)
from toolkit.spec.bundle import HookFile
from toolkit.spec.hook import HookLimits

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="another user: needs root"),
]

HELD = pytest.mark.parametrize("holds", [HOLDS, frozenset()], ids=["held", "bare"])
"""With what this kernel has, and as on one that has nothing of it."""
WHO = "#!/bin/sh\nid -u\n"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History.make(tmp_path_factory.mktemp("history") / "shop.git")


@pytest.fixture
def rig(history: History, tmp_path: Path) -> Rig:
    return Rig.make(history, tmp_path)


def left_of(rig: Rig) -> list[psutil.Process]:
    """What still runs as the user of the last run, whose first line said who that was."""
    return left_behind(int(rig.said[0]))


def test_an_endless_loop_ends(rig: Rig) -> None:
    limits = HookLimits(seconds=0.5)
    assert rig.run(f"{WHO}while :; do :; done\n", limits=limits) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it ran longer than 0.5 s"
    assert left_of(rig) == []


@HELD
def test_a_fork_bomb_has_a_bound_and_an_end(rig: Rig, holds: frozenset[str]) -> None:
    bomb = "bomb() { bomb | bomb & }\nbomb 2>/dev/null\nwhile :; do sleep 9 2>/dev/null; done\n"
    assert rig.run(WHO + bomb, limits=HookLimits(seconds=0.7), holds=holds) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it ran longer than 0.7 s"
    assert left_of(rig) == []


@HELD
def test_as_many_processes_as_one_may_have_and_no_more(
    rig: Rig, holds: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "PROCESSES", 12)
    script = """#!/usr/bin/env python3
import os, time
print(os.getuid(), flush=True)
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except BlockingIOError:
    print(made)
"""
    assert rig.run(script, holds=holds) == 0
    assert int(rig.said[1]) < 12
    assert rig.said[2] == f"the pre-receive hook left {rig.said[1]} processes behind, ended with it"
    assert left_of(rig) == []


@HELD
def test_what_would_outlive_the_script_ends_with_it(rig: Rig, holds: frozenset[str]) -> None:
    script = WHO + "setsid sleep 600 </dev/null >/dev/null 2>&1 &\n"
    script += "(setsid sh -c 'sleep 600 & sleep 600' &)\ntrap '' TERM HUP\necho done\n"
    assert rig.run(script, holds=holds) == 0
    assert rig.said[1] == "done"
    assert "behind, ended with it" in rig.said[2]
    assert left_of(rig) == []


@pytest.mark.parametrize(
    "size", [64 << 20, pytest.param(1 << 30, marks=pytest.mark.soak)], ids=["64M", "1G"]
)
def test_output_without_end_is_cut_and_drained(rig: Rig, size: int) -> None:
    script = f"{WHO}head -c {size} /dev/zero\necho the end is not shown\nexit 7\n"
    limits = HookLimits(seconds=PATIENT.seconds, output=4096)
    assert rig.run(script, limits=limits) == 7
    assert sum(map(len, rig.said)) < 8192
    dropped = int(rig.said[-1].removeprefix("… and ").partition(" ")[0])
    assert size - 4096 < dropped < size + 4096


@HELD
def test_one_that_eats_memory_gets_no_more(rig: Rig, holds: frozenset[str]) -> None:
    script = (
        "#!/usr/bin/env python3\nimport os\nprint(os.getuid(), flush=True)\nb'x' * (256 << 20)\n"
    )
    limits = HookLimits(seconds=PATIENT.seconds, memory=64 << 20)
    assert rig.run(script, limits=limits, holds=holds) == 1
    assert "MemoryError" in rig.said
    assert left_of(rig) == []


def test_many_that_eat_memory_together_are_ended(rig: Rig) -> None:
    script = """#!/usr/bin/env python3
import os, time
print(os.getuid(), flush=True)
for _ in range(4):
    if os.fork() == 0:
        kept = b"x" * (32 << 20)
        time.sleep(600)
time.sleep(600)
"""
    limits = HookLimits(seconds=PATIENT.seconds, memory=64 << 20)
    assert rig.run(script, limits=limits) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it took more than 64 MiB of memory"
    assert left_of(rig) == []


def test_one_that_fills_the_disk_is_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "DISK", 1 << 20)
    monkeypatch.setattr(box, "LOOK", 0.1)
    script = WHO + "head -c 2097152 /dev/zero >one; echo $?\n"
    assert rig.run(script) == 0
    assert int(rig.said[-1]) != 0, "no file is larger than all may be"
    many = "i=0\nwhile :; do i=$((i+1)); head -c 65536 /dev/zero >$i; sleep 0.01; done\n"
    assert rig.run(WHO + many) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it wrote more than a hook may"
    monkeypatch.setattr(box, "ENTRIES", 50)
    assert rig.run(WHO + "for i in $(seq 60); do : >$i; done\nsleep 600\n") == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it wrote more than a hook may"


@HELD
def test_nothing_outside_its_folder_is_written_or_read(
    rig: Rig, tmp_path: Path, holds: frozenset[str]
) -> None:
    server = tmp_path / "data"
    server.mkdir(mode=0o700)
    (server / "secret").write_text("canary")
    (server / "secret").chmod(0o600)
    script = f"""#!/bin/sh
try() {{ ("$@") 2>/dev/null && echo "$* went"; }}
try cat {server}/secret
try ls {server}
try touch {server}/x
try touch {rig.history.source.path}/x
try cat {rig.history.source.path}/HEAD
try touch /etc/x
try touch /usr/bin/x
try cat /etc/shadow
try cat /proc/1/environ
try cat /proc/{os.getpid()}/environ
try cat /proc/{os.getpid()}/mem
try ls /proc/{os.getpid()}/fd
try kill -0 {os.getpid()}
try mount -t tmpfs none "$HOME"
try chroot /
try ls "$HOME/../.."/toolkit-hook-*/home
echo hello >"$HOME/x" && echo hello >"$TMPDIR/x" && cat "$HOME/x"
"""
    assert rig.run(script, holds=holds) == 0
    where = [line for line in rig.said if "toolkit-hook" not in line]
    assert where == ["hello"]


def test_with_the_kernels_help_not_even_what_everybody_may_write_is_written(
    rig: Rig, tmp_path: Path
) -> None:
    if not rig_has_landlock(rig, tmp_path):
        pytest.skip("this kernel has no Landlock")
    shared = Path("/tmp") / f"for-everybody-{os.getpid()}"
    script = f"#!/bin/sh\n(: >{shared}) 2>/dev/null || echo no\n(: >/dev/null) && echo yes\n"
    assert rig.run(script) == 0
    assert not shared.exists()
    assert rig.said == ["no", "yes"]


def rig_has_landlock(rig: Rig, tmp_path: Path) -> bool:
    return run_in_a_box(Account(None, None), "true")[0].landlock > 0


def test_what_a_terminal_would_obey_is_written_out(rig: Rig) -> None:
    script = (
        "#!/bin/sh\nprintf '\\033[2J\\033]0;x\\007a\\rb\\000c\\342\\200\\256d\\377\\n\\tlast'\n"
    )
    assert rig.run(script) == 0
    assert rig.said == ["\\x1b[2J\\x1b]0;x\\x07a", "b\\x00c\\u202ed\ufffd", "    last"]
    assert all(line.isprintable() for line in rig.said)


def test_a_line_without_an_end_is_cut() -> None:
    lines = Lines(1 << 20)
    said = [*lines.feed(b"x" * 600_000), *lines.feed(b"x" * 1000), *lines.last()]
    assert len(said) == 1
    assert len(said[0]) == LONGEST


def test_a_million_empty_lines_are_none_of_anybodys_business() -> None:
    lines = Lines(1 << 20)
    said = [*lines.feed(b"\n" * 600_000), *lines.feed(b"\n" * 600_000), *lines.last()]
    assert said[:-1] == [""] * MOST
    assert said[-1].startswith("… and 1190000 bytes more")


@HELD
def test_what_lost_its_parent_counts_as_well(rig: Rig, holds: frozenset[str]) -> None:
    script = """#!/usr/bin/env python3
import os, time
print(os.getuid(), flush=True)
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            kept = b"x" * (32 << 20)
            time.sleep(600)
        os._exit(0)
    os.wait()
time.sleep(600)
"""
    limits = HookLimits(seconds=PATIENT.seconds, memory=64 << 20)
    assert rig.run(script, limits=limits, holds=holds) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it took more than 64 MiB of memory"
    assert left_of(rig) == []


@HELD
def test_what_has_ended_by_itself_was_not_left_behind(rig: Rig, holds: frozenset[str]) -> None:
    script = "#!/usr/bin/env python3\nimport os\npid = os.fork() or os._exit(0)\n"
    script += "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n"
    assert rig.run(script, holds=holds) == 0
    assert rig.said == []


def test_folders_deeper_than_anybody_goes_are_removed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "LOOK", 0.1)
    script = """#!/usr/bin/env python3
import os
print(os.environ["HOME"], flush=True)
for _ in range(1200):
    os.mkdir("d")
    os.chdir("d")
os.chmod(".", 0)
"""
    deep = script + "import time\ntime.sleep(600)\n"
    assert rig.run(deep) == 1
    assert rig.said[-1] == "the pre-receive hook was ended: it wrote more than a hook may"
    assert not Path(rig.said[0]).parent.exists()


def test_what_is_left_behind_would_be_seen() -> None:
    """So that the tests above can fail."""
    uid = 64_000 + os.getpid() % 700
    command = ["sleep", "600"]
    with subprocess.Popen(command, env={"HOME": "/gone", "PATH": box.PATH}, user=uid) as left:
        try:
            assert [each.pid for each in left_behind(uid)] == [left.pid]
        finally:
            left.kill()


@HELD
def test_who_stops_listening_ends_the_script(rig: Rig, holds: frozenset[str]) -> None:
    heard: list[str] = []

    def say(line: str) -> None:
        heard.append(line)
        raise KeyError("nobody listens")

    script = f"{WHO}sleep 600 & sleep 600\n"
    rig.bundles.push(REPO, [HookFile("post-receive", script.encode())], "ann")
    with pytest.raises(KeyError, match="nobody listens"):
        rig.scripts(PATIENT, holds).run_hooks(REPO, "post-receive", rig.history.line, {}, say)
    assert left_behind(int(heard[0])) == []


@HELD
def test_the_death_of_its_watcher_is_the_scripts(rig: Rig, holds: frozenset[str]) -> None:
    """Whoever kills the process that watches a script ends the script, and the push is told."""
    heard: list[str] = []
    left: list[psutil.Process] = []

    def say(line: str) -> None:
        heard.append(line)
        if len(heard) == 1:
            left.extend(processes_of(int(line)))
            (watcher,) = [
                each
                for each in psutil.Process().children()
                if each.status() != psutil.STATUS_ZOMBIE
                and any("launcher.py" in word for word in each.cmdline())
            ]
            watcher.kill()

    script = f"{WHO}setsid sleep 600 &\nsleep 600\n".encode()
    rig.bundles.push(REPO, [HookFile("pre-receive", script)], "ann")
    assert (
        rig.scripts(PATIENT, holds).run_hooks(REPO, "pre-receive", rig.history.line, {}, say) == 1
    )
    assert heard[-1].endswith("the process that watched it died")
    assert psutil.wait_procs(left, timeout=30)[1] == []


def test_not_to_know_how_a_script_ended_is_no_success() -> None:
    """As the same user it can end the very process that waits for it."""
    ended, _ = run_in_a_box(Account(None, None), "kill -9 $PPID; sleep 600", frozenset())
    assert (ended.end, ended.why) == ("error", "the process that started it died")
