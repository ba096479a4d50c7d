"""The release of what somebody is working on; pure."""

from __future__ import annotations

MARK = "dev"


NONE = "0.0.0"
"""The release of a job whose file gives it none."""


def dev_release(release: str | None, digest: str) -> str:
    """`1.0.0-dev-3f9a1c2e` for release `1.0.0` and sources with that digest.

    Made of nothing but the sources: the same ones are the same release, now and after a restart of
    the loop, so that nothing rolls without a change. It is a version of semver and a tag of an
    image.
    """
    return f"{release or NONE}-{MARK}-{digest[:8]}"
