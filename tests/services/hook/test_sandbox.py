"""Scripts that mean well: what they are told, what they can read, what their end means."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hook.sandbox import Scripts, account
from hook.sandbox.box import HOLDS

from tests.services.hook.sandbox_rig import NONE, PATIENT, REPO, History, Rig
from toolkit.spec.bundle import HookFile
from toolkit.spec.hook import HookLimits

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


def test_the_environment_is_built_from_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_TOKEN", "canary-1")
    told = {
        "TOOLKIT_COMMIT": "4be1c02",
        "TOOLKIT_BRANCH": "main",
        "TOOLKIT_PUSHER": "ann\nTOOLKIT_REPO=other\x1b[31m",
        "TOOLKIT_DEPLOYMENT": "31",
        "TOOLKIT_VERDICT": "deployed",
        "TOOLKIT_REPO": "other",
        "NOMAD_TOKEN": "canary-2",
        "LD_PRELOAD": "/tmp/x.so",
        "PATH": "/tmp",
        "GIT_CONFIG_COUNT": "1",
    }
    script = "#!/bin/sh\nexec env\n"
    assert rig.run(script, "post-receive", environ=told) == 0
    found = dict(line.split("=", 1) for line in rig.said)
    home = found["HOME"]
    folder = home.removesuffix("/home")
    assert found == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "PWD": home,
        "TMPDIR": f"{folder}/tmp",
        "LANG": "C.UTF-8",
        "GIT_DIR": f"{folder}/repo.git",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "TOOLKIT_REPO": "shop",
        "TOOLKIT_HOOK": "post-receive",
        "TOOLKIT_HOOKS": f"{folder}/hooks",
        "TOOLKIT_COMMIT": "4be1c02",
        "TOOLKIT_BRANCH": "main",
        "TOOLKIT_PUSHER": "ann\\nTOOLKIT_REPO=other\\x1b[31m",
        "TOOLKIT_DEPLOYMENT": "31",
        "TOOLKIT_VERDICT": "deployed",
    }
    assert not Path(folder).exists()


def test_ref_lines_come_as_git_gives_them(rig: Rig) -> None:
    old, _, new = rig.history.commits
    line = f"{old} {new} refs/heads/main\n{NONE} {old} refs/heads/next\n".encode()
    script = '#!/bin/sh\necho "args: $*"\ncat\n'
    lines = line.decode().splitlines()
    for name in ("pre-receive", "post-receive"):
        assert rig.run(script, name, line=line) == 0
        assert rig.said == ["args: ", *lines]
    assert rig.run(script, "update", line=line) == 0
    assert rig.said == [
        f"args: refs/heads/main {old} {new}", f"args: refs/heads/next {NONE} {old}"
    ]  # fmt: skip
    assert rig.run(script, "post-update", line=line) == 0
    assert rig.said == ["args: refs/heads/main refs/heads/next"]


def test_update_stops_at_the_first_ref_that_is_refused(rig: Rig) -> None:
    old, _, new = rig.history.commits
    line = "".join(f"{old} {new} refs/heads/{name}\n" for name in ("a", "b", "c")).encode()
    script = '#!/bin/sh\necho "$1"\ncase $1 in */b) exit 9;; esac\n'
    assert rig.run(script, "update", line=line) == 9
    assert rig.said == [
        "refs/heads/a", "refs/heads/b"
    ]  # fmt: skip


def test_all_calls_of_update_together_have_the_time_of_one(rig: Rig) -> None:
    old, _, new = rig.history.commits
    line = "".join(f"{old} {new} refs/heads/{name}\n" for name in ("a", "b")).encode()
    rig.bundles.push(REPO, [HookFile("update", b"#!/bin/sh\necho $1\n")], "ann")
    said: list[str] = []
    # The second call comes when the time is up.
    times = iter([0.0, 0.0, 60.0])
    scripts = Scripts(
        rig.bundles, lambda _: rig.history.source.path, PATIENT, clock=lambda: next(times)
    )
    assert scripts.run_hooks(REPO, "update", line, {}, said.append) == 1
    assert said == ["refs/heads/a", "the update hook was ended: it ran longer than 60 s"]


def test_a_script_refuses_a_push_in_its_own_words(rig: Rig) -> None:
    assert rig.run("#!/bin/sh\necho not on a friday >&2\nexit 3\n") == 3
    assert rig.said == [
        "not on a friday"
    ]  # fmt: skip


def test_a_signal_of_its_own_making_is_named(rig: Rig) -> None:
    assert rig.run("#!/bin/sh\nkill -SEGV $$\n", "post-receive") == 128 + 11
    assert rig.said == ["the post-receive hook was killed by signal 11"]


def test_without_a_first_line_the_shell_runs_it(rig: Rig) -> None:
    assert rig.run("echo as git has it\nexit 4\n") == 4
    assert rig.said[0] == "as git has it"


def test_an_interpreter_that_is_missing_is_named(rig: Rig) -> None:
    assert rig.run("#!/usr/bin/no-such-node\n") == 126
    assert rig.said[0] == "pre-receive: No such file or directory: /usr/bin/no-such-node"


def test_what_is_beside_a_hook_is_there_for_it_and_cannot_be_changed(rig: Rig) -> None:
    beside = [HookFile("lib/greet.sh", b"echo hello from lib\n"), HookFile("run", b"x", True)]
    script = """#!/bin/sh
