"""Git is started with our words and our environment alone, and ended whatever it does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from tests.repos.branches import heads
from tests.repos.source import Source
from toolkit.errors import RefusedError
from toolkit.repos import git
from toolkit.repos.commits import collect, has_commit, head, is_ancestor, keep
from toolkit.repos.git import ENVIRON, GitError, Quarantine, run

SHELL = ["-c", 'alias.x=!f() { eval "$1"; }; f']
"""Before `x` and a line of shell: git runs it, as it would run anything that we did not mean."""


def shell(bare: Path, line: str, **more: object) -> bytes:
    return run(bare, [*SHELL, "x", line], **more)  # type: ignore[arg-type]


def test_git_sees_nothing_of_our_environment(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOMAD_TOKEN", "GIT_SSH_COMMAND", "GIT_DIR", "GIT_EXEC_PATH", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "canary")
    said = shell(bare, "env").decode()
    assert "canary" not in said
    seen = {line.partition("=")[0] for line in said.splitlines()}
    # The rest is git's own, for those that it starts.
    own = {"GIT_DIR", "GIT_PREFIX", "GIT_CONFIG_PARAMETERS", "GIT_EXEC_PATH", "PWD", "SHLVL", "_",
           "GIT_INTERNAL_GETTEXT_SH_SCHEME", "OLDPWD"}  # fmt: skip
    assert set(ENVIRON) <= seen <= set(ENVIRON) | own


def test_git_reads_no_configuration_but_the_repositorys(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[canary]\n\tx = 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "canary.y")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "1")
    said = run(bare, ["config", "--list", "--show-scope"]).decode()
    assert {line.split("\t")[0] for line in said.splitlines()} == {"local", "command"}
    assert "canary" not in said


def test_no_hook_runs_that_was_not_meant(bare: Path, source: Source, tmp_path: Path) -> None:
    commit = source.files({"a": b"1"})
    source.give(bare, "refs/heads/main", commit)
    (bare / "hooks").mkdir()
    hook = bare / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    keep(bare, commit)
    assert not (tmp_path / "ran").exists()
    # The hook works: git by itself runs it.
    source.ask("--git-dir", str(bare), "-c", f"core.hooksPath={hook.parent}", "update-ref",
               "refs/heads/x", commit)  # fmt: skip
    assert (tmp_path / "ran").exists()


def test_limits_hold_for_whatever_git_starts(bare: Path) -> None:
    limited = git.limits(memory=512 << 20, seconds=7, file_bytes=1 << 20, files=99)
    said = shell(bare, "ulimit -v; ulimit -t; ulimit -f; ulimit -n; ulimit -c", limited=limited)
    # Memory in KiB, files in blocks of 512 bytes, as a shell says them.
    assert said.decode().split() == ["524288", "7", "2048", "99", "0"]
    said = shell(bare, "ulimit -v; ulimit -n; ulimit -c")
    assert said.decode().split() == ["1048576", "256", "0"]


def test_too_large_a_file_ends_git_with_an_error(bare: Path) -> None:
    with pytest.raises(GitError) as caught:
        run(
            bare,
            ["hash-object", "-w", "--stdin"],
            stdin=os.urandom(200_000),
            limited=git.limits(file_bytes=100_000),
        )
    assert caught.value.status
    assert not [path for path in bare.glob("objects/??/*") if "tmp_obj" not in path.name]


def test_at_its_deadline_git_ends_with_all_that_it_started(bare: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    # It says something when it is far enough, so that the clock is looked at again.
    line = f"sleep 300 & echo $! > {pid}; echo ready; wait"
    with pytest.raises(GitError, match="took too long") as caught:
        shell(bare, line, clock=lambda: 1000.0 if pid.exists() and pid.read_text() else 0.0)
    assert caught.value.status is None
    sleeper = int(pid.read_text())
    if psutil.pid_exists(sleeper) and psutil.Process(sleeper).status() != psutil.STATUS_ZOMBIE:
        psutil.Process(sleeper).wait(10)


def test_what_git_leaves_behind_ends_with_it(bare: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    shell(bare, f"sleep 300 >&- 2>&- & echo $! > {pid}")
    sleeper = int(pid.read_text())
    if psutil.pid_exists(sleeper) and psutil.Process(sleeper).status() != psutil.STATUS_ZOMBIE:
        psutil.Process(sleeper).wait(10)


def test_endless_output_is_cut_off(bare: Path) -> None:
    with pytest.raises(GitError, match="said more than 100,000 bytes"):
        shell(bare, "yes", most=100_000)


def test_a_lot_in_and_a_lot_out_at_once(bare: Path, source: Source) -> None:
    commit = source.files({"a": b"1"})
    source.give(bare, "refs/heads/main", commit)
    said = run(bare, ["cat-file", "--batch-check"], stdin=f"{commit}\n".encode() * 50_000)
    assert said.count(b"\n") == 50_000


def test_an_early_end_is_told_by_its_status(bare: Path) -> None:
    with pytest.raises(GitError) as caught:
        shell(bare, "exit 3", stdin=b"x" * (1 << 20))
    assert caught.value.status == 3
    assert caught.value.message == "git -c failed: exit 3"


def test_what_git_says_is_shown_harmlessly(bare: Path) -> None:
    with pytest.raises(GitError) as caught:
        shell(bare, r"printf '\033[31mred\007' >&2; yes x | head -c 100000 >&2; exit 1")
    assert caught.value.message.isprintable()
    assert "\\x1b[31mred\\x07" in caught.value.message
    assert len(caught.value.message) < 1000


def test_a_repository_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        head(tmp_path / "none.git", "main")


@pytest.mark.parametrize(
    "hostile",
    ["--output=x", "--all", "HEAD", "main", "-h", "", "a" * 39, "A" * 40, "a" * 40 + "\n"],
)
def test_objects_are_named_by_full_ids_and_nothing_else(bare: Path, hostile: str) -> None:
    good = "a" * 40
    for ask in (
        lambda: has_commit(bare, hostile),
        lambda: is_ancestor(bare, hostile, good),
        lambda: is_ancestor(bare, good, hostile),
        lambda: keep(bare, hostile),
    ):
        with pytest.raises(RefusedError, match="no full ID of a commit"):
            ask()


def test_a_branch_is_asked_for_by_its_whole_name(bare: Path, source: Source) -> None:
    first = source.files({"a": b"1"})
    second = source.files({"a": b"2"}, first)
    source.give(bare, "refs/heads/main/x", first)
    source.give(bare, "refs/heads/other", second)
    source.give(bare, "refs/tags/main", second)
    assert head(bare, "main") is None
    assert head(bare, "main/x") == first
    assert heads(bare) == {"main/x": first, "other": second}
    for hostile in ("--format=%(refname)", "../tags/main", "*", "ma?n/x"):
        with pytest.raises(RefusedError):
            head(bare, hostile)


def test_what_came_before_what(bare: Path, source: Source) -> None:
    first = source.files({"a": b"1", "same": b"x"})
    second = source.files({"a": b"2", "same": b"x", "new/b": b""}, first)
    side = source.files({"a": b"3"}, first)
    source.give(bare, "refs/heads/main", second)
    source.give(bare, "refs/heads/side", side)
    assert is_ancestor(bare, first, second)
    assert is_ancestor(bare, first, first)
    assert not is_ancestor(bare, second, first)
    assert not is_ancestor(bare, second, side)
    with pytest.raises(GitError):
        is_ancestor(bare, "a" * 40, first)
    assert has_commit(bare, first)
    assert not has_commit(bare, "a" * 40)
    assert not has_commit(bare, source.folder({"a": b"1", "same": b"x"}))


def test_many_packs_become_one_and_what_nobody_needs_goes_in_time(
    bare: Path, source: Source
) -> None:
    at = [source.files({"a": b"0"})]
    for index in range(1, 5):
        at.append(source.files({"a": str(index).encode()}, at[-1]))
        assert source.push(bare, f"{at[-1]}:refs/heads/main").returncode == 0
    kept = source.files({"kept": b"x"})
    source.push(bare, f"{kept}:refs/heads/side")
    keep(bare, kept)
    source.push(bare, ":refs/heads/side")
    young, old = (run(bare, ["hash-object", "-w", "--stdin"], stdin=s) for s in (b"young", b"old"))
    (loose,) = bare.glob(f"objects/{old[:2].decode()}/{old[2:40].decode()}")
    os.utime(loose, (1, 1))
    collect(bare, packs=5)
    assert len(list(bare.glob("objects/pack/*.pack"))) == 5
    collect(bare, packs=4)
    # A second one holds what nothing leads to, where git keeps that together.
    assert len(list(bare.glob("objects/pack/*.pack"))) <= 2
    assert has_commit(bare, at[0]) and has_commit(bare, kept) and heads(bare) == {"main": at[-1]}
    there = run(bare, ["cat-file", "--batch-check=%(objecttype)"], stdin=young + old).split(b"\n")
    assert there[0] == b"blob"
    assert there[1].endswith(b" missing")


def test_replaced_objects_are_read_as_they_were(bare: Path, source: Source) -> None:
    first = source.files({"a": b"1"})
    evil = source.files({"a": b"evil"})
    source.give(bare, "refs/heads/main", first)
    source.give(bare, f"refs/replace/{first}", evil)
    assert run(bare, ["cat-file", "blob", f"{first}:a"]) == b"1"


def test_a_quarantine_is_seen_only_with_its_variables(bare: Path, source: Source) -> None:
    held = quarantine(bare, source)
    commit = source.files({"a": b"1"})
    copy(source, held)
    assert not has_commit(bare, commit)
    assert has_commit(bare, commit, quarantine=held)
    # What was there before is seen as well.
    old = source.files({"a": b"0"})
    source.give(bare, "refs/heads/main", old)
    assert has_commit(bare, old, quarantine=held)


def test_no_ref_moves_to_what_is_in_quarantine(bare: Path, source: Source) -> None:
    held = quarantine(bare, source)
    commit = source.files({"a": b"1"})
    copy(source, held)
    with pytest.raises(GitError, match="quarantine"):
        run(bare, ["update-ref", "refs/heads/main", commit], quarantine=held)


def quarantine(bare: Path, source: Source) -> Quarantine:
    """A folder for what a push brings, as git makes one."""
    folder = bare / "objects" / "tmp_objdir-incoming-x1"
    folder.mkdir()
    said = {"GIT_OBJECT_DIRECTORY": str(folder)}
    return Quarantine.of(said, bare)


def copy(source: Source, held: Quarantine) -> None:
    """Have all objects of the source be there."""
    everything = source.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    pack = source.ask("pack-objects", "--stdout", "-q", stdin=f"{everything}\n".encode()).stdout
    source.git("unpack-objects", "-q", stdin=pack, more={"GIT_OBJECT_DIRECTORY": held.objects})


@pytest.mark.parametrize(
    "said",
    [
        "", "/", "/etc", "{bare}", "{bare}/objects", "{bare}/objects/pack", "{bare}/refs",
        "{bare}/objects/tmp_objdir-incoming-x1/..", "{bare}/objects/tmp_objdir-incoming-x1/pack",
        "{bare}/objects/../../other.git/objects/tmp_objdir-incoming-x1", "{bare}/objects/out",
        "{bare}/../other.git/objects/tmp_objdir-incoming-x1", "tmp_objdir-incoming-x1",
        "{bare}/objects/tmp_objdir-link",
    ],
)  # fmt: skip
def test_a_quarantine_elsewhere_is_none(bare: Path, said: str) -> None:
    (bare / "objects" / "tmp_objdir-incoming-x1").mkdir()
    (bare / "objects" / "tmp_objdir-link").symlink_to("/etc")
    with pytest.raises(RefusedError, match="is not where a push is kept"):
        Quarantine.of({"GIT_OBJECT_DIRECTORY": said.format(bare=bare)}, bare)


def test_a_quarantine_names_no_other_folder(bare: Path, source: Source) -> None:
    held = quarantine(bare, source)
    said = {"GIT_OBJECT_DIRECTORY": held.objects, "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/etc"}
    assert Quarantine.of(said, bare).alternates == str(bare / "objects")


def launcher(folder: Path) -> None:
    """A `prlimit` that sets no limits."""
    (folder / "prlimit").write_text(
        '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"\n'
    )
    (folder / "prlimit").chmod(0o755)


def test_limits_that_cannot_be_set_are_said(tmp_path: Path, bare: Path, source: Source) -> None:
    """As they cannot where whoever starts the server has set lower ones; nothing is guessed."""
    (tmp_path / "prlimit").write_text("#!/bin/sh\necho prlimit: not permitted >&2\nexit 1\n")
    (tmp_path / "prlimit").chmod(0o755)
    with pytest.raises(RefusedError, match="git cannot be started: prlimit: not permitted"):
        git.check({**ENVIRON, "PATH": str(tmp_path)})
    first = source.files({"a": b"1"})
    with pytest.raises(GitError, match="Not a valid"):
        is_ancestor(bare, first, first)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("git version 2.35.9", r"git 2\.35\.9 is too old"),
        ("git version 1.9", r"git 1\.9\.0 is too old"),
        ("git version x", "cannot be read"),
        ("hello \x1b[2J", "cannot be read"),
        (None, "git is not installed"),
    ],
)
def test_a_git_that_is_missing_or_too_old_is_said(
    tmp_path: Path, says: str | None, words: str
) -> None:
    launcher(tmp_path)
    if says is not None:
        (tmp_path / "git").write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / "git").chmod(0o755)
    with pytest.raises(RefusedError, match=words) as caught:
        git.check({**ENVIRON, "PATH": str(tmp_path)})
    assert caught.value.message.isprintable()


def test_without_limits_git_is_not_started(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="prlimit is not installed"):
        git.check({**ENVIRON, "PATH": str(tmp_path)})


@pytest.mark.parametrize("says", ["2.36.0", "2.39.5", "2.47.1.windows.1", "3.0"])
def test_a_git_that_will_do(tmp_path: Path, says: str) -> None:
    launcher(tmp_path)
    (tmp_path / "git").write_text(f"#!/bin/sh\necho 'git version {says}'\n")
    (tmp_path / "git").chmod(0o755)
    git.check({**ENVIRON, "PATH": str(tmp_path)})


def test_the_git_of_this_machine_will_do() -> None:
    git.check()
    assert git.version() >= git.MINIMUM


def test_time_is_told_by_the_clock_that_is_handed_in(bare: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(GitError, match="took too long"):
        run(bare, ["for-each-ref"], seconds=1e9, clock=iter([0.0, 2e9]).__next__)
    assert time.monotonic() >= begin
