"""Everything that a push has built, service by service, and the values that its jobs get."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hook.building.commanding import Places, build_command, job_name, refuse_nowhere
from hook.building.failing import Ears
from hook.building.imaging import Yard, build_image
from hook.building.order import Order
from hook.children.loading import agents_of
from toolkit.errors import (
    AbsentError,
    DeniedError,
    ExitCode,
    ForbiddenError,
    UnavailableError,
)
from toolkit.repos.build_store import BuildStore
from toolkit.repos.builds import UNKNOWN, Built, Code, given
from toolkit.repos.files import make_folder, remove_tree
from toolkit.repos.git import GitError
from toolkit.repos.git import run as git
from toolkit.repos.refs import is_id
from toolkit.rollout.halt import Halt
from toolkit.spec.hook import HookConfig
from toolkit.spec.identity import Caller, Workload
from toolkit.spec.repo import Repo
from toolkit.spec.target import Secret

if TYPE_CHECKING:
    from hook.who import Who

Say = Callable[[str], None]
"""Called with each line of the builds, as it comes."""


class Archive(Protocol):
    """A commit as tar.gz."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def sha256(self) -> str:
        """Its checksum, 64 hexadecimal digits."""


MakeArchive = Callable[[Path, str, Path], Archive]
"""Of a bare repository and the full ID of a commit, kept in a folder; blocking, made once."""


class Repositories(Protocol):
    """The registry, as far as a build needs it."""

    def path(self, repo: Repo) -> Path:
        """The bare repository."""


@dataclass(slots=True)
class _Under:
    """Builds that are under way: whose job may have which commit."""

    orders: dict[str, Order] = field(default_factory=dict)
    """By the name of the Nomad job."""
    halts: set[Halt] = field(default_factory=set)
    stopped: bool = False


