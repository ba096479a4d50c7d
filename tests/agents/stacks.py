"""A stack of small jobs in a shop's project, each test with one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Hook, Said, Shop

WORK = """
name = "NAME"
kind = "batch"
[release]
version = "RELEASE"
[driver.raw_exec]
args = ["-S", "-E", "-c", "SCRIPT"]
[resources]
cpu = 20
memory = 24
"""
WORK_TEMPLATE = '[% extends "_lib/batch.nomad.hcl.j2" %]\n'

QUICK = {
    'min_healthy_time = "500ms"': 'min_healthy_time = "100ms"',
    'shutdown_delay = "1s"': 'shutdown_delay = "0s"',
}


class Stack(Shop):
    """A project of its own: `--all` means the jobs that were named last."""

    def __init__(self, cluster: LocalCluster, root: Path) -> None:
        super().__init__(cluster, root)
        self.jobs: list[str] = []

    def stack(self, *names: str, more: str = "") -> None:
        """What `--all` means."""
        self.jobs = list(names)
        listed = ", ".join(f'"{name}"' for name in names)
        self.environment(f"[stack]\njobs = [{listed}]\n{more}\n")

    def service(
        self,
        name: str,
        *needs: str,
        release: str = "1.0.0",
        mode: str = "fine",
        count: int = 1,
        change: Mapping[str, str] | None = None,
        **how: Any,
    ) -> str:
        """A service of the shop that waits for others."""
        told = {'MODE = "fine"': f'MODE = "{mode}"', **(change or {}), **QUICK}
        told['kind = "service"'] = f'kind = "service"\ndepends = {_listed(needs)}'
        return self.write(name, release=release, count=count, change=told, **how)

    def work(self, name: str, *needs: str, script: str = "", release: str = "1") -> str:
        """A job that ends; `script` is Python of one line."""
        text = WORK.replace("NAME", name).replace("RELEASE", release)
        text = text.replace("SCRIPT", script or "print(1)")
        text = text.replace('kind = "batch"', f'kind = "batch"\ndepends = {_listed(needs)}')
        folder = self.root / "jobs" / name
        folder.mkdir(exist_ok=True)
        (folder / "job.toml").write_text(text)
        (folder / "job.nomad.hcl.j2").write_text(WORK_TEMPLATE)
        return name

    def all(self, *arguments: str, on: Mapping[str, Hook] | None = None) -> Said:
        """`toolkit deploy --all … --json`."""
        return self.toolkit("deploy", "--all", *arguments, "--json", on=on)

    def names(self, *words: str) -> list[str]:
        """Job names that no other test has."""
        return [self.name(word) for word in words]

    def versions(self, name: str) -> list[int]:
        """The job versions that Nomad has, the oldest first."""
        found = self.nomad(f"/v1/job/{name}/versions")
        return sorted(each["Version"] for each in (found or {"Versions": []})["Versions"])

    def submitted(self, name: str) -> int:
        """When the newest version was registered, in Nomad's index."""
        return int(self.job(name)["JobModifyIndex"])

    def ended(self, name: str) -> int:
        """The index at which the newest deployment of a service ended."""
        return int(self.deployments(name)[-1]["ModifyIndex"])

    def close(self) -> None:
        """Purge, and forget what the stack was."""
        super().close()
        for each in self.nomad("/v1/vars?prefix=toolkit/") or []:
            if any(name in each["Path"] for name in self.made) or "/stacks/" in each["Path"]:
                self.nomad(f"/v1/var/{each['Path']}", method="DELETE")


def _listed(needs: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{need}"' for need in needs) + "]"


def rows(said: Said) -> dict[str, dict[str, Any]]:
    """The jobs of the report by name."""
    return {row["job"]: row for row in said.report["jobs"]}


def words(said: Said) -> dict[str, str | None]:
    """The verdicts of the report by job."""
    return {name: row["verdict"] for name, row in rows(said).items()}


def serves(said: Said) -> dict[str, tuple[str | None, str]]:
    """What there is of each job at the end: its release, and what of it holds."""
    found = {name: row["serves"] for name, row in rows(said).items()}
    return {name: (each["release"], each["word"]) for name, each in found.items()}
