"""One turn of the loop for one job: what its files now say, and what has to be done about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import (
    ApiError,
    ConfigError,
    InterruptedRolloutError,
    RenderError,
    ToolkitError,
)
from toolkit.loop import build, index
from toolkit.loop.environment import scrubbed
from toolkit.loop.index import Index
from toolkit.loop.release import dev_release
from toolkit.loop.settle import MANY, MOST, QUIET
from toolkit.rollout import read
from toolkit.spec.events import Event
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import OperateReport
from toolkit.spec.loop import Built, OnItem, Remark, Told, Turn, TurnWord
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.report import DeployReport
from toolkit.workflows.deploy import DeployOptions, deploy
from toolkit.workflows.restart import restart
from toolkit.workflows.session import Session

# On a laptop a closed edge costs nobody a request, and what serves now may well be what is broken:
# neither a probe nor a comparison with it may keep its mending from being deployed.
OPTIONS = DeployOptions(allow_edge_restart=True, probe=False, analyse=False, command="dev watch")

NOTHING = "nothing changed"

Opened = Callable[[str | None], Session]
"""A session for a release, or for the job file's own; reads toolkit.toml anew."""


@dataclass
class Known:
    """What the loop knows of one job; lives as long as the loop."""

    index: Index = field(default_factory=dict)
    """Its sources at the last look."""
    tried: tuple[str, str] | None = None
    """Sources and rendered job that were tried last, as digests; None: nothing yet."""
    built: str | None = None
    """Digest of the sources that were built last."""
    wrote: set[str] = field(default_factory=set)
    """Sources that changed while they were built."""
    outputs: set[str] = field(default_factory=set)
    """Files in the watched folders that the build makes."""
    runs: str | None = None
    """The release that ran when all was well last."""
    failed: bool = False
    """What was tried last did not do well."""
    wrong: bool = False
    """Its files had a mistake at the last look."""
    gone: bool = False
    """Its sources are not there, and that was said."""


