"""What a command is handed: the shared flags it was given, where to talk, how to ask."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from toolkit.cli.output import Output
from toolkit.cli.typed import names_file, retype_error, retype_report
from toolkit.cli.world import World
from toolkit.errors import ExitCode, RefusedError, ToolkitError

if TYPE_CHECKING:
    from toolkit.config.settings import Settings
    from toolkit.spec.events import Event
    from toolkit.workflows.session import Session

FLAGS = (
    "environment", "namespace", "region", "nomad_address", "consul_address", "variables",
    "var_files", "release",
)  # fmt: skip
"""Shared parameters that become `toolkit.config.settings.Flags`."""


class Coded(Protocol):
    """A report: whatever a workflow returned, as long as it knows its exit code."""

    @property
    def code(self) -> ExitCode:
        """The exit code that the report stands for."""


Report = TypeVar("Report", bound=Coded, contravariant=True)


class View(Protocol[Report]):
    """A module of `toolkit.views`."""

    def lines(self, report: Report, /) -> list[str]:
        """For people."""

    def document(self, report: Report, /) -> dict[str, Any]:
        """For programs."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one command."""

    world: World
    output: Output
    flags: Mapping[str, Any] = field(default_factory=dict)
    yes: bool = False
    path: str | None = None
    """Of the job file, when the job was named by it."""

    @classmethod
    def of(cls, world: World, shared: Mapping[str, Any], job: object = None) -> Call:
        """The call that the shared options describe; options a command lacks have defaults."""
        output = Output(
            world,
            quiet=bool(shared.get("quiet")),
            as_json=bool(shared.get("json_output")),
        )
        given = {name: shared[name] for name in FLAGS if shared.get(name) is not None}
        path = job if isinstance(job, str) and names_file(job) else None
        return cls(world, output, given, yes=bool(shared.get("yes")), path=path)

    def settings(self, *, need_project: bool = True, **more: Any) -> Settings:
        """Flags, environment and files resolved; ConfigError names every mistake."""
        from toolkit.config.settings import Flags, load_settings

        flags: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in {**self.flags, **more}.items()
            if value is not None
        }
        return load_settings(
            Flags(**flags), self.world.environ, self.world.cwd, need_project=need_project
        )

    def session(self, job: str | None = None, **more: Any) -> Session:
        """An open session for `job`; the path of a job file needs no project."""
        from toolkit.workflows.session import open_session

        return open_session(self.settings(need_project=not names_file(job), **more))

    def on_event(self, event: Event) -> None:
        """Print a transition."""
        self.output.event(event)

    def confirm(self, question: str) -> bool:
        """Ask; `--yes` answers; NeedsAnswerError without a terminal."""
        return self.output.confirm(question, yes=self.yes)

    def show(self, view: View[Report], report: Report) -> ExitCode:
        """Print a report as text or JSON; its exit code."""
        report = self.retyped(report)
        if self.output.as_json:
            self.output.document(view.document(report))
        else:
            self.output.show(view.lines(report))
        return report.code

    def retyped(self, report: Any) -> Any:
        """The report with the commands that it names as they must be typed after this call."""
        if self.path is None and not self.flags:
            return report
        return retype_report(report, self.path, self.flags)

    def retype(self, error: ToolkitError) -> None:
        """Make the hint of an error one that can be typed by whoever made this call."""

        def job_id() -> str:
            from toolkit.workflows.session import load_spec

            return load_spec(self.settings(need_project=False), self.path or "").name

        retype_error(error, self.path, job_id, self.flags)


def write_file(path: Path, text: str) -> None:
    """Write a file that the user asked for, whole or not at all.

    RefusedError says what is in the way.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not path.is_file():
            # A pipe or a device: there is nothing to keep.
            path.write_text(text, encoding="utf-8")
            return
        target = path.resolve()  # a link stays a link
        beside = target.with_name(f".{target.name}.part")
        beside.write_text(text, encoding="utf-8")
        if target.exists():
            beside.chmod(target.stat().st_mode & 0o7777)
        beside.replace(target)
    except OSError as exc:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise RefusedError(
            f"{path} cannot be written: {exc.strerror or exc}", hint="name another file"
        ) from exc


def usage_error(message: str, hint: str) -> ToolkitError:
    """The command line is wrong in a way that Typer cannot know."""
    return ToolkitError(message, hint=hint, code=ExitCode.USAGE)
