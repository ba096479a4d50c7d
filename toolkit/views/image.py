"""An image that was built, or is at the registry."""

from __future__ import annotations

from typing import Any

from toolkit.spec.image import ImageReport
from toolkit.views.text import seconds, staged

_SHORT = len("sha256:") + 12


def lines(report: ImageReport) -> list[str]:
    """What it is called, its digest, how large it is, what to type next."""
    said = f"{report.image}, {report.size / 1_000_000:.1f} MB, in {seconds(report.seconds)}"
    if report.word == "present":
        said = f"{report.image} was there already, and is what the engine has"
    result = staged(report.word, said)
    if report.digest is not None:
        result += staged("digest", report.digest)
    else:
        result += staged("id", report.id[:_SHORT])
    for note in report.notes:
        result += staged("note", note)
    return result + (staged("next", report.next) if report.next else [])


def document(report: ImageReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.image/1",
        "verdict": report.word,
        "environment": report.environment,
        "job": report.job,
        "release": report.release,
        "image": report.image,
        "id": report.id,
        "digest": report.digest,
        "size": report.size,
        "seconds": report.seconds,
        "notes": list(report.notes),
        "next": report.next,
    }
