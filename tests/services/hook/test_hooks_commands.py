"""`toolkit hook …` against a hook server, and pushes that meet what it stored."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
from hook.sandbox import box

from tests.agents.shop import Said
from tests.faults.shell import call
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    READER_TOKEN,
    HookProcess,
    git,
    hook_process,
)
from tests.services.hook.sandbox_rig import processes_of

HOME = re.compile(r"remote: (/\S+/home)\s*$")
NUMBER = re.compile(r"remote: (\d+)\s*$")
PROJECT = """\
default_environment = "dev"
[environments.dev]
nomad = "http://127.0.0.1:1"
consul = "http://127.0.0.1:1"
hook = "{url}"
"""


class Typing:
    """Commands as somebody types them, in a project whose hook server is this one."""

    def __init__(self, folder: Path, url: str):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "toolkit.toml").write_text(PROJECT.format(url=url))

    def hook(self, *words: str, token: str = ADMIN_TOKEN) -> Said:
        return call(self.folder, "hook", *words, environ={"NOMAD_TOKEN": token})

    def json(self, *words: str) -> Any:
        said = self.hook(*words, "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)

    def write(self, name: str, text: str) -> None:
        path = self.folder / "hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def typing(hook_server: HookProcess, tmp_path: Path) -> Typing:
    return Typing(tmp_path / "project", hook_server.url)


def test_the_life_of_a_repositorys_hooks(typing: Typing, hook_server: HookProcess) -> None:
    typing.write("post-receive", "#!/bin/sh\n. $TOOLKIT_HOOKS/lib/say\n")
    typing.write("lib/say", "echo one\n")
    made = typing.json("create", "life")
    assert (made["verdict"], made["hooks"]["current"]) == ("created", None)
    assert made["next"] == "toolkit hook push life FOLDER"
    assert hook_server.ask("GET", "/repos/life").status_code == 200
    first = typing.json("push", "life", "hooks")
    assert first["verdict"] == "pushed"
    one = first["hooks"]["current"]
    assert typing.json("push", "life", "hooks")["verdict"] == "unchanged"
    typing.write("pre-commit", "#!/bin/sh\n")
    second = typing.json("push", "life", "hooks")
    assert second["notes"] == ["pre-commit: kept, but never runs on a server"]
    assert second["next"] == "toolkit hook rollback life"
    assert typing.json("create", "life", "hooks")["verdict"] == "unchanged"
    assert typing.json("create", "life")["verdict"] == "unchanged"

    shown = typing.json("show", "life", one[:6])
    assert (shown["version"]["digest"], shown["current"]) == (one, False)
    assert [each["path"] for each in shown["entries"]] == ["lib/say", "post-receive"]
    assert "does not run" in typing.hook("show", "life", one[:6]).out
    listed = typing.hook("list", "life").out.splitlines()
    assert len(listed) == 3 and "runs" in listed[1] and one[:12] in listed[2]
    assert "life" in typing.hook("list").out

    assert typing.json("rollback", "life")["hooks"]["current"] == one
    assert typing.json("rollback", "life", one[:4])["verdict"] == "unchanged"
    off = typing.json("rm", "life", "post-receive")
    assert off["sentence"].startswith("post-receive of life does not run any more; ")
    assert (off["verdict"], off["hooks"]["active"]) == ("off", [])
    assert off["next"] == f"toolkit hook rollback life {one[:12]}"
    assert typing.json("rm", "life", "post-receive")["verdict"] == "unchanged"
    assert typing.json("rollback", "life", one[:12])["hooks"]["active"] == ["post-receive"]
    assert typing.json("rm", "life")["hooks"]["current"] is None
    assert typing.json("rollback", "life")["hooks"]["current"] == one

    unanswered = typing.hook("destroy", "life")
    assert unanswered.code == 1 and "--yes" in unanswered.err
    assert typing.json("list", "life")["hooks"][0]["current"] == one
    gone = typing.json("destroy", "life", "--yes")
    assert (gone["verdict"], gone["hooks"]) == ("destroyed", None)
    assert (hook_server.data / "trash" / gone["trash"]).is_dir()
    assert typing.hook("list", "life").out == "life has no version of its hooks\n"
    assert typing.json("list", "life")["hooks"] == []


@pytest.mark.parametrize("words", [("push", "none", "hooks"), ("rollback", "none"), ("rm", "none")])
def test_hooks_of_no_repository_are_refused(typing: Typing, words: tuple[str, ...]) -> None:
    typing.write("post-receive", "#!/bin/sh\n")
    said = typing.hook(*words)
    assert said.code == 1
    assert "there is no repository none" in said.err


def test_hooks_are_for_who_administers_a_repository(
    typing: Typing, hook_server: HookProcess
) -> None:
    hook_server.make("shop")
    typing.write("post-receive", "#!/bin/sh\n")
    for words in (("push", "shop", "hooks"), ("create", "shop"), ("destroy", "shop", "--yes")):
        said = typing.hook(*words, token=READER_TOKEN)
        assert said.code == 1
        assert "hook.toml" in said.err
    assert typing.hook("list", "shop", token=READER_TOKEN).code == 0


def test_a_folder_is_checked_before_anybody_is_asked(typing: Typing, tmp_path: Path) -> None:
    assert "is no folder" in typing.hook("push", "shop", "nowhere").err
    typing.write("post-recieve", "#!/bin/sh\n")
    typing.write(".git/config", "left out")
    (typing.folder / "hooks" / "update").symlink_to("/etc/passwd")
    (typing.folder / "hooks" / "lib").symlink_to("/etc")
    said = typing.hook("push", "shop", "hooks")
    assert said.code == 1
    assert "update: is a symbolic link" in said.err
    assert "lib: is a symbolic link" in said.err
    assert "post-recieve: is no hook of git (is post-receive meant?" in said.err
    assert "left out" not in said.err and ".git" not in said.err


def commit(folder: Path, text: str) -> None:
    """One more commit on the branch `work`, with another text."""
    if not folder.exists():
        git("init", "-q", "-b", "work", str(folder))
    (folder / "file").write_text(text)
    git("add", ".", cwd=folder)
    git("commit", "-qm", text, cwd=folder)


def test_a_push_meets_the_scripts_and_their_replacement_keeps_its_commits(
    typing: Typing, hook_server: HookProcess, tmp_path: Path
) -> None:
    """The whole way: git, the gate, the sandbox. What was pushed outlives every change of hooks."""
    work = tmp_path / "work"
    commit(work, "one")
    typing.write(
        "pre-receive",
        '#!/bin/sh\nread old new ref\ngit show "$new:file"; echo; echo "$TOOLKIT_PUSHER $ref"\n'
        'test "$(git show $new:file)" != forbidden\n',
    )
    typing.write("update", '#!/bin/sh\necho "update $1"\n')
    typing.write("post-receive", '#!/bin/sh\necho "after $(cat)"; env | grep -c 0000-4000\n')
    typing.json("create", "shop", "hooks")
    remote = hook_server.remote("shop")
    said = git("push", remote, "work", cwd=work).stderr
    for line in ("one", "alice refs/heads/work", "update refs/heads/work"):
        assert f"remote: {line} " in said
    head = git("rev-parse", "HEAD", cwd=work).stdout.strip()
    assert f"remote: after {'0' * 40} {head} refs/heads/work" in said
    assert "remote: 0 " in said, "no token in the environment of a script"

    commit(work, "forbidden")
    refused = git("push", remote, "work", cwd=work, check=False)
    assert refused.returncode != 0
    assert "the hook pre-receive of shop refused the push with exit code 1" in refused.stderr
    assert git("ls-remote", remote, "work").stdout.split()[0] == head

    typing.write("pre-receive", '#!/bin/sh\necho "$(git log --format=%s | head -1)"\n')
    typing.json("push", "shop", "hooks")
    typing.json("create", "shop", "hooks")
    assert git("ls-remote", remote, "work").stdout.split()[0] == head
    assert git("push", remote, "work", cwd=work).returncode == 0
    typing.json("destroy", "shop", "--yes")
    assert git("ls-remote", remote, "work").stdout.split()[0] != head


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="another user: needs root")
def test_a_server_that_is_killed_leaves_no_script_behind(tmp_path: Path) -> None:
    """Nobody is left to end it: the process that watches a script sees the server go."""
    (tmp_path / "server").mkdir()
    work = tmp_path / "work"
    commit(work, "one")
    with hook_process(tmp_path / "server") as server:
        typing = Typing(tmp_path / "project", server.url)
        typing.write("pre-receive", "#!/bin/sh\npwd\nid -u\nsetsid sleep 600 &\nsleep 600\n")
        typing.json("create", "shop", "hooks")
        words = ["git", "push", server.remote("shop"), "work"]
        with subprocess.Popen(words, cwd=work, stderr=subprocess.PIPE, text=True) as push:
            assert push.stderr is not None
            lines = iter(push.stderr.readline, "")
            home = next(found[1] for line in lines if (found := HOME.match(line)))
            uid = next(int(found[1]) for line in lines if (found := NUMBER.match(line)))
            left = processes_of(uid)
            assert left
            server.process.kill()
            assert psutil.wait_procs(left, timeout=60)[1] == []
            push.stderr.read()
        assert push.returncode != 0
    folder = Path(home).parent
    os.utime(folder, (1.0, 1.0))
    assert box.sweep() >= 1, "the next server does so before its first script"
    assert not folder.exists()
