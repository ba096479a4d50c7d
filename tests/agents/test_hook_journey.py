"""The hook server as its users meet it: deployed, pushed to by git itself, followed, gone back."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.agents.shop import Said
from tests.agents.stacks import Stack
from tests.docs.pages import blocks, steps
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

REPO = "shop"
SECONDS = 120.0


class Project(Stack, Guarded):
    """A project that is a git work tree."""

    def git(self, *words: str, token: str | None = None, folder: Path | None = None) -> Said:
        """Git as a person types it; it asks nobody at a terminal."""
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
        who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
        more = {} if token is None else {"NOMAD_TOKEN": token}
        ran = subprocess.run(
            ["git", *words],
            cwd=folder or self.root,
            env={**self.environ(), **who, **more, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        return Said(ran.returncode, ran.stdout, ran.stderr)

    def commit(self) -> str:
        """All that is there, as one more commit."""
        assert self.git("add", "-A").code == 0
        assert self.git("commit", "-q", "-m", "release").code == 0
        return self.git("rev-parse", "HEAD").out.strip()


@dataclass
class Journey:
    """A project with a hook server that runs, on a cluster that asks for tokens."""

    shop: Project
    job: str
    before: Said
    """What was said when no server ran yet."""
    deployed: Said
    created: Said
    """Of the repository, in the project's work tree."""
    pushed: Said
    """The first push."""

    @property
    def url(self) -> str:
        return str(self.created.report["repo"]["url"])

    def repo(self, *arguments: str, token: str | None = None, folder: Path | None = None) -> Said:
        """`toolkit repo …`, with the project's own token unless another one is given."""
        environ = self.shop.environ() | ({} if token is None else {"NOMAD_TOKEN": token})
        return self.shop.toolkit("repo", *arguments, environ=environ, folder=folder)

    def tip(self) -> str:
        """Where the deploy branch is on the server."""
        return self.shop.git("ls-remote", "hook", "refs/heads/main").out.partition("\t")[0]

    def last(self) -> dict[str, Any]:
        """The record of the newest deployment."""
        found = self.repo("show", REPO, "--last", "1", "--json").report["deployments"]
        assert isinstance(found[0], dict)
        return found[0]


def documents(said: Said) -> list[dict[str, Any]]:
    """A document a line."""
    return [json.loads(line) for line in said.out.splitlines()]


def remote(said: Said) -> str:
    """What the server said to git, without git's own marks."""
    lines = said.err.splitlines()
    heard = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    return "\n".join(heard)


def error(said: Said) -> str:
    """What a refused command says, on one line."""
    assert said.code != 0, said.out
    assert "Traceback" not in said.err
    return " ".join(said.err.split())


