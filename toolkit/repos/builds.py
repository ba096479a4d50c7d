"""What a push hands to the jobs of its commit: its code by checksum, and what was built of it.

Pure values, and the files of what was built: by digest, written once, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.errors import ExitCode, ToolkitError

UNKNOWN = "sha256:" + "0" * 64
"""The checksum of what is not made yet: in the check of a push, before anything is built."""


class BuildFailedError(ToolkitError):
    """A build did not do well; the message has its last lines, and nothing was registered."""

    code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Code:
    """A commit as its archive, for whoever may read the repository."""

    url: str
    """The hook server's, without a slash at the end."""
    repo: str
    commit: str
    checksum: str
    """`sha256:…` of the archive."""
    audience: str
    """What a workload's token has to be made for."""

    @property
    def archive(self) -> str:
        """Where the archive is."""
        return f"{self.url}/{self.repo}/archive/{self.commit}.tar.gz"

    def values(self) -> dict[str, str]:
        """As a template sees it."""
        return {
            "url": self.url,
            "repo": self.repo,
            "commit": self.commit,
            "archive": self.archive,
            "checksum": self.checksum,
            "audience": self.audience,
        }


@dataclass(frozen=True, slots=True)
class Built:
    """What was built for one service: an archive or an image, by its digest."""

    service: str
    digest: str
    """`sha256:…` of the archive, or of the image's manifest at the registry."""
    url: str = ""
    """Where the archive is; empty for an image."""
    image: str = ""
    """`registry.example/shop/backend@sha256:…`; empty for an archive."""
    inputs: str = ""
    """What it was made of: the same inputs are not built twice."""
    size: int = 0
    """Bytes of the archive."""
    used: float = 0.0
    """When a deployment last asked for it; seconds since 1970."""
    fresh: bool = True
    """False: it was there already."""

    def values(self) -> dict[str, str]:
        """As a template sees it."""
        checksum = self.digest if self.url else ""
        return {"url": self.url, "checksum": checksum, "image": self.image}


def given(code: Code | None, built: Mapping[str, Built]) -> dict[str, Any]:
    """What the jobs of a push are given beside their own files: `Flags.given`."""
    values = {"code": code.values()} if code is not None else {}
    return {
        **values,
        "build": {service: each.values() for service, each in sorted(built.items())},
    }
