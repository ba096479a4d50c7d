"""A release written back to where it was read from, and nothing else changed."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from toolkit.config.kinds import check_release
from toolkit.config.source import split
from toolkit.errors import ConfigError, Mistake, RefusedError, ToolkitError
from toolkit.spec.jobspec import Origin

_SEMVER = re.compile(
    r"(v?)(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ADVICE = "keep the release in a [release] table of job.toml, or in [variables] of toolkit.toml"


def bump_version(release: str, part: str) -> str:
    """The next version: `part` is `patch`, `minor` or `major`; RefusedError unless it is semver.

    A pre-release leads to its own version first: 1.1.0-rc.1, patch or minor -> 1.1.0.
    """
    match = _SEMVER.fullmatch(release)
    if match is None:
        raise RefusedError(
            f'release "{release}" is no version of three numbers that --{part} could raise',
            hint="say the new release itself: toolkit bump JOB RELEASE",
        )
    prefix, pre = match[1], match[5]
    major, minor, patch = (int(match[number]) for number in (2, 3, 4))
    match part:
        case "patch":
            patch += 0 if pre else 1
        case "minor":
            minor, patch = (minor if pre and patch == 0 else minor + 1), 0
        case "major":
            major = major if pre and minor == patch == 0 else major + 1
            minor = patch = 0
        case _:
            raise ValueError(part)
    return f"{prefix}{major}.{minor}.{patch}"


def write_release(root: Path, origin: Origin, release: str) -> None:
    """Write `release` to the place that `origin` names, below the project's `root`.

    RefusedError where there is no such place in a file of the user's; ConfigError for a release
    that is none; ToolkitError when the disk says no. Either the whole file is new or none of it.
    """
    if wrong := check_release(release):
        raise ConfigError([Mistake("release", None, None, wrong)])
    path = _file(root, origin)
    try:
        old = path.read_bytes().decode()
        edit = _edit_json if path.suffix == ".json" else _edit_toml
        new = edit(old, split(origin.key), release)
    except OSError as error:
        raise ToolkitError(f"{origin.source} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            f"{origin.source} has no text at {origin.key} any more", hint="write it there by hand"
        ) from error
    try:
        _replace(path, new.encode())
    except OSError as error:
        raise ToolkitError(f"{origin.source} cannot be written: {error.strerror}") from error


def _file(root: Path, origin: Origin) -> Path:
    if origin.source.startswith("--") or origin.source == "default" or not origin.key:
        raise RefusedError(f"no file says the release: it came from {origin.source}", hint=_ADVICE)
    if origin.source.endswith((".hcl", ".nomad", ".j2")):
        message = f"{origin.source} is a plain Nomad job file, which toolkit never changes"
        raise RefusedError(message, hint=_ADVICE)
    path = root / origin.source
    if not path.is_file():
        raise RefusedError(
            f"{origin.source} is not in {root}: the job came with toolkit",
            hint=f"make {origin.source} in the project, with a release of its own",
        )
    return path.resolve()  # a link stays a link


def _edit_toml(text: str, path: tuple[str, ...], release: str) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for name in path[:-1]:
        table = table[name]
    literal = str(table[path[-1]].as_string()).startswith("'") and "'" not in release
    wanted = _changed(tomllib.loads(text), path, release)
    table[path[-1]] = tomlkit.string(release, literal=literal)
    new = tomlkit.dumps(document)
    if tomllib.loads(new) != wanted:
        raise ValueError("another value would change")
    return new


def _edit_json(text: str, path: tuple[str, ...], release: str) -> str:
    """Try each string of the file in turn: the right one is where only `path` changes."""
    wanted = _changed(json.loads(text), path, release)
    for match in _JSON_STRING.finditer(text):
        new = text[: match.start()] + json.dumps(release) + text[match.end() :]
        with suppress(ValueError):
            if json.loads(new) == wanted:
                return new
    raise ValueError("no such string")


def _changed(data: Any, path: tuple[str, ...], release: str) -> Any:
    name, *rest = path
    if rest:
        return {**data, name: _changed(data[name], tuple(rest), release)}
    if not isinstance(data[name], str):
        raise TypeError(name)
    return {**data, name: release}


def _replace(path: Path, content: bytes) -> None:
    """Atomic: written beside it, synced, renamed over it, with the same mode and owner."""
    old = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if (old.st_uid, old.st_gid) != (os.getuid(), os.getgid()):
            with suppress(OSError):  # only root may give a file away
                os.chown(beside, old.st_uid, old.st_gid)
        beside.chmod(stat.S_IMODE(old.st_mode))
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
