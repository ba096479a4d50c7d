"""A turn of `dev watch` from the written file to the line about it, and to the served release."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.row import Row
from bench.samples import Sample
from tests.agents.cluster import local_cluster
from tests.agents.shop import APP, Shop

TURNS = 20
SECONDS = 60.0


def dev_watch() -> list[Row]:
    """No-op turns, and one edit."""
    with tempfile.TemporaryDirectory() as folder, local_cluster(Path(folder) / "a") as cluster:
        shop = Shop(cluster, Path(folder) / "shop")
        name = shop.name("developed")
        app = shop.root / "services" / name / "app.py"
        app.parent.mkdir(parents=True)
        app.write_text(APP)
        shop.write(name, count=2, change={'"APP"': f'"{app}"'})
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", "dev", "watch", name],
            cwd=shop.root, env=shop.environ(), text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            lines: queue.Queue[tuple[float, str]] = queue.Queue()
            threading.Thread(target=_read, args=(process, lines), daemon=True).start()
            _until(lines, "watching")
            turns = []
            for _ in range(TURNS):
                time.sleep(0.5)
                began = time.monotonic()
                os.utime(app)
                turns.append(_until(lines, "nothing changed") - began)
            before = set(shop.serves(name))
            began = time.monotonic()
            app.write_text(APP + "# edited\n")
            while not set(shop.serves(name)) - before:
                time.sleep(0.05)
            served = time.monotonic() - began
            done = _until(lines, "deployed") - began
        finally:
            process.terminate()
            process.wait(SECONDS)
        shop.close()
    sample = Sample(tuple(turns))
    edit = f"{served:.1f} s; to the verdict of both instances {done:.1f} s"
    return [
        Row("dev watch: a touched file to `nothing changed`", "≤ 0.3 s", str(sample),
            sample.median <= 0.3),
        Row("dev watch: an edit to its first served release", "(said)", edit, True),
    ]  # fmt: skip


def _read(process: subprocess.Popen[str], lines: queue.Queue[tuple[float, str]]) -> None:
    assert process.stderr is not None
    with contextlib.suppress(ValueError):
        for line in process.stderr:
            lines.put((time.monotonic(), line))


def _until(lines: queue.Queue[tuple[float, str]], word: str) -> float:
    """When the word was said."""
    while True:
        at, line = lines.get(timeout=SECONDS)
        if word in line:
            return at
