"""As whom scripts run and where: accounts, namespaces, private folders, and too little of them."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hook.sandbox import account, box
from hook.sandbox.account import Account

from tests.services.hook.sandbox_rig import (
    History,
    Rig,
    left_behind,
    processes_of,
    run_in_a_box,
)

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="another user: needs root"),
]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History.make(tmp_path_factory.mktemp("history") / "shop.git")


@pytest.fixture
def rig(history: History, tmp_path: Path) -> Rig:
    return Rig.make(history, tmp_path)


def test_as_the_same_user_landlock_is_what_holds(tmp_path: Path) -> None:
    """Whoever runs the server may do everything to it, here even root, and yet cannot write."""
    outside = tmp_path / "outside"
    command = f"echo x >{outside}; echo x >$HOME/x && cat $HOME/x"
    ended, said = run_in_a_box(Account(None, None), command, frozenset({"landlock"}))
    if not ended.landlock:
        pytest.skip("this kernel has no Landlock")
    assert ended.code == 0
    assert said[-1] == "x"
    assert not outside.exists()


NOT_ROOT = """\
import os, sys
from hook.sandbox import box
from hook.sandbox.account import Account, account, why_not
from toolkit.spec.hook import HookLimits
limits = HookLimits(seconds=60.0, same_user=True)
assert why_not(HookLimits()) and not why_not(limits)
with account(limits, wait=1.0) as who, box.box(who) as place:
    assert who == Account(None, None)
    place.fill([])
    place.view.mkdir()
    place.hand_over()
    words = ["/bin/sh", "-c", sys.stdin.read()]
    print(place.run("test", words, {}, b"", limits, print))
print(place.folder.exists())
"""


def test_a_server_that_is_not_root_runs_them_as_itself(tmp_path: Path) -> None:
    """In development, where hook.toml says so: what outlives them ends all the same."""
    python = next((each for each in (sys.executable, "/usr/bin/python3") if seen_by_all(each)), "")
    if not python:
        pytest.skip("no Python that everybody may run")
    uid = 64_000 + os.getpid() % 700
    script = (
        "id -u; setsid sleep 600 & mkdir -p sub/sub; chmod 0 sub; (: >/var/tmp/x.$$) || echo no"
    )
    with code_for_all() as root:
        done = subprocess.run(
            [python, "-c", NOT_ROOT],
            input=script,
            env={"PYTHONPATH": f"{root}:{root}/services/hook", "PYTHONDONTWRITEBYTECODE": "1"},
            user=uid,
            group=uid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == str(uid)
    assert said[-1] == "False"
    assert "end='exit', code=0" in said[-2] and "left=1" in said[-2]
    assert "landlock=0" in said[-2] or said[-3] == "no"
    assert processes_of(uid) == []


ENGINE = "chown dac_override fowner fsetid kill net_bind_service setfcap setgid setpcap setuid"
"""The capabilities that root has in a container as engines make it."""


IN_A_CONTAINER = """\
import sys
import tempfile
from hook.sandbox import box
from hook.sandbox.account import account
from toolkit.spec.hook import HookLimits
limits = HookLimits(seconds=60.0, memory=64 << 20)
with account(limits, wait=1.0) as who, box.box(who) as place:
    place.fill([])
    place.view.mkdir()
    place.hand_over()
    for script in sys.stdin.read().split("---"):
        ended = place.run("test", ["/bin/sh", "-c", script], {}, b"", limits, print)
        print(ended.end, ended.code, ended.left, ended.namespace)
