"""The scripts of a repository, run at the four points that git has on a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.repos.bundles import Bundles
from toolkit.spec.hook import HookLimits
from toolkit.spec.repo import Repo

Say = Callable[[str], None]
"""Called with each line that a script writes: bounded, free of control characters."""


class Scripts:
    """Runs them; one for the process, used by several threads."""

    def __init__(self, bundles: Bundles, repos: Callable[[Repo], Path], limits: HookLimits):
        """`repos`: where a repository's data is (`Registry.path`)."""
        self.bundles = bundles
        self._path = repos
        self._limits = limits

    def why_not(self) -> str | None:
        """Why no script can run here, as a sentence; None when they can."""
        return None

    def run_hooks(
        self,
        repo: Repo,
        name: str,
        stdin: bytes,
        environ: Mapping[str, str],
        say: Say,
        *,
        version: str | None = None,
    ) -> int:
        """Run the hook `name` of the repository's current version; blocks until all of it ended.

        `stdin`: git's ref lines, for every hook: the arguments of `update` (which runs once for
        each line) and `post-update` are made from them. `environ`: of it count TOOLKIT_COMMIT,
        TOOLKIT_BRANCH, TOOLKIT_PUSHER, TOOLKIT_DEPLOYMENT and TOOLKIT_VERDICT, and before the ref
        moves GIT_OBJECT_DIRECTORY and GIT_ALTERNATE_OBJECT_DIRECTORIES (git's quarantine).
        `version`: a digest, where it is not the current one that is meant (a deployment's).

        Returns 0 also where there is no such hook. Anything else of `pre-receive` and `update`
        refuses the push; of the others it is worth a note. Raises what `say` raises, with
        everything ended before.
        """
        return 0
