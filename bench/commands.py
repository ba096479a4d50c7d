"""The commands that a user types, run as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Ran:
    """One command's end."""

    code: int
    seconds: float
    report: dict[str, Any]
    """Of `--json`; empty without."""


def toolkit(*arguments: str, as_json: bool = False, quiet: bool = False) -> Ran:
    """Run `toolkit …` in the project, its talk shown unless `quiet`."""
    command = [sys.executable, "-m", "toolkit", *arguments, *(["--json"] if as_json else [])]
    if not quiet:
        print(f"\n$ toolkit {' '.join(arguments)}", flush=True)
    began = time.monotonic()
    ran = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if as_json else None,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
    )
    seconds = time.monotonic() - began
    report: dict[str, Any] = {}
    if as_json and ran.stdout:
        report = json.loads(ran.stdout)
    return Ran(ran.returncode, seconds, report)


def must(ran: Ran, *codes: int) -> Ran:
    """Leave with the command's own exit code unless it is one of `codes` (0 by default)."""
    if ran.code not in (codes or (0,)):
        print(f"\nthe command above ended with exit code {ran.code}; its last lines say why")
        sys.exit(ran.code or 1)
    return ran


def nomad_run(nomad: str, address: str, hcl: str, folder: Path, *more: str) -> tuple[int, float]:
    """`nomad job run` on a job file, as the side to compare with: exit code and seconds."""
    path = folder / "job.nomad.hcl"
    path.write_text(hcl)
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/")}
    began = time.monotonic()
    ran = subprocess.run(
        [nomad, "job", "run", *more, str(path)],
        check=False,
        env={**environ, "NOMAD_ADDR": address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return ran.returncode, time.monotonic() - began


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table with aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    made = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    made.insert(1, "  ".join("-" * width for width in widths))
    return made
