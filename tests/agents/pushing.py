"""The part of a hook server that deploys, on a real cluster: pushes are commits, no HTTP is spoken.

As a program it is such a server alone, which begins one deployment and is there to be killed.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hook.children import files
from hook.children.children import Children
from hook.deployments import Deployments
from hook.deployments.performing import Performing
from hook.who import Who

from tests.agents.cluster import LocalCluster
from tests.agents.guarded import Guarded
from tests.agents.stacks import Stack
from toolkit.repos.commits import head
from toolkit.repos.record_logs import Logs
from toolkit.repos.records import Records
from toolkit.repos.registry import Registry
from toolkit.repos.tree import GitTree
from toolkit.spec.agents import STATE_FILE
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.hook import HookConfig, HookTarget, RepoPolicy
from toolkit.spec.identity import Person
from toolkit.spec.repo import RefChange, Repo
from toolkit.spec.target import Secret
from toolkit.spec.tree import Tree

NOBODY = "0" * 40
WAITS = "import os, time; [time.sleep(0.1) for _ in iter(lambda: os.path.exists('GATE'), True)]"
TWO_TASKS = """[% extends "_lib/service.nomad.hcl.j2" %]
[% block group %]
task "beside" {
  driver = "raw_exec"
  config {
    command = "/bin/sleep"
    args    = ["900"]
  }
  resources {
    cpu    = 20
    memory = 16
  }
}
[% endblock %]
"""
DEPLOYS = """
namespace "default" {
  policy = "write"
  variables {
    path "toolkit/*" { capabilities = ["read", "write", "list", "destroy"] }
    path "nomad/jobs/*" { capabilities = ["list"] }
  }
}
node { policy = "read" }
agent { policy = "read" }
"""
"""What a pusher's token may do."""


class Pushed(Stack, Guarded):
    """A stack whose releases are commits."""

    def commit(self) -> str:
        """All that is there, as one more commit."""
        if not (self.root / ".git").exists():
            (self.root / ".gitignore").write_text(".toolkit\napp.py\n")
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "release")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        """Git in the project, as somebody."""
        said = subprocess.run(
            ["git", "-c", "user.name=dev", "-c", "user.email=dev@example.com", *words],
            cwd=self.root, env=self.environ(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return said.stdout

    def somebody(self, name: str) -> Who:
        """A person with a token of their own that may deploy."""
        said = self.nomad_token(DEPLOYS)
        return Who(Person(said["AccessorID"], name), Secret(said["SecretID"]))

    def revoke(self, who: Who) -> None:
        """Take their token away."""
        assert isinstance(who.caller, Person)
        self.nomad(f"/v1/acl/token/{who.caller.accessor}", method="DELETE")

    def gated(self, name: str, *needs: str) -> Path:
        """Work that is under way until the file is there that is returned."""
        gate = self.root / ".git" / f"go-{name}"
        self.work(name, *needs, script=WAITS.replace("GATE", str(gate)))
        return gate


class Server:
    """What deploys, with the data folder that outlives it."""

    def __init__(self, data: Path, config: HookConfig, *, children: Children | None = None):
        self.children = children or Children()
        self.bugs: list[BaseException] = []
        self.registry = Registry(data)
        self.records = Records(data)
        self.performing = Performing(
            children=self.children, config=config, gather=self._gather(config)
        )
        self.deployments = Deployments(
            self.records,
            Logs(self.records, most=config.limits.log_bytes),
            repos=self.registry,
            perform=self.performing,
            head=self.head,
            halt=self.performing.halt,
            on_bug=self.bugs.append,
        )

    def head(self, repo: Repo) -> str | None:
        return head(self.registry.path(repo), repo.branch)

    def _gather(self, config: HookConfig) -> Callable[[Repo, str], Tree]:
        def gather(repo: Repo, commit: str) -> Tree:
            with GitTree(self.registry.path(repo), commit) as tree:
                return files.gather(tree, config.limits)

        return gather

    def repo(self, name: str) -> Repo:
        return self.registry.create(name, creator="tests")[0]

    def intended(self, shop: Pushed, name: str, who: Who) -> tuple[RefChange, str]:
        """The project's newest commit, about to move the branch."""
        repo = self.repo(name)
        change = RefChange(self.head(repo) or NOBODY, shop.commit(), "refs/heads/main")
        return change, self.deployments.intend(name, change, who)

    def moved(self, shop: Pushed, name: str) -> None:
        """The branch moves, as git does it."""
        shop.git("push", "-q", str(self.registry.path(self.repo(name))), "main")

    def push(self, shop: Pushed, name: str, who: Who) -> Deployment:
        """A push from its beginning to the deployment's."""
        change, intent = self.intended(shop, name, who)
        self.moved(shop, name)
        return self.deployments.begin(name, change, who, intent=intent)

    def end_of(self, record: Deployment) -> tuple[Deployment, list[LogLine]]:
        """The record when its log has ended, and the log."""
        lines = list(self.deployments.follow(record.repo, record.id))
        return self.deployments.get(record.repo, record.id), lines

    def close(self) -> None:
        self.deployments.stop()
        self.children.close()
        assert not self.bugs


def config_of(cluster: LocalCluster) -> HookConfig:
    """hook.toml of development."""
    target = cluster.target()
    return HookConfig(
        cluster="dev",
        audience="hook.dev",
        url="http://127.0.0.1:8655",
        target=HookTarget(
            environment="dev",
            nomad=cluster._endpoint("Nomad", target.nomad.address, ""),
            consul=target.consul,
            edge=target.edge,
            state=str(cluster.root / STATE_FILE),
        ),
        policy=RepoPolicy(),
    )


class Mortal:
    """A server that is killed."""

    def __init__(self, data: Path, config: HookConfig, shop: Pushed, who: Who):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.agents.pushing"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False,
        )  # fmt: skip
        assert self.process.stdin is not None
        pickle.dump((data, config, shop.cluster.root, shop.root, who), self.process.stdin)
        self.process.stdin.close()

    def hear(self, word: str) -> str:
        """The next line of the log with this word in it."""
        assert self.process.stdout is not None
        heard = []
        for line in self.process.stdout:
            heard.append(line.decode())
            if word in heard[-1]:
                return heard[-1]
        raise AssertionError(f"never said {word}: {''.join(heard)}")

    def kill(self) -> None:
        """SIGKILL, as a machine would."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def main() -> None:
    """Begin one deployment, and print its log as it comes."""
    data, config, cluster, root, who = pickle.load(sys.stdin.buffer)
    children = Children()
    children.start()
    server = Server(data, config, children=children)
    shop = Pushed.__new__(Pushed)
    shop.cluster, shop.root, shop.given = LocalCluster(cluster, None), root, {}  # type: ignore[arg-type]
    record = server.push(shop, "killed", who)
    for line in server.deployments.follow(record.repo, record.id):
        print(line.stage, line.job, line.text, flush=True)


if __name__ == "__main__":
    main()
