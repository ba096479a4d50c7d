"""How much memory a process of this machine took."""

from __future__ import annotations

import subprocess
from pathlib import Path


def resident(pid: int) -> int:
    """Megabytes resident at most since the program began; 0 when it is over.

    What the system tells at the end counts the process that it was copied from as well.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in status.splitlines() if "VmHWM" in line), 0)


def resident_until_over(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    """Wait for a process; the megabytes that it had at most, looked at fifty times a second."""
    peak = 0
    while True:
        peak = resident(process.pid) or peak
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        return peak
