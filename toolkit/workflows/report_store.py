"""Reports on disk: one file each, the newest 50; a cache that no decision reads."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from toolkit.config.settings import Settings
from toolkit.spec.kept import KeptReport, KeptReports

KEPT = 50
LARGEST = 32 * 1024 * 1024
"""Bytes of one report; ours have a hundredth of it."""
_ID = re.compile(r"^\d{8}-\d{9}-.+-[0-9a-f]{4}$")
_DOCUMENTS = ("toolkit.deploy/", "toolkit.work/")


def folder_of(settings: Settings) -> Path | None:
    """Where reports are kept; None for a project that is a git commit, which has no folder.

    Without a project it is the user's cache: deploys need none.
    """
    if settings.project is None:
        return settings.cache_dir / "reports"
    root = settings.project.root
    return None if root is None else root / ".toolkit" / "reports"


def keep(folder: Path, document: Mapping[str, Any], at: float) -> str:
    """Write one report, whole or not at all, for its owner only; its id. OSError when it cannot.

    `at` in seconds since the epoch. Older ones beyond the newest 50 are removed.
    """
    # To the millisecond: the names of two reports of one job sort as they were made.
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d-%H%M%S%f")[:-3]
    name = quote(str(document.get("job") or "job"), safe="")[:80].rstrip("%")
    key = f"{stamp}-{name}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        # In a project that does not ignore .toolkit, a report must not make its tree a dirty one.
        ignored.write_text("*\n")
    write_private(folder / f"{key}.json", json.dumps(document, ensure_ascii=False))
    _rotate(folder)
    return key


def write_private(path: Path, text: str) -> None:
    """A file that appears whole and that only its owner may read; OSError when it cannot."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            # What a program wrote may hold half a character.
            file.write(text.encode("utf-8", "backslashreplace"))
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def listed(folder: Path | None) -> KeptReports:
    """What is kept, newest first; what cannot be read is named, and no error."""
    found, notes = [], []
    for key in _ids(folder) if folder is not None else ():
        try:
            found.append(_row(key, load(folder, key)))  # type: ignore[arg-type]
        except (OSError, ValueError) as exc:
            notes.append(f"report {key} cannot be read: {_reason(exc)}")
    return KeptReports(str(folder or ""), tuple(found), tuple(notes))


def load(folder: Path, key: str) -> dict[str, Any]:
    """One kept report; OSError or ValueError when it cannot be read or is something else."""
    if _ID.match(key) is None or "/" in key:
        raise ValueError("no report has such a name")
    path = folder / f"{key}.json"
    if path.stat().st_size > LARGEST:
        raise ValueError("it is too large")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise ValueError("it is not JSON") from exc
    schema = document.get("schema") if isinstance(document, dict) else None
    if not str(schema).startswith(_DOCUMENTS):
        raise ValueError("it is no report of a rollout")
    return dict(document)


def time_of(key: str) -> float:
    """When a report was kept, in seconds since the epoch."""
    return datetime.strptime(key[:18], "%Y%m%d-%H%M%S%f").replace(tzinfo=UTC).timestamp()


def _ids(folder: Path) -> list[str]:
    """Ids of what is kept, newest first."""
    try:
        names = [path.stem for path in folder.iterdir() if path.suffix == ".json"]
    except OSError:
        return []
    return sorted((name for name in names if _ID.match(name)), reverse=True)


def _row(key: str, document: Mapping[str, Any]) -> KeptReport:
    version = document.get("version")
    release = document.get("release")
    return KeptReport(
        id=key,
        at=time_of(key),
        job=str(document.get("job") or ""),
        environment=str(document.get("environment") or ""),
        namespace=str(document.get("namespace") or ""),
        verdict=str(document.get("verdict") or ""),
        sentence=str(document.get("sentence") or ""),
        release=None if release is None else str(release),
        version=version if isinstance(version, int) else None,
    )


def _rotate(folder: Path) -> None:
    """Remove what is beyond the newest; another deploy may do the same at this moment."""
    for key in _ids(folder)[KEPT:]:
        for path in _files(folder, key):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _files(folder: Path, key: str) -> Iterator[Path]:
    """A report and the page made of it."""
    yield folder / f"{key}.json"
    yield folder / f"{key}.html"


def _reason(exc: Exception) -> str:
    return str(getattr(exc, "strerror", None) or exc)
