"""Record what the agents answer while cases are played: `python -m tests.agents.gallery.record`.

With names of cases only those, else all that need nothing special. Each is written to
`recorded/NAME.json`, which the pure tests replay.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.agents.cluster import local_cluster
from tests.agents.gallery.case import Case
from tests.agents.gallery.play import REFUSED, cases, judge, play_and_leave
from tests.agents.gallery.recorder import Recorder, kept, recording, without
from tests.agents.gallery.stage import Stage, staged
from tests.agents.shop import Said, ask

FOLDER = Path(__file__).parent / "recorded"
AT_ONCE = 3
PROBED = re.compile(r"asked now, http://[^/]+(/\S*) answers (\d+) ?(.*)$")
"""How a cause says what an instance answered when it was asked for its health itself."""
LAST = ("", "/versions", "/allocations", "/deployments", "/evaluations")
"""What is read of a job when it is over, whatever the deploy asked for."""


class Recorded(Stage):
    """A stage whose deploys pass through recorders."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.shop, stage.words)
        self.nomad_said: Recorder | None = None
        self.consul_said: Recorder | None = None

    def deploy(self, case: Case, text: str, *options: str) -> Said:
        """`toolkit deploy … --json` without a project, so that it talks to the recorders."""
        path = self.path(case, text)
        cluster = self.shop.cluster
        with recording(cluster.nomad_address) as nomad, recording(cluster.consul_address) as consul:
            self.nomad_said, self.consul_said = nomad, consul
            addresses = {"NOMAD_ADDR": nomad.address, "CONSUL_HTTP_ADDR": consul.address}
            said = self.shop.toolkit(
                "deploy", path, *options, "--json",
                environ={**self.shop.environ(), **addresses}, folder=self.shop.root.parent,
            )  # fmt: skip
            for part in LAST:
                ask(f"{nomad.address}/v1/job/{case.name}{part}")
        return said


def record(stage: Stage, case: Case) -> dict[str, Any]:
    """Play a case and give what is to be kept of it."""
    recorded = Recorded(stage)
    played = play_and_leave(recorded, case)
    judge(played)
    assert recorded.nomad_said is not None and recorded.consul_said is not None
    words = {**stage.words, "FOLDER": "/stage", "PYTHON": "/usr/bin/python3"}
    away = {str(stage.words[name]): str(words[name]) for name in ("FOLDER", "PYTHON")}
    away |= {str(stage.shop.cluster.root): "/agents", sys.base_prefix: "/usr"}
    away |= dict.fromkeys(case.hides, "[hidden]")
    report = json.loads(without(played.said.out, away))
    kept_of_it = ("job", "version", "evaluation", "deployment", "verdict", "code", "causes")
    return {
        "case": case.name,
        "words": words,
        "said": {name: report.get(name) for name in kept_of_it},
        "nomad": kept(recorded.nomad_said.calls, away),
        "consul": kept(recorded.consul_said.calls, away) + _probes(report["causes"]),
    }


def _probes(causes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What instances answered, which passes no agent."""
    told = [PROBED.search(line) for cause in causes for line in cause["evidence"]]
    return [
        {"at": 0.0, "path": found[1], "status": int(found[2]), "index": 0, "body": found[3]}
        for found in told
        if found is not None
    ]


def write(document: dict[str, Any], folder: Path = FOLDER) -> Path:
    """One answer a line, so that a change of one is a line of a diff."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{document['case']}.json"
    heads = [
        f"{json.dumps(name)}: {json.dumps(value)}"
        for name, value in document.items()
        if name not in {"nomad", "consul"}
    ]
    for system in ("nomad", "consul"):
        lines = [json.dumps(call, separators=(",", ":")) for call in document[system]]
        heads.append(f"{json.dumps(system)}: [\n" + ",\n".join(lines) + "\n]")
    path.write_text("{\n" + ",\n".join(heads) + "\n}\n")
    return path


def main(names: Sequence[str]) -> int:
    """0 when every chosen case was told truly, and is recorded."""
    chosen = [
        case for case in cases()
        if (case.name in names or not names) and not case.needs and case.code != REFUSED
    ]  # fmt: skip
    wrong = 0
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        cluster = stack.enter_context(local_cluster(root / "agents"))
        stage = stack.enter_context(staged(cluster, root / "stage"))
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        works = {case.name: pool.submit(record, stage, case) for case in chosen}
        for name, work in works.items():
            try:
                path = write(work.result())
            except AssertionError as error:
                wrong += 1
                print(f"{name}: not recorded: {str(error).partition(chr(10))[0]}", flush=True)
            else:
                print(f"{name}: {path.stat().st_size / 1000:.1f} KB", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