@dataclass
class Turning:
    """What every turn needs; `take` is called for one job at a time."""

    root: Path
    opened: Opened
    environ: Mapping[str, str]
    on_item: OnItem
    registered: Callable[[str, str], None]
    """Called with job and Nomad's id once the job is registered."""
    clock: Callable[[], float]
    pause: Callable[[float], None]
    """Sleeps, in seconds."""
    known: dict[str, Known] = field(default_factory=dict)
    rolling: str | None = None
    """Nomad's id of the job that has been registered and is not over."""
    looked: float = 0.0
    """When files were last looked at."""

    def take(self, job: str, sources: tuple[str, ...], since: float) -> Turn:
        """One turn; whatever is wrong is said by it. KeyboardInterrupt and its kin pass."""
        known = self.known.setdefault(job, Known())
        try:
            with ExitStack() as opened:
                plain = opened.enter_context(closing(self.opened(None)))
                turn = self._turn(job, sources, known, since, plain, opened)
        except InterruptedRolloutError:
            raise
        except KeyboardInterrupt as exc:
            if self.rolling is None:
                raise
            raise InterruptedRolloutError(
                f"interrupted; Nomad goes on with the rollout of {self.rolling} without us",
                hint=f"toolkit attach {self.rolling}",
            ) from exc
        except (ConfigError, RenderError) as exc:
            known.wrong = True
            turn = self._said(job, "mistake", exc.message, since, hint=exc.hint)
        except ToolkitError as exc:
            # Nothing came of it: the next save tries again, whether it changes anything or not.
            known.tried, self.rolling = None, None
            lost = isinstance(exc, ApiError) and exc.code > 1
            turn = self._said(
                job, "unknown" if lost else "refused", exc.message, since, hint=exc.hint
            )
        return turn

    def _turn(
        self,
        job: str,
        sources: tuple[str, ...],
        known: Known,
        since: float,
        plain: Session,
        opened: ExitStack,
    ) -> Turn:
        now = self._look(sources, known)
        changed = index.changed(known.index, now) if known.tried is not None else set()
        if sources and not now:
            # A branch that is being changed, most likely: without a program nothing would run.
            if known.gone:
                return self._said(job, "unchanged", NOTHING, since)
            known.gone = True
            text = f"nothing is in {', '.join(sources)}, so nothing is deployed"
            return self._said(job, "refused", text, since)
        known.gone = False
        digest, known.index = index.digest(now), now
        session, spec = plain, plain.load(job)
        release = dev_release(spec.release, digest) if sources else None
        if release is not None:
            session = opened.enter_context(closing(self.opened(release)))
            if not is_in(release, session.render(job)):
                session, release = plain, None
        rendered = session.render(job)
        tried = (digest, _digest(rendered))
        wrong, known.wrong = known.wrong, False
        if tried == known.tried and wrong and not known.failed:
            return self._said(job, "unchanged", "well again, and as it runs", since)
        if tried == known.tried:
            text = NOTHING + (", and the last one was not well" if known.failed else "")
            return self._said(job, "unchanged", text, since)
        first = known.tried is None
        other = known.tried is not None and known.tried[0] != digest
        live = session.nomad.job(spec.name) if first else None
        here = live is not None and not live.get("Stop")
        if here:
            self.registered(job, spec.name)
            if release is not None and live is not None and read.live_job(live).release == release:
                known.built = digest
        if spec.build.command and known.built != digest:
            ended = self._build(job, spec, release, sources, known)
            if ended.problem:
                known.tried, known.failed = tried, True
                return self._said(job, "build failed", ended.problem, since, len(changed), release)
            known.built = digest
        known.tried, known.failed = tried, True
        report = self._deploy(session, job)
        self.rolling = None
        turn = self._of_deploy(job, report, since, len(changed), release)
        if other and release is None and not _replaced(report):
            # Nothing in the job says which sources it runs, so its instances are started again.
            again = restart(
                session, job, on_event=self._tell(job, spec.name), confirm=lambda _question: True
            )
            turn = self._of_restart(job, again, since, len(changed))
        known.failed = turn.failed
        if not turn.failed:
            known.runs = report.serving or report.release
        return turn

    def _deploy(self, session: Session, job: str) -> DeployReport:
        spec = session.load(job)
        return deploy(
            session,
            job,
            OPTIONS,
            on_event=self._tell(job, spec.name),
            confirm=lambda _question: True,
        )

    def _tell(self, job: str, job_id: str) -> Callable[[Event], None]:
        def tell(event: Event) -> None:
            if event.stage == "submit":
                # Before it is said: whoever reads it may type Ctrl-C at once.
                self.rolling = job_id
                self.registered(job, job_id)
            if event.text:
                self.on_item(Told(job, event))

        return tell

    def _look(self, sources: tuple[str, ...], known: Known) -> Index:
        """The sources as they are; while thousands of them change, only once that pauses."""
        self.looked = began = self.clock()
        now = index.look(self.root, sources, known.index, without=known.outputs)
        while (
            known.tried is not None
            and len(index.changed(known.index, now)) >= MANY
            and self.clock() < began + MOST
        ):
            # The first events of a checkout may come while most of it is still to be written.
            self.pause(QUIET)
            self.looked, before = self.clock(), now
            now = index.look(self.root, sources, before, without=known.outputs)
            if not index.changed(before, now):
                break
        return now

    # Building.

    def _build(
        self, job: str, spec: JobSpec, release: str | None, sources: tuple[str, ...], known: Known
    ) -> build.Ended:
        more = {"JOB": spec.name, "RELEASE": release or spec.release or ""}
        ended = build.run(
            spec.build.command,
            self.root / spec.build.directory,
            scrubbed(self.environ, **more),
            lambda line: self.on_item(Built(job, line)),
            timeout=spec.build.timeout,
        )
        self.looked = self.clock()
        after = index.look(self.root, sources, known.index, without=known.outputs)
        wrote = index.changed(known.index, after)
        # What is new was made by the build. What was there may have been edited meanwhile, unless
        # it changes in every build.
        made = {path for path in wrote if path not in known.index or path in known.wrote}
        known.wrote = wrote - made
        if made:
            known.outputs |= made
            some = ", ".join(sorted(made)[:3]) + (" …" if len(made) > 3 else "")
            text = f"the build of {job} writes into its watched sources; not watched from now on: "
            self.on_item(Remark(text + some))
        return ended

    # What is said.

    def _said(
        self,
        job: str,
        word: TurnWord,
        sentence: str,
        since: float,
        files: int = 0,
        release: str | None = None,
        hint: str | None = None,
        causes: tuple[str, ...] = (),
    ) -> Turn:
        seconds = max(self.clock() - since, 0.0)
        turn = Turn(word, job, sentence, seconds, files, release, hint, causes)
        runs = self.known[job].runs
        if turn.failed and runs is not None and word in {"mistake", "build failed", "refused"}:
            sentence = f"{sentence}\n{job} {runs} goes on"
            turn = Turn(word, job, sentence, seconds, files, release, hint, causes)
        return turn

    def _of_deploy(
        self, job: str, report: DeployReport, since: float, files: int, release: str | None
    ) -> Turn:
        causes = tuple("\n".join((cause.summary, *cause.evidence)) for cause in report.causes)
        return self._said(
            job, report.verdict, report.sentence, since, files, release, report.next, causes
        )

    def _of_restart(self, job: str, report: OperateReport, since: float, files: int) -> Turn:
        word: TurnWord = "restarted" if report.verdict == "restarted" else "failed"
        return self._said(job, word, report.sentence, since, files, hint=report.next)


def is_in(release: str, rendered: RenderedJob) -> bool:
    """True when the release is in the job, so that another release replaces its instances."""
    return release in rendered.hcl or release in rendered.variables


def _digest(rendered: RenderedJob) -> str:
    return hashlib.sha256(f"{rendered.hcl}\0{rendered.variables}".encode()).hexdigest()


def _replaced(report: DeployReport) -> bool:
    """True when the deploy replaced instances, which then run the newest sources."""
    if report.plan is None or not report.plan.changed:
        return False
    return any(
        group.place + group.canary + group.replace + group.migrate for group in report.plan.groups
    )
