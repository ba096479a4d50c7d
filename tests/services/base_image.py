"""A base image without a registry: the Python that runs the tests, with what it loads."""

from __future__ import annotations

import io
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = {"site-packages", "dist-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3"}
LEFT_OUT |= {"turtledemo"}
COUNTED_ON = {
    "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1", "libdl.so.2", "libutil.so.1",
}  # fmt: skip
COMPILED = f".{sys.implementation.cache_tag}.pyc"
"""Without these each start in a container would compile half the library again."""


def python_as_tar(*programs: Path) -> io.BytesIO:
    """This interpreter, its standard library and their shared objects, readable by everybody.

    There is no shell and no pip in it, which is the least that the Dockerfiles promise to need.
    `programs`: of this machine, at their places, with their shared objects.
    """
    interpreter = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}").resolve()
    library = Path(sysconfig.get_path("stdlib"))
    native = sorted(Path(str(sysconfig.get_config_var("DESTSHARED"))).glob("*.so"))
    files = {interpreter, *_standard_library(library), *native}
    links = {Path("/usr/local/bin/python3"): interpreter}
    for needed in {*_shared_objects([interpreter, *native, *programs]), *_beside(), *programs}:
        # The loader looks for the name that it was given, which is mostly a link to the file.
        real = needed.resolve()
        files.add(real)
        if real != needed:
            links[needed] = real
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("tmp", "etc"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(folder)
        for file in sorted(files):
            archive.add(file, filter=_for_everybody)
        for link, target in links.items():
            entry = tarfile.TarInfo(str(link).lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, str(target)
            archive.addfile(entry)
    tar.seek(0)
    return tar


def _standard_library(library: Path) -> Iterator[Path]:
    for file in library.rglob("*.py*"):
        wanted = file.suffix == ".py" or file.name.endswith(COMPILED)
        if wanted and not LEFT_OUT & set(file.relative_to(library).parts):
            yield file


def _shared_objects(binaries: list[Path]) -> set[Path]:
    listed = subprocess.run(
        ["ldd", *map(str, binaries)], capture_output=True, text=True, check=True
    ).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", listed)}


def _beside() -> set[Path]:
    """What every slim base has too: the parts of glibc and gcc that compiled wheels count on."""
    listed = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True
    ).stdout
    machine = "x86-64" if sys.maxsize > 2**32 and platform.machine() == "x86_64" else "AArch64"
    found = re.findall(rf"^\s+(\S+) \(.*{machine}.*\) => (\S+)$", listed, re.MULTILINE)
    return {Path(path) for name, path in found if name in COUNTED_ON}


def _for_everybody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o444 | (0o111 if entry.mode & 0o100 else 0)
    return entry
