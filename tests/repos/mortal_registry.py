"""Does one thing to a registry, and is killed before the N-th time that it touches the disk.

Run as `python mortal_registry.py FOLDER ACTION`; FOLDER holds a data folder `before`. For N = 1, 2
and so on a copy of it is made as `FOLDER/N/data`, until one is not killed any more; how many there
were is printed.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.repos.registry import Registry

TOUCHES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}

ACTIONS: dict[str, Callable[[Registry], object]] = {
    "create": lambda registry: registry.create("new", creator="ann"),
    "change": lambda registry: registry.change("shop", lambda old: replace(old, branch="other")),
    "delete": lambda registry: registry.delete("shop"),
    "restore": lambda registry: registry.restore(registry.deleted()[0].id),
    "empty": lambda registry: registry.empty_trash(1e12),
    "repair": lambda registry: registry.repair(),
}


def die_before(count: int, below: str) -> None:
    """Kill this process before it touches what is below a folder for the `count`-th time."""
    left = count

    def heed(event: str, words: tuple[Any, ...]) -> None:
        nonlocal left
        if event in TOUCHES and str(words[0]).startswith(below):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heed)


def main(folder: Path, action: str) -> int:
    """How often it was killed."""
    for count in range(1, 1000):
        data = folder / str(count) / "data"
        shutil.copytree(folder / "before", data)
        child = os.fork()
        if not child:
            registry = Registry(data)
            die_before(count, str(data))
            ACTIONS[action](registry)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status == 0:
            return count - 1
        assert os.WTERMSIG(status) == signal.SIGKILL, status
    raise AssertionError("it goes on for ever")


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2]))