class Building:
    """The builds of all repositories; one for the process, for several threads."""

    def __init__(
        self,
        data: Path,
        config: HookConfig,
        repos: Repositories,
        *,
        archive: MakeArchive,
        archives: Path | None = None,
        password: Secret | None = None,
        environ: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ):
        """`data`: the server's data folder. `archive` makes archives in the folder `archives`.

        `password`: of the registry's user. `environ`: what the engine's tool sees, PATH above all.
        """
        self._config = config
        self._repos = repos
        self._make = archive
        self._archives = archives or data / "archives"
        scratch = data / "scratch"
        remove_tree(scratch)  # of a server that was killed
        for folder in (self._archives, scratch):
            make_folder(folder)
        self.store = BuildStore(data)
        self._yard = Yard(scratch, password, environ or {})
        self._now = now
        self._lock = threading.Lock()
        self._under = _Under()

    # For a deployment.

    def build_all(self, repo: Repo, commit: str, who: Who, say: Say) -> Mapping[str, Built]:
        """Build every service that the repository's settings name; blocks until all are there.

        What its inputs came to before is taken again. BuildFailedError where one did not do well:
        its code is the deployment's, `failed`, with nothing registered. DeniedError only where
        Nomad knows the pusher's token no more.
        """
        if not repo.builds:
            return {}
        code = self.code(repo, commit)
        tree = self._tree(repo, commit)
        made = {}
        for service, build in sorted(repo.builds.items()):
            order = Order(repo, build, code, tree, self._config.builds)
            found = self.store.find(repo.name, order.inputs)
            if found is None:
                say(f"{service}  building: {shlex.join(build.command) or build.dockerfile}")
                found = self._build(order, who.token, say)
                say(f"{service}  built {_short(found)}")
            else:
                say(f"{service}  built before from the same files: {_short(found)}")
            # Kept for as long as it is among the last that were asked for: a rollback's is, too.
            kept = replace(found, used=self._now(), fresh=True)
            self.store.keep(repo.name, kept, kept=order.settings.kept)
            made[service] = found
        return made

    def given(self, repo: Repo, commit: str, built: Mapping[str, Built]) -> dict[str, Any]:
        """The values of the jobs of a commit; `code` only where one of them speaks of it.

        The archive of a large commit takes seconds, and most jobs come as images.
        """
        if not self._speaks_of_code(repo, commit):
            return given(None, built)
        return given(self.code(repo, commit), built)

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

    def stop(self) -> None:
        """Let go of what is under way, and begin nothing any more."""
        with self._lock:
            self._under.stopped = True
            halts = tuple(self._under.halts)
        for halt in halts:
            halt.set()

    # For whoever reads.

    def code(self, repo: Repo, commit: str) -> Code:
        """A commit as its archive, made now if it was not before."""
        return self._code(repo, commit, f"sha256:{self._archive(repo, commit).sha256}")

    def known(self, repo: Repo, commit: str) -> dict[str, Built]:
        """What was built of a commit, by service; what was not, is not there."""
        tree, code = self._tree(repo, commit), self._code(repo, commit, UNKNOWN)
        found = {}
        for service, build in sorted(repo.builds.items()):
            order = Order(repo, build, code, tree, self._config.builds)
            built = self.store.find(repo.name, order.inputs)
            if built is not None:
                found[service] = built
        return found

    def code_for(self, caller: Caller, repo: str, name: str) -> Path:
        """The archive that the job of a build may have, as long as that is under way.

        ForbiddenError for anybody else, whatever rights they have: there are other ways to those.
        """
        with self._lock:
            order = self._under.orders.get(name)
        namespace = self._config.target.namespace
        if (
            order is None
            or order.repo.name != repo
            or not isinstance(caller, Workload)
            or (caller.namespace, caller.job) != (namespace, name)
        ):
            raise ForbiddenError(
                "no build of the caller's is under way here",
                hint="the code of a build is for its own job, until that ends",
            )
        return self._archive(order.repo, order.code.commit).path

    # How.

    def _build(self, order: Order, token: Secret, say: Say) -> Built:
        ears = Ears(order.service, say)
        if order.build.dockerfile:
            archive = self._archive(order.repo, order.code.commit).path
            try:
                return build_image(self._yard, order, archive, ears)
            except DeniedError as exc:
                # By the registry, which knows the server: no other pusher's token would help.
                raise ears.failed(exc.message, hint=exc.hint, code=ExitCode.REFUSED) from exc
        refuse_nowhere(self._config)
        places = Places(self._config, agents_of(self._config))
        name = job_name(order)
        with self._going(order, name) as halt:
            return build_command(places, order, name, token, self.store, ears, halt)

    @contextmanager
    def _going(self, order: Order, name: str) -> Iterator[Halt]:
        halt = Halt()
        with self._lock:
            if self._under.stopped:
                raise UnavailableError("the server is stopping and builds nothing any more")
            self._under.orders[name] = order
            self._under.halts.add(halt)
        try:
            yield halt
        finally:
            with self._lock:
                self._under.orders.pop(name, None)
                self._under.halts.discard(halt)

    def _archive(self, repo: Repo, commit: str) -> Archive:
        if not is_id(commit):
            raise AbsentError("a commit is named by its full ID")
        return self._make(self._repos.path(repo), commit, self._archives)

    def _speaks_of_code(self, repo: Repo, commit: str) -> bool:
        words = ["grep", "--quiet", "--fixed-strings", "-e", "code", commit, "--", "jobs"]
        try:
            git(self._repos.path(repo), words)
        except GitError as exc:
            if exc.status == 1:
                return False
            raise
        return True

    def _tree(self, repo: Repo, commit: str) -> str:
        if not is_id(commit):
            raise AbsentError("a commit is named by its full ID")
        words = ["rev-parse", "--verify", f"{commit}^{{tree}}"]
        return git(self._repos.path(repo), words).decode().split()[-1]

    def _code(self, repo: Repo, commit: str, checksum: str) -> Code:
        config = self._config
        return Code(config.url, repo.name, commit, checksum, config.audience)


def _short(built: Built) -> str:
    if built.image:
        return built.image
    return f"{built.digest[:19]}, {built.size:,} bytes"
