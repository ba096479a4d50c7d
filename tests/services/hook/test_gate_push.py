"""Pushes through the gate by git itself: what is refused leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hook.gate.slots import Slots

from tests.services.hook.gate_rig import FILES, TOKEN, Pushed, Rig
from toolkit.errors import AuditError, RefusedError, ToolkitError, UnavailableError
from toolkit.spec.deployment import LogLine


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def refused(rig: Rig, done: Pushed, *told: str) -> None:
    """A push that was refused in those words, and left nothing."""
    assert done.code == 1, done.out
    for line in told:
        assert line in done.lines, done.out
    assert done.lines[-1] == "refused: shop stays as it is"
    assert not rig.deploys.intents
    left_nothing(rig)


def left_nothing(rig: Rig) -> None:
    objects = rig.registry.path(rig.repo) / "objects"
    assert not [each.name for each in objects.iterdir() if "tmp" in each.name]
    assert not rig.gate._pushes


# What is refused.


def test_refs_that_are_not_taken(rig: Rig) -> None:
    rig.commit()
    told = {
        "refs/tags/v1": "refs/tags/v1 is a tag, and tags are not taken",
        "refs/notes/x": "refs/notes/x is no branch, and only branches are taken",
        "refs/heads/--output=x": "refs/heads/--output=x cannot name a branch",
        "refs/heads/-x": "refs/heads/-x cannot name a branch",
        "refs/heads/$(id)": "refs/heads/$(id) cannot name a branch",
        "refs/heads/a;id": "refs/heads/a;id cannot name a branch",
    }
    for ref, sentence in told.items():
        refused(rig, rig.push(f"HEAD:{ref}"), sentence)
    assert rig.ledger.entries == [("shop", "refused", sentence) for sentence in told.values()]
    assert not rig.checks.seen


def test_one_bad_ref_refuses_the_whole_push(rig: Rig) -> None:
    rig.commit()
    refused(rig, rig.push("main", "HEAD:refs/tags/v1"))
    assert rig.head is None


def test_the_deployed_branch_is_not_removed_and_only_goes_forward(rig: Rig) -> None:
    rig.commit()
    first = rig.head
    assert rig.push().code == 0
    first = rig.head
    refused(rig, rig.push(":main"), "main is what shop deploys, and cannot be removed")
    rig.git("commit", "-q", "--amend", "--allow-empty", "-m", "other")
    done = rig.push("+main")
    refused(rig, done)
    assert "only goes forward" in done.out
    assert rig.head == first


def test_links_and_submodules_are_not_deployed(rig: Rig) -> None:
    rig.commit()
    (rig.work / "jobs/web/link").symlink_to("/etc/passwd")
    rig.commit({})
    refused(rig, rig.push(), "jobs/web/link is a symbolic link, and links are not followed here")
    rig.git("rm", "-q", "--cached", "jobs/web/link")
    (rig.work / "jobs/web/link").unlink()
    rig.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    rig.git("commit", "-q", "-m", "submodule")
    refused(rig, rig.push(), "vendor is a submodule, and what it names is not here")
    assert rig.head is None and not rig.checks.seen


def test_what_the_check_says_is_shown_line_by_line_without_what_a_terminal_obeys(rig: Rig) -> None:
    rig.commit()
    rig.checks.error = RefusedError(
        f"jobs/web/job.toml:3: wrong\n\x1b[31mred\x07 {TOKEN}\n" + "x" * 5000, hint="mend\x1b[0m it"
    )
    done = rig.push()
    refused(
        rig, done, "jobs/web/job.toml:3: wrong", "\\x1b[31mred\\x07 ***", "hint: mend\\x1b[0m it"
    )
    assert "\x1b[31m" not in done.out and TOKEN not in done.out
    assert max(len(line) for line in done.lines) <= 1000
    assert TOKEN not in str(rig.ledger.entries)


def test_very_many_lines_are_cut(rig: Rig) -> None:
    rig.commit()
    rig.checks.error = RefusedError("\n".join(f"line {number}" for number in range(5000)))
    done = rig.push()
    refused(rig, done, "line 0", "line 199", "… and 4800 more lines")
    assert "line 200" not in done.lines


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_script_of_the_repository_may_say_no(rig: Rig, hook: str) -> None:
    rig.commit()
    rig.refusing = hook
    done = rig.push()
    told = f"the hook {hook} of shop refused the push with exit code 3"
    refused(rig, done, "not on a Friday", told, "hint: toolkit hook show shop")
    assert ("shop", "refused", told) in rig.ledger.entries


def test_without_an_audit_nothing_is_taken(rig: Rig) -> None:
    rig.commit()
    rig.ledger.error = AuditError("the audit cannot be written: no space left on device")
    refused(rig, rig.push(), "the audit cannot be written: no space left on device")
    assert rig.head is None and not rig.deploys.records


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(28, "No space left on device"),
            "the server cannot write down what it would do: No space left on device",
        ),
        (UnavailableError("the server stops"), "the server stops"),
    ],
)
def test_without_an_intent_on_disk_nothing_is_taken(rig: Rig, error: Exception, told: str) -> None:
    rig.commit()
    rig.deploys.error = error
    refused(rig, rig.push(), told)
    assert rig.head is None
    assert [result for _, result, _ in rig.ledger.entries] == ["intent", "refused"]


def test_a_bug_of_ours_refuses_and_is_in_the_log_alone(rig: Rig) -> None:
    rig.commit()
    rig.checks.error = LookupError(f"not for pushers {TOKEN}")
    done = rig.push()
    assert done.code == 1 and rig.head is None
    assert done.lines[-1] == "an error of the server's own; its log has the place"
    assert "LookupError" in rig.logged() and "not for pushers" not in done.out
    left_nothing(rig)


def test_a_server_that_stops_takes_no_push(rig: Rig) -> None:
    rig.commit()
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        rig.draining = True
        refused_by_now = rig.push(admitted=admitted)
    rig.settle()
    refused(rig, refused_by_now, "the server is stopping and takes no more pushes")
    with pytest.raises(UnavailableError, match="stopping"), rig.gate.admit(rig.repo, rig.who, ""):
        pass


def test_more_refs_than_allowed(rig: Rig) -> None:
    rig.commit()
    done = rig.push(*(f"HEAD:refs/heads/b{number}" for number in range(101)))
    refused(rig, done, "the push names 101 refs, and 100 are the most")


def test_a_branch_that_moves_during_the_check(rig: Rig) -> None:
    """Two pushers at once: one is taken, and the other one told so before git has to find out."""
    first = rig.commit()
    assert rig.push().code == 0
    rig.commit({"a": "1"})
    other = rig.git("commit-tree", "-p", first, "-m", "x", f"{first}^{{tree}}").out.strip()
    path = rig.registry.path(rig.repo)

    def meanwhile() -> None:
        rig.checks.wait = lambda: None
        rig.git("push", "-q", "--receive-pack=git -c core.hooksPath=/dev/null receive-pack",
                str(path), f"{other}:main")  # fmt: skip

    rig.checks.wait = meanwhile
    done = rig.push()
    refused(rig, done, f"main moved to {other[:7]} during this push")
    assert rig.head == other and len(rig.deploys.records) == 1


# What is taken.


def test_a_push_that_deploys(rig: Rig) -> None:
    commit = rig.commit()
    rig.deploys.log = [
        LogLine(1, 0.0, "1 of 1 jobs change: web", "plan"),
        LogLine(2, 0.0, "placed 1/1 · Consul 1/1 passing", "gate", "web"),
        LogLine(3, 0.0, "deployed in 1.0 s, 0 failed probes", "end"),
    ]
    done = rig.push()
    assert done.code == 0
    assert done.lines == [
        f"shop {commit[:7]} → checking",
        f"shop {commit[:7]} → plan: web 1.0.0 (1 placed)",
        "note: web: a note",
        "deployment 1 of shop · toolkit repo log shop 1",
        "1 of 1 jobs change: web",
        "web  placed 1/1 · Consul 1/1 passing",
        "deployed in 1.0 s, 0 failed probes",
    ]
    assert rig.head == commit
    [record] = rig.deploys.records
    assert (record.commit, record.pusher) == (commit, "ann")
    assert rig.ledger.entries == [
        ("shop", "intent", str({"refs/heads/main": commit})),
        ("shop", "done", ""),
    ]
    assert [name for name, _, _ in rig.hooks] == ["pre-receive", "update"]
    left_nothing(rig)


def test_what_the_check_warns_of_is_not_said_again_by_the_deployment(rig: Rig) -> None:
    rig.commit()
    rig.deploys.log = [
        LogLine(1, 0.0, "a note", "note", "web"),
        LogLine(2, 0.0, "another note", "note", "web"),
        LogLine(3, 0.0, "a note", "note", "other"),
    ]
    lines = rig.push().lines
    assert [line for line in lines if line.endswith("note")] == [
        "note: web: a note",
        "web  another note",
        "other  a note",
    ]


def test_the_order_is_check_scripts_audit_intent_and_then_the_ref(rig: Rig) -> None:
    rig.commit()
    seen: list[tuple[int, int, int, str | None]] = []

    def look() -> None:
        audited = len(rig.ledger.entries)
        seen.append((len(rig.checks.seen), len(rig.hooks), audited, rig.head))

    rig.checks.wait = look
    rig.deploys.on_intend = look
    assert rig.push().code == 0
    assert seen == [(1, 0, 0, None), (1, 2, 1, None)]


def test_scripts_see_the_push_and_gits_quarantine(rig: Rig) -> None:
    commit = rig.commit()
    rig.push()
    name, stdin, environ = rig.hooks[0]
    assert name == "pre-receive"
    assert stdin == f"{'0' * 40} {commit} refs/heads/main\n".encode()
    assert environ.pop("GIT_OBJECT_DIRECTORY").startswith(str(rig.registry.path(rig.repo)))
    assert environ.pop("GIT_ALTERNATE_OBJECT_DIRECTORIES")
    assert environ.pop("GIT_QUARANTINE_PATH")
    assert environ == {
        "TOOLKIT_BRANCH": "main",
        "TOOLKIT_COMMIT": commit,
        "TOOLKIT_PUSHER": "ann",
    }


def test_branches_that_are_not_deployed(rig: Rig) -> None:
    commit = rig.commit()
    done = rig.push("HEAD:refs/heads/broken", "HEAD:refs/heads/wip/x")
    assert done.code == 0
    assert done.lines == ["shop: broken, wip/x are not main, so that nothing is deployed"]
    assert not rig.checks.seen and not rig.deploys.records
    names = [name for name, _, _ in rig.hooks]
    assert names == ["pre-receive", "update", "post-receive", "post-update"]
    assert rig.git("ls-remote", str(rig.registry.path(rig.repo))).out.count(commit) == 2
    assert [result for _, result, _ in rig.ledger.entries] == ["intent", "done"]


def test_several_branches_in_one_push_of_which_one_is_deployed(rig: Rig) -> None:
    commit = rig.commit()
    done = rig.push("HEAD:refs/heads/a", "main", "HEAD:refs/heads/z")
    assert done.code == 0 and rig.head == commit
    assert [record.commit for record in rig.deploys.records] == [commit]


def test_a_script_after_the_push_cannot_undo_it(rig: Rig) -> None:
    rig.commit()
    rig.refusing = "post-receive"
    done = rig.push("HEAD:refs/heads/other")
    assert done.code == 0
    told = "note: the hook post-receive of shop refused the push with exit code 3"
    assert told in done.lines


def test_the_first_line_comes_before_there_is_a_plan(rig: Rig) -> None:
    commit = rig.commit()
    told, go_on = threading.Event(), threading.Event()
    rig.checks.wait = lambda: go_on.wait(60)
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        receive = f"git -c core.hooksPath={admitted.hooks_path} receive-pack"
        with subprocess.Popen(
            ["git", "push", f"--receive-pack={receive}", str(rig.registry.path(rig.repo)), "main"],
            cwd=rig.work,
            env={"PATH": os.defpath, "HOME": str(rig.root), **admitted.environ},
            stderr=subprocess.PIPE,
        ) as push:
            assert push.stderr is not None
            first = push.stderr.readline().decode()
            told.set()
            go_on.set()
            push.communicate(timeout=60)
    assert f"shop {commit[:7]} → checking" in first
    assert push.returncode == 0 and told.is_set()


def test_pushes_of_one_repository_take_turns_between_their_last_check_and_their_ref(
    rig: Rig,
) -> None:
    """Both are checked at once; only one of them may have an intent."""
    first = rig.commit()
    assert rig.push().code == 0
    left = rig.git("commit-tree", "-p", first, "-m", "left", f"{first}^{{tree}}").out.strip()
    right = rig.git("commit-tree", "-p", first, "-m", "right", f"{first}^{{tree}}").out.strip()
    both = threading.Barrier(2)
    rig.gate.slots = Slots(2, 2)  # on a machine with one processor, too
    rig.checks.wait = lambda: both.wait(60)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda ref: rig.push(f"{ref}:main"), (left, right)))
    assert sorted(each.code for each in done) == [0, 1]
    [lost] = [each for each in done if each.code]
    assert f"main moved to {(rig.head or '')[:7]} during this push" in lost.lines
    assert len(rig.deploys.records) == 2 and not rig.deploys.intents


def test_git_that_ends_after_the_ref_moved_leaves_a_deployment(rig: Rig) -> None:
    """Killed between the move of the ref and post-receive."""
    commit = rig.commit()
    killing = Path(rig.root / "hooks")
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        killing.mkdir()
        (killing / "pre-receive").symlink_to(admitted.hooks_path / "pre-receive")
        other = type(admitted)(admitted.environ, killing)
        assert rig.push(admitted=other).code == 0
        assert not rig.deploys.records and len(rig.deploys.intents) == 1
    rig.settle()
    assert [record.commit for record in rig.deploys.records] == [commit]
    assert not rig.deploys.intents
    assert rig.ledger.entries[-1] == ("shop", "done", "")


def test_git_that_ends_after_some_refs_moved_is_believed_of_the_deployed_one_alone(
    rig: Rig,
) -> None:
    rig.commit()
    killing = Path(rig.root / "hooks")
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        killing.mkdir()
        (killing / "pre-receive").symlink_to(admitted.hooks_path / "pre-receive")
        other = type(admitted)(admitted.environ, killing)
        assert rig.push("main", "HEAD:refs/heads/other", admitted=other).code == 0
    assert audited(rig) == ("done", "in part: refs/heads/main is sure")


def test_git_that_ends_before_the_ref_moved_leaves_no_intent(rig: Rig) -> None:
    """Another push moved the ref behind our back: git itself finds out, after we said yes."""
    rig.commit()
    path = rig.registry.path(rig.repo)
    (path / "refs/heads").mkdir(exist_ok=True)

    def meanwhile() -> None:
        (path / "refs/heads/main.lock").write_text("")

    rig.deploys.on_intend = meanwhile
    done = rig.push()
    assert done.code == 1 and "failed to update ref" in done.out
    assert rig.head is None
    assert not rig.deploys.intents and not rig.deploys.records
    assert rig.ledger.entries[-1] == ("shop", "not done", "git did not move the ref")
    (path / "refs/heads/main.lock").unlink()
    rig.deploys.on_intend = lambda: None
    assert rig.push().code == 0


def audited(rig: Rig) -> tuple[str, str]:
    """How the last push ended, as the audit and the log have it."""
    rig.settle()
    _, result, detail = rig.ledger.entries[-1]
    assert json.loads(rig.logged().splitlines()[-1])["result"] == result
    return result, detail


def test_a_push_that_git_takes_in_part_is_written_down_so(rig: Rig) -> None:
    """Without `--atomic` a branch moves though another one cannot."""
    rig.commit()
    done = rig.push("HEAD:refs/heads/a", "HEAD:refs/heads/a/b", "HEAD:refs/heads/c")
    assert done.code == 1
    assert audited(rig) == ("done", "in part: git moved 2 of 3, refs/heads/a, refs/heads/c")
    done = rig.push("HEAD:refs/heads/main", "HEAD:refs/heads/c/d")
    assert len(rig.deploys.records) == 1
    assert audited(rig) == ("done", "in part: git moved 1 of 2, refs/heads/main")


def test_a_push_of_which_the_deployed_branch_stays_is_written_down_so(rig: Rig) -> None:
    rig.commit()
    lock = rig.registry.path(rig.repo) / "refs/heads/main.lock"
    rig.deploys.on_intend = lock.touch
    assert rig.push("main", "HEAD:refs/heads/other").code == 1
    assert rig.head is None
    assert not rig.deploys.intents and not rig.deploys.records
    assert audited(rig) == ("done", "in part: git moved 1 of 2, refs/heads/other")


def test_the_token_is_in_no_file_and_in_nothing_that_git_is_told(rig: Rig) -> None:
    rig.commit()
    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        assert TOKEN not in str(admitted)
        assert rig.push(admitted=admitted).code == 0
    rig.settle()
    for path in rig.data.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes()
    assert TOKEN not in rig.logged()


def test_each_push_is_a_line_of_the_log(rig: Rig) -> None:
    rig.commit()
    rig.push("HEAD:refs/tags/v1")
    rig.push()
    rig.push("HEAD:refs/heads/other")
    with rig.gate.admit(rig.repo, rig.who, "192.0.2.7"):
        pass
    rig.settle()
    lines = [json.loads(line) for line in rig.logged().splitlines()]
    assert [line["result"] for line in lines] == ["refused", "done", "done", "not done"]
    assert (lines[-1]["who"], lines[-1]["source"]) == ("ann", "192.0.2.7")


def test_a_large_file_beside_the_configuration_is_no_matter(rig: Rig) -> None:
    rig.commit({**FILES, "video.bin": "x" * (3 << 20), "jobs/web/large": "y" * (3 << 20)})
    assert rig.push().code == 0


def test_a_check_that_waits_too_long_for_a_slot_says_so(rig: Rig) -> None:
    rig.commit()
    rig.gate.slots = Slots(0, 0, clock=iter((0.0, 1000.0)).__next__)
    refused(rig, rig.push(), "the server checks too many pushes now")


def test_an_error_while_a_push_is_closed_is_logged(rig: Rig) -> None:
    rig.commit()

    def broken(_repo: object) -> str:
        raise ToolkitError("git did not end")

    with rig.gate.admit(rig.repo, rig.who, "") as admitted:
        assert rig.push("main", admitted=admitted).code == 0
        rig.gate.opens.head = broken  # type: ignore[method-assign, assignment]
    rig.settle()
    assert not rig.gate._pushes