@pytest.fixture(scope="module")
def journey(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    root = tmp_path_factory.mktemp("hook")
    with local_cluster(root / "cluster", acl=True, machine=machine) as cluster:
        shop = Project(cluster, root / "project")
        job = shop.service(shop.name("web"))
        shop.stack(job)
        (shop.root / ".gitignore").write_text(".toolkit\napp.py\n")
        assert shop.git("init", "-q", "-b", "main").code == 0
        shop.commit()
        before = shop.toolkit("repo", "list")
        deployed = shop.deploy("hook")
        assert deployed.code == 0, deployed.out + deployed.err
        created = shop.toolkit("repo", "create", REPO, "--json")
        assert created.code == 0, created.out + created.err
        url = shop.toolkit("repo", "url", REPO)
        assert shop.git("remote", "add", "hook", url.out.strip()).code == 0
        pushed = shop.git("push", "hook", "main")
        yield Journey(shop, job, before, deployed, created, pushed)


# --- what is refused ---------------------------------------------------------------------------


def test_without_a_server_the_command_says_how_to_get_one(journey: Journey) -> None:
    assert journey.before.code == 1
    assert "no hook server runs in environment dev" in error(journey.before)
    assert "hint: toolkit deploy hook" in error(journey.before)


def test_a_push_that_does_not_load_names_file_and_line_and_moves_nothing(journey: Journey) -> None:
    shop, tip = journey.shop, journey.tip()
    path = shop.root / "jobs" / journey.job / "job.toml"
    good = path.read_text()
    path.write_text(good.replace("[resources]", "[resources]\ncpuu = 1"))
    line = path.read_text().splitlines().index("cpuu = 1") + 1
    shop.commit()
    said = shop.git("push", "hook", "HEAD:main")
    path.write_text(good)
    shop.commit()
    assert said.code == 1
    assert "pre-receive hook declined" in said.err
    assert f"jobs/{journey.job}/job.toml:{line}: resources.cpuu: unknown key" in remote(said)
    assert journey.tip() == tip
    assert journey.last()["id"] == 1


@pytest.mark.parametrize(
    "token", ["", str(uuid.uuid4()), "anonymous"], ids=["empty", "unknown", "anonymous"]
)
def test_who_is_nobody_neither_pushes_nor_reads(journey: Journey, token: str) -> None:
    helper = f"!printf 'username=toolkit\\npassword={token}\\n' #"
    own = ("-c", "credential.helper=", "-c", f"credential.{journey.url}.helper={helper}")
    clone = journey.shop.root.parent / f"clone-{uuid.uuid4()}"
    said = journey.shop.git(*own, "clone", "-q", journey.url, str(clone), folder=clone.parent)
    assert said.code == 128
    assert "Authentication failed" in said.err or "could not read" in said.err
    assert not clone.exists()


def test_a_person_without_a_rule_is_told_where_rules_are(journey: Journey) -> None:
    token = str(journey.shop.nomad_token('namespace "*" { policy = "read" }')["SecretID"])
    for said in (journey.repo("show", REPO, token=token), journey.repo("log", REPO, token=token)):
        assert "hook.toml" in error(said)
        assert token not in said.err
    assert journey.repo("list", "--json", token=token).report["repos"] == []
    pushed = journey.shop.git("push", "hook", "main", token=token)
    assert pushed.code != 0
    assert token not in pushed.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "Shop"), "cannot name a repository"),
        (("create", "../shop"), "cannot name a repository"),
        (("create", "new", "--branch", "a..b"), "branch"),
        (("show", "nope"), "there is no repository nope"),
        (("log", "nope"), "there is no repository nope"),
        (("log", REPO, "99"), "has no deployment 99"),
        (("redeploy", REPO, "99"), "99"),
        (("rollback", REPO, "--to", "99"), "99"),
        (("resume", REPO, "1"), "nothing to resume"),
        (("delete", "nope", "--yes"), "there is no repository nope"),
        (("delete", REPO), "not confirmed, nothing was changed"),
        (("restore", "nope"), "no repository nope is in the trash"),
    ],
)
def test_bad_input_is_one_clear_message(
    journey: Journey, arguments: tuple[str, ...], told: str
) -> None:
    said = journey.repo(*arguments)
    assert said.code == 1
    assert told in error(said)


# --- the journey -------------------------------------------------------------------------------


def test_a_repository_is_made_once_and_git_told_how_to_ask(journey: Journey) -> None:
    assert journey.created.report["verdict"] == "created"
    again = journey.repo("create", REPO, "--json").report
    assert (again["verdict"], again["work_tree"]["changed"]) == ("unchanged", False)
    assert again["next"] == "git push hook main"
    queued = journey.repo("create", REPO, "--order", "queue", "--json").report
    assert (queued["verdict"], queued["repo"]["order"]) == ("changed", "queue")
    elsewhere = journey.repo("create", REPO, "--json", folder=journey.shop.root / "jobs").report
    assert elsewhere["work_tree"]["changed"] is False
    base = journey.url.removesuffix(f"/{REPO}.git")
    asked = journey.shop.git("config", "--get-all", f"credential.{base}.helper").out.split("\n")
    assert asked[0] == ""
    assert asked[1].endswith("-m toolkit repo credential --env dev")
    assert journey.repo("url", REPO).out == journey.url + "\n"
    assert [each["name"] for each in journey.repo("list", "--json").report["repos"]] == [REPO]