"""


def test_root_of_a_container_has_rights_enough() -> None:
    """Without a namespace, and without a look into the memory of others."""
    root = Path(__file__).parents[3]
    held = ",".join(["-all", *(f"+{each}" for each in ENGINE.split())])
    eat = "import os, time\nos.fork(); os.fork()\nx = b'x' * (32 << 20)\ntime.sleep(600)\n"
    scripts = ["id -u; (setsid sleep 600 &); echo done", f'exec python3 -c "{eat}"']
    done = subprocess.run(
        [
            "setpriv",
            "--bounding-set",
            held,
            "--inh-caps=-all",
            sys.executable,
            "-c",
            IN_A_CONTAINER,
        ],
        input="---".join(scripts),
        env={"PYTHONPATH": f"{root}:{root}/services/hook", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    uid, said, first, *rest = done.stdout.splitlines()
    assert (said, first) == ("done", "exit 0 1 False"), done.stderr
    assert rest[-1].startswith("memory")
    assert left_behind(int(uid)) == []


@contextlib.contextmanager
def code_for_all() -> Iterator[Path]:
    """The project's folder; where others may not look into it, a copy of its code."""
    root = Path(__file__).parents[3]
    if seen_by_all(str(root)):
        yield root
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        copy = Path(made)
        for part in ("toolkit", "services/hook/hook"):
            shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        copy.chmod(0o755)
        yield copy


def seen_by_all(path: str) -> bool:
    """Whether anybody may run it, or look into it, along the whole way."""
    real = Path(path).resolve()
    return real.exists() and all(each.stat().st_mode & 0o001 for each in (real, *real.parents))


def test_in_a_namespace_of_its_own_it_sees_nobody_else() -> None:
    ended, said = run_in_a_box(Account(None, None), "echo /proc/[0-9]*; echo $$")
    if not ended.namespace:
        pytest.skip("this machine makes no namespaces")
    assert said == ["/proc/1 /proc/2", "2"]


def test_nobody_else_gets_into_a_private_folder() -> None:
    with box.box(Account(60_800, 60_800)) as place:
        info = place.folder.stat()
        assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (0, 60_800, 0o710)
    with box.box(Account(None, None)) as place:
        assert place.folder.stat().st_mode & 0o777 == 0o700


def test_only_accounts_of_nobody_are_ended_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, sign: int) -> None:
        raise AssertionError(f"{pid} was to be ended")

    monkeypatch.setattr(os, "kill", kill)
    for uid in (None, 0, 1, 65_534, 64_733):
        account.end_all_of(Account(uid, uid))


def test_folders_of_a_server_that_died_are_swept(tmp_path: Path) -> None:
    with box.box(Account(None, None)) as held:
        held.fill([])
        dead = box.place() / f"{box.PREFIX}dead-{os.getpid()}"
        fresh = box.place() / f"{box.PREFIX}fresh-{os.getpid()}"
        for each in (dead, fresh):
            (each / "home").mkdir(parents=True)
            (each / ".held").touch()
        for each in (dead, held.folder):
            os.utime(each, (1.0, 1.0))
        try:
            assert box.sweep() >= 1
            assert not dead.exists()
            assert fresh.exists(), "it may be just being made"
            assert held.folder.exists(), "its server lives"
        finally:
            for each in (dead, fresh):
                with contextlib.suppress(OSError):
                    (each / "home").rmdir()
                    (each / ".held").unlink()
                    each.rmdir()


def test_no_room_for_a_folder_is_said(rig: Rig) -> None:
    rig.run("#!/bin/sh\nexit 0\n")
    with no_room():
        assert rig.again() == 1
    assert "could not be run" in rig.said[0]


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """No file may grow at all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_every_account_is_taken_no_script_runs(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run("#!/bin/sh\nexit 0\n")
    # Others of their own: the numbers are the machine's, and so are those of other tests.
    monkeypatch.setattr(account, "NUMBERS", range(61_000 + os.getpid() % 100, 61_180))
    with contextlib.ExitStack() as held:
        taken = [account._take(held, each) for each in account.NUMBERS]
        assert any(taken)
        assert rig.again() == 1
    assert rig.said == ["the pre-receive hook could not be run: too many hooks run already"]
    assert rig.again() == 0
