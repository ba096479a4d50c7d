"""What runs around a build's command, inside its task: standard library only, on any Python 3.10.

`BUILD` says what to run, what comes of it, for how long, how large. It leaves `out.tar.gz` and its
checksum in the allocation's shared folder, or ends with the command's exit code. The command sees a
small environment of its own: none of the task's tokens.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

LATE = 124
"""Exit code of a command that was ended at its time limit, as timeout(1) has it."""
BAD = 125
"""Exit code where there is nothing to take."""
PIECE = 1 << 20
SAYS = "build: "
"""What its own lines begin with."""


def main(environ: dict[str, str]) -> int:
    """Run the command, then pack what came of it; the exit code."""
    work = json.loads(base64.b64decode(environ["BUILD"]))
    code = Path(environ["NOMAD_TASK_DIR"], "code").resolve()
    out = Path(environ["NOMAD_ALLOC_DIR"], "out.tar.gz")
    ended = run(work, code, environ)
    if ended:
        return ended
    try:
        pack(code, work["artifact"], out, work["bytes"])
    except (ValueError, OSError) as error:
        say(f"{error}")
        return BAD
    Path(f"{out}.sha256").write_text(digest(out))
    return 0


def run(work: dict[str, Any], folder: Path, environ: dict[str, str]) -> int:
    """The command's exit code; it and all that it started are ended at the time limit."""
    home = Path(environ["NOMAD_TASK_DIR"], "home")
    home.mkdir(exist_ok=True)
    own = {
        "PATH": environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "CI": "true",
        **work["environ"],
    }
    words = work["command"]
    try:
        process = subprocess.Popen(
            words, cwd=folder, env=own, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        say(f"{words[0]}: {error.strerror}")
        return 127
    # Nomad's signal at a stop reaches us alone.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end(process.pid))
    try:
        code = process.wait(work["seconds"])
    except subprocess.TimeoutExpired:
        say(f"not done after {work['seconds']:g} s, its time limit; it was ended")
        code = LATE
    end(process.pid)
    process.wait()
    return code if code >= 0 else 128 - code


def end(group: int) -> None:
    """Kill what the command left running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def pack(folder: Path, name: str, out: Path, most: int) -> None:
    """The file or folder `name` as a tar.gz that is the same each time; a tar.gz as it is.

    ValueError where there is none, where it is outside of `folder`, or too large.
    """
    real = Path(folder, name).resolve()
    if real != folder and folder not in real.parents:
        raise ValueError(f"{name} is not inside the commit's folder")
    if not real.exists():
        raise ValueError(f"the command did well, and there is no {name}")
    large = f"{name} has more than {most:,} bytes"
    with out.open("xb") as raw:
        if real.is_file() and name.endswith((".tar.gz", ".tgz")):
            with real.open("rb") as source:
                while piece := source.read(PIECE):
                    raw.write(piece)
                    if raw.tell() > most:
                        raise ValueError(large)
            return
        with (
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path, inside in files(real, name):
                add(tar, path, inside)
                if raw.tell() > most:
                    raise ValueError(large)
        if raw.tell() > most:
            raise ValueError(large)


def files(real: Path, name: str) -> list[tuple[Path, str]]:
    """Files to pack and their names, sorted: of a folder those in it, without its own name."""
    if real.is_file():
        return [(real, Path(name).name)]
    found = []
    for folder, folders, names in os.walk(real):
        for each in names + [each for each in folders if Path(folder, each).is_symlink()]:
            path = Path(folder, each)
            found.append((path, path.relative_to(real).as_posix()))
    return sorted(found, key=lambda pair: pair[1])


def add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """One regular file, without its times and owners; nothing else is what jobs may get."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(f"{name} is neither a file nor a folder")
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        info = tarfile.TarInfo(name)
        info.size = found.st_size
        info.mode = 0o755 if found.st_mode & 0o100 else 0o644
        tar.addfile(info, file)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            hashed.update(piece)
    return hashed.hexdigest()


def say(text: str) -> None:
    """One line on the task's standard error."""
    sys.stderr.write(f"{SAYS}{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(dict(os.environ)))
