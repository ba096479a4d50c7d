"""Where a version came from: in a few words, and as a part of documents."""

from __future__ import annotations

from typing import Any

from toolkit.spec.provenance import LastVerified, Provenance

SHORT = 7
"""Characters of a commit that people compare."""


def commit(provenance: Provenance | None) -> str:
    """`abc1234`, `abc1234+dirty` where the work tree differed; `-` where none is known."""
    if provenance is None or not provenance.commit:
        return "-"
    return provenance.commit[:SHORT] + ("+dirty" if provenance.dirty else "")


def verdict(provenance: Provenance | None) -> str:
    """The verdict, or what there is in place of one; empty for a version that is not ours."""
    if provenance is None:
        return ""
    said = provenance.verdict or ("" if provenance.copy_of is not None else "no verdict")
    copied = "" if provenance.copy_of is None else f"as version {provenance.copy_of}"
    return ", ".join(part for part in (said, copied) if part)


def sentence(provenance: Provenance) -> str:
    """`commit abc1234, by ann@ws, deployed`."""
    told = [f"commit {commit(provenance)}" if provenance.commit else "no commit"]
    if provenance.actor:
        told.append(f"by {provenance.actor}")
    if said := verdict(provenance):
        told.append(said)
    return ", ".join(told)


def document(provenance: Provenance | None) -> dict[str, Any] | None:
    """For programs."""
    if provenance is None:
        return None
    return {
        "tag": provenance.tag or None,
        "release": provenance.release,
        "version": provenance.version,
        "commit": provenance.commit,
        "dirty": provenance.dirty,
        "digest": provenance.digest,
        "actor": provenance.actor,
        "tool": provenance.tool,
        "verdict": provenance.verdict,
        "at": provenance.at,
        "copy_of": provenance.copy_of,
    }


def last_document(last: LastVerified | None) -> dict[str, Any] | None:
    """For programs."""
    if last is None:
        return None
    return {
        "release": last.release,
        "version": last.version,
        "at": last.at,
        "tag": last.tag,
        "actor": last.actor,
    }
