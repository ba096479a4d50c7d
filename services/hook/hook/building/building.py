"""Everything that a push has built, service by service, and the values that its jobs get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.repos.builds import UNKNOWN, Built, Code, given
from toolkit.spec.hook import HookConfig
from toolkit.spec.repo import Repo

if TYPE_CHECKING:
    from hook.who import Who

Say = Callable[[str], None]
"""Called with each line of the builds, as it comes."""


class Building:
    """The builds of all repositories; one for the process."""

    def __init__(self, data: Path, config: HookConfig):
        """`data`: the server's data folder."""
        self._data = data
        self._config = config

    def build_all(self, repo: Repo, commit: str, who: Who, say: Say) -> Mapping[str, Built]:
        """Build every service that the repository's settings name; blocks until all are there.

        BuildFailedError where one did not do well. Its code is the deployment's: `failed`, with
        nothing registered.
        """
        return {}

    def given(self, repo: Repo, commit: str, built: Mapping[str, Built]) -> dict[str, Any]:
        """The values of the jobs of a commit, the archive's checksum among them."""
        return given(self._code(repo, commit, UNKNOWN), built)

    def expected(self, repo: Repo, commit: str) -> dict[str, Any]:
        """The same names before anything was built: every checksum is zeros."""
        url = f"{self._config.url}/{repo.name}/builds/{UNKNOWN[7:]}.tar.gz"
        built = {
            service: Built(service, UNKNOWN, image=f"{repo.name}-{service}@{UNKNOWN}")
            if build.dockerfile
            else Built(service, UNKNOWN, url=url)
            for service, build in repo.builds.items()
        }
        return given(self._code(repo, commit, UNKNOWN), built)

    def _code(self, repo: Repo, commit: str, checksum: str) -> Code:
        config = self._config
        return Code(config.url, repo.name, commit, checksum, config.audience)