. "$(dirname "$0")/lib/greet.sh"
echo x >>"$TOOLKIT_HOOKS/lib/greet.sh" || echo kept
rm -f "$TOOLKIT_HOOKS/run" || echo kept
chmod 777 "$TOOLKIT_HOOKS" || echo kept
(: >"$TOOLKIT_HOOKS/new") || echo kept
"""
    assert rig.run(script, beside=beside) == 0
    assert rig.said[0] == "hello from lib"
    assert rig.said.count("kept") == 4


def test_a_hook_reads_what_the_push_brings_and_stands_on(rig: Rig) -> None:
    old, middle, new = rig.history.commits
    script = f"""#!/bin/sh
git log --format=%s {old}..{new}
git show {new}:greeting {old}:greeting
git diff --stat {old} {new} | tail -1
git archive {new} | tar -x -C "$TMPDIR" && cat "$TMPDIR/greeting"
git log --format=%s {old} | wc -l
git for-each-ref --format='%(refname) %(objectname)'
git cat-file -e {middle}^{{tree}} && git fsck --no-dangling && echo sound
"""
    expected = ["three", "two", "three", "one", " 1 file changed, 1 insertion(+), 1 deletion(-)"]
    expected += ["three", "1"]
    assert rig.run(script) == 0
    assert rig.said == [*expected, f"refs/heads/main {old}", "sound"]
    assert rig.run(script, "post-receive") == 0
    assert rig.said == [*expected, f"refs/heads/main {new}", "sound"]


def test_a_new_branch_comes_with_its_history_and_a_deleted_one_with_its_end(rig: Rig) -> None:
    old, _, new = rig.history.commits
    script = f"#!/bin/sh\ngit log --format=%s {new}; git for-each-ref\n"
    assert rig.run(script, line=f"{NONE} {new} refs/heads/next\n".encode()) == 0
    assert rig.said == ["three", "two", "one"]
    script = f"#!/bin/sh\ngit show {old}:greeting; git for-each-ref\n"
    assert rig.run(script, "post-receive", line=f"{old} {NONE} refs/heads/x\n".encode()) == 0
    assert rig.said == ["one"]


def test_a_push_backwards_shows_both_ends(rig: Rig) -> None:
    old, _, new = rig.history.commits
    script = f"#!/bin/sh\ngit show {new}:greeting {old}:greeting\n"
    assert rig.run(script, line=f"{new} {old} refs/heads/next\n".encode()) == 0
    assert rig.said == ["three", "one"]


def test_before_the_ref_moves_it_reads_from_gits_quarantine(rig: Rig, tmp_path: Path) -> None:
    source = History.make(tmp_path / "quarantined.git")
    objects = source.source.path / "objects"
    brought = objects / "tmp_objdir-incoming-abc123"
    brought.mkdir()
    for each in list(objects.iterdir()):
        if len(each.name) == 2:
            each.rename(brought / each.name)
    new = source.commits[-1]
    environ = {
        "GIT_OBJECT_DIRECTORY": str(brought),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
    }
    here = Rig.make(source, tmp_path)
    script = f"#!/bin/sh\ngit show {new}:greeting; echo ${{GIT_OBJECT_DIRECTORY-unset}}\n"
    line = f"{NONE} {new} refs/heads/main\n".encode()
    assert here.run(script, line=line, environ=environ) == 0
    assert here.said == ["three", "unset"]
    elsewhere = {**environ, "GIT_OBJECT_DIRECTORY": str(tmp_path)}
    assert here.run(script, line=line, environ=elsewhere) == 1
    assert "is not where a push is kept" in here.said[0]


def test_a_repository_of_sha256_is_read_as_well(tmp_path: Path) -> None:
    history = History.make(tmp_path / "long.git", sha256=True)
    rig = Rig.make(history, tmp_path)
    new = history.commits[-1]
    assert rig.run(f"#!/bin/sh\ngit show {new}:greeting\ngit log --format=%s {new}") == 0
    assert rig.said == ["three", "three", "two", "one"]


def test_where_there_is_no_such_hook_nothing_runs(rig: Rig) -> None:
    assert rig.again() == 0
    rig.bundles.create(REPO)
    assert rig.again() == 0
    assert rig.run("#!/bin/sh\necho no\nexit 1\n", "post-commit") == 0
    assert rig.again("post-receive") == 0
    assert rig.again("post-commit") == 0
    assert rig.said == []


def test_what_was_taken_off_does_not_run_not_even_for_an_earlier_push(rig: Rig) -> None:
    rig.run("#!/bin/sh\nexit 5\n")
    version = rig.bundles.current(REPO)
    rig.bundles.remove(REPO, "pre-receive")
    assert rig.again() == 0
    assert rig.again(version=version) == 0
    rig.bundles.rollback(REPO, version)
    assert rig.again() == 5
    rig.bundles.remove(REPO)
    assert rig.again(version=version) == 0


def test_a_deployment_runs_the_version_it_began_with(rig: Rig) -> None:
    rig.run("#!/bin/sh\necho first\n", "post-receive")
    first = rig.bundles.current(REPO)
    rig.run("#!/bin/sh\necho second\n", "post-receive")
    assert rig.again("post-receive", version=first) == 0
    assert rig.said == ["first"]


def test_a_version_that_was_changed_on_disk_refuses(rig: Rig, tmp_path: Path) -> None:
    rig.run("#!/bin/sh\necho meant\n")
    path = tmp_path / "hooks" / "shop" / f"{rig.bundles.current(REPO)}.json"
    path.write_bytes(path.read_bytes().replace(b"IyEv", b"IyEw"))
    assert rig.again() == 1
    assert len(rig.said) == 1 and "is not as it was stored" in rig.said[0]


def test_a_line_that_is_no_ref_line_refuses(rig: Rig) -> None:
    rig.run("#!/bin/sh\nexit 0\n")
    assert rig.again(line=b"nonsense\n") == 1
    assert "could not be run" in rig.said[0]


def test_a_commit_that_is_not_there_refuses(rig: Rig) -> None:
    rig.run("#!/bin/sh\nexit 0\n")
    assert rig.again(line=f"{NONE} {'e' * 40} refs/heads/main\n".encode()) == 1
    assert "could not be run: git" in rig.said[0]


def test_scripts_that_run_at_once_are_users_of_their_own(rig: Rig) -> None:
    script = "#!/bin/sh\nid -u\n"
    rig.bundles.push(REPO, [HookFile("pre-receive", script.encode())], "ann")
    scripts = rig.scripts()
    said: list[list[str]] = [[] for _ in range(6)]
    together = threading.Barrier(len(said))

    def one(lines: list[str]) -> None:
        def say(line: str) -> None:
            lines.append(line)
            if len(lines) == 1:
                together.wait(60)

        assert scripts.run_hooks(REPO, "pre-receive", rig.history.line, {}, say) == 0

    threads = [threading.Thread(target=one, args=(lines,)) for lines in said]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    uids = {int(lines[0]) for lines in said}
    assert len(uids) == len(said)
    assert uids <= set(account.NUMBERS)


@pytest.mark.parametrize(
    ("limits", "server", "said"),
    [
        (HookLimits(), 1000, "is not root, so that it can run none"),
        (HookLimits(user="no-such-user"), 0, "is no user of the hook server's machine"),
        (HookLimits(user="root"), 0, "who is root: name somebody else"),
    ],
)
def test_what_scripts_cannot_run_as_is_said(limits: HookLimits, server: int, said: str) -> None:
    found = account.why_not(limits, server=server)
    assert found is not None and said in found


@pytest.mark.parametrize(
    ("limits", "server"),
    [(HookLimits(), 0), (HookLimits(same_user=True), 1000), (HookLimits(user="daemon"), 0)],
)
def test_what_they_can_run_as_is_not(limits: HookLimits, server: int) -> None:
    assert account.why_not(limits, server=server) is None


def test_a_user_who_may_run_none_refuses_pushes_and_notes_deployments(rig: Rig) -> None:
    for name in ("pre-receive", "post-receive"):
        assert rig.run("#!/bin/sh\nid -un", name, limits=HookLimits(user="no-such-user")) == 1
        assert rig.said[0].startswith(f"the {name} hook could not be run: hooks are to run as")


def test_a_named_user_is_taken(rig: Rig) -> None:
    limits = HookLimits(seconds=PATIENT.seconds, user="daemon")
    assert rig.run("#!/bin/sh\nid -un; id -G\n", limits=limits) == 0
    assert rig.said[0] == "daemon"
    assert len(rig.said[1].split()) == 1


@pytest.mark.parametrize("holds", [HOLDS, frozenset()], ids=["held", "bare"])
def test_an_account_holds_with_and_without_the_kernels_help(
    rig: Rig, holds: frozenset[str]
) -> None:
    script = "#!/bin/sh\nid -u; id -G; grep -c NoNewPrivs:.1 /proc/self/status; ulimit -c\n"
    assert rig.run(script, holds=holds) == 0
    uid, groups, privileges, core = rig.said
    assert int(uid) in account.NUMBERS
    assert (groups, privileges, core) == (uid, "1", "0")
