"""What one build is made of, and so whether it was made before; pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from toolkit.repos.builds import Code
from toolkit.spec.hook import BuildSettings
from toolkit.spec.repo import Build, Repo


@dataclass(frozen=True, slots=True)
class Order:
    """One service of one commit, to be built."""

    repo: Repo
    build: Build
    code: Code
    tree: str
    """ID of the commit's files: another commit with the same ones is the same work."""
    settings: BuildSettings

    @property
    def service(self) -> str:
        """Which."""
        return self.build.service

    @property
    def inputs(self) -> str:
        """A digest over all that decides what comes of it; where it runs decides as well."""
        settings = self.settings
        if self.build.dockerfile:
            place = [settings.engine, settings.registry]
        else:
            place = [settings.driver, settings.image, settings.python]
        said = [self.repo.name, self.tree, asdict(self.build), place]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
