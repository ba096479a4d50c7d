"""A Nomad that plans whatever it is asked, registers nothing, and does odd things when told to.

Beside it a hook server goes through all of a push: the check, the ref, the record, the deployment
in a child, its verdict. Nothing ever runs.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.scripted import Asked, Reply
from tests.identity.nomad_server import State, said
from tests.repos.packs import Object, commit_of, id_of, line_of
from tests.services.hook.hook_process import PUSHER_TOKEN, git, nomad_state

FILES = {
    "toolkit.toml": '[stack]\njobs = ["web"]\n[environments.dev]\ndriver = "raw_exec"\n',
    "jobs/web/job.toml": (
        'name = "web"\nkind = "batch"\n[release]\nversion = "1.0.0"\n'
        '[driver.raw_exec]\ncommand = "/bin/true"\n'
    ),
    "jobs/web/job.nomad.hcl.j2": '[% extends "_lib/batch.nomad.hcl.j2" %]\n',
}
"""A project of one job, which is work."""

_JOB = re.compile(r'^job "([^"]+)"', re.MULTILINE)
_SERVICE = re.compile(r'^\s*service {\s*\n(?:.*\n)*?\s*address\s*=\s*"([^"]*)"', re.MULTILINE)


@dataclass
class Obliging:
    """What it knows, and what it was asked; for several threads."""

    state: State = field(default_factory=nomad_state)
    on: Callable[[Asked], Reply | None] = lambda _asked: None
    """A test's own answer, or None."""
    calls: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        self.calls.append(asked)
        if (own := self.on(asked)) is not None:
            return own
        known = self.state.answer(asked)
        if known.status != 404:
            return known
        match asked.path.strip("/").split("/")[1:]:
            case ["jobs", "parse"]:
                return said(_parsed(json.loads(asked.body)["JobHCL"]))
            case ["validate", "job"]:
                return said({"ValidationErrors": None, "Error": "", "Warnings": ""})
            case ["job", _, "plan"]:
                return said(_PLANNED)
        if asked.method == "GET":
            return Reply(b"job not found", 404)
        return Reply(b"nothing is registered here", 500)

    def of(self, secret: str, part: str = "") -> list[Asked]:
        """What was asked with a token, of paths with this in them."""
        return [
            each
            for each in tuple(self.calls)
            if each.headers.get("X-Nomad-Token") == secret and part in each.path
        ]


def _parsed(hcl: str) -> dict[str, Any]:
    """As much of a job as a plan needs."""
    found = _JOB.search(hcl)
    assert found, hcl
    name = found[1]
    services = [
        {"Name": name, "Provider": "consul", "PortLabel": "http", "Address": address}
        for address in _SERVICE.findall(hcl)
    ]
    task = {
        "Name": "app", "Driver": "raw_exec", "Config": {}, "Resources": {"CPU": 10, "MemoryMB": 10},
    }  # fmt: skip
    return {
        "ID": name, "Name": name, "Type": "batch", "Namespace": "default", "Region": "global",
        "Priority": 50, "Meta": {"release": "1"},
        "TaskGroups": [{"Name": "app", "Count": 1, "Tasks": [task], "Services": services}],
    }  # fmt: skip


_PLANNED = {
    "Annotations": {"DesiredTGUpdates": {"app": {"Place": 1}}},
    "Diff": {"Type": "Added", "ID": "web"},
    "JobModifyIndex": 0,
    "FailedTGAllocs": None,
}


class Held:
    """Requests that wait until a test lets them go on."""

    def __init__(self, wanted: Callable[[Asked], bool], count: int = 1):
        """`count`: how many have to be there before `arrived` is set."""
        self.arrived = threading.Event()
        self.release = threading.Event()
        self._wanted, self._count = wanted, count
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> None:
        """To be called by `Obliging.on`."""
        if not self._wanted(asked):
            return
        with self._lock:
            self._seen["all"] += 1
            if self._seen["all"] >= self._count:
                self.arrived.set()
        assert self.release.wait(60), "the test forgot to let go"


def project(
    folder: Path, files: Mapping[str, str] = FILES, *, message: str = "x", author: str = "A"
) -> str:
    """These files as one more commit of a work tree, which is made where there is none."""
    if not folder.exists():
        folder.mkdir(parents=True)
        git("init", "-q", "-b", "main", cwd=folder)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git("add", "-A", cwd=folder)
    git("-c", f"user.name={author}", "commit", "-q", "--allow-empty", "-m", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder).stdout.strip()


def objects_of(files: Mapping[str, str]) -> list[Object]:
    """These files as the objects of one commit, which is the last of them."""
    below: dict[str, dict[str, str]] = {}
    lines: dict[bytes, bytes] = {}
    objects: list[Object] = []
    for path, text in files.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first, {})[rest] = text
            continue
        objects.append(("blob", text.encode()))
        lines[first.encode()] = line_of("100644", first.encode(), id_of(objects[-1]))
    for name, inner in below.items():
        objects += objects_of(inner)[:-1]
        lines[name.encode() + b"/"] = line_of("40000", name.encode(), id_of(objects[-1]))
    objects.append(("tree", b"".join(lines[key] for key in sorted(lines))))
    return [*objects, commit_of(id_of(objects[-1]))]


def pushed(
    folder: Path, server: Any, *refs: str, name: str = "shop", secret: str = PUSHER_TOKEN
) -> tuple[int, str]:
    """Git's exit code, and all that it showed."""
    done = git("push", server.remote(name, secret), *(refs or ("main",)), cwd=folder, check=False)
    return done.returncode, done.stdout + done.stderr