def test_the_page_shows_what_the_command_says(journey: Journey, tmp_path: Path) -> None:
    shown = {
        step.command: step.shown
        for block in blocks("docs/hook.md")
        if block.kind == "console"
        for step in steps(block)
    }
    journey.shop.git("init", "-q", "-b", "main", str(tmp_path))
    (tmp_path / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    (tmp_path / ".toolkit").symlink_to(journey.shop.cluster.root / ".toolkit")
    said = journey.repo("create", "page", folder=tmp_path)
    assert said.code == 0, said.err
    assert journey.repo("delete", "page", "--yes").code == 0
    port = str(journey.shop.cluster.state.ports.hook_http)
    alike = [line.replace(port, "8655").replace("page", "shop") for line in said.out.splitlines()]
    assert alike == list(shown["toolkit repo create shop"])


def test_the_pusher_watches_the_rollout(journey: Journey) -> None:
    assert journey.pushed.code == 0, journey.pushed.err
    told = remote(journey.pushed)
    assert re.match(rf"{REPO} [0-9a-f]{{7}} → ", told), told
    assert f"plan: {journey.job} 1.0.0 (1 placed)" in told
    assert re.search(rf"{journey.job} .* running", told)
    assert re.search(rf"^deployed in .* toolkit repo log {REPO} 1$", told, re.MULTILINE)
    assert journey.shop.release(journey.job) == "1.0.0"
    assert journey.shop.serves(journey.job)


def test_the_log_is_there_for_whoever_comes_later(journey: Journey) -> None:
    said = journey.repo("log", REPO, "1")
    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("deployed in ")
    assert said.out.count("deployed in ") == 1
    raw = journey.shop.toolkit("repo", "log", REPO, "1", "--json")
    *lines, end = documents(raw)
    assert [each["number"] for each in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["document"]["schema"] == "toolkit.stack/1"
    assert (end["schema"], end["verdict"]) == ("toolkit.repo-deployment/1", "deployed")
    assert end["deployment"]["commit"] == journey.shop.git("rev-parse", "main~2").out.strip()


def test_a_release_that_does_not_take_says_so_and_the_old_one_serves(journey: Journey) -> None:
    shop = journey.shop
    shop.service(journey.job, release="1.1.0", mode="crash")
    commit = shop.commit()
    said = shop.git("push", "hook", "main")
    assert said.code == 0  # the branch moved: that is what git was asked
    assert re.search(r"^reverted", remote(said), re.MULTILINE), remote(said)
    number = str(journey.last()["id"])
    log = journey.repo("log", REPO, number)
    assert log.code == 8
    assert "FATAL no database" in log.out
    assert journey.last()["commit"] == commit
    assert journey.tip() == commit
    assert shop.release(journey.job) == "1.0.0"


def test_a_deployment_is_gone_back_to_and_done_again(journey: Journey) -> None:
    shop = journey.shop
    shop.service(journey.job, release="1.2.0")
    commit = shop.commit()
    assert shop.git("push", "hook", "main").code == 0
    assert shop.release(journey.job) == "1.2.0"
    back = journey.repo("rollback", REPO)
    assert back.code == 0, back.out + back.err
    assert shop.release(journey.job) == "1.0.0"
    assert (journey.last()["kind"], journey.tip()) == ("rollback", commit)
    again = journey.repo("redeploy", REPO, "--json")
    *_, end = documents(again)
    assert (again.code, end["verdict"], end["followed"]) == (0, "unchanged", True)
    assert end["deployment"]["of"] == end["deployment"]["id"] - 1
    left = journey.repo("redeploy", REPO, "1", "--no-follow", "--json")
    [begun] = documents(left)
    assert (left.code, begun["followed"], begun["deployment"]["of"]) == (0, False, 1)
    assert journey.repo("log", REPO).code == 0
    shown = journey.repo("show", REPO).out
    assert "redeploy of 1; unchanged in" in shown


def test_a_clone_asks_the_helper(journey: Journey, tmp_path: Path) -> None:
    shop = journey.shop
    base = journey.url.removesuffix(f"/{REPO}.git")
    helper = shop.git("config", "--get-all", f"credential.{base}.helper").out.split("\n")[1]
    own = ("-c", "credential.helper=", "-c", f"credential.{base}.helper={helper}")
    said = shop.git(*own, "clone", "-q", journey.url, str(tmp_path / "copy"))
    assert said.code == 0, said.err
    assert (tmp_path / "copy" / "toolkit.toml").exists()
    token = shop.cluster.state.nomad_token
    assert token not in (tmp_path / "copy" / ".git" / "config").read_text()


def test_the_token_goes_to_the_server_and_is_kept_nowhere(journey: Journey) -> None:
    shop = journey.shop
    secrets = [shop.cluster.state.nomad_token, shop.cluster.state.consul_token]
    kept = [shop.root / ".git", shop.cluster.root / ".toolkit" / "hook"]
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    logs = shop.toolkit("logs", "hook").out
    said = [path.read_bytes().decode(errors="replace") for path in files]
    for text in [*said, logs, journey.pushed.err]:
        assert not [secret for secret in secrets if secret in text]


def test_the_repository_outlives_the_server_and_goes_when_it_is_told_to(journey: Journey) -> None:
    shop = journey.shop
    assert shop.toolkit("stop", "hook", "--yes").code == 0
    assert "no hook server runs" in error(journey.repo("list"))
    # Git is told by the helper why there is no token for it.
    pushed = shop.git("push", "hook", "main")
    assert pushed.code != 0
    said = shop.deploy("hook")
    assert said.report["verdict"] == "deployed", said.out + said.err
    assert journey.repo("show", REPO, "--json").report["deployments"]
    gone = journey.repo("delete", REPO, "--yes", "--json").report
    assert gone["verdict"] == "deleted"
    assert "there is no repository" in error(journey.repo("show", REPO))
    assert shop.git("ls-remote", "hook").code != 0
    assert shop.running(journey.job)
    back = journey.repo("restore", REPO, gone["trash"], "--json").report
    assert (back["verdict"], back["repo"]["name"]) == ("restored", REPO)
    assert journey.repo("show", REPO, "--json").report["deployments"]
    assert shop.git("ls-remote", "hook").code == 0
    assert f"repository {REPO} is there" in error(journey.repo("restore", REPO))
