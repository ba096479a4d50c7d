"""Run Go on one recipe: progress out of its output, and a clear reason when it fails."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.agents.golang import Go
from toolkit.agents.recipe import Recipe
from toolkit.errors import AgentError

BUILD_TIMEOUT = 3600.0
"""Seconds for one Go command; a small machine needs a quarter of that."""
_HEARTBEAT = 15.0
_KEPT_LINES = 30
_SMALL_MEMORY = 4 * 1024**2
"""kB, below which the largest package of Nomad does not fit beside another one."""

_IMPORT_PATH = re.compile(r"[a-z0-9][\w.~/-]*")

# What Go says -> what it means and what to do. First match wins.
_REASONS = (
    (
        ("x509:", "certificate signed by unknown authority", "failed to verify certificate"),
        "the certificates of the download servers cannot be checked",
        "install your system's ca-certificates (apt-get install ca-certificates), or name your"
        " proxy's certificate in SSL_CERT_FILE",
    ),
    (
        ("no space left on device", "disk quota exceeded"),
        "the disk is full",
        "make room (about 6 GB while it builds), or move the cache with XDG_CACHE_HOME",
    ),
    (
        ("checksum mismatch", "SECURITY ERROR"),
        "a download does not have the contents that it should have",
        "look at the proxy in between (GOPROXY, HTTPS_PROXY), then try again",
    ),
    (
        ("signal: killed", "cannot allocate memory", "out of memory"),
        "the machine ran out of memory",
        "a build needs about 3 GB: close something, or set GOGC=50, then try again",
    ),
    (
        (
            "dial tcp", "no such host", "connection refused", "connection reset", "i/o timeout",
            "TLS handshake", "unexpected EOF", "proxyconnect", "404 Not Found", "410 Gone",
            "403 Forbidden", "502 Bad Gateway", "503 Service", "reading https://", "module lookup",
            "server misbehaving", "network is unreachable", "not in std",
        ),
        "a download failed",
        "look at the connection and the proxy (GOPROXY, HTTPS_PROXY), then try again",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a build happens."""

    folder: Path
    module_cache: Path
    build_cache: Path
    ours: bool
    """The caches are below `folder` and go with it."""

    @property
    def temporary(self) -> Path:
        """Go's temporary folder; the system's may be memory."""
        return self.folder / "tmp"


@dataclass
class _Progress:
    """Says something when there is something new to say: every twentieth part, or a heartbeat."""

    label: str
    say: Callable[[str], None]
    clock: Callable[[], float]
    began: float
    last_step: int = -1
    last_at: float = 0.0

    def count(self, done: int, total: int, what: str) -> None:
        step = 0 if total == 0 else done * 20 // total
        if step != self.last_step:
            self.last_step = step
            self._tell(f"{what} {min(99, step * 5)} % ({done} of {total} packages)")

    def beat(self, what: str) -> None:
        if self.clock() - self.last_at >= _HEARTBEAT:
            self._tell(what)

    def _tell(self, text: str) -> None:
        self.last_at = self.clock()
        self.say(f"{self.label}: {text}, {self.last_at - self.began:.0f} s")


def build(
    recipe: Recipe,
    go: Go,
    shop: Workshop,
    output: Path,
    *,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Build the recipe's program at `output`; AgentError with Go's own words and what to do."""
    source = shop.folder / f"{recipe.name}-module"
    source.mkdir(exist_ok=True)
    # A copy: the package may be installed read-only, or inside somebody's Go workspace.
    (source / "go.mod").write_text(recipe.go_mod)
    (source / "go.sum").write_text(recipe.go_sum)
    environment = {
        **go.environment,
        "GOMODCACHE": str(shop.module_cache),
        "GOCACHE": str(shop.build_cache),
        "GOTMPDIR": str(shop.temporary),
    }
    flags = list(recipe.flags)
    if _memory_kb() < _SMALL_MEMORY:
        flags.append("-p=1")
        environment.setdefault("GOGC", "50")
    progress = _Progress(f"{recipe.name} {recipe.version}", say, clock, clock())
    run = _Run(recipe, str(go.path), environment, source, clock)
    stale = _download(run, flags, progress)
    _compile(run, flags, output, stale, progress)


def _download(run: _Run, flags: list[str], progress: _Progress) -> int:
    """Fetch what is missing; returns how many packages will be compiled."""
    stale = modules = 0
    template = "{{if .Stale}}S{{else}}-{{end}} {{.ImportPath}}"
    for line in run.lines(["list", "-deps", *flags, "-f", template, run.recipe.package]):
        if line is None or line.startswith("go: downloading"):
            modules += line is not None
            progress.beat(
                f"fetching modules, {modules} so far" if modules else "looking at modules"
            )
        elif line.startswith("S "):
            stale += 1
    return stale


def _compile(run: _Run, flags: list[str], output: Path, stale: int, progress: _Progress) -> None:
    done = 0
    arguments = ["build", "-v", *flags, "-o", str(output), run.recipe.package]
    for line in run.lines(arguments):
        if line is not None and _IMPORT_PATH.fullmatch(line):
            done += 1
            progress.count(min(done, stale), stale, "compiling")
        progress.beat("linking" if done >= stale else f"compiling, {done} of {stale} packages")


@dataclass(frozen=True)
class _Run:
    """Go commands of one build."""

    recipe: Recipe
    go: str
    environment: Mapping[str, str]
    folder: Path
    clock: Callable[[], float]

    def lines(self, arguments: list[str]) -> Iterator[str | None]:
        """Lines of both outputs as they come, None in silence; AgentError when Go fails."""
        kept: deque[str] = deque(maxlen=_KEPT_LINES)
        with _started([self.go, *arguments], self.environment, self.folder) as process:
            for line in _read(process, self.clock() + BUILD_TIMEOUT, self.clock):
                if line is not None:
                    kept.append(line)
                yield line
            code = process.wait()
        if code != 0:
            raise _explain(self.recipe, list(kept))


@contextlib.contextmanager
def _started(
    command: list[str], environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of its own, ended with its compilers when the reader stops early."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _read(
    process: subprocess.Popen[bytes], deadline: float, clock: Callable[[], float]
) -> Iterator[str | None]:
    assert process.stdout is not None  # noqa: S101
    handle = process.stdout.fileno()
    poller = select.poll()
    poller.register(handle, select.POLLIN | select.POLLHUP)
    pending = b""
    while True:
        if not poller.poll(_HEARTBEAT * 1000):
            if clock() > deadline:
                raise AgentError("Go has been building for an hour without an end")
            yield None
            continue
        chunk = os.read(handle, 65536)
        if not chunk:
            break
        *complete, pending = (pending + chunk).split(b"\n")
        for line in complete:
            yield line.decode(errors="replace").rstrip()
    if pending:
        yield pending.decode(errors="replace").rstrip()


def _explain(recipe: Recipe, lines: list[str]) -> AgentError:
    said = [line for line in lines if line.strip() and not _IMPORT_PATH.fullmatch(line)]
    said = [line for line in said if not line.startswith(("go: downloading", "S ", "- "))]
    text = "\n".join(said)
    reason, hint = next(
        (
            (reason, hint)
            for needles, reason, hint in _REASONS
            if any(needle in text for needle in needles)
        ),
        ("Go failed", "read what Go said; another version of Go may help"),
    )
    last = "".join(f"\n  {line}" for line in said[-8:])
    return AgentError(f"{recipe.name} {recipe.version} was not built: {reason}{last}", hint=hint)


def _memory_kb() -> int:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return _SMALL_MEMORY
    found = re.search(r"^MemTotal:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else _SMALL_MEMORY
