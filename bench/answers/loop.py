"""The loop of whoever develops a service: from saving a file to what is served."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.answers.project import DEADLINE, Project, project, shell, until
from bench.commands import ROOT
from bench.samples import Sample

TIMES = 5


@dataclass(frozen=True, slots=True)
class Loop:
    """Seconds since a file was saved."""

    source: Sample
    job: Sample
    nothing: Sample


def measure(folder: Path) -> Loop:
    """`toolkit dev watch` beside a person who saves files."""
    with project(folder / "shop") as shop:
        program, job_file = _developed(shop)
        with _watching(shop) as turns:
            _next(turns, "deployed", "unchanged")
            _settle(turns)
            sources, jobs, nothing = [], [], []
            for number in range(TIMES):
                sources.append(_saved(shop, turns, program, f"edition {number}"))
                jobs.append(_saved(shop, turns, job_file, f"greeting {number}"))
                began = time.monotonic()
                program.write_bytes(program.read_bytes())
                _next(turns, "unchanged")
                nothing.append(time.monotonic() - began)
    return Loop(Sample(tuple(sources)), Sample(tuple(jobs)), Sample(tuple(nothing)))


def _developed(shop: Project) -> tuple[Path, Path]:
    """The service's program in the project itself, and its job file."""
    sources = shop.root / "services/backend"
    shutil.copytree(ROOT / "services/backend/backend", sources / "backend")
    job_file = shop.root / "jobs/backend/job.toml"
    said = f'PYTHONPATH = "{sources}"\nGREETING = "greeting"\n'
    job_file.write_text(job_file.read_text().replace("[environment]\n", "[environment]\n" + said))
    program = sources / "backend/app.py"
    text = program.read_text().replace('"service": "backend",', '"service": "edition",')
    program.write_text(text)
    return program, job_file


def _saved(shop: Project, turns: queue.Queue[dict[str, Any]], path: Path, word: str) -> float:
    """Save a change, and wait until it is served: by every instance, if not by the first."""
    before = word.rpartition(" ")[0]
    lines = [
        _with(line, f'"{word}"') if f'"{before}' in line else line
        for line in path.read_text().splitlines()
    ]
    began = time.monotonic()
    path.write_text("\n".join(lines) + "\n")
    served = until(f"{word} is served", lambda: word in _answer(shop)) - began
    _next(turns, "deployed")
    _settle(turns)
    return served


def _with(line: str, value: str) -> str:
    """The line with its last quoted text replaced."""
    head, _, tail = line.rpartition('"')
    return head.rpartition('"')[0] + value + tail


def _answer(shop: Project) -> str:
    request = urllib.request.Request(shop.edge, headers={"Host": "backend.localhost"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return str(answer.read().decode())


@contextmanager
def _watching(shop: Project) -> Iterator[queue.Queue[dict[str, Any]]]:
    """The turns that `dev watch` takes, as it says them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit", "dev", "watch", "backend", "--json"],
        cwd=shop.root, env=shell(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    turns: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            said = json.loads(line)
            if said["schema"] == "toolkit.dev-watch/1":
                turns.put(said)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield turns
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        reader.join(5)


def _next(turns: queue.Queue[dict[str, Any]], *words: str) -> None:
    """Wait for a turn that ends with one of the words."""
    while True:
        turn = turns.get(timeout=DEADLINE)
        if turn["word"] in words:
            return
        if turn["word"] not in {"deployed", "unchanged"}:
            raise SystemExit(f"dev watch: {turn['word']} {turn['sentence']}")


def _settle(turns: queue.Queue[dict[str, Any]]) -> None:
    """Let the old instances end."""
    time.sleep(6)
    while not turns.empty():
        turns.get()
